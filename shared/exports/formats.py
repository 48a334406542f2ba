"""The formats a job can be exported to. Adding one is adding a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.analyses.reel import Reel
from shared.analyses.summary import VideoSummary
from shared.errors import PermanentError
from shared.exports.job_content import JobContent
from shared.exports.markup import PAGE_POLICY
from shared.exports.outline import Outline, outline_markdown, outline_page, reel_outline, summary_outline
from shared.exports.outline_headings import headings
from shared.exports.recipe import recipe_jsonld, recipe_markdown, recipe_page
from shared.exports.transcript import to_srt, to_txt, to_vtt


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
    write: Callable[[JobContent], str]
    kind: str | None = None
    policy: str | None = None


def markdown_format(kind: str, write: Callable[[JobContent], str]) -> Format:
    return Format("md", "text/markdown; charset=utf-8", write, kind)


def page_format(kind: str, write: Callable[[JobContent], str]) -> Format:
    return Format("html", "text/html; charset=utf-8", write, kind, PAGE_POLICY)


def job_reel_outline(job: JobContent) -> Outline:
    reel = job.read_result(Reel)
    return reel_outline(reel, headings(reel.language))


def job_summary_outline(job: JobContent) -> Outline:
    summary = job.read_result(VideoSummary)
    return summary_outline(summary, headings(summary.language))


FORMATS = (
    Format("jsonld", "application/ld+json", lambda job: recipe_jsonld(job.load_recipe(), job.picture_link()), "recipe"),
    markdown_format("recipe", lambda job: recipe_markdown(job.load_recipe())),
    page_format("recipe", lambda job: recipe_page(job.load_recipe(), job.picture_bytes())),
    markdown_format("reel", lambda job: outline_markdown(job_reel_outline(job))),
    page_format("reel", lambda job: outline_page(job_reel_outline(job))),
    markdown_format("summary", lambda job: outline_markdown(job_summary_outline(job))),
    page_format("summary", lambda job: outline_page(job_summary_outline(job))),
    Format("json", "application/json", JobContent.result_json),
    Format("json", "application/json", JobContent.transcript_json, "transcript"),
    Format("txt", "text/plain; charset=utf-8", lambda job: to_txt(job.transcript_segments())),
    Format("srt", "application/x-subrip; charset=utf-8", lambda job: to_srt(job.transcript_segments())),
    Format("vtt", "text/vtt; charset=utf-8", lambda job: to_vtt(job.transcript_segments())),
)


def find_format(name: str, kind: str) -> Format:
    """Raises PermanentError `format_unknown`, naming those that jobs of this kind have."""
    offered = {row.name: row for row in FORMATS if row.kind in (None, kind)}  # one's own come later
    try:
        return offered[name]
    except KeyError:
        names = ", ".join(offered)
        raise PermanentError(
            "format_unknown", f"A {kind} job has no format {name!r}. Choose one of: {names}."
        ) from None
