"""What a deployment costs in a month in which nobody does anything: pure, of dated prices."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.costing.reckoning import billed_seconds, function_usd, table, vcpus
from infra.reference import markdown_table
from shared.wiring import wiring

DAYS, HOURS = 30, 730
MINUTES = DAYS * 24 * 60
EVALUATIONS = MINUTES * 2
"""Conditions of alerts are looked at every 30 s."""
ALERTS_BESIDE_STAGES = 12
"""Conditions in terraform/alerts.tf and availability.tf, beside one for each stage's time."""
ARMOR_RULES = 3


def rest_table(minute: Mapping[str, float]) -> str:
    """`minute`: what one tick of the scheduler asks for."""
    head = ("part", "in a month", "US$ at list prices", "which the free allowance covers")
    return markdown_table(head, [*always(minute), *wished()])


def always(minute: Mapping[str, float]) -> list[tuple[str, ...]]:
    """What every deployment has."""
    price, free = table()["prices"], table()["free"]
    row, functions = wiring().functions["sweep"], wiring().functions.values()
    seconds = billed_seconds(row, minute)
    processor, memory = (seconds * MINUTES * share for share in (vcpus(row), row.memory_mb / 1024))
    messages = minute["message bytes"] * MINUTES / 1e9
    jobs = sum(row.trigger.every_minutes is not None for row in functions)
    secrets = len({name for row in functions for name in row.secrets})
    conditions = ALERTS_BESIDE_STAGES + sum(bool(row.weight) for row in functions)
    images = table()["assumed"]["images_gb"]
    alerts = conditions * (price["alert_condition_month"] + EVALUATIONS * price["alert_series"])
    runs = f"{MINUTES:,} runs of {seconds:.1f} s"
    return [
        part(
            "`sweep`",
            runs,
            function_usd(row, seconds, 1) * MINUTES,
            processor <= free["vcpu_sec"] and memory <= free["gib_sec"] and free["requests"] >= MINUTES,
        ),
        part(
            "its documents",
            f"{minute['reads']:.0f} reads each",
            minute["reads"] * MINUTES * price["document_read"],
            minute["reads"] * MINUTES / DAYS <= free["reads_a_day"],
        ),
        part("its messages", f"{messages:.2f} GB", messages * price["message_gb"], messages <= free["message_gb"]),
        part(
            "scheduler",
            f"{jobs} job",
            jobs * price["scheduler_job_month"],
            jobs <= free["scheduler_jobs"],
            account=True,
        ),
        part(
            "secrets",
            f"{secrets} at most",
            secrets * price["secret_version_month"],
            secrets <= free["secret_versions"],
            account=True,
        ),
        part("images", f"{images:.1f} GB", images * price["image_gb_month"], images <= free["images_gb"]),
        part("alerts", f"{conditions} conditions, every 30 s", alerts, False),
    ]


def wished() -> list[tuple[str, ...]]:
    """What a deployment has that asks for it."""
    price, row = table()["prices"], wiring().functions["api"]
    armor = price["armor_policy_month"] + ARMOR_RULES * price["armor_rule_month"]
    idle = vcpus(row) * price["idle_vcpu_sec"] + row.memory_mb / 1024 * price["idle_gib_sec"]
    return [
        part(
            "`load_balancer`",
            f"a forwarding rule, a policy of {ARMOR_RULES} rules",
            HOURS * price["forwarding_rule_hour"] + armor,
            False,
        ),
        part(
            "`egress`",
            "an address; NAT is paid for instances that run",
            HOURS * price["nat_address_hour"],
            False,
        ),
        part("`min_instances = 1` of `api`", "an instance that waits", HOURS * 3600 * idle, False),
    ]


def part(name: str, what: str, usd: float, free: bool, *, account: bool = False) -> tuple[str, ...]:
    covered = ("yes, a billing account's" if account else "yes") if free else "no"
    return (name, what, f"{usd:.2f}", covered)
