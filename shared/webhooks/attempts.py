"""One attempt at a delivery: claimed, sent through the URL guard, its outcome recorded."""

from __future__ import annotations

import json
import logging
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared import clock
from shared.error_codes.videos import SourceCode
from shared.errors import ClipwiseError, NotFound
from shared.models.webhook import TEST, Attempt, DeliveryStatus, Webhook, WebhookDelivery
from shared.platform.ports import Documents, Place
from shared.security.url_guard import Resolver, system_resolver
from shared.settings import settings
from shared.webhooks.deliveries import (
    DELIVERIES,
    MOST_TRIES,
    PAUSE_AFTER,
    change_delivery,
    change_webhook,
    claim_delivery,
    end_delivery,
    pause_webhook,
    read_webhook,
    skip_delivery,
)
from shared.webhooks.security import check_target_url, signature_headers, valid_secrets

log = logging.getLogger(__name__)
TIMEOUT_SEC = 15.0
# Between two tries, in seconds: three days in all, as Standard Webhooks recommends.
DELAYS = (60, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
LONGEST_WAIT_SEC = 86_400
HTTP_GONE = 410
SENTENCES: dict[str, str] = {
    SourceCode.SOURCE_SLOW: f"The server did not respond within {TIMEOUT_SEC:g} seconds.",
    SourceCode.SOURCE_UNAVAILABLE: "The server could not be reached, or closed the connection without a response.",
    SourceCode.SOURCE_UNTRUSTED: "The TLS certificate of the server is not valid for its host name.",
}


@dataclass(frozen=True)
class DeliveryOutcome:
    """The outcome of an attempt. `wait_sec` is the pause that the receiver requests."""

    code: int | None
    error: str | None
    duration_ms: int
    wait_sec: float = 0


def attempt_delivery(place: Place, delivery_id: str, resolve: Resolver = system_resolver) -> None:
    """Attempt a delivery that is due; `sweep` triggers its next attempt."""
    documents = place.documents
    delivery = claim_delivery(documents, delivery_id)
    if delivery is None:
        log.info("nothing to send")
        return
    webhook = read_webhook(documents, delivery.webhook_id)
    if webhook is None:
        documents.delete(DELIVERIES, delivery.id)
    elif delivery.data is None or (webhook.paused_reason and delivery.event != TEST):
        _skip_claimed(documents, delivery)
    else:
        outcome = post_delivery(webhook, delivery, resolve)
        log.info("delivery %s: %s", delivery.id, outcome.error or outcome.code)
        with suppress(NotFound):
            _update_webhook(documents, webhook, record_outcome(documents, delivery, outcome), outcome)


def post_delivery(webhook: Webhook, delivery: WebhookDelivery, resolve: Resolver) -> DeliveryOutcome:
    """Send a delivery. Redirects are not followed, and the body of the response is not read."""
    from shared.security.guarded_http import RequestLimits, open_response

    body = delivery_body(delivery)
    began = time.monotonic()
    headers = {"Content-Type": "application/json", "User-Agent": "Clipwise-Webhooks"}
    now = clock.now()
    headers |= signature_headers(valid_secrets(webhook, now), delivery.id, now, body)
    code, error, wait = None, None, 0.0
    try:
        target = check_target_url(webhook.url, settings())
        limits = RequestLimits(began + TIMEOUT_SEC, lambda: None)
        with open_response("POST", target, settings(), limits, headers, body, resolve) as response:
            code = response.status
            wait = min(clock.parse_retry_after(response.headers.get("retry-after", "")) or 0, LONGEST_WAIT_SEC)
    except ClipwiseError as failure:
        error = SENTENCES.get(failure.code, failure.message)
    if code is not None:
        error = response_error(code)
    return DeliveryOutcome(code, error, int((time.monotonic() - began) * 1000), wait)


def delivery_body(delivery: WebhookDelivery) -> bytes:
    """Return the same bytes in every attempt, independent of the order of fields in the document."""
    occurred = delivery.occurred_at.isoformat().replace("+00:00", "Z")
    body = {"type": delivery.event, "timestamp": occurred, "data": delivery.data}
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def response_error(code: int) -> str | None:
    """Return the error of a response; None for a success."""
    if 200 <= code < 300:
        return None
    if 300 <= code < 400:
        return f"The response was {code}. Redirects are not followed; use the address that it leads to."
    return f"The response was {code}."


def record_outcome(documents: Documents, claimed: WebhookDelivery, outcome: DeliveryOutcome) -> WebhookDelivery:
    """Record the outcome and the time of the next try; raises NotFound."""

    def record(delivery: WebhookDelivery) -> bool:
        if delivery.status is not DeliveryStatus.SENDING or delivery.tries != claimed.tries:
            return False
        delivery.attempts[-1] = Attempt(
            at=delivery.attempts[-1].at,
            response_code=outcome.code,
            duration_ms=outcome.duration_ms,
            error=outcome.error,
        )
        if outcome.error is None:
            end_delivery(delivery, DeliveryStatus.DELIVERED)
        elif outcome.code == HTTP_GONE or delivery.event == TEST or delivery.tries >= MOST_TRIES:
            end_delivery(delivery, DeliveryStatus.FAILED)
        else:
            delivery.status = DeliveryStatus.PENDING
            delivery.due_at = delivery.wake_at = clock.now() + retry_delay(delivery.tries, outcome.wait_sec)
        return True

    return change_delivery(documents, claimed.id, record)


def retry_delay(tries: int, requested_sec: float) -> timedelta:
    """Return the pause after `tries`: longer each time, at least `requested_sec`, with jitter."""
    planned_sec = DELAYS[min(tries, len(DELAYS)) - 1] * random.uniform(1, 1.1)  # noqa: S311  # spreads load, hides nothing
    return timedelta(seconds=max(planned_sec, requested_sec))


def _skip_claimed(documents: Documents, delivery: WebhookDelivery) -> None:
    """Skip a claimed delivery."""

    def record(current: WebhookDelivery) -> bool:
        current.attempts.pop()
        skip_delivery(current)
        return True

    with suppress(NotFound):
        change_delivery(documents, delivery.id, record)


def _update_webhook(
    documents: Documents, webhook: Webhook, delivery: WebhookDelivery, outcome: DeliveryOutcome
) -> None:
    """Count consecutive failed deliveries, and pause the webhook at PAUSE_AFTER."""
    if delivery.event == TEST:
        return

    def reset_failures(current: Webhook) -> bool:
        current.failures = 0
        return True

    def count_failure(current: Webhook) -> bool:
        current.failures += 1
        if outcome.code == HTTP_GONE:
            pause_webhook(current, "The endpoint returned 410 Gone.")
        elif current.failures >= PAUSE_AFTER:
            pause_webhook(current, f"{current.failures} consecutive deliveries failed. Last error: {outcome.error}")
        return True

    if delivery.status is DeliveryStatus.DELIVERED and webhook.failures:
        change_webhook(documents, webhook.id, reset_failures)
    elif delivery.status is DeliveryStatus.FAILED:
        change_webhook(documents, webhook.id, count_failure)
