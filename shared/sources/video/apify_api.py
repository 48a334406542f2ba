"""Runs of Apify actors, through Apify's client over guarded HTTP: each wait reports progress and can be cancelled."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from apify_client import ApifyClient
from apify_client.errors import ApifyApiError, InvalidResponseBodyError
from apify_client.http_clients import HttpClient
from pydantic import ValidationError

from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.progress import Tick
from shared.security.guarded_http import RequestLimits, open_response
from shared.security.url_guard import check_url
from shared.settings import Settings
from shared.sources.spending import UNLIMITED, SpendingAccount
from shared.sources.video.source import InconclusiveError

SLICE_SEC = 5  # wait for a run per request
CALL_SEC = 20.0
RETRIES = 2
RETRY_SEC = 0.5
MAX_RESPONSE_BYTES = 20_000_000
# Not retried: another run would cost as much, and its response would be as unreadable.
_UNREADABLE = InconclusiveError(
    "source_unreadable", "The response from Apify cannot be read. Upload the file, or choose another actor."
)
_BUSY = ("actor-memory-limit-exceeded", "concurrent-runs-limit-exceeded")


def run_actor(
    actor: str,
    run_input: dict[str, Any],
    settings: Settings,
    tick: Tick,
    max_items: int = 1,
    account: SpendingAccount = UNLIMITED,
) -> list[dict[str, Any]]:
    """Run an actor and return its first `max_items` items. If the wait ends early, the run is aborted.

    Args:
        account: Asked before the run, and charged with what it cost, whatever its outcome.

    Raises:
        PermanentError: `source_key_invalid`, `source_setup`; `source_unreadable`, after which no other run is paid for;
            as `account.allow`.
        TransientError: `source_quota`, `source_busy`, `source_failed`, `source_unavailable`, `source_slow`.
    """
    account.allow()
    timeout_sec = settings.download_timeout_sec
    deadline = time.monotonic() + timeout_sec
    with (
        _open_client(settings, lambda: tick(_run_fraction(deadline, timeout_sec), "Waiting for Apify")) as client,
        _translate_errors(),
    ):
        run = client.actor(actor).start(
            run_input=run_input,
            max_items=max_items,
            max_total_charge_usd=Decimal(str(settings.apify_max_charge_usd)),
            run_timeout=timedelta(seconds=max(1, int(timeout_sec))),
        )
        try:
            while run.status in ("READY", "RUNNING", "TIMING-OUT", "ABORTING"):
                tick(_run_fraction(deadline, timeout_sec), "Waiting for Apify")
                remaining_sec = deadline - time.monotonic()
                if remaining_sec <= 0:
                    raise TransientError(
                        "source_slow", "Apify did not finish in time. Try again later, or upload the file."
                    )
                updated_run = client.run(run.id).wait_for_finish(
                    wait_duration=timedelta(seconds=min(SLICE_SEC, remaining_sec))
                )
                if updated_run is None:
                    raise _UNREADABLE
                run = updated_run
        except BaseException:
            _abort_run(settings, run.id)
            raise
        finally:
            account.book(run.usage_total_usd or 0)
        _check_run_status(run.status)
        return _dataset_items(client, run.default_dataset_id, max_items)


def _dataset_items(client: ApifyClient, dataset: str, max_items: int) -> list[dict[str, Any]]:
    try:
        items = client.dataset(dataset).list_items(limit=max_items).items
    except (KeyError, ValueError) as error:  # invalid headers or body
        raise _UNREADABLE from error
    return [item for item in items if isinstance(item, dict)]


def _run_fraction(deadline: float, timeout_sec: float) -> float:
    return min(1.0, max(0.0, 1 - (deadline - time.monotonic()) / timeout_sec))


def _abort_run(settings: Settings, run_id: str) -> None:
    """Abort a run, best effort: a run costs money until its own timeout."""
    with suppress(ClipwiseError), _open_client(settings, lambda: None, retries=0) as client, _translate_errors():
        client.run(run_id).abort()


def _check_run_status(status: str) -> None:
    if status == "SUCCEEDED":
        return
    reason = {
        "FAILED": "could not read the post",
        "TIMED-OUT": "did not read the post in time",
        "ABORTED": "aborted the run that read the post",
    }.get(status, "ended the run with an unknown status")
    raise TransientError("source_failed", f"Apify {reason}. Try again later, or upload the file.")


@contextmanager
def _open_client(settings: Settings, pulse: Callable[[], None], retries: int = RETRIES) -> Iterator[ApifyClient]:
    call_timeout = timedelta(seconds=CALL_SEC)
    transport = GuardedHttpClient(
        settings,
        pulse,
        token=settings.apify_token,
        max_retries=retries,
        min_delay_between_retries=timedelta(seconds=RETRY_SEC),
        timeout_short=call_timeout,
        timeout_medium=call_timeout,
        timeout_long=call_timeout,
        timeout_max=call_timeout,
    )
    api_url = settings.apify_base_url or "https://api.apify.com"
    with transport:
        yield ApifyClient.with_custom_http_client(
            token=settings.apify_token, api_url=api_url, api_public_url=api_url, http_client=transport
        )


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Translate the client's errors without their messages, which may quote a request."""
    try:
        yield
    except ApifyApiError as error:
        raise _error_of_status(error) from error
    except (InvalidResponseBodyError, ValidationError) as error:
        raise _UNREADABLE from error


