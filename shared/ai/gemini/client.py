"""The client for Gemini's API, by key or through Vertex AI: prices, retries and errors.

The SDK's own retries ignore `Retry-After`, so they are off and `with_retries` replaces them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from json import JSONDecodeError
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from shared.ai.usage import Price, PriceList
from shared.clock import parse_retry_after
from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.progress import Tick
from shared.settings import Settings

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.errors import APIError

T = TypeVar("T")
JUNE, OCTOBER, NOVEMBER = date(2026, 6, 4), date(2026, 10, 7), date(2026, 11, 20)
PRICES = PriceList(
    "gemini",
    {
        "gemini-3.8-flash": Price(OCTOBER, 1.50, 7.50),
        "gemini-3.5-flash": Price(OCTOBER, 1.50, 9.00),
        "gemini-3.5-flash-lite": Price(OCTOBER, 0.30, 2.50),
        "gemini-3.1-flash-lite": Price(JUNE, 0.25, 1.50, audio_in=0.50),
        "gemini-embedding-001": Price(NOVEMBER, 0.15),
        "gemini-embedding-2": Price(OCTOBER, 0.20),
    },
)
TRIES = 3
FIRST_PAUSE_SEC = 1.0
"""Before the second try, if the service does not name a time; it doubles with each try."""
LONGEST_PAUSE_SEC = 30.0
"""If the service asks for a longer pause, the stage fails and is retried after its own backoff."""
TRANSIENT_STATUSES = frozenset((408, 429, 500, 502, 503, 504))
KEY_STATUSES = frozenset((401, 403))


def create_client(settings: Settings) -> Client:
    """Return a client; raises PermanentError `provider_key_invalid` for Vertex AI without an identity or a project."""
    from google.auth.exceptions import GoogleAuthError
    from google.genai import Client
    from google.genai.types import HttpOptions

    options = HttpOptions(
        base_url=settings.google_gemini_base_url or None,
        api_version=settings.google_genai_api_version or None,
        timeout=int(settings.ai_timeout_sec * 1000),
    )
    if settings.google_genai_use_vertexai:
        try:
            return Client(
                vertexai=True,
                project=settings.google_cloud_project or None,
                location=settings.google_cloud_location,
                http_options=options,
            )
        except (GoogleAuthError, ValueError) as error:
            raise invalid_key_error() from error
    return Client(vertexai=False, api_key=settings.gemini_api_key, http_options=options)


def with_retries(call: Callable[[], T], tick: Tick) -> T:
    """Return what `call` returns, in at most TRIES tries.

    Raises:
        PermanentError: `provider_key_invalid`, `provider_request_invalid`.
        TransientError: `provider_busy`, `provider_unavailable`.
    """
    for number in range(TRIES):
        try:
            return call()
        except sdk_errors() as error:
            problem = to_clipwise_error(error)
            pause = retry_delay(error, FIRST_PAUSE_SEC * 2**number)
            if not problem.retryable or number + 1 == TRIES or pause > LONGEST_PAUSE_SEC:
                raise problem from error
        wait(pause, tick)
    raise AssertionError("every try returns or raises")


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate errors of the SDK to those of `with_retries`, without another try."""
    try:
        yield
    except sdk_errors() as error:
        raise to_clipwise_error(error) from error


def sdk_errors() -> tuple[type[Exception], ...]:
    """Return the types of all errors that the SDK raises when a call fails."""
    import httpx2
    from google.auth.exceptions import GoogleAuthError
    from google.genai.errors import APIError, UnknownApiResponseError

    return (
        APIError,
        GoogleAuthError,
        httpx2.HTTPError,
        OSError,
        UnknownApiResponseError,
        JSONDecodeError,
        ValidationError,
    )


def to_clipwise_error(error: Exception) -> ClipwiseError:
    from google.auth.exceptions import GoogleAuthError
    from google.genai.errors import APIError

    if isinstance(error, APIError):
        return from_api_error(error)
    if isinstance(error, GoogleAuthError) and not error.retryable:
        return invalid_key_error()
    return unavailable_error()


def wait(seconds: float, tick: Tick) -> None:
    """Sleep; `tick` raises soon after the job is cancelled."""
    end = time.monotonic() + seconds
    while (remaining := end - time.monotonic()) > 0:
        tick(0, "Waiting for Gemini")
        time.sleep(min(remaining, 1))


def retry_delay(error: Exception, default_sec: float) -> float:
    """Return the seconds in `Retry-After`, else in the `RetryInfo` of the error, else the default."""
    from google.genai.errors import APIError

    if not isinstance(error, APIError):
        return default_sec
    delay = getattr(error.response, "headers", {}).get("retry-after", "")
    if not delay:
        details = error.details.get("error", {}).get("details", []) if isinstance(error.details, dict) else []
        delays = [detail["retryDelay"] for detail in details if isinstance(detail, dict) and "retryDelay" in detail]
        delay = str(delays[0]).removesuffix("s") if delays else ""
    seconds = parse_retry_after(delay)
    return default_sec if seconds is None else seconds


def from_api_error(error: APIError) -> ClipwiseError:
    if error.code == 429 or is_quota_error(error):
        return TransientError("provider_busy", "Gemini accepts no more requests at present. Try again later.")
    if error.code in KEY_STATUSES or "API_KEY_INVALID" in str(error.details):
        return invalid_key_error()
    if error.code in TRANSIENT_STATUSES:
        return unavailable_error()
    return PermanentError(
        "provider_request_invalid",
        f"Gemini rejected the request (status {error.code}). Check GEMINI_MODEL and GEMINI_EMBED_MODEL.",
    )


def is_quota_error(error: APIError) -> bool:
    """Return whether a quota is exhausted, such as that of stored files, which the service reports by any status."""
    return (
        error.status == "RESOURCE_EXHAUSTED" or re.search(r"quota|storage_bytes", str(error.message), re.I) is not None
    )


def invalid_key_error() -> PermanentError:
    return PermanentError(
        "provider_key_invalid",
        "Gemini rejected the API key or identity. Check GEMINI_API_KEY or the Vertex AI permissions.",
    )


def unavailable_error() -> TransientError:
    return TransientError("provider_unavailable", "Gemini does not respond. Try again later.")
