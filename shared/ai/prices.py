"""What models cost, for estimates and budgets. Public list prices without discounts, in US dollars per million tokens.

A price that is announced to rise stands as it will be, so that a budget errs on the safe side. Updating it is editing
this table and its dates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Price:
    tokens_in: float
    tokens_out: float
    """Thinking included."""
    as_of: date


JUNE, OCTOBER = date(2026, 6, 4), date(2026, 10, 7)

PRICES = {
    "gpt-5.5": Price(5.00, 30.00, JUNE),
    "gpt-5.4": Price(2.50, 15.00, JUNE),
    "gpt-5.4-mini": Price(0.75, 4.50, JUNE),
    "gpt-5.4-nano": Price(0.20, 1.25, JUNE),
    "gemini-3.8-flash": Price(1.50, 7.50, OCTOBER),
    "gemini-3.5-flash": Price(1.50, 9.00, OCTOBER),
    "gemini-3.5-flash-lite": Price(0.30, 2.50, OCTOBER),
    "gemini-3.1-flash-lite": Price(0.25, 1.50, JUNE),
}
SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def cost_usd(model: str, tokens_in: int, tokens_out: int) -> float | None:
    """The estimated cost; None for a model that is not in the table. Dated snapshots cost what their model does."""
    price = PRICES.get(SNAPSHOT.sub("", model))
    return None if price is None else (tokens_in * price.tokens_in + tokens_out * price.tokens_out) / 1e6
