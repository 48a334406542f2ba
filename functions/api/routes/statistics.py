"""Statistics of ended jobs by kind, stage and day, and the caller's usage of the month."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from functions.api.dependencies import PlaceDep
from functions.api.identity import Caller
from functions.api.openapi import problem_responses
from functions.api.routes.operations import Scope, View, stage_names
from shared import clock
from shared.ai.usage import spent_usd
from shared.models import Model
from shared.models.statistics import DayStatistics, KindStatistics, StageStatistics, Statistics, percentile_sec
from shared.pipeline import statistics
from shared.settings import settings

router = APIRouter(prefix="/v1", tags=["operations"], responses=problem_responses(401, 403, 422))

MAX_DAYS = 31
MEDIAN, SLOW = 0.5, 0.95


class KindSummary(Model):
    """The ended jobs of a kind."""

    kind: str = Field(description="Kind of analysis; `dataset` and `export` for the runs of datasets.")
    done: int = Field(description="Number of jobs that are done.")
    empty: int = Field(description="Number of these with an empty result.")
    failed: int = Field(description="Number of jobs that failed.")
    cancelled: int = Field(description="Number of jobs that were cancelled.")
    cost_usd: float = Field(description="Estimated cost in US dollars.")
    p50_sec: float | None = Field(
        description="Median time from creation to the end, in seconds, of jobs that are done."
    )
    p95_sec: float | None = Field(description="Time in seconds within which 95 % of them ended.")


class StageSummary(Model):
    """The runs of a stage. Percentiles are taken from a histogram and are within 12 % of the exact value."""

    stage: str = Field(description="The stage; `upload` for errors before the first one.")
    runs: int = Field(description="Number of runs that are done.")
    p50_sec: float | None = Field(description="Median duration in seconds, retries included.")
    p95_sec: float | None = Field(description="Duration in seconds that 95 % do not exceed.")
    wait_p50_sec: float | None = Field(description="Median time in seconds between the stage before and this one.")
    wait_p95_sec: float | None = Field(description="Waiting time in seconds that 95 % do not exceed.")
    errors: dict[str, int] = Field(description="Number of jobs that the stage ended, by error code.")


class DaySummary(Model):
    """The jobs that ended on a day."""

    day: str = Field(description="Date in UTC.", examples=["2026-11-30"])
    jobs: int = Field(description="Number of ended jobs.")
    failed: int = Field(description="Number of jobs that failed.")
    cost_usd: float = Field(description="Estimated cost in US dollars.")
    costs: dict[str, float] = Field(description="Estimated cost in US dollars by kind.")


class StatisticsSummary(Model):
    """Statistics of the jobs that ended on the last days."""

    scope: Scope
    kinds: list[KindSummary] = Field(description="Sums by kind, most jobs first.")
    stages: list[StageSummary] = Field(description="Runs by stage, in the order of the pipeline.")
    days: list[DaySummary] = Field(description="Days on which jobs ended, newest first.")
    counted_until: datetime | None = Field(
        description="Jobs that ended before are counted, about a minute after their end. Null if none is yet."
    )


class MonthlyUsage(Model):
    """What the caller's analyses cost this month."""

    month: str = Field(description="The month in UTC.", examples=["2026-11"])
    spent_usd: float = Field(description="Estimated cost of all AI calls this month, in US dollars.")
    budget_usd: float | None = Field(description="Most that a month may cost, in US dollars. Null without a limit.")
    days: list[DaySummary] = Field(description="Days of the month on which jobs ended, newest first.")


@router.get(
    "/operations/statistics",
    summary="Get statistics of ended jobs",
    description=(
        "Returns numbers, durations, errors and costs of the jobs that ended on the last days, by kind, stage and day. "
        "A job is counted about a minute after its end."
    ),
)
def get_statistics(
    view: View,
    place: PlaceDep,
    days: Annotated[int, Query(ge=1, le=MAX_DAYS, description="Number of days (UTC), today included.")] = 7,
) -> StatisticsSummary:
    by_day = statistics.read_days(place.documents, view.owner, days)
    total = Statistics.total(by_day)
    kinds = sorted(total.kinds.items(), key=lambda item: (-item[1].total, item[0]))
    order = {name: number for number, name in enumerate(stage_names())}
    stages = sorted(total.stages.items(), key=lambda item: order.get(item[0], -1))
    return StatisticsSummary(
        scope=view.scope,
        kinds=[kind_summary(name, kind) for name, kind in kinds],
        stages=[stage_summary(name, stage) for name, stage in stages],
        days=[day_summary(day) for day in by_day],
        counted_until=statistics.counted_until(place.documents),
    )


def kind_summary(name: str, kind: KindStatistics) -> KindSummary:
    return KindSummary(
        kind=name,
        **kind.model_dump(exclude={"times"}),
        p50_sec=percentile_sec(kind.times, MEDIAN),
        p95_sec=percentile_sec(kind.times, SLOW),
    )


def stage_summary(name: str, stage: StageStatistics) -> StageSummary:
    return StageSummary(
        stage=name,
        runs=sum(stage.times.values()),
        p50_sec=percentile_sec(stage.times, MEDIAN),
        p95_sec=percentile_sec(stage.times, SLOW),
        wait_p50_sec=percentile_sec(stage.waits, MEDIAN),
        wait_p95_sec=percentile_sec(stage.waits, SLOW),
        errors=stage.errors,
    )


def day_summary(day: DayStatistics) -> DaySummary:
    costs = {name: kind.cost_usd for name, kind in day.kinds.items()}
    return DaySummary(
        day=day.day,
        jobs=sum(kind.total for kind in day.kinds.values()),
        failed=sum(kind.failed for kind in day.kinds.values()),
        cost_usd=round(sum(costs.values()), 6),
        costs={name: round(cost, 6) for name, cost in costs.items() if cost},
    )


@router.get(
    "/usage",
    summary="Get your usage",
    description="Returns what your analyses cost this month, the budget, and the cost of each day by kind.",
)
def get_usage(user: Caller, place: PlaceDep) -> MonthlyUsage:
    now = clock.now()
    return MonthlyUsage(
        month=f"{now:%Y-%m}",
        spent_usd=spent_usd(place.documents, user.id),
        budget_usd=settings().monthly_budget_usd or None,
        days=[day_summary(day) for day in statistics.read_days(place.documents, user.id, now.day)],
    )
