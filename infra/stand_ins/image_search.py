"""A stand-in for image search: Openverse's API by its published reference (https://api.openverse.org/v1/), and the
recorded forms of Bing's and DuckDuckGo's pages.

A function returns the images: for the arguments `"dog", 2`, the URLs on the second page for this keyword.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlsplit

from infra.stand_ins.server import RecordedRequest, Reply, StandInServer

Images = Callable[[str, int], list[str]]

VQD = "4-123456789012345678901234567890123456789"
PAGES = 12


class ImageSearch(StandInServer):
    """All three behind one address: set OPENVERSE_BASE_URL and SEARCH_BASE_URL to its `url`.

    Attributes:
        failing: Replies to use instead, once each, by service: `openverse`, `bing`, `duckduckgo`.
        always: Replies to use instead of all others, by service.
        token: The token that Openverse requires; "" for none.
    """

    def __init__(self, images: Images) -> None:
        super().__init__()
        self.images = images
        self.failing: defaultdict[str, deque[Reply]] = defaultdict(deque)
        self.always: dict[str, Reply] = {}
        self.token = ""

    def queries_for(self, service: str) -> list[dict[str, str]]:
        """Return the queries that a service received."""
        return [_query(request) for request in self.requests if SERVICES.get(urlsplit(request.path).path) == service]

    def reply_to(self, request: RecordedRequest) -> Reply:
        path, query = urlsplit(request.path).path, _query(request)
        service = SERVICES.get(path)
        if service is None:
            self.problems.append(f"{request.method} {request.path} is not served")
            return Reply({}, 404)
        if self.failing[service]:
            return self.failing[service].popleft()
        if service in self.always:
            return self.always[service]
        match path:
            case "/v1/images/":
                return self._openverse(request, query)
            case "/images/async":
                return self._bing(query)
            case "/i.js":
                return self._duckduckgo(query)
        return html_reply(f'<html><script>nrj("/t.js?q={query["q"]}");vqd="{VQD}"</script></html>')

    def _openverse(self, request: RecordedRequest, query: dict[str, str]) -> Reply:
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return Reply({"detail": "Authentication credentials were not provided."}, 401)
        self.problems += [
            f"Openverse has no parameter {name}" for name in query.keys() - {"q", "page", "page_size", "license"}
        ]
        page, size = int(query["page"]), int(query["page_size"])
        if size > 20 or page * size > 240:
            return Reply({"detail": "Anonymous requests are limited."}, 401)
        urls = self.images(query["q"], page)
        pages = page if not self.images(query["q"], page + 1) else PAGES
        return Reply(
            {
                "result_count": pages * size,
                "page_count": pages,
                "page_size": size,
                "page": page,
                "results": [openverse_result(url) for url in urls],
            }
        )

    def _bing(self, query: dict[str, str]) -> Reply:
        count = int(query["count"])
        urls = self.images(query["q"], (int(query["first"]) - 1) // count + 1)
        if not urls and query["first"] == "1":
            return html_reply('<div class="b_no">There are no results for this.</div>')
        return html_reply("".join(map(bing_item, urls)))

    def _duckduckgo(self, query: dict[str, str]) -> Reply:
        if query.get("vqd") != VQD or query.get("o") != "json":
            self.problems.append("DuckDuckGo was asked without its vqd")
            return Reply({}, 403)
        urls = self.images(query["q"], int(query.get("s", "0")) // 100 + 1)
        return Reply({"next": "i.js?q=x", "query": query["q"], "results": [duckduckgo_result(url) for url in urls]})


SERVICES = {"/v1/images/": "openverse", "/images/async": "bing", "/i.js": "duckduckgo", "/": "duckduckgo"}


def _query(request: RecordedRequest) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}


def html_reply(text: str) -> Reply:
    return Reply(text.encode(), headers={"content-type": "text/html; charset=utf-8"})


def openverse_result(url: str) -> dict[str, Any]:
    return {
        "id": "2ab7f6f7-8b6e-4d6c-9a55-000000000000",
        "title": "A picture",
        "indexed_on": "2024-05-01T12:00:00Z",
        "foreign_landing_url": f"{url}#page",
        "url": url,
        "creator": "Ann Example",
        "creator_url": "https://example.com/ann",
        "license": "by-sa",
        "license_version": "4.0",
        "license_url": "https://creativecommons.org/licenses/by-sa/4.0/",
        "provider": "flickr",
        "source": "flickr",
        "category": None,
        "filesize": None,
        "filetype": "jpg",
        "tags": [{"name": "dog", "accuracy": None}],
        "mature": False,
        "height": 96,
        "width": 96,
        "thumbnail": f"{url}#thumb",
        "detail_url": f"{url}#detail",
        "unstable__sensitivity": [],
    }


def bing_item(url: str) -> str:
    facts = {"sid": "", "cturl": "", "purl": f"{url}#page", "murl": url, "turl": f"{url}#thumb", "t": "A picture"}
    return (
        f'<div class="iuscp"><div class="imgpt"><a class="iusc" m="{escape(json.dumps(facts))}" href="/images/search">'
        '<img class="mimg"></a><div class="img_info hon"><span class="nowrap">640 × 480 · jpeg</span></div></div>'
        '<div class="infopt"><div class="infpd"><div class="lnkw"><a href="#">example.com</a></div></div></div></div>'
    )


def duckduckgo_result(url: str) -> dict[str, Any]:
    return {
        "height": 480,
        "image": url,
        "image_token": "0",
        "source": "Bing",
        "thumbnail": f"{url}#thumb",
        "thumbnail_token": "0",
        "title": "A picture",
        "url": f"{url}#page",
        "width": 640,
    }
