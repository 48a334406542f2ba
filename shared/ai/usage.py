"""Usage of AI: the cost of each call, the total of a job, and the monthly budget of a user."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared import clock
from shared.errors import PermanentError
from shared.models.job import Usage
from shared.platform.documents import KnownDocument, compare_and_set
from shared.platform.ports import Documents
from shared.sources.spending import SpendingAccount
from shared.telemetry.metrics import record_cost

SPENDING = "spending"
"""Collection of the costs per owner and month."""
SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")
DECIMALS = 9
"""Of a cost in US dollars: embedding a question costs less than a millionth."""


@dataclass(frozen=True)
class Price:
    """List price of a model in US dollars.

    Attributes:
        tokens_in, tokens_out: Per million tokens, thinking included.
        audio_in: Per million audio tokens, where they have a price of their own.
        minute: Per minute of audio.
    """

    tokens_in: float = 0
    tokens_out: float = 0
    audio_in: float | None = None
    minute: float = 0


FREE = Price()


@dataclass(frozen=True)
class PriceList:
    """The prices of a provider, by model.

    Attributes:
        unlisted_are_free: Whether a model without a price costs nothing, as on the operator's own server.
    """

    provider: str
    models: Mapping[str, Price]
    unlisted_are_free: bool = False

    def price_of(self, model: str) -> Price | None:
        """Return the price of a model; None if it is unknown. A dated snapshot costs as much as its model."""
        price = self.models.get(model) or self.models.get(SNAPSHOT.sub("", model))
        return FREE if price is None and self.unlisted_are_free else price

    def dearest(self) -> Price:
        """Return a price that none of the provider's models exceeds; raises ValueError without any model."""
        prices = self.models.values()
        return Price(
            max(price.tokens_in for price in prices),
            max(price.tokens_out for price in prices),
            max(price.audio_in or price.tokens_in for price in prices),
            max(price.minute for price in prices),
        )

    def cost_usd(
        self, model: str, tokens_in: int, tokens_out: int, *, audio_tokens: int = 0, audio_sec: float = 0
    ) -> float:
        """Return the estimated cost; for a model without a price, as much as the dearest one would cost.

        `audio_tokens` is the number of audio tokens among `tokens_in`.
        """
        price = self.price_of(model) or self.dearest()
        audio = min(audio_tokens, tokens_in)
        audio_price = price.tokens_in if price.audio_in is None else price.audio_in
        tokens = (tokens_in - audio) * price.tokens_in + audio * audio_price + tokens_out * price.tokens_out
        return tokens / 1e6 + audio_sec / 60 * price.minute


class Meter:
    """The running total of a job's usage, whether or not the calls lead to a result.

    Attributes:
        usage: The total so far; replaced, never modified, so that other threads may read it.
    """

    def __init__(
        self,
        usage: Usage | None = None,
        allow: Callable[..., None] = lambda expected_usd=0.0: None,
        book: Callable[[float], None] = lambda _: None,
    ) -> None:
        """Continue from `usage`.

        Args:
            allow: Called before each paid call, with its expected cost if that may be high; raises PermanentError to
                prevent it.
            book: Called with the cost in US dollars of each billed call.
        """
        self.usage = usage or Usage()
        self.allow = allow
        self._book = book

    def count(
        self,
        prices: PriceList,
        model: str,
        tokens_in: int,
        tokens_out: int,
        *,
        audio_tokens: int = 0,
        audio_sec: float = 0,
    ) -> None:
        """Record a billed call. A model without a price counts as the dearest one, with a note.

        `audio_tokens` is the number of audio tokens among `tokens_in`, `audio_sec` the duration of the audio.
        """
        cost = prices.cost_usd(model, tokens_in, tokens_out, audio_tokens=audio_tokens, audio_sec=audio_sec)
        self._add(prices.provider, model, tokens_in, tokens_out, audio_sec, cost)
        if prices.price_of(model) is None:
            self.note(
                f"The price of {model} is unknown; its calls count as those of the provider's dearest model."
                " Set PRICES to change that."
            )
        if cost:
            record_cost(prices.provider, model, cost)
            self._book(cost)

    def count_local_audio(self, provider: str, model: str, audio_sec: float) -> None:
        """Record audio that was transcribed on this machine, free of charge."""
        self._add(provider, model, 0, 0, audio_sec, 0)

    def _add(self, provider: str, model: str, tokens_in: int, tokens_out: int, audio_sec: float, cost: float) -> None:
        self.usage = self.usage.model_copy(
            update={
                "provider": provider,
                "model": model,
                "tokens_in": self.usage.tokens_in + tokens_in,
                "tokens_out": self.usage.tokens_out + tokens_out,
                "audio_seconds": round(self.usage.audio_seconds + audio_sec, 3),
                "cost_usd": round(self.usage.cost_usd + cost, DECIMALS),
            }
        )

    def total(self, provider: str, model: str, prompt_version: str | None = None, frames: int = 0) -> Usage:
        """Return the usage of a result: the total of all calls, with provider, model and frames of this result."""
        fields = {"provider": provider, "model": model, "prompt_version": prompt_version, "frames": frames}
        return self.usage.model_copy(update=fields)

    def note(self, text: str) -> None:
        if text not in self.usage.notes:
            self.usage = self.usage.model_copy(update={"notes": [*self.usage.notes, text]})


