"""GET /v1/jobs/{id}/export."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from functions.api.export_files import filename_parameters
from shared.analyses.recipe import Ingredient, Recipe, Step
from shared.analyses.reel import KeyFactor, OriginalSpeech, Recommendation, Reel
from shared.analyses.summary import Chapter, VideoSummary
from shared.exports.formats import FORMATS
from shared.models.job import JobStatus
from shared.models.media import MediaInfo
from shared.models.video import Extraction, Origin, Segment, Transcript, Word
from shared.pipeline.job_storage import EXTRACTION, MEDIA, TRANSCRIPT, media_name, store_json
from shared.pipeline.jobs import read_job
from tests.api_site import Site

RECIPE = Recipe(
    title="Fish/Chips\n“Müller”",
    servings=2,
    ingredients=[Ingredient(name="cod", amount=0.5, unit="kg")],
    steps=[Step(number=1, text="Fry the cod.")],
    thumbnail="thumbnail.jpg",
)
REEL = Reel(
    original=OriginalSpeech(),
    keys=[KeyFactor(title="Hook", description="It starts late.")] * 5,
    script=[],
    recommendations=[Recommendation(category="Hook", text="Start earlier")],
)
SUMMARY = VideoSummary(summary="How to make soup.", chapters=[Chapter(title="Soup", start=0, end=9)])
INFO = MediaInfo(container="mov", size_bytes=1, duration_sec=9, has_video=True, has_audio=False)


def done(site: Site, result: dict[str, Any], kind: str = "recipe") -> str:
    job_id = str(site.submit(kind=kind)["id"])
    site.change(job_id, status=JobStatus.DONE, result=result)
    return job_id


def recipe_job(site: Site, recipe: Recipe = RECIPE) -> str:
    job_id = done(site, recipe.to_json())
    site.place.place.objects.put(MEDIA, media_name(job_id, "thumbnail.jpg"), b"picture", "image/jpeg")
    return job_id


def extracted(site: Site, job_id: str, *transcript: Segment) -> None:
    found = Extraction(
        info=INFO, thumbnail=None, shots=[], frames=[], samples=[], audio=None, transcript=list(transcript)
    )
    store_json(site.place.place.objects, job_id, EXTRACTION, found.to_json())


def export(site: Site, job_id: str, format: str, **more: Any) -> httpx.Response:
    return site.client.get(f"/v1/jobs/{job_id}/export", params={"format": format, **more})


def problem_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def test_a_recipe_as_json_ld(site: Site) -> None:
    """Other programs get the recipe with a picture that they can fetch at once without a token."""
    answer = export(site, recipe_job(site), "jsonld")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/ld+json")
    assert answer.json()["recipeIngredient"] == ["0.5 kg cod"]
    assert httpx.get(answer.json()["image"][0]).content == b"picture"


def shared_link(site: Site, video_id: str) -> str:
    group = site.client.post("/v1/groups", json={"name": "Soups"}).json()["id"]
    site.client.post(f"/v1/groups/{group}/videos", json={"video_ids": [video_id]})
    return str(site.client.post(f"/v1/groups/{group}/share", json={}).json()["token"])


def test_a_shared_recipe_keeps_its_picture(site: Site) -> None:
    """A search engine fetches picture and video without a token, through addresses that live as long as the link."""
    job_id = recipe_job(site)
    job = read_job(site.place.place.documents, job_id)
    assert job is not None
    origin = Origin(source="yt-dlp", published_at=datetime(2026, 2, 3, tzinfo=UTC))
    site.change(job_id, keep_source=True, video=job.video.model_copy(update={"origin": origin}))
    site.place.place.objects.put(MEDIA, media_name(job_id, "audio.flac"), b"sound", "audio/flac")
    token = shared_link(site, job_id)
    document = export(site, job_id, "jsonld", share=token).json()

    base = f"/v1/shared/{token}/videos/{job_id}"
    (image,) = document["image"]
    assert image.endswith(f"{base}/media/thumbnail.jpg")
    assert document["datePublished"] == document["video"]["uploadDate"] == "2026-02-03T00:00:00+00:00"
    assert document["video"]["contentUrl"].endswith(f"{base}/source")
    answer = site.client.get(urlsplit(image).path, headers={"Authorization": ""}, follow_redirects=False)
    assert answer.status_code == 307
    assert httpx.get(answer.headers["location"]).content == b"picture"
    for name in ("audio.flac", "frames/none.jpg", "result.json"):
        assert site.client.get(f"{base}/media/{name}").status_code == 404


def test_a_share_link_of_other_videos_is_not_found(site: Site) -> None:
    """No document links to a picture that the share link does not show."""
    job_id, token = recipe_job(site), shared_link(site, str(site.submit("https://example.com/other")["id"]))
    assert problem_of(export(site, job_id, "jsonld", share=token))[0] == 404
    assert problem_of(export(site, job_id, "jsonld", share="unknown"))[0] == 404


def test_a_recipe_as_markdown(site: Site) -> None:
    """The Markdown is saved under a name made from the title, which cannot lead anywhere else."""
    answer = export(site, recipe_job(site), "md", servings=3)

    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert "- 0.75 kg cod" not in answer.text
    assert "- 750 g cod" in answer.text
    full = quote("Fish-Chips “Müller”.md", safe="")
    assert answer.headers["content-disposition"] == (
        f"attachment; filename=\"Fish-Chips-Muller.md\"; filename*=UTF-8''{full}"
    )


def test_a_recipe_as_a_page(site: Site) -> None:
    """A browser shows the page under a policy that lets no script run."""
    answer = export(site, recipe_job(site), "html")

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("inline;")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "data:image/jpeg;base64," in answer.text


def test_a_recipe_whose_picture_is_gone(site: Site) -> None:
    """A recipe is exported without a picture when there is none."""
    job_id = done(site, RECIPE.to_json())

    assert "image" not in export(site, job_id, "jsonld").json()
    assert "<img" not in export(site, job_id, "html").text


def test_a_result_as_json(site: Site) -> None:
    """The result is exported as it is, or with the amounts for other servings."""
    job_id = recipe_job(site)

    assert export(site, job_id, "json").json() == RECIPE.to_json()
    scaled = export(site, job_id, "json", servings=4).json()
    assert (scaled["servings"], scaled["ingredients"][0]["amount"]) == (4, 1)
    assert export(site, done(site, {"duration": "00:00:09"}, "metadata"), "json").json() == {"duration": "00:00:09"}


@pytest.mark.parametrize(
    ("format", "media_type", "text"),
    [
        ("txt", "text/plain", "Hello\n"),
        ("srt", "application/x-subrip", "1\n00:00:01,000 --> 00:00:02,000\nHello\n\n"),
        ("vtt", "text/vtt", "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHello\n"),
    ],
)
def test_a_transcript_of_any_job(site: Site, format: str, media_type: str, text: str) -> None:
    """Every job whose video has subtitles gives them as a file, even before it is done."""
    job_id = str(site.submit()["id"])
    extracted(site, job_id, Segment(start=1, end=2, text="Hello"))
    answer = export(site, job_id, format)

    assert answer.headers["content-type"].partition(";")[0] == media_type
    assert answer.text == text


def test_subtitles_have_the_lines_that_are_asked_for(site: Site) -> None:
    """A phone's subtitles can be narrower than a television's; limits that make no sense are refused."""
    job_id = str(site.submit()["id"])
    extracted(site, job_id, Segment(start=1, end=6, text="Mix the flour and the water with a spoon"))
    assert export(site, job_id, "srt").text.splitlines()[2:] == ["Mix the flour and the water with a spoon", ""]
    narrow = export(site, job_id, "srt", line_length=22, max_lines=2).text.splitlines()
    assert narrow[2:] == ["Mix the flour and the", "water with a spoon", ""]
    assert export(site, job_id, "srt", line_length=5).status_code == 422
    assert export(site, job_id, "vtt", max_lines=0).status_code == 422


@pytest.mark.parametrize(
    ("kind", "result", "line"),
    [("reel", REEL.to_json(), "- **Hook** Start earlier"), ("summary", SUMMARY.to_json(), "- **0:00** Soup")],
)
def test_reels_and_summaries(site: Site, kind: str, result: dict[str, Any], line: str) -> None:
    """A reel and a summary are exported as Markdown, as a page under the policy, and as they are."""
    job_id = done(site, result, kind)
    markdown, page = export(site, job_id, "md"), export(site, job_id, "html")

    assert line in markdown.text.splitlines()
    assert markdown.headers["content-type"] == "text/markdown; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert export(site, job_id, "json").json() == result
    for format in ("md", "html", "json"):
        assert problem_of(export(site, job_id, format, servings=4)) == (422, "servings_unknown")
    assert problem_of(export(site, job_id, "jsonld")) == (422, "format_unknown")


def test_a_transcript_job_as_json(site: Site) -> None:
    """Who asked for a transcript gets all of it as JSON: every segment, with its words and times."""
    job_id = done(site, {"text": "Hello", "segments": 1, "durationSec": 9}, "transcript")
    spoken = Segment(start=1, end=2, text="Hello", words=[Word(start=1, end=1.5, text="Hello")])
    transcript = Transcript(source="speech", language="en", segments=[spoken], provider="openai")
    store_json(site.place.place.objects, job_id, TRANSCRIPT, transcript.to_json())

    assert export(site, job_id, "json").json() == transcript.to_json()
    assert export(site, job_id, "txt").text == "Hello\n"
    assert problem_of(export(site, job_id, "json", servings=4)) == (422, "servings_unknown")
    assert problem_of(export(site, str(site.submit(kind="transcript", fresh=True)["id"]), "json")) == (409, "not_done")


def test_what_is_not_there_yet(site: Site) -> None:
    """A job that still runs, or that failed, says that it has nothing to export."""
    job_id = str(site.submit(kind="recipe")["id"])
    for row in FORMATS:
        assert problem_of(export(site, job_id, row.name)) == (409, "not_done")
    site.change(job_id, status=JobStatus.FAILED)
    assert problem_of(export(site, job_id, "md")) == (409, "not_done")


def test_no_transcript(site: Site) -> None:
    """A job whose video has no subtitles says so, whether it was extracted or not."""
    job_id = recipe_job(site)
    assert problem_of(export(site, job_id, "srt")) == (409, "no_transcript")
    extracted(site, job_id)
    assert problem_of(export(site, job_id, "srt")) == (409, "no_transcript")


def test_a_video_that_was_not_transcribed_is_not_called_silent(site: Site) -> None:
    """The export says that nothing transcribed the audio, not that there is no speech, and what would help."""
    job_id = recipe_job(site)
    unheard = Transcript(gap="not_transcribed", notes=["The audio was not transcribed."])
    store_json(site.place.place.objects, job_id, TRANSCRIPT, unheard.to_json())
    answer = export(site, job_id, "srt")
    assert problem_of(answer) == (409, "no_transcript")
    assert "was not transcribed: no speech model or AI key" in answer.json()["detail"]
    assert "no speech was recognized" not in answer.json()["detail"]


def test_no_recipe(site: Site) -> None:
    """A video without a recipe gives no empty page."""
    job_id = done(site, Recipe(notes=["Nothing was found."]).to_json())
    assert problem_of(export(site, job_id, "html")) == (409, "no_recipe")


def test_unknown_formats_are_told_the_known_ones(site: Site) -> None:
    """Who asks for a format that a job of this kind has not reads which ones there are."""
    answer = export(site, recipe_job(site), "pdf")
    assert problem_of(answer) == (422, "format_unknown")
    assert answer.json()["detail"] == (
        "A recipe job has no format 'pdf'. Choose one of: jsonld, md, html, json, txt, srt, vtt."
    )
    metadata = export(site, done(site, {}, "metadata"), "md")
    assert problem_of(metadata) == (422, "format_unknown")
    assert "Choose one of: json, txt, srt, vtt" in metadata.json()["detail"]


def test_servings_that_nobody_knows(site: Site) -> None:
    """Where there are no servings to start from, nothing is scaled by a guess."""
    job_id = recipe_job(site, RECIPE.model_copy(update={"servings": None}))
    extracted(site, job_id, Segment(start=1, end=2, text="Hello"))
    for format in ("jsonld", "md", "html", "json", "txt"):
        assert problem_of(export(site, job_id, format, servings=4)) == (422, "servings_unknown")
    metadata = done(site, {}, "metadata")
    assert problem_of(export(site, metadata, "json", servings=4)) == (422, "servings_unknown")


@pytest.mark.parametrize("servings", ["0", "-1", "nan", "inf", "1001", "many"])
def test_servings_that_make_no_sense(site: Site, servings: str) -> None:
    """Only a number of servings that can be cooked is taken."""
    assert problem_of(export(site, recipe_job(site), "md", servings=servings)) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("title", "simple"),
    [
        ("Борщ", "recipe.md"),
        ('"; filename="x.exe', "filename-x-exe.md"),
        ("..", "recipe.md"),
        ("../../etc/passwd", "etc-passwd.md"),
        ("a\r\nSet-Cookie: x", "a-Set-Cookie-x.md"),
        ("x" * 500, "x" * 197 + ".md"),
        (None, "recipe.md"),
    ],
)
def test_file_names_are_safe(site: Site, title: str | None, simple: str) -> None:
    """No title makes a header of its own, a path, or another type of file."""
    job_id = done(site, {"title": title})
    job = read_job(site.place.place.documents, job_id)
    assert job is not None
    name = filename_parameters(job, "md")

    assert name.startswith(f"filename=\"{simple}\"; filename*=UTF-8''")
    assert name.isascii()
    assert not set(name.rpartition("''")[2]) & set('"/\\\r\n; ')


def test_the_document_tells_of_all_formats(site: Site) -> None:
    """A client can learn from the OpenAPI document what it may ask for and which types come."""
    paths = json.loads(site.client.get("/openapi.json").text)["paths"]
    operation = paths["/v1/jobs/{job_id}/export"]["get"]
    asked = {parameter["name"]: parameter for parameter in operation["parameters"]}

    assert asked["format"]["required"]
    assert all(row.name in asked["format"]["description"] for row in FORMATS)
    assert set(operation["responses"]["200"]["content"]) >= {"application/ld+json", "text/html", "text/vtt"}


def test_a_recipe_in_other_units(site: Site) -> None:
    """A client gets a recipe in other units, scaled or not, in every format; for anything else, it reads why not."""
    job_id = recipe_job(site)
    assert export(site, job_id, "json", units="us").json()["ingredients"][0]["unit"] == "lb"
    assert "- 2¼ lb cod" in export(site, job_id, "md", units="us", servings=4).text
    assert "5 kg cod" in export(site, job_id, "md", units="metric").text
    assert problem_of(export(site, job_id, "md", units="imperial")) == (422, "invalid_request")
    assert problem_of(export(site, done(site, SUMMARY.to_json(), "summary"), "md", units="us")) == (
        422,
        "servings_unknown",
    )
