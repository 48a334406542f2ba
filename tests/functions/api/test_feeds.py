"""Feeds of finished results: Atom for feed readers, at addresses that only their owner hands out and can revoke."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser
import pytest
from lxml import etree

from shared.library.deletion import erase_user
from shared.library.feeds import FEEDS, MAX_ENTRIES, MAX_FEEDS
from shared.models.job import Job, JobStatus
from shared.pipeline.job_storage import JOBS
from tests.api_site import Site

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BEN = {"Authorization": "Bearer token-ben"}


def create(site: Site, **body: Any) -> dict[str, Any]:
    answer = site.client.post("/v1/feeds", json=body)
    assert answer.status_code == 201, answer.text
    feed: dict[str, Any] = answer.json()
    return feed


def add_result(site: Site, number: int, **fields: Any) -> Job:
    """Store a job that ended `number` minutes after START."""
    at = START + timedelta(minutes=number)
    base = {"owner": "local", "kind": "recipe", "language": "en", "status": JobStatus.DONE}
    times = {"created_at": at - timedelta(seconds=30), "updated_at": at, "ended_at": at}
    job = Job(**{"id": f"{number:032x}", **base, **times, **fields})
    site.place.place.documents.put(JOBS, job.id, job.to_document())
    return job


def test_a_reader_gets_titles_dates_and_links(site: Site) -> None:
    """A feed reader lists finished results, newest first, by title and time, with links to the console; no contents."""
    add_result(site, 1, result={"title": "Onion soup", "ingredients": [{"name": "secret onion"}]})
    add_result(site, 2, filename="talk.mp4", kind="transcript")
    add_result(site, 3, status=JobStatus.FAILED)
    add_result(site, 4, owner="ben", title="Ben's")
    feed = create(site, name="Phone")
    answer = site.client.get(feed["url"])

    assert answer.headers["content-type"] == "application/atom+xml"
    assert "secret onion" not in answer.text
    parsed = feedparser.parse(answer.content)
    assert not parsed.bozo
    assert parsed.version == "atom10"
    assert parsed.feed.title == "Clipwise: Phone"
    assert [(entry.title, entry.link, entry.updated) for entry in parsed.entries] == [
        ("talk.mp4", f"{site.url}/#/jobs/{2:032x}", "2026-01-02T03:06:05Z"),
        ("Onion soup", f"{site.url}/#/jobs/{1:032x}", "2026-01-02T03:05:05Z"),
    ]


def test_the_feed_is_valid_whatever_the_titles_contain(site: Site) -> None:
    """Markup, control characters and texts from right to left in titles leave the feed valid; nothing is executable."""
    titles = [
        "<script>alert(1)</script> & ]]>",
        "a\x00\x0b\x1f\ufffe\ud800b".encode("utf-16", "ignore").decode("utf-16"),
    ]
    titles += ["\u202eevil", "é" * 1000, "\x01"]
    for number, title in enumerate(titles):
        add_result(site, number, result={"title": title})
    root = etree.fromstring(site.client.get(create(site)["url"]).content)

    def texts(path: str) -> list[str]:
        return [str(text) for text in root.xpath(path, namespaces={"a": "http://www.w3.org/2005/Atom"})]

    # What RFC 4287, 4.1 requires of a feed and its entries.
    for element in ("id", "title", "updated", "author/a:name"):
        assert len(texts(f"/a:feed/a:{element}/text()")) == 1
    entries = len(titles)
    for element in ("id", "title", "updated"):
        found = texts(f"/a:feed/a:entry/a:{element}/text()")
        assert len(found) == entries
        assert element == "title" or len(set(found)) == entries
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", text) for text in texts("//a:id/text()"))
    assert texts("/a:feed/a:link[@rel='self']/@type") == ["application/atom+xml"]
    assert max(map(len, texts("//a:title/text()"))) <= 300


def test_an_unchanged_feed_is_not_sent_again(site: Site) -> None:
    """A reader that polls gets 304 until a result is finished; no crawler may index the feed."""
    add_result(site, 1)
    url = create(site)["url"]
    first = site.client.get(url)
    again = site.client.get(url, headers={"If-None-Match": first.headers["etag"]})
    add_result(site, 2)
    changed = site.client.get(url, headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert (changed.status_code, len(feedparser.parse(changed.content).entries)) == (200, 2)
    for answer in (first, again):
        assert answer.headers["x-robots-tag"] == "noindex"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "private, no-cache"


def test_a_feed_has_a_bounded_number_of_entries(site: Site) -> None:
    """However many results there are, a poll reads and sends the newest fifty."""
    for number in range(MAX_ENTRIES + 3):
        add_result(site, number)
    entries = feedparser.parse(site.client.get(create(site)["url"]).content).entries

    assert len(entries) == MAX_ENTRIES
    assert entries[0].link.endswith(f"{MAX_ENTRIES + 2:032x}")


def test_a_revoked_address_ends_at_once(site: Site) -> None:
    """Deleting a feed ends its address and no other; only the owner can list or delete feeds."""
    first, second = create(site, name="Phone"), create(site)
    listed = site.client.get("/v1/feeds")
    assert [feed["id"] for feed in listed.json()["feeds"]] == [first["id"], second["id"]]
    assert token_of(first) not in listed.text
    assert site.client.delete(f"/v1/feeds/{first['id']}", headers=BEN).status_code == 404
    assert site.client.get(first["url"]).status_code == 200
    assert site.client.delete(f"/v1/feeds/{first['id']}").status_code == 204
    assert site.client.get(first["url"]).status_code == 404
    assert site.client.get(second["url"]).status_code == 200
    for path in ("x", "x" * 5000, first["id"]):
        assert site.client.get(f"/v1/feeds/{path}/atom").status_code == 404


def token_of(feed: dict[str, Any]) -> str:
    return str(feed["url"].split("/")[-2])


def test_only_a_hash_of_the_address_is_kept(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the documents, nor an error's answer, nor the log of one contains the token of a feed or a share link."""
    feed = create(site)
    token = token_of(feed)
    (stored,) = site.place.place.documents.query(FEEDS).documents
    assert token not in str(stored.data)
    wrong = site.client.get(f"/v1/feeds/{token}x/atom")
    assert token not in wrong.text

    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("shared.library.feeds.find_feed", fail)
    monkeypatch.setattr("shared.library.groups.find_shared_group", fail)
    with caplog.at_level(logging.DEBUG):
        for path in (f"/v1/feeds/{token}/atom", f"/v1/shared/{token}", f"/api/videos/groups/shared/{token}"):
            answer = site.client.get(path)
            assert answer.status_code == 500
            assert token not in answer.text
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("functions.")]
    assert len(logged) == 3
    assert not any(token in line for line in logged)


def test_feeds_are_limited_and_created_once_a_key(site: Site) -> None:
    """A repeated request does not leave a second feed behind, whose address nobody knows; there are at most ten."""
    key = {"Idempotency-Key": "once"}
    first, second = (site.client.post("/v1/feeds", json={}, headers=key).json() for _ in range(2))
    assert first["id"] == second["id"]
    assert site.client.get(first["url"]).status_code == 404
    assert site.client.get(second["url"]).status_code == 200
    for _ in range(MAX_FEEDS - 1):
        create(site)
    refused = site.client.post("/v1/feeds", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_feeds")


def test_feeds_are_deleted_with_the_account(site: Site) -> None:
    """Whoever leaves leaves no address behind."""
    url = create(site)["url"]
    while not erase_user(site.place.place, "local"):
        pass
    assert site.client.get(url).status_code == 404
