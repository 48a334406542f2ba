"""The kinds of analysis. Each is one module in this package that defines `KIND`; adding a kind is adding a file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import BaseModel

import shared.analyses
from shared.errors import PermanentError
from shared.models.video import Extraction, Transcript

if TYPE_CHECKING:
    from shared.analyses.evidence import Evidence, TimedLine


@dataclass(frozen=True)
class Kind:
    """What a job of this kind does and gives.

    Attributes:
        name: As clients ask for it.
        does: One line for people.
        stages: After the video is there, in order; a `download` comes before them when there is a URL.
        schema: Model of the result.
        prompt: Instruction for a model; None for a kind that needs none.
        prompt_version: Changes whenever the prompt or the schema does.
        measure: Measures the video from the evidence and the words that stand on its screen. What it finds is shown to
            the model, and to `complete` as `Evidence.measured`.
        complete: Puts a model's answer in order for the evidence and the language asked for: brings its times within
            the video and fills in what is not a model's to say (`readOnly` in the schema).
        needs_video: Refuse files without pictures.
        reads_text: Extract frames for reading on-screen text.
        derive: Makes the result from what was extracted and what is said, for a kind without an `analyze` stage.
        collection: Where results of this kind are stored as documents of their own; None = only in the job.
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
    reads_text: bool = False
    derive: Callable[[Extraction, Transcript], BaseModel] | None = None
    collection: str | None = None


@lru_cache(maxsize=1)
def kinds() -> dict[str, Kind]:
    """All kinds by name."""
    kinds_by_name: dict[str, Kind] = {}
    for module in pkgutil.iter_modules(shared.analyses.__path__):
        kind = getattr(importlib.import_module(f"shared.analyses.{module.name}"), "KIND", None)
        if isinstance(kind, Kind):
            kinds_by_name[kind.name] = kind
    return kinds_by_name


def kind_named(name: str) -> Kind:
    """Raises PermanentError `unknown_kind`, naming those there are."""
    try:
        return kinds()[name]
    except KeyError:
        names = ", ".join(sorted(kinds()))
        raise PermanentError("unknown_kind", f"The kind {name!r} does not exist. Choose one of: {names}.") from None
