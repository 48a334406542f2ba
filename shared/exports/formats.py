"""The formats a job can be exported to. Adding one is adding a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.errors import PermanentError
from shared.exports.jsonld import jsonld
from shared.exports.markdown import markdown
from shared.exports.material import Material
from shared.exports.page import POLICY, page
from shared.exports.transcript import srt, txt, vtt


@dataclass(frozen=True)
class Format:
    """A way to write down what a job has.

    Attributes:
        name: As clients ask for it; also the extension of its files.
        write: Raises PermanentError when the job has not what is needed.
        kind: Whose jobs have it; None = every kind's.
        policy: Content-Security-Policy for a format that browsers show; the others are saved.
    """

    name: str
    media_type: str
    write: Callable[[Material], str]
    kind: str | None = None
    policy: str | None = None


FORMATS = (
    Format("jsonld", "application/ld+json", lambda job: jsonld(job.recipe(), job.picture_link()), "recipe"),
    Format("md", "text/markdown; charset=utf-8", lambda job: markdown(job.recipe()), "recipe"),
    Format("html", "text/html; charset=utf-8", lambda job: page(job.recipe(), job.picture()), "recipe", POLICY),
    Format("json", "application/json", Material.result),
    Format("txt", "text/plain; charset=utf-8", lambda job: txt(job.transcript())),
    Format("srt", "application/x-subrip; charset=utf-8", lambda job: srt(job.transcript())),
    Format("vtt", "text/vtt; charset=utf-8", lambda job: vtt(job.transcript())),
)


def format_named(name: str, kind: str) -> Format:
    """Raises PermanentError `format_unknown`, naming those that jobs of this kind have."""
    offered = {row.name: row for row in FORMATS if row.kind in (None, kind)}
    try:
        return offered[name]
    except KeyError:
        known = ", ".join(offered)
        raise PermanentError(
            "format_unknown", f"A {kind} job has no format {name!r}; choose one of: {known}."
        ) from None
