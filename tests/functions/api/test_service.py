"""Pages that the API serves to people."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.api_site import Site


@pytest.mark.parametrize("asset", ["docs", "redoc", "docs/assets/redoc.standalone.js"])
def test_the_documentation_names_no_service_to_load_from(site: Site, asset: str) -> None:
    """Neither page loads a logo or a badge from its maker's server, which would learn who reads it."""
    text = httpx.get(f"{site.url}/{asset}").text
    assert "cdn.redoc.ly" not in text
    assert asset != "docs" or '"validatorUrl": null' in text


def test_the_task_monitor_leads_to_the_operations_page(site: Site) -> None:
    """A bookmark of the earlier task monitor opens the console's page, at whatever path the API is served."""
    answer = site.client.get("/tasks")
    assert (answer.status_code, answer.headers["location"]) == (307, "./#/operations")


@pytest.mark.parametrize("path", ["docs", "redoc"])
def test_pages_have_a_language_and_an_icon(site: Site, path: str) -> None:
    """A screen reader speaks the page's language, and the tab has Clipwise's icon."""
    page = site.client.get(f"/{path}")
    assert '<html lang="en">' in page.text
    (icon,) = re.findall(r'rel="(?:shortcut )?icon" href="([^"]+)"', page.text)
    answer = site.client.get(f"/{icon}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert site.client.get("/favicon.ico").content == answer.content
