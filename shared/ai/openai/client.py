"""The client for an endpoint: it follows no redirects, and takes an error for one whatever its status."""

from __future__ import annotations

import re
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from shared.ai.openai.endpoint import Endpoint
from shared.ai.service_models import price_list, price_overrides
from shared.ai.usage import PriceList
from shared.settings import Settings

if TYPE_CHECKING:
    import httpx2
    from openai import OpenAI

VENDOR = "openai"
VENDOR_RETRIES = 2
"""Retries by the SDK after timeouts, 429 and 5xx. It honors `Retry-After` up to two minutes."""
SERVER_RETRIES = 0
"""A compatible server often has one slow model: a request that timed out still keeps it busy."""
NO_KEY = "none"
"""Sent to a compatible server that needs no key."""
UNKNOWN_ROUTE = re.compile(r"unexpected endpoint", re.IGNORECASE)
"""LM Studio's answer to any other path, with status 200."""


def create_client(endpoint: Endpoint, settings: Settings) -> OpenAI:
    # Where httpx is installed, the SDK looks for its classes as soon as any thread has begun to import it.
    with suppress(ImportError):
        import_module("httpx")
    from openai import DefaultHttpxClient, Omit, OpenAI

    # Both would come from the environment, and belong to an account of OpenAI.
    account_headers: dict[str, Any] = {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}
    return OpenAI(
        api_key=endpoint.api_key or NO_KEY,
        base_url=endpoint.base_url,
        timeout=settings.ai_timeout_sec,
        max_retries=VENDOR_RETRIES if endpoint.is_vendor else SERVER_RETRIES,
        default_headers=None if endpoint.is_vendor else account_headers,
        # A redirect would take the request, and perhaps its key, to an address that nobody configured.
        http_client=DefaultHttpxClient(follow_redirects=False, event_hooks={"response": [correct_status]}),
    )


def correct_status(response: httpx2.Response) -> None:
    """Give a response with status 200 whose body is only an error the status that it should have."""
    if response.status_code != 200 or "json" not in response.headers.get("content-type", ""):
        return
    response.read()
    try:
        body = response.json()
    except ValueError:
        return
    if isinstance(body, dict) and body.get("error") and not body.keys() & {"choices", "data", "text"}:
        response.status_code = 404 if UNKNOWN_ROUTE.search(str(body["error"])) else 400


def prices_for(endpoint: Endpoint, settings: Settings) -> PriceList:
    """Return OpenAI's prices; at a compatible server every model is free unless the settings have its price."""
    overrides = price_overrides(settings.prices)
    if endpoint.is_vendor:
        return price_list(VENDOR, overrides)
    return PriceList(VENDOR, overrides, unlisted_are_free=True)
