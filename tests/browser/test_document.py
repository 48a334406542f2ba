"""What docs/listening.md says is so."""

from __future__ import annotations

import json
import re

from pydantic import BaseModel

from shared.models.job import Job, JobError, StageState, Upload
from shared.models.media import MediaInfo
from shared.models.video import Frame, Video
from tests.browser.pages import DOCUMENT, FOLDER, WEB, example

MODELS: dict[str, type[BaseModel]] = {
    "": Job,
    "stages.*": StageState,
    "upload": Upload,
    "video": Video,
    "video.info": MediaInfo,
    "video.thumbnail": Frame,
    "error": JobError,
}


def test_the_fields_it_explains_are_in_the_document() -> None:
    """Whoever builds on a field that the page explains finds it in the job document, under that very name."""
    section = DOCUMENT.read_text(encoding="utf-8").partition("## The document")[2].partition("\n## ")[0]
    rows = " ".join(re.findall(r"^\| (`[^|]+)\|", section, re.MULTILINE))
    named = {*re.findall(r"`([\w.*]+)`", rows), *re.findall(r"`(\w+\.[\w.*]+)`", section)}
    assert len(named) > 20
    for name in named:
        model, _, field = name.rpartition(".")
        assert field in {info.alias for info in MODELS[model].model_fields.values()}, name


def test_it_names_the_tested_version_of_the_sdk() -> None:
    """Who copies the page's import map gets the SDK that the tests ran with."""
    pinned = json.loads((WEB / "package.json").read_text(encoding="utf-8"))["dependencies"]["firebase"]
    assert set(re.findall(r"firebasejs/([\d.]+)/", example("importmap.html"))) == {pinned}


def test_the_lock_names_no_registry() -> None:
    """Whoever installs the SDK gets the locked bytes from the registry of their own choice."""
    locks = [json.loads((folder / "package-lock.json").read_text(encoding="utf-8")) for folder in (FOLDER, WEB)]
    packages = [package for lock in locks for name, package in lock["packages"].items() if name]
    assert packages
    assert all("integrity" in package and "resolved" not in package for package in packages)
