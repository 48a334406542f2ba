"""What Cloud Run's request logs leave out."""

from __future__ import annotations

import re
from pathlib import Path

from functions.api.app import create_app

ROOT = Path(__file__).parents[2]


def test_addresses_with_a_token_are_in_no_request_log() -> None:
    """Google logs whole addresses, so each path whose token opens something is excluded, and no other of the API is."""
    text = (ROOT / "terraform" / "log_exclusion.tf").read_text(encoding="utf-8")
    found = re.search(r'requestUrl=~\\"(.+?)\\"', text)
    assert found
    paths = create_app().openapi()["paths"]
    excluded = {path for path in paths if re.search(found[1], f"https://example.com{path}?url=1")}
    assert excluded == {path for path in paths if "{token}" in path or path == "/share"} | {"/v1/feeds/{feed_id}"}
