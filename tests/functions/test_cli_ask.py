"""`clipwise ask` against the API."""

from __future__ import annotations

from typer.testing import CliRunner, Result

from infra.cli.main import app
from tests.api_site import Site
from tests.functions.api.chat_requests import group, messages, service, stream_reply, videos
from tests.transcript_samples import SOUP

__all__ = ["group", "videos"]


def run(site: Site, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["ask", *arguments], env={"CLIPWISE_SERVER": site.url, "COLUMNS": "100"})


def test_an_answer_is_printed_with_what_it_rests_on(site: Site, group: str, videos: dict[str, str]) -> None:
    """A user reads the answer, and below it each citation with title, times, words and link."""
    with service(site, "openai") as ai:
        ai.queue_replies(stream_reply("openai", "Harriet ", "adds honey [1", "]."))
        told = run(site, group, "What does Harriet add to the soup?")
    assert told.exit_code == 0, told.output
    answer, _, head, quote, link = told.stdout.splitlines()
    assert answer == "Harriet adds honey [1]."
    assert head.startswith("[1] Soup, 0:00–0:2")
    assert quote.strip() == f"“{' '.join(SOUP)}”"
    assert link.strip() == f"{site.url}/v1/videos/{videos['Soup']}/source#t=0"


def test_a_single_video_is_asked_by_its_id(site: Site, videos: dict[str, str]) -> None:
    """The id of a video does as well as that of a group."""
    told = run(site, videos["Soup"], "Was gibt Harriet in die Suppe?", "--language", "de")
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("Zitiert, nicht beantwortet")
    assert [one.video_id for one in messages(site)] == [videos["Soup"]] * 2


def test_an_answer_that_fails_says_why(site: Site, group: str) -> None:
    """An unknown id, and an answer that breaks off, end with a sentence and a code of their own."""
    unknown = run(site, "0" * 32, "Soup?")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "not_found" in unknown.stderr
    with service(site, "openai") as ai:
        ai.queue_replies(stream_reply("openai", "Harriet ", finish_reason=None))
        broken = run(site, group, "What does Harriet add to the soup?")
    assert (broken.exit_code, broken.stdout) == (2, "Harriet\n")
    assert "provider_unavailable" in broken.stderr
