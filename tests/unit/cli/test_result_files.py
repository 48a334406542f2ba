"""The front matter of results, read by a YAML library as Obsidian does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.cli.result_files import MARK, front_matter


def job(**changed: Any) -> dict[str, Any]:
    document = {
        "id": "5f3a",
        "kind": "recipe",
        "language": "en",
        "title": None,
        "url": None,
        "tags": [],
        "video": {"title": None, "author": None, "info": None, "transcriptSource": None},
        "result": None,
        "createdAt": "2026-01-02T03:04:05Z",
    }
    return document | changed


@settings(deadline=None)
@given(st.text(), st.text(), st.lists(st.text(), max_size=3))
def test_hostile_titles_stay_data(title: str, author: str, tags: list[str]) -> None:
    """Whatever a stranger calls a video, the front matter is valid YAML that ends where ours ends, and says so."""
    video = {"title": None, "author": author, "info": {"durationSec": 1.5}, "transcriptSource": None}
    text = front_matter(job(title=title, video=video, tags=tags), Path("soup.mp4"))
    properties, rest = text.removeprefix("---\n").split("\n---\n", 1)
    assert rest == "\n"
    read = yaml.safe_load(properties)
    assert read[MARK] == "5f3a"
    assert isinstance(read["title"], str)
    assert "\n" not in read["title"]
    assert all(isinstance(tag, str) and " " not in tag for tag in read.get("tags", []))


def test_a_title_that_looks_like_yaml_is_kept() -> None:
    """Colons, quotes, dashes and numbers in titles are read back as they are."""
    for title in ("a: b", "---", "- x", '"', "'", "1.0", "yes", "{a: b}", "# no", "| x", "null", "2026-01-02"):
        text = front_matter(job(title=title), Path("soup.mp4"))
        assert yaml.safe_load(text.removeprefix("---\n").rpartition("---\n")[0])["title"] == title
