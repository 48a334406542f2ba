"""What a job costs, which limit a rate of jobs meets first, whether the emulated place agrees; writes docs/scale.md.

    python -m benchmarks.cost            # all of it, some minutes
    python -m benchmarks.cost --print    # the tables only, the document stays

The video lasts 60 s (the demo's, repeated, without its subtitles). AI services are the local stand-ins: what is asked
of them is real, their answers are made up, and tokens are reckoned from both by costing/prices.yaml.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from benchmarks.costing.checking import check
from benchmarks.costing.reckoning import billed_seconds, infrastructure_usd, table
from benchmarks.costing.resting import rest_table
from benchmarks.costing.running import Counted, count_job, idle_minute, minute_of
from benchmarks.costing.scaling import Limit, advice, limits, needs, published, simulate
from benchmarks.costing.sweeping import Swept, measure_sweep, sweep_rows
from benchmarks.goals import Goal, Row
from benchmarks.sizes import IS_SMOKE, size
from infra.cli.smoke import prepare_demo_video
from infra.reference import fill_markers, markdown_table
from shared.analyses.kinds import kinds
from shared.wiring import wiring
from tests.video_samples import plain_video

DOCUMENT = Path(__file__).parents[1] / "docs" / "scale.md"
SECONDS = size(60.0, smoke=4.0)
RATES = (1, 100, 10_000)
PROVIDERS = size(("gemini", "openai", "offline"), smoke=("gemini",))
KINDS = size(tuple(kinds()), smoke=("metadata", "recipe"))
UNIT_TITLES = {
    "reads": "Firestore reads",
    "writes": "Firestore writes",
    "class_a": "Cloud Storage operations of class A",
    "class_b": "Cloud Storage operations of class B",
}
THOUSAND = 1000
SWEPT = size(2000, smoke=3)
UNITS = (
    "reads",
    "progress reads",
    "writes",
    "progress writes",
    "deletes",
    "messages",
    "events",
    "class_a",
    "class_b",
    "object deletes",
)


def waits(job: Counted) -> dict[str, float]:
    """Seconds that functions wait for models; the API serves the event stream for as long as the job takes."""
    listening = job.talk.audio_sec * table()["assumed"]["hearing_share"] if job.talk else 0.0
    embedding = job.talk.embeddings * table()["assumed"]["embedding_sec"] if job.talk else 0.0
    answering = job.talk.seconds - listening - embedding if job.talk else 0.0
    found = {"transcribe": listening, "analyze": answering, "persist": embedding}
    found["api"] = sum(
        billed_seconds(row, job.entries.get(name, {}), found.get(name, 0))
        for name, row in wiring().functions.items()
        if name != "api"
    )
    return found


def operations_table(jobs: Sequence[Counted]) -> str:
    head = ("kind", "document reads", "of them progress", "writes", "of them progress", "deletes", "messages")
    head += ("object events", "class A", "class B")  # type: ignore[assignment]
    head += ("object deletes", "MB stored", "function-seconds", "GiB-seconds", "tokens in / out", "AI requests")  # type: ignore[assignment]
    return markdown_table(head, [operations_row(job) for job in jobs])


def operations_row(job: Counted) -> tuple[str, ...]:
    total, held = job.total(), waits(job)
    seconds = {
        name: billed_seconds(row, job.entries.get(name, {}), held.get(name, 0))
        for name, row in wiring().functions.items()
        if name != "api"
    }
    memory = sum(seconds[name] * wiring().functions[name].memory_mb / 1024 for name in seconds)
    stored = sum(count for name, count in total.items() if name.startswith("stored")) / 1e6
    talk = f"{job.talk.tokens_in:,.0f} / {job.talk.tokens_out:,.0f}" if job.talk else "–"
    return (
        f"`{job.kind}` ({job.provider})" if job.talk or job.kind != "metadata" else f"`{job.kind}`",
        *(f"{total[unit]:.0f}" for unit in UNITS),
        f"{stored:.1f}",
        f"{sum(seconds.values()):.1f}",
        f"{memory:.1f}",
        talk,
        str(job.talk.requests if job.talk else 0),
    )


def cost_table(jobs: Sequence[Counted]) -> str:
    parts = ("documents", "objects", "storage", "messages", "functions", "egress")
    rows = []
    for job in jobs:
        usd = infrastructure_usd(job.entries, waits(job))
        ai = job.talk.usd if job.talk else 0.0
        prices = [*(usd[part] for part in parts), ai, sum(usd.values()) + ai]
        name = f"`{job.kind}`" if job.kind == "metadata" else f"`{job.kind}` ({job.provider})"
        rows.append((name, *(f"{price * THOUSAND:.2f}" for price in prices)))
    return markdown_table(("US$ per 1 000 videos", *parts, "AI", "all"), rows)


def scale_table(jobs: Sequence[Counted], swept: Swept) -> str:
    rows, granted = [], limits()
    for job in jobs:
        need = needs(job.entries, job.talk, waits(job), swept.instance_sec)
        for rate in RATES:
            outcome = simulate(rate, need, granted)
            over = sorted((load, name) for name, load in outcome.load.items() if load > 1)
            exceeded = ", ".join(f"{name} ({load:.1f}×)" for load, name in reversed(over[-4:])) or "none"
            wait = f"{outcome.longest_wait_min:.0f} min" if outcome.longest_wait_min >= 1 else "–"
            first = f"{outcome.first} ({outcome.load[outcome.first]:.0%})" if not over else f"**{outcome.first}**"
            todo = advice(outcome.first) if over else "nothing"
            rows.append((f"`{job.kind}` ({job.provider})", f"{rate:,}", first, exceeded, wait, todo))
    head = ("kind", "jobs/min", "met first (use of it)", "exceeded", "longest wait in the first hour", "what to raise")
    return markdown_table(head, rows)


def limits_table(job: Counted, swept: Swept) -> str:
    """Every limit, and the share of it that one kind of job takes at each rate."""
    need, granted = needs(job.entries, job.talk, waits(job), swept.instance_sec), limits()
    granted["vcpus of a new project"] = Limit("vcpus of a new project", published()["new_project_vcpus"])
    need["vcpus of a new project"] = need["vcpus"]
    rows = []
    for name, units in sorted(need.items()):
        if units > 0:
            loads = [rate / 60 * units / granted[name].per_sec for rate in RATES]
            shares = [f"**{load:.1f}×**" if load > 1 else f"{load:.1%}" for load in loads]
            rows.append((name, f"{granted[name].per_sec:,.0f}", f"{units:,.3g}", *shares))
    price, sent = table()["prices"]["nat_gb"], job.talk.sent_bytes if job.talk else 0
    dollars = (f"{rate * 60 * sent / 1e9 * price:,.2f} US$/h" for rate in RATES)
    rows.append(("NAT, only with `egress`", f"{price} US$ per GB", f"{sent / 1e6:.1f} MB", *dollars))
    rows.append(("request body", "32 MiB each", "the video, if it is sent as a form", *["the same"] * len(RATES)))
    head = ("limit", "a second, or at once", "one job takes", *(f"{rate:,} jobs/min" for rate in RATES))
    return markdown_table(head, rows)


def hot_table(jobs: Sequence[Counted]) -> str:
    """Writes to one document, which may have one a second for long."""
    rows = []
    for job in jobs:
        seconds = sum(waits(job).values())
        total = job.total()
        per_sec = total["writes jobs"] / max(seconds, 1)
        owned = max(total["writes spending"], 0)
        busiest = f"{60 / owned:.0f} jobs/min" if owned else "–"
        rows.append((f"`{job.kind}` ({job.provider})", f"{total['writes jobs']:.0f}", f"{per_sec:.2f}", busiest))
    head = ("kind", "writes to the job's document", "a second", "one user's `spending` document bears")
    return markdown_table(head, rows)


def prepare_video(folder: Path) -> Path:
    from infra.cli.progress import progress_view
    from infra.cli.session import open_console

    if IS_SMOKE:
        return plain_video(folder / "clip.mp4")
    with progress_view(open_console(sys.stderr)) as view:
        return minute_of(prepare_demo_video(Path(".clipwise"), folder, view), folder)


def rows() -> Iterator[Row]:
    """Yield the operations of a recipe job without those that report its progress, at most one a second."""
    with tempfile.TemporaryDirectory() as name:
        total = count_job("recipe", "gemini", prepare_video(Path(name)), SECONDS).total()
    for unit, limit in (("reads", 30), ("writes", 15), ("class_a", 20), ("class_b", 20)):
        title, progress = UNIT_TITLES[unit], total[f"progress {unit}"]
        value = total[unit] - progress
        measured = f"{value}, and {progress} for progress" if progress else str(value)
        work, goal = f"{title} of a `recipe` job (Gemini)", Goal("≤", limit, "")
        yield Row(work, "", measured, value, goal, record="operations-of-a-job.md")


def main() -> None:
    with tempfile.TemporaryDirectory() as name, nullcontext(Path(name)) as folder:
        video = prepare_video(folder)
        jobs = [count_job("metadata", "offline", video, SECONDS)]
        for kind in KINDS:
            if kind != "metadata":
                for provider in PROVIDERS:
                    print(f"{kind} {provider} …", file=sys.stderr, flush=True)
                    jobs.append(count_job(kind, provider, video, SECONDS))
        print("sweep …", file=sys.stderr, flush=True)
        swept = measure_sweep(SWEPT, folder / "sweep")
        asked = [job for job in jobs if job.talk or job.kind == "metadata"]
        gemini = [job for job in asked if job.provider != "openai"]
        tables = {
            "dates": f"Prices as of {table()['as_of']}, limits as of {published()['as_of']}.",
            "operations": operations_table(jobs),
            "cost": cost_table(jobs),
            "rest": rest_table(idle_minute()),
            "scale": scale_table([job for job in asked if job.kind in ("metadata", "recipe", "transcript")], swept),
            "limits": limits_table(next(job for job in gemini if job.kind == "recipe"), swept),
            "sweep": markdown_table(("sweep", ""), sweep_rows(swept)),
            "hot": hot_table(gemini),
        }
        if not IS_SMOKE:
            print("the emulated place …", file=sys.stderr, flush=True)
            tables |= check(folder, video)
    for name, content in tables.items():
        print(f"\n## {name}\n{content}")
    if "--print" not in sys.argv and not IS_SMOKE:
        DOCUMENT.write_text(fill_markers(DOCUMENT.name, DOCUMENT.read_text(encoding="utf-8"), tables), encoding="utf-8")


if __name__ == "__main__":
    main()
