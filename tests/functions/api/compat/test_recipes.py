"""Row 1 of the earlier systems: recipe extraction from TikTok, for a mobile app."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from shared.analyses.evidence import Sighting
from shared.analyses.recipe import Ingredient, Measure, Nutrition, Recipe, Step
from shared.models.job import JobError, JobStatus
from shared.pipeline.job_storage import MEDIA, media_name
from tests.api_site import Site, events

TIKTOK = "https://www.tiktok.com/@user/video/123"
SEEN = Sighting(source="screen", time=1, text="200 g Mehl", confidence=0.9)
RECIPE = Recipe(
    title="Pfannkuchen",
    description="Dünn und knusprig.",
    language="de",
    ingredients=[
        Ingredient(name="Mehl", amount=200, unit="g", note="gesiebt", group="Teig", seen=SEEN),
        Ingredient(name="Eier", amount=2, amount_max=3),
        Ingredient(
            name="Zucker", amount=1, unit="cup", note="fein", measures=[Measure(amount=1, unit="tbsp", relation="plus")]
        ),
    ],
    steps=[Step(number=1, text="Rühren.", minutes=3, seen=SEEN), Step(number=2, text="Backen.", temperature_c=180)],
    prep_minutes=10,
    cook_minutes=20,
    total_minutes=30,
    servings=4,
    difficulty="easy",
    cuisine="deutsch",
    tags=["süß"],
    equipment=["Pfanne"],
    nutrition=Nutrition(calories_kcal=350),
    source_url=TIKTOK,
    author="user",
    thumbnail="thumbnail.jpg",
    confidence=0.9,
    notes=["Read from the screen."],
)
EXPECTED = {
    "title": "Pfannkuchen",
    "description": "Dünn und knusprig.",
    "ingredients": [
        {"amount": 200, "unit": "g", "name": "Mehl", "note": "gesiebt", "group": "Teig"},
        {"amount": 2, "unit": None, "name": "Eier", "note": None, "group": None},
        {"amount": 1, "unit": "cup", "name": "Zucker", "note": "+ 1 EL, fein", "group": None},
    ],
    "steps": [
        {"number": 1, "text": "Rühren.", "minutes": 3, "temperature_c": None},
        {"number": 2, "text": "Backen.", "minutes": None, "temperature_c": 180},
    ],
    "prep_minutes": 10,
    "cook_minutes": 20,
    "total_minutes": 30,
    "servings": 4,
    "difficulty": "easy",
    "cuisine": "deutsch",
    "tags": ["süß"],
    "equipment": ["Pfanne"],
    "nutrition": {"calories_kcal": 350, "protein_g": None, "fat_g": None, "carbohydrates_g": None},
    "source_url": TIKTOK,
    "author": "user",
}


def scrape(site: Site, **body: Any) -> httpx.Response:
    return site.client.post("/scrape/async", json={"url": TIKTOK, "language": "de"} | body)


def task(site: Site, task_id: str) -> dict[str, Any]:
    answer = site.client.get(f"/task/{task_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def finish(site: Site, task_id: str) -> None:
    site.place.place.objects.put(MEDIA, media_name(task_id, "thumbnail.jpg"), b"picture", "image/jpeg")
    site.change(task_id, status=JobStatus.DONE, stage="persist", result=RECIPE.to_json(), outbox=[])


def test_scraping_gives_a_task(site: Site) -> None:
    """The app sends a link and a language, and gets 202 with nothing but the id of its task."""
    answer = scrape(site)

    assert answer.status_code == 202
    assert answer.json().keys() == {"task_id"}
    (job,) = site.jobs()
    assert (job["id"], job["kind"], job["language"], job["url"]) == (
        answer.json()["task_id"],
        "recipe",
        "de",
        TIKTOK,
    )


def test_a_task_begins_without_a_recipe(site: Site) -> None:
    """While it waits, a task has exactly its id, status, progress and stage, the stage being one from the start."""
    task_id = scrape(site).json()["task_id"]

    assert task(site, task_id) == {"task_id": task_id, "status": "queued", "progress": 0, "stage": "download"}


def test_a_running_task_tells_how_far_it_is(site: Site) -> None:
    """The app shows stage and progress as the job has them."""
    task_id = scrape(site).json()["task_id"]
    site.change(task_id, status=JobStatus.RUNNING, stage="extract", progress=40)

    assert task(site, task_id) == {"task_id": task_id, "status": "running", "progress": 40, "stage": "extract"}


def test_a_finished_task_has_its_recipe(site: Site) -> None:
    """The app gets the whole recipe in the fields it knows, and the id under which it is stored."""
    task_id = scrape(site).json()["task_id"]
    finish(site, task_id)
    found = task(site, task_id)
    thumbnail = found["recipe"].pop("thumbnail")

    assert found == {
        "task_id": task_id,
        "status": "done",
        "progress": 100,
        "stage": "persist",
        "recipe_id": task_id,
        "recipe": EXPECTED,
    }
    assert httpx.get(thumbnail).content == b"picture"


def test_a_recipe_without_a_picture_is_one(site: Site) -> None:
    """A thumbnail that is not there is null, not an error."""
    task_id = scrape(site).json()["task_id"]
    site.change(task_id, status=JobStatus.DONE, result={"title": "Soup"}, outbox=[])

    recipe = task(site, task_id)["recipe"]
    assert recipe.keys() == EXPECTED.keys() | {"thumbnail"}
    assert (recipe["title"], recipe["thumbnail"], recipe["steps"]) == ("Soup", None, [])


def test_a_failed_task_says_why(site: Site) -> None:
    """The app shows one sentence, and there is no recipe."""
    task_id = scrape(site).json()["task_id"]
    error = JobError(code="x", message="The link leads to no video.", stage="download", retryable=False)
    site.change(task_id, status=JobStatus.FAILED, stage="download", error=error, outbox=[])
    found = task(site, task_id)

    assert found.keys() == {"task_id", "status", "progress", "stage", "error"}
    assert (found["status"], found["error"]) == ("failed", "The link leads to no video.")


def test_the_same_link_again_is_the_same_task(site: Site) -> None:
    """A recipe that is there already comes back at once, by the same code as ever."""
    task_id = scrape(site).json()["task_id"]
    finish(site, task_id)
    again = scrape(site)

    assert (again.status_code, again.json()) == (202, {"task_id": task_id})


def test_the_language_may_be_left_out(site: Site) -> None:
    """An app that names no language gets the server's; fields that nobody knows do no harm."""
    answer = site.client.post("/scrape/async", json={"url": TIKTOK, "client": "ios"})

    assert answer.status_code == 202
    assert site.jobs()[0]["language"] == "en"


