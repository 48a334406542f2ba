"""Adds up what the calls of an analysis take, whether or not they lead to a result."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared import clock
from shared.errors import PermanentError
from shared.models.job import Usage
from shared.platform.documents import compare_and_set
from shared.platform.ports import Documents


@dataclass(frozen=True)
class Price:
    """Per million tokens, thinking included; `audio_in` where heard tokens have a price of their own; per minute."""

    as_of: date
    tokens_in: float = 0
    tokens_out: float = 0
    audio_in: float | None = None
    minute: float = 0


JUNE, OCTOBER, NOVEMBER = date(2026, 6, 4), date(2026, 10, 7), date(2026, 11, 20)
PRICES = {
    "gpt-5.5": Price(JUNE, 5.00, 30.00),
    "gpt-5.4": Price(JUNE, 2.50, 15.00),
    "gpt-5.4-mini": Price(JUNE, 0.75, 4.50),
    "gpt-5.4-nano": Price(JUNE, 0.20, 1.25),
    "whisper-1": Price(NOVEMBER, minute=0.006),
    "gpt-transcribe": Price(NOVEMBER, minute=0.0045),
    "gpt-4o-transcribe": Price(NOVEMBER, 2.50, 10.00, audio_in=6.00),
    "gpt-4o-transcribe-diarize": Price(NOVEMBER, 2.50, 10.00, audio_in=6.00),
    "gpt-4o-mini-transcribe": Price(NOVEMBER, 1.25, 5.00, audio_in=3.00),
    "text-embedding-3-small": Price(NOVEMBER, 0.02),
    "text-embedding-3-large": Price(NOVEMBER, 0.13),
    "gemini-3.8-flash": Price(OCTOBER, 1.50, 7.50),
    "gemini-3.5-flash": Price(OCTOBER, 1.50, 9.00),
    "gemini-3.5-flash-lite": Price(OCTOBER, 0.30, 2.50),
    "gemini-3.1-flash-lite": Price(JUNE, 0.25, 1.50, audio_in=0.50),
    "gemini-embedding-001": Price(NOVEMBER, 0.15),
    "gemini-embedding-2": Price(OCTOBER, 0.20),
}
SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def cost_usd(
    model: str, tokens_in: int, tokens_out: int, *, audio_tokens: int = 0, audio_sec: float = 0
) -> float | None:
    """The estimated cost; None for a model that is not in the table. Dated snapshots cost what their model does.

    `audio_tokens` are those of `tokens_in` that stand for sound.
    """
    price = PRICES.get(SNAPSHOT.sub("", model))
    if price is None:
        return None
    audio = min(audio_tokens, tokens_in)
    audio_price = price.tokens_in if price.audio_in is None else price.audio_in
    tokens = (tokens_in - audio) * price.tokens_in + audio * audio_price + tokens_out * price.tokens_out
    return tokens / 1e6 + audio_sec / 60 * price.minute


DECIMALS = 9
"""Of a cost in US dollars: a question's embedding costs less than a millionth."""


class Meter:
    """The running total of one job.

    Attributes:
        usage: So far; replaced, never changed, so that other threads may read it.
    """

    def __init__(
        self,
        usage: Usage | None = None,
        allow: Callable[[], None] = lambda: None,
        book: Callable[[float], None] = lambda _: None,
    ) -> None:
        """Continue from `usage`.

        Args:
            allow: Called before each paid call; raises PermanentError when there is to be none.
            book: Called with the cost in US dollars of each call that was billed.
        """
        self.usage = usage or Usage()
        self.allow = allow
        self._book = book

    def count(
        self,
        provider: str,
        model: str,
        tokens_in: int,
        tokens_out: int,
        *,
        audio_tokens: int = 0,
        audio_sec: float = 0,
    ) -> None:
        """Record a call that was billed. A model without a known price counts as 0, which a note tells.

        `audio_tokens` are those of `tokens_in` that stand for sound, `audio_sec` is how much of it was listened to.
        """
        cost = cost_usd(model, tokens_in, tokens_out, audio_tokens=audio_tokens, audio_sec=audio_sec)
        self._add(provider, model, tokens_in, tokens_out, audio_sec, cost or 0)
        if cost is None:
            self.note(f"The price of {model} is unknown; its calls are counted as free.")
        else:
            self._book(cost)

    def count_local_audio(self, provider: str, model: str, audio_sec: float) -> None:
        """Record what this machine listened to by itself, for nothing."""
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
        """The usage of a result: what all calls took, and who made it from how many pictures."""
        fields = {"provider": provider, "model": model, "prompt_version": prompt_version, "frames": frames}
        return self.usage.model_copy(update=fields)

    def note(self, text: str) -> None:
        if text not in self.usage.notes:
            self.usage = self.usage.model_copy(update={"notes": [*self.usage.notes, text]})


SPENDING = "spending"


def meter_for(documents: Documents, owner: str, limit_usd: float, usage: Usage) -> Meter:
    """A meter that continues from `usage`, books to the owner's month and allows calls until that reaches the limit."""
    return Meter(
        usage,
        allow=lambda: check_budget(documents, owner, limit_usd),
        book=lambda cost: book_cost(documents, owner, cost),
    )


def check_budget(documents: Documents, owner: str, limit_usd: float) -> None:
    """Raises PermanentError `budget_exceeded` when the owner's month has used up `limit_usd`; 0 = no limit."""
    if limit_usd and spent_usd(documents, owner) >= limit_usd:
        raise PermanentError(
            "budget_exceeded",
            f"This month's AI budget (${limit_usd:.2f}) is used up. "
            "Wait for the next month, or ask the operator to raise it.",
        )


def spent_usd(documents: Documents, owner: str) -> float:
    stored = documents.get(SPENDING, _month_id(owner))
    return float(stored.data["spentUsd"]) if stored else 0.0


def book_cost(documents: Documents, owner: str, cost_usd: float) -> None:
    """Add to the owner's month; raises Conflict when others kept winning."""

    def add(month: dict[str, Any] | None) -> dict[str, Any]:
        spent = float(month["spentUsd"]) if month else 0.0
        now = clock.now()
        return {
            "owner": owner,
            "month": f"{now:%Y-%m}",
            "spentUsd": round(spent + cost_usd, DECIMALS),
            "updatedAt": now,
        }

    compare_and_set(documents, SPENDING, _month_id(owner), add)


def _month_id(owner: str) -> str:
    return f"{owner}-{clock.now():%Y-%m}"
