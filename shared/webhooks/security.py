"""Secrets and signatures of webhooks by Standard Webhooks 1.0.0 (symmetric, `v1`), and checks of their targets."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.errors import PermanentError
from shared.models.webhook import Webhook
from shared.security.url_guard import Resolver, check_url, is_allowed_host, public_addresses, system_resolver
from shared.security.urls import WebUrl
from shared.settings import Settings, settings

PREFIX = "whsec_"
ROTATION = timedelta(hours=24)
"""How long a replaced secret signs beside the new one."""
MAX_PREVIOUS = 3


def new_salt() -> str:
    return secrets.token_hex(16)


def webhook_secret(webhook: Webhook, salt: str | None = None) -> bytes:
    """Return 32 bytes derived from the server's key and the webhook (HMAC-SHA256), which no document contains.

    Raises PermanentError `not_configured`.
    """
    return hmac.digest(server_key(), f"webhook {webhook.id} {salt or webhook.salt}".encode(), "sha256")


def valid_secrets(webhook: Webhook, at: datetime) -> list[bytes]:
    """Return the webhook's secret, and those it replaced less than `ROTATION` ago."""
    previous = [salt for salt, until in webhook.previous_salts.items() if until > at]
    return [webhook_secret(webhook, salt) for salt in (webhook.salt, *previous)]


def rotate_salt(webhook: Webhook, at: datetime) -> None:
    """Give the webhook another secret. The ones that are valid sign for `ROTATION` too, so that none is missed."""
    valid = {salt: until for salt, until in webhook.previous_salts.items() if until > at}
    newest = sorted({**valid, webhook.salt: at + ROTATION}.items(), key=lambda item: item[1])
    webhook.previous_salts = dict(newest[-MAX_PREVIOUS:])
    webhook.salt = new_salt()


def format_secret(secret: bytes) -> str:
    """Return the secret in the form that users see and verification libraries accept."""
    return PREFIX + base64.b64encode(secret).decode()


def signature_headers(secrets: Sequence[bytes], id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers for a body: its id, the time, and a signature of id, time and body with each secret."""
    timestamp = str(int(at.timestamp()))
    signed = f"{id}.{timestamp}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in secrets]
    return {
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
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
