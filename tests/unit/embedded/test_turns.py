"""Whose delivery is claimed next: users take turns, and short work comes before long work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.platform.embedded.bus import EventDelivery
from shared.platform.embedded.place import EmbeddedPlace, open_embedded_place
from shared.platform.embedded.turns import LONG_FILE_BYTES, LONG_VIDEO_SEC, SHORT_IN_A_ROW
from shared.settings import read_settings
from tests.unit.embedded.conftest import Clock

EXTRACT, ANALYZE = "video-requested", "analysis-completed"
FUNCTIONS = ["download", "persist"]


def submit(place: EmbeddedPlace, job: str, *, sec: float | None = None, size: int = 0, topic: str = EXTRACT) -> None:
    """Publish a message of a job, whose owner is the first letter of its id."""
    video = {"info": {"durationSec": sec}} if sec else {}
    place.place.documents.put("jobs", job, {"owner": job[0], "video": video, "upload": {"size": size}})
    place.place.bus.publish(topic, {"jobId": job})


def claim(place: EmbeddedPlace) -> EventDelivery | None:
    return place.queue.claim(FUNCTIONS, 600)


def drain(place: EmbeddedPlace) -> list[str]:
    jobs = []
    while delivery := claim(place):
        jobs.append(delivery.data["jobId"])
        place.queue.acknowledge(delivery)
    return jobs


def test_the_first_job_of_a_user_waits_for_one_of_another(place: EmbeddedPlace) -> None:
    """A thousand jobs of one user do not make another one wait, and neither falls behind from then on."""
    with place.database.transaction():
        for n in range(1000):
            submit(place, f"a{n:03}")
    assert [delivery.data["jobId"] for _ in range(3) if (delivery := claim(place))] == ["a000", "a001", "a002"]
    for n in range(3):
        submit(place, f"b{n}")
    assert [delivery.data["jobId"] for _ in range(8) if (delivery := claim(place))] == [
        "a003",
        "b0",
        "a004",
        "b1",
        "a005",
        "b2",
        "a006",
        "a007",
    ]


def test_a_job_that_has_begun_ends_before_the_next_one_begins(place: EmbeddedPlace) -> None:
    """A user who sends many jobs has the first result soon, not all of them at the end."""
    for n in range(3):
        submit(place, f"a{n}")
    begun = claim(place)
    assert begun
    place.place.bus.publish(ANALYZE, {"jobId": "a0"})
    place.queue.acknowledge(begun)
    following = claim(place)
    assert following
    assert (following.function, following.data["jobId"]) == ("persist", "a0")


def test_short_jobs_come_before_long_ones(place: EmbeddedPlace) -> None:
    """The metadata of a clip do not wait for lectures that were sent earlier; the lectures are not forgotten."""
    for n in range(3):
        submit(place, f"long{n}", sec=LONG_VIDEO_SEC)
    submit(place, "large", size=LONG_FILE_BYTES)
    for n in range(5):
        submit(place, f"short{n}", sec=4)
    expected = ["short0", "short1", "short2", "long0", "short3", "short4", "long1", "long2", "large"]
    assert drain(place) == expected


def test_a_delivery_that_waits_for_another_try_holds_up_nobody(place: EmbeddedPlace, time: Clock) -> None:
    """A source that is down delays its own job only, and that job comes first when its time has come."""
    for n in range(3):
        submit(place, f"a{n}")
    refused = claim(place)
    assert refused
    place.queue.refuse(refused, 60)
    second = claim(place)
    assert second
    assert second.data["jobId"] == "a1"
    time.move(61)
    assert drain(place) == ["a0", "a2"]


@contextmanager
def fresh_place() -> Iterator[EmbeddedPlace]:
    with TemporaryDirectory() as folder:
        place = open_embedded_place(read_settings({"CLIPWISE_DATA": str(Path(folder) / "data")}))
        try:
            yield place
        finally:
            place.database.close()


STEPS = st.lists(st.sampled_from("abcABC-"), min_size=1, max_size=40)
"""Messages of three users, in capitals for long work, and claims."""


@settings(max_examples=30, deadline=None)
@given(STEPS)
def test_nobody_waits_long_for_anybody(steps: Sequence[str]) -> None:
    """While a user waits for work of a length, nobody else is served twice; long work waits for a few short ones."""
    with fresh_place() as place:
        for number, step in enumerate(steps):
            if step != "-":
                submit(place, f"{step}{number}", sec=LONG_VIDEO_SEC if step.isupper() else 4)
            elif delivery := claim(place):
                place.queue.acknowledge(delivery)
        served = drain(place)
    for users in ("abc", "ABC"):
        order = [job[0] for job in served if job[0] in users]
        for user in set(order):
            first = order[: order.index(user)]
            assert all(first.count(other) <= 1 for other in set(first)), served
    if any(job[0].isupper() for job in served):
        first_long = next(number for number, job in enumerate(served) if job[0].isupper())
        assert first_long <= SHORT_IN_A_ROW, served
