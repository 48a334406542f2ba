"""Secrets and signatures of webhooks, as Standard Webhooks 1.0.0 has them (symmetric, `v1`)."""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime

from shared.errors import PermanentError
from shared.models.webhook import Webhook
from shared.security.url_guard import Resolver, check_url, is_allowed_host, public_addresses, system_resolver
from shared.security.urls import WebUrl
from shared.settings import Settings, settings

PREFIX = "whsec_"


def new_salt() -> str:
    return secrets.token_hex(16)


def webhook_secret(webhook: Webhook) -> bytes:
    """32 bytes that follow from the server's key and the webhook (HMAC-SHA256), so that no copy of the documents has
    them. Raises PermanentError `not_configured`.
    """
    return hmac.digest(server_key(), f"webhook {webhook.id} {webhook.salt}".encode(), "sha256")


def format_secret(secret: bytes) -> str:
    """As users are shown it, and as libraries for verifying take it."""
    return PREFIX + base64.b64encode(secret).decode()


def signature_headers(secret: bytes, id: str, at: datetime, body: bytes) -> dict[str, str]:
    """What goes with a body that is sent at a time: its id, the time, and the signature over all three."""
    timestamp = str(int(at.timestamp()))
    signature = hmac.digest(secret, f"{id}.{timestamp}.".encode() + body, "sha256")
    return {
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def server_key() -> bytes:
    config = settings()
    if config.clipwise_place == "embedded":
        from shared.platform.embedded.signing import signing_key

        return signing_key(config)
    if not config.signing_key:
        raise PermanentError(
            "not_configured", "This server has no SIGNING_KEY, so it cannot send webhooks. Set SIGNING_KEY."
        )
    return config.signing_key.encode()


def check_target_url(url: str, settings: Settings) -> WebUrl:
    """Refuse what can be refused without asking the network.

    Raises PermanentError `url_invalid`, `url_not_allowed`.
    """
    target = check_url(url, settings)
    if target.scheme != "https" and not is_allowed_host(target.host, target.port, settings):
        raise PermanentError(
            "url_not_allowed", "The address of a webhook must begin with https://. Use such an address."
        )
    return target


def check_target_host(target: WebUrl, settings: Settings, resolve: Resolver = system_resolver) -> None:
    """Refuse a host that leads into a private network; what it leads to later is judged with every delivery.

    Raises PermanentError `url_not_allowed`, `url_unresolvable`, and TransientError `url_unresolvable`.
    """
    public_addresses(target.host, target.port, settings, resolve)
