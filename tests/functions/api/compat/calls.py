"""Calls of the earlier systems, as their clients make them."""

from __future__ import annotations

from typing import Any

import httpx

from tests.api_site import Site


def get(site: Site, path: str, **more: Any) -> Any:
    answer = site.client.get(path, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(site: Site, path: str, status: int = 200, **body: Any) -> Any:
    answer = site.client.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def assert_rejected(answer: httpx.Response, status: int) -> None:
    """With the reason in `detail`."""
    assert answer.status_code == status, answer.text
    assert isinstance(answer.json()["detail"], str)
