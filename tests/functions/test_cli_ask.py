"""`clipwise ask` against the API."""

from __future__ import annotations

import json

from typer.testing import CliRunner, Result

from infra.cli.main import app
from tests.api_site import Site
from tests.functions.api.chat_requests import OWNER, group, messages, service, stream_reply, videos
from tests.transcript_samples import SOUP, told

__all__ = ["group", "videos"]


HOSTILE = "Soup\x1b[2J\x9b31m\x1b]8;;https://evil.example\x07 and \u202esalt\u2066"
TERMINAL_CONTROLS = {*"\x07\x1b\x9b\u202e\u2066"}


def run(site: Site, *arguments: str) -> Result:
    return invoke(site, "ask", *arguments)


def invoke(site: Site, *arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"CLIPWISE_SERVER": site.url, "COLUMNS": "100"})


def test_an_answer_is_printed_with_what_it_rests_on(site: Site, group: str, videos: dict[str, str]) -> None:
    """A user reads the answer, and below it each citation with title, times, words and link."""
    with service(site, "openai") as ai:
        ai.queue_replies(stream_reply("openai", "Harriet ", "adds honey [1", "]."))
        printed = run(site, group, "What does Harriet add to the soup?")
    assert printed.exit_code == 0, printed.output
    answer, _, head, quote, link = printed.stdout.splitlines()
    assert answer == "Harriet adds honey [1]."
    assert head.startswith("[1] Soup, 0:00–0:2")
    assert quote.strip() == f"“{' '.join(SOUP)}”"
    assert link.strip() == f"{site.url}/v1/videos/{videos['Soup']}/source#t=0"


def test_a_single_video_is_asked_by_its_id(site: Site, videos: dict[str, str]) -> None:
    """The id of a video does as well as that of a group."""
    printed = run(site, videos["Soup"], "Was gibt Harriet in die Suppe?", "--language", "de")
    assert printed.exit_code == 0, printed.output
    assert printed.stdout.startswith("Zitiert, nicht beantwortet")
    # The citation adds place and time to what the answer quotes already.
    assert printed.stdout.count(SOUP[4]) == 1
    assert "[1] Soup, 0:" in printed.stdout
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


def test_no_text_controls_the_terminal(site: Site) -> None:
    """Titles, speech and answers by strangers cannot clear, color, link or reverse what a terminal displays."""
    video = site.submit("https://example.com/soup", title=HOSTILE)["id"]
    told(site.place.place.documents, OWNER, video, [f"Harriet adds honey to the soup {HOSTILE}"])
    quoted = run(site, video, f"What does Harriet add to the soup? {HOSTILE}")
    moments = [invoke(site, "search", "honey soup", *options) for options in ([], ["--json"])]
    with service(site, "openai") as ai:
        ai.queue_replies(stream_reply("openai", f"Honey {HOSTILE}", " [1]."))
        answer = run(site, video, f"What does Harriet add to the soup? {HOSTILE}")
    for output in (answer, quoted, *moments, invoke(site, "show", video), invoke(site, "show", video, "--json")):
        assert output.exit_code == 0, output.output
        assert not TERMINAL_CONTROLS & {*output.output}, output.output
    assert answer.stdout.startswith("Honey Soup[2J31m]8;;https://evil.example and salt [1].")
    title = json.loads(moments[1].stdout)[0]["title"]
    assert "\x9b31m" in title, "JSON states the title as it is"
