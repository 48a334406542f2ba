"""Every kind with each AI service, on either place, from upload to result: real SDKs, real HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.demo.recipe import SCRIPT, recipe_differences
from shared.analyses.kinds import kinds
from shared.analyses.recipe import Recipe
from shared.analyses.reel import KEY_COUNT
from shared.platform.embedded.database import Database
from shared.platform.embedded.documents import SqliteDocuments
from tests.integration.sites import OPTIONS, Site, Sites

SITES = [("embedded", "offline"), *((place, provider) for place in OPTIONS for provider in ("openai", "gemini"))]
"""On the emulated place `offline` would show nothing new: it asks no service, and the place has tests of its own."""
LISTENING = {"openai": "whisper-1", "gemini": "gemini-3.5-flash-lite"}
LOOKING = {"openai": "gpt-5.4-mini", "gemini": "gemini-3.5-flash-lite"}
SECONDS = 4
MADE_UP = "these words are made up"

Jobs = dict[str, dict[str, Any]]
"""Ended jobs by their kind."""


@pytest.fixture(scope="module", params=SITES, ids="-".join)
def site(request: pytest.FixtureRequest, sites: Sites) -> Site:
    return sites.site(*request.param)


@pytest.fixture(scope="module")
def jobs(site: Site, talk: Path) -> Jobs:
    """One job of each kind for the same talking video, all at the same time."""
    ids = [site.server.submit(talk, kind) for kind in kinds()]
    ended = [site.server.follow(job_id) for job_id in ids]
    return {job["kind"]: job for job in ended}


def export(site: Site, job: dict[str, Any], format: str) -> Any:
    with site.server.client() as client:
        answer = client.get(f"/v1/jobs/{job['id']}/export", params={"format": format})
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_a_talking_video_becomes_each_kind(site: Site, jobs: Jobs, kind: str) -> None:
    """Whatever is asked for comes out in the form that is promised for it, with all its stages done."""
    job = jobs[kind]
    assert job["status"] == "done", job["error"]
    assert job["progress"] == 100
    assert list(job["stages"]) == list(kinds()[kind].stages)
    assert {stage["status"] for stage in job["stages"].values()} == {"done"}
    schema = kinds()[kind].schema
    assert schema.model_validate(job["result"]).model_dump(mode="json", by_alias=True) == job["result"]
    exported = export(site, job, "json").json()
    assert kind == "transcript" or exported == job["result"]


@pytest.mark.parametrize("kind", sorted(kinds().keys() - {"metadata"}))
def test_the_job_says_who_made_it_and_for_how_much(site: Site, jobs: Jobs, kind: str) -> None:
    """Whoever pays sees provider, model, prompt, tokens, seconds listened to and cost in each job."""
    usage = jobs[kind]["usage"]
    if site.provider == "offline":
        assert (usage["costUsd"], usage["audioSeconds"]) == (0, 0)
        assert kind == "transcript" or usage["provider"] == "offline"
        return
    model = (LISTENING if kind == "transcript" else LOOKING)[site.provider]
    assert (usage["provider"], usage["model"]) == (site.provider, model)
    assert usage["audioSeconds"] == pytest.approx(SECONDS, abs=0.5)
    assert usage["costUsd"] > 0
    # Nobody stands in for who compares meanings, which comes after the result.
    assert [note for note in usage["notes"] if "not by meaning" not in note] == list(site.notes)
    assert usage["promptVersion"] == (None if kind == "transcript" else kinds()[kind].prompt_version)
    assert kind == "transcript" or (usage["tokensIn"] > 0 and usage["frames"] > 0)


@pytest.mark.parametrize("kind", sorted(kinds().keys() - {"metadata"}))
def test_what_is_said_is_in_the_job_and_its_exports(site: Site, jobs: Jobs, kind: str) -> None:
    """The words that were heard are shown with the job and go into subtitle files with their times."""
    video, job = jobs[kind]["video"], jobs[kind]
    if site.provider == "offline":
        assert video["transcript"] is None
        assert kind != "transcript" or any("was not transcribed" in note for note in job["result"]["notes"])
        return
    assert MADE_UP in video["transcript"]
    assert (video["transcriptSource"], video["transcriptLanguage"]) == ("speech", "en")
    assert export(site, job, "txt").text.split() == video["transcript"].split()
    assert "00:00:00,000 --> " in export(site, job, "srt").text
    assert export(site, job, "vtt").text.startswith("WEBVTT")
    if kind == "transcript":
        whole = export(site, job, "json").json()
        assert (whole["source"], whole["provider"], whole["model"]) == (
            "speech",
            site.provider,
            LISTENING[site.provider],
        )
        assert " ".join(segment["text"] for segment in whole["segments"]).split() == job["result"]["text"].split()
        ends = [segment["end"] for segment in whole["segments"]]
        assert ends == sorted(ends)
        assert ends[-1] <= SECONDS + 0.1
        assert site.provider == "gemini" or all(segment["words"] for segment in whole["segments"])


@pytest.mark.parametrize("site", [one for one in SITES if one[1] != "offline"], indirect=True, ids="-".join)
def test_results_are_tied_to_what_is_stored(site: Site, jobs: Jobs) -> None:
    """Times lie in the video, pictures are ones that can be fetched, quotations are what was said."""
    recipe, reel, summary = (jobs[kind]["result"] for kind in ("recipe", "reel", "summary"))
    duration = jobs["recipe"]["video"]["info"]["durationSec"]
    seen = [one["seen"] for one in (*recipe["ingredients"], *recipe["steps"])]
    assert all(0 <= sighting["time"] <= duration for sighting in seen)
    with site.server.client() as client:
        for name in {recipe["thumbnail"], recipe["titleSeen"]["frame"]}:
            assert client.get(f"/v1/jobs/{jobs['recipe']['id']}/media/{name}").status_code == 307
    assert len(reel["keys"]) == KEY_COUNT
    assert reel["pacing"]["durationSec"] == duration
    assert reel["original"]["transcription"] == jobs["reel"]["video"]["transcript"]
    assert all(0 <= scene["start"] <= scene["end"] <= duration for scene in reel["script"])
    assert summary["chapters"][0]["start"] == 0
    assert summary["chapters"][-1]["end"] == duration
    assert all(point["quote"] in jobs["summary"]["video"]["transcript"] for point in summary["keyPoints"])


@pytest.mark.parametrize("site", [one for one in SITES if one[0] == "embedded"], indirect=True, ids="-".join)
def test_results_are_kept_by_themselves(site: Site, jobs: Jobs) -> None:
    """Each result is also a document of its own, with what it took."""
    documents = SqliteDocuments(Database(site.server.data / "clipwise.db"))
    for name, kind in kinds().items():
        if kind.collection:
            stored = documents.get(kind.collection, jobs[name]["id"])
            assert stored
            assert stored.data["usage"] == jobs[name]["usage"]


def test_a_link_to_tiktok_becomes_a_recipe(sites: Sites) -> None:
    """A page's link goes through Apify's real client to the video, its caption and author, and to all ingredients."""
    link = "https://www.tiktok.com/@cook/video/7412345678901234567"
    server = sites.site("embedded", "gemini").server
    job = server.follow(server.submit_link(link, "recipe"))
    assert job["status"] == "done", job["error"]
    assert recipe_differences(Recipe.read(job["result"]), job["video"]["info"]["durationSec"]) == []
    assert job["video"]["origin"]["source"] == "apify"
    assert job["result"]["author"] == job["video"]["author"] == "clipwise.kitchen"
    assert job["result"]["sourceUrl"] == link


@pytest.mark.parametrize("place", OPTIONS)
def test_a_link_to_instagram_becomes_its_words(sites: Sites, place: str) -> None:
    """A page's video that has subtitles is not listened to: they are its transcript, on either place."""
    server = sites.site(place, "gemini").server
    job = server.follow(server.submit_link("https://www.instagram.com/reel/DAbCdEfGhIj/", "transcript"))
    assert job["status"] == "done", job["error"]
    assert (job["video"]["origin"]["source"], job["result"]["source"]) == ("apify", "subtitles")
    assert job["result"]["text"].splitlines() == [line.text for line in SCRIPT]
    assert job["usage"]["audioSeconds"] == 0
