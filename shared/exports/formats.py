"""The formats a job can be exported to. Adding one is adding a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.errors import PermanentError
from shared.exports.headings import headings
from shared.exports.html import POLICY
from shared.exports.jsonld import jsonld
from shared.exports.layout import outline_markdown, outline_page
from shared.exports.markdown import markdown
from shared.exports.material import Material
from shared.exports.outline import Outline
from shared.exports.outlines import reel_outline, summary_outline
from shared.exports.page import page
from shared.exports.transcript import srt, txt, vtt
from shared.models.reel import Reel
from shared.models.summary import VideoSummary


@dataclass(frozen=True)
class Format:
    """A way to write down what a job has.

    Attributes:
        name: As clients ask for it; also the extension of its files.
        write: Raises PermanentError when the job has not what is needed.
        kind: Whose jobs have it; None = every kind's that has not its own of this name.
        policy: Content-Security-Policy for a format that browsers show; the others are saved.
    """

    name: str
    media_type: str
    write: Callable[[Material], str]
    kind: str | None = None
    policy: str | None = None


def as_markdown(kind: str, write: Callable[[Material], str]) -> Format:
    return Format("md", "text/markdown; charset=utf-8", write, kind)


def as_page(kind: str, write: Callable[[Material], str]) -> Format:
    return Format("html", "text/html; charset=utf-8", write, kind, POLICY)


def reel_of(job: Material) -> Outline:
    reel = job.read(Reel)
    return reel_outline(reel, headings(reel.language))


def summary_of(job: Material) -> Outline:
    summary = job.read(VideoSummary)
    return summary_outline(summary, headings(summary.language))


FORMATS = (
    Format("jsonld", "application/ld+json", lambda job: jsonld(job.recipe(), job.picture_link()), "recipe"),
    as_markdown("recipe", lambda job: markdown(job.recipe())),
    as_page("recipe", lambda job: page(job.recipe(), job.picture())),
    as_markdown("reel", lambda job: outline_markdown(reel_of(job))),
    as_page("reel", lambda job: outline_page(reel_of(job))),
    as_markdown("summary", lambda job: outline_markdown(summary_of(job))),
    as_page("summary", lambda job: outline_page(summary_of(job))),
    Format("json", "application/json", Material.result),
    Format("json", "application/json", Material.whole_transcript, "transcript"),
    Format("txt", "text/plain; charset=utf-8", lambda job: txt(job.transcript())),
    Format("srt", "application/x-subrip; charset=utf-8", lambda job: srt(job.transcript())),
    Format("vtt", "text/vtt; charset=utf-8", lambda job: vtt(job.transcript())),
)


def format_named(name: str, kind: str) -> Format:
    """Raises PermanentError `format_unknown`, naming those that jobs of this kind have."""
    offered = {row.name: row for row in FORMATS if row.kind in (None, kind)}  # one's own come later
    try:
        return offered[name]
    except KeyError:
        known = ", ".join(offered)
        raise PermanentError(
            "format_unknown", f"A {kind} job has no format {name!r}. Choose one of: {known}."
        ) from None
