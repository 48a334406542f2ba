"""What models cost, for estimates and budgets. Public list prices without discounts, in US dollars.

A price that is announced to rise stands as it will be, and of two that are published the higher one, so that a budget
errs on the safe side. Updating it is editing this table and its dates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date


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