@dataclass(frozen=True)
class ServiceMeter:
    """A meter as one service uses it, with its prices."""

    meter: Meter
    prices: PriceList

    def allow(self, *expected_usd: float) -> None:
        """Ask before a paid call; see `Meter`."""
        self.meter.allow(*expected_usd)

    def count(
        self, model: str, tokens_in: int, tokens_out: int, *, audio_tokens: int = 0, audio_sec: float = 0
    ) -> None:
        """Record a billed call; see `Meter.count`."""
        self.meter.count(self.prices, model, tokens_in, tokens_out, audio_tokens=audio_tokens, audio_sec=audio_sec)

    def note(self, text: str) -> None:
        self.meter.note(text)

    def total(self, model: str, prompt_version: str | None = None, frames: int = 0) -> Usage:
        """Return the usage of a result of the service; see `Meter.total`."""
        return self.meter.total(self.prices.provider, model, prompt_version, frames)


def meter_for(documents: Documents, owner: str, limit_usd: float, usage: Usage) -> Meter:
    """Return a meter that books to the owner's month and allows calls until the month's costs reach the limit."""
    month = KnownDocument()
    return Meter(
        usage,
        allow=lambda expected_usd=0.0: check_budget(documents, owner, limit_usd, expected_usd, month),
        book=lambda cost: book_cost(documents, owner, cost, month),
    )


def spending_account(documents: Documents, owner: str, limit_usd: float) -> SpendingAccount:
    """Return the account of an owner for sources that are paid, such as Apify: the same month and limit."""

    def book(cost_usd: float) -> None:
        if cost_usd:
            book_cost(documents, owner, cost_usd)

    return SpendingAccount(lambda: check_budget(documents, owner, limit_usd), book)


def check_budget(
    documents: Documents,
    owner: str,
    limit_usd: float,
    expected_usd: float = 0.0,
    month: KnownDocument | None = None,
) -> None:
    """Raise PermanentError `budget_exceeded` if the owner's month has reached `limit_usd`, or would; 0 = no limit.

    `month` then holds the owner's month, for `book_cost`.
    """
    if not limit_usd:
        return
    spent = spent_usd(documents, owner, month)
    if spent < limit_usd < spent + expected_usd:
        raise PermanentError(
            "budget_exceeded",
            f"This analysis would cost about ${expected_usd:.2f}, more than what is left of this month's AI budget"
            f" (${limit_usd:.2f}). Submit a shorter video, or ask the operator to raise the budget.",
        )
    if spent >= limit_usd:
        raise PermanentError(
            "budget_exceeded",
            f"This month's AI budget (${limit_usd:.2f}) is used up. "
            "Wait for the next month, or ask the operator to raise it.",
        )


def spent_usd(documents: Documents, owner: str, month: KnownDocument | None = None) -> float:
    stored = documents.get(SPENDING, _month_id(owner))
    if month:
        month.document = stored
    return float(stored.data["spentUsd"]) if stored else 0.0


def book_cost(documents: Documents, owner: str, cost_usd: float, month: KnownDocument | None = None) -> None:
    """Add to the owner's month, which `month` may hold; raises Conflict if concurrent writers win every attempt."""

    def add(stored: dict[str, Any] | None) -> dict[str, Any]:
        spent = float(stored["spentUsd"]) if stored else 0.0
        now = clock.now()
        return {
            "owner": owner,
            "month": f"{now:%Y-%m}",
            "spentUsd": round(spent + cost_usd, DECIMALS),
            "updatedAt": now,
        }

    compare_and_set(documents, SPENDING, _month_id(owner), add, month)


def _month_id(owner: str) -> str:
    return f"{owner}-{clock.now():%Y-%m}"