def _error_of_status(error: ApifyApiError) -> ClipwiseError:
    match error.status_code:
        case 401:
            return PermanentError("source_key_invalid", "Apify rejected the token. Set APIFY_TOKEN to a valid token.")
        case 402 | 403 if error.type in _BUSY:
            return TransientError(
                "source_busy", "The Apify account is at its limit of concurrent runs. Try again later."
            )
        case 402 | 403:
            return TransientError(
                "source_quota",
                "The Apify account has no quota left, or its plan lacks the actor. Check its plan and limits.",
            )
        case 400 | 404:
            return PermanentError(
                "source_setup",
                "Apify does not have the configured actor, or the actor rejected its input. Check APIFY_…_ACTOR.",
            )
        case 429:
            return TransientError("source_busy", "Apify accepts no more requests at present. Try again later.")
    return TransientError(
        "source_unavailable", f"Apify is temporarily unavailable (status {error.status_code}). Try again later."
    )


@dataclass(frozen=True)
class _ApifyResponse:
    """A complete response in the form that the client expects."""

    status_code: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", errors="replace")

    def json(self) -> Any:
        return json.loads(self.content)

    def read(self) -> bytes:
        return self.content

    async def aread(self) -> bytes:
        return self.content

    def close(self) -> None:
        """Do nothing: the response is already read."""

    async def aclose(self) -> None:
        """Do nothing: the response is already read."""

    def iter_bytes(self) -> Iterator[bytes]:
        yield self.content

    async def aiter_bytes(self) -> Any:
        yield self.content


class GuardedHttpClient(HttpClient):
    """HTTP transport of Apify's client. Follows no redirects, so that the token never leaves Apify's server."""

    def __init__(self, settings: Settings, pulse: Callable[[], None], **options: Any) -> None:
        super().__init__(**options)
        self._settings = settings
        self._pulse = pulse
        self._repeatable = False

    def is_retryable_transport_error(self, exc: Exception) -> bool:
        return self._repeatable and isinstance(exc, TransientError)

    def send_request(
        self,
        *,
        method: str,
        url: str,
        headers: dict[str, str],
        content: bytes | Iterator[bytes] | None,
        timeout: float | None,
        stream: bool,
    ) -> _ApifyResponse:
        self._repeatable = method == "GET"  # a repeated start could pay for two runs
        body = content if content is None or isinstance(content, bytes) else b"".join(content)
        limits = RequestLimits(time.monotonic() + (timeout or CALL_SEC), self._pulse)
        headers = {name: value for name, value in headers.items() if name.lower() != "accept-encoding"}
        with open_response(method, check_url(url, self._settings), self._settings, limits, headers, body) as response:
            received = bytearray()
            for chunk in response.body:
                received += chunk
                if len(received) > MAX_RESPONSE_BYTES:
                    raise _UNREADABLE
            return _ApifyResponse(response.status, dict(response.headers), bytes(received))
