"""What each user's analyses have cost this month, and the end of it.

One document per user and calendar month (UTC), `spending/{owner}-{YYYY-MM}`, changed by compare-and-set. Calls that run
at the same time are all let through before either is counted: the budget stops new work, it does not cut off work.
"""

from __future__ import annotations

from typing import Any

from shared import clock
from shared.ai.meter import DECIMALS, Meter
from shared.errors import PermanentError
from shared.models.job import Usage
from shared.platform.cas import compare_and_set
from shared.platform.ports import Documents

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
