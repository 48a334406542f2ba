"""Pages that the API serves to people."""

from __future__ import annotations

import re

import httpx
import pytest

from functions.api.routes.service import read_page
from infra.packaging.package import source_files
from tests.api_site import Site

PAGES = ("/tasks",)


@pytest.mark.parametrize("asset", ["docs", "redoc", "docs/assets/redoc.standalone.js"])
def test_the_documentation_names_no_service_to_load_from(site: Site, asset: str) -> None:
    """Neither page loads a logo or a badge from its maker's server, which would learn who reads it."""
    text = httpx.get(f"{site.url}/{asset}").text
    assert "cdn.redoc.ly" not in text
    assert asset != "docs" or '"validatorUrl": null' in text


@pytest.mark.parametrize("path", ["docs", "redoc", "tasks"])
def test_pages_have_a_language_and_an_icon(site: Site, path: str) -> None:
    """A screen reader speaks the page's language, and the tab has Clipwise's icon."""
    page = site.client.get(f"/{path}")
    assert '<html lang="en">' in page.text
    (icon,) = re.findall(r'rel="(?:shortcut )?icon" href="([^"]+)"', page.text)
    answer = site.client.get(f"/{icon}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert site.client.get("/favicon.ico").content == answer.content


def test_a_page_is_for_everyone(site: Site) -> None:
    """A page needs no token, since nobody's data is in it: that comes when somebody signs in on it."""
    site.submit(title="Secret soup")
    site.configure(AUTH_REQUIRED="true")
    for path in PAGES:
        answer = site.client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "Secret soup" not in answer.text


def test_a_page_loads_nothing_from_elsewhere(site: Site) -> None:
    """All that a page needs is in it, and its policy lets nothing else in: no script, no frame, no other server."""
    for path in PAGES:
        answer = site.client.get(path)
        assert not re.search(r"https?:|[\"'(]//", answer.text)
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert re.fullmatch(r"'sha256-[\w+/]{43}='", policy["script-src"])
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_pages_are_packed_with_the_function() -> None:
    """The deployed function has its pages."""
    assert read_page("tasks").body
    assert "tasks.html" in {path.name for path in source_files("api")}
