"""The kinds of analysis. Each is a module of this package that defines `KIND`; adding a kind is adding a file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

import shared.analyses
from shared.errors import PermanentError
from shared.models.video import Extraction, Transcript

if TYPE_CHECKING:
    from shared.analyses.evidence import Evidence, TimedLine


@dataclass(frozen=True)
class Kind:
    """A kind of analysis: its stages, result and prompt.

    Attributes:
        name: Name in the API.
        does: Description in one line, for people.
        stages: Stages in order, once the video is stored; for a URL, `download` precedes them.
        schema: Model of the result.
        prompt: Instructions for a model; None for a kind without AI.
        prompt_version: Changes with the prompt and the schema.
        measure: Measures the video from the evidence and its on-screen text. The model receives the measurements, and
            `complete` reads them from `Evidence.measured`.
        complete: Completes a model's answer for the evidence and the requested language: moves its times into the
            video and sets the fields that are `readOnly` in the schema.
        needs_video: Whether files without a video track are rejected.
        needs_file: Whether the result needs the file itself, such as its frames, even if a provider reads links.
        reads_text: Whether frames for reading on-screen text are extracted.
        derive: Builds the result from extraction and transcript, for a kind without an `analyze` stage.
        is_empty: Whether a result has no content; None = a result always has some.
        collection: Collection in which results are also stored as documents of their own; None = only in the job.
    """

    name: str
    does: str
    stages: tuple[str, ...]
    schema: type[BaseModel]
    prompt: str | None = None
    prompt_version: str = "1"
    measure: Callable[[Evidence, Sequence[TimedLine]], BaseModel] | None = None
    complete: Callable[[BaseModel, Evidence, str], BaseModel] | None = None
    needs_video: bool = True
    needs_file: bool = True
    reads_text: bool = False
    derive: Callable[[Extraction, Transcript], BaseModel] | None = None
    is_empty: Callable[[Any], bool] | None = None
    collection: str | None = None


@lru_cache(maxsize=1)
def kinds() -> dict[str, Kind]:
    """Return all kinds by name."""
    kinds_by_name: dict[str, Kind] = {}
    for module in pkgutil.iter_modules(shared.analyses.__path__):
        kind = getattr(importlib.import_module(f"shared.analyses.{module.name}"), "KIND", None)
        if isinstance(kind, Kind):
            kinds_by_name[kind.name] = kind
    return kinds_by_name


def kind_named(name: str) -> Kind:
    """Return the kind; raises PermanentError `unknown_kind`, which names the existing ones."""
    try:
        return kinds()[name]
    except KeyError:
        names = ", ".join(sorted(kinds()))
        raise PermanentError("unknown_kind", f"The kind {name!r} does not exist. Choose one of: {names}.") from None
