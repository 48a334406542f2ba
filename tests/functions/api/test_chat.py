"""Questions about videos, over HTTP, where there is no AI."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api_site import Site
from tests.functions.api.test_groups import group_of
from tests.talks import SOUP, STARS, told

OWNER = "local"


@pytest.fixture
def group(site: Site) -> str:
    """Two videos, one about soup and one about stars."""
    soup, stars = (site.submit(f"https://example.com/{title}", title=title)["id"] for title in ("Soup", "Stars"))
    told(site.place.platform.documents, OWNER, soup, SOUP)
    told(site.place.platform.documents, OWNER, stars, STARS)
    return group_of(site, soup, stars)


def ask(site: Site, question: str, **more: Any) -> httpx.Response:
    return site.client.post("/v1/chat", json={"messages": [{"role": "user", "content": question}]} | more)


def test_without_an_ai_passages_are_quoted(site: Site, group: str) -> None:
    """Offline, a question gets the words of the video with their times, named as quotes."""
    answer = ask(site, "What does Harriet add to the soup?", group_id=group)
    assert answer.status_code == 200, answer.text
    given = answer.json()
    assert given["found"]
    assert given["content"].startswith("Quoted, not answered")
    (citation,) = given["citations"]
    assert citation["title"] == "Soup"
    assert citation["quote"].startswith(SOUP[4])
    assert f"“{citation['quote']}” [1]" in given["content"]