def test_live_updates_are_those_of_the_job(site: Site) -> None:
    """The task's id is the job's: what follows `jobs/{id}` follows the task."""
    task_id = scrape(site).json()["task_id"]
    finish(site, task_id)
    told = events(site.client.get(f"/v1/jobs/{task_id}/events").text)

    assert [('"status": "done"' in event["data"], task_id in event["data"]) for event in told] == [(True, True)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"url": "no link"}, 422),
        ({"url": "http://127.0.0.1/a.mp4"}, 422),
        ({"url": None}, 422),
        ({"language": "not a language"}, 422),
    ],
)
def test_errors_have_a_detail(site: Site, body: dict[str, Any], status: int) -> None:
    """What is wrong is told in `detail`, as a text."""
    answer = scrape(site, **body)

    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("task_id", ["0" * 32, "nope"])
def test_an_unknown_task_is_not_found(site: Site, task_id: str) -> None:
    """An id that was never given is 404 with a detail."""
    answer = site.client.get(f"/task/{task_id}")

    assert (answer.status_code, type(answer.json()["detail"])) == (404, str)


def test_what_is_no_recipe_task_is_not_found(site: Site) -> None:
    """A job of another kind is no task of this system."""
    assert site.client.get(f"/task/{site.submit(kind='metadata')['id']}").status_code == 404


def test_tasks_belong_to_users(site: Site) -> None:
    """By the user's token, a task is seen by who made it, looks unknown to others, and is closed to strangers."""
    site.configure(AUTH_REQUIRED="true")
    assert scrape(site).status_code == 401
    site.client.headers["Authorization"] = "Bearer token-ann"
    task_id = scrape(site).json()["task_id"]
    assert task(site, task_id)["status"] == "queued"
    site.client.headers["Authorization"] = "Bearer token-ben"
    assert site.client.get(f"/task/{task_id}").status_code == 404
    del site.client.headers["Authorization"]
    assert site.client.get(f"/task/{task_id}").status_code == 401
