"""Adds up what the calls of an analysis take, whether or not they lead to a result."""

from __future__ import annotations

from collections.abc import Callable

from shared.ai.prices import cost_usd
from shared.models.job import Usage

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
