"""Secrets and signatures of webhooks by Standard Webhooks 1.0.0 (symmetric, `v1`), and checks of their targets."""

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
    """Return 32 bytes derived from the server's key and the webhook (HMAC-SHA256), which no document contains.

    Raises PermanentError `not_configured`.
    """
    return hmac.digest(server_key(), f"webhook {webhook.id} {webhook.salt}".encode(), "sha256")


def format_secret(secret: bytes) -> str:
    """Return the secret in the form that users see and verification libraries accept."""
    return PREFIX + base64.b64encode(secret).decode()


def signature_headers(secret: bytes, id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers for a body: its id, the time, and the signature of id, time and body."""
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
    """Parse a target and check it without the network.

    Raises PermanentError `url_invalid`, `url_not_allowed`.
    """
    target = check_url(url, settings)
    if target.scheme != "https" and not is_allowed_host(target.host, target.port, settings):
        raise PermanentError(
            "url_not_allowed", "The address of a webhook must begin with https://. Use such an address."
        )
    return target


def check_target_host(target: WebUrl, settings: Settings, resolve: Resolver = system_resolver) -> None:
    """Reject a host in a private network; every delivery checks the host again.

    Raises PermanentError `url_not_allowed`, `url_unresolvable`, and TransientError `url_unresolvable`.
    """
    public_addresses(target.host, target.port, settings, resolve)
