"""The formats a job can be exported to, and the writers of transcripts. To add a format, add a row to `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from shared.analyses.reel import Reel
from shared.analyses.summary import VideoSummary
from shared.errors import PermanentError
from shared.exports.job_content import JobContent
from shared.exports.markup import PAGE_POLICY, plain_text
from shared.exports.outline import Outline, outline_markdown, outline_page, reel_outline, summary_outline
from shared.exports.recipe import recipe_jsonld, recipe_markdown, recipe_page
from shared.exports.subtitle_cues import Cue
from shared.exports.wording import headings
from shared.media.speakers import attribute_texts, drop_sole_speaker
from shared.models.video import Segment


@dataclass(frozen=True)
class Format:
    """A file format of a job.

    Attributes:
        name: Name in requests; also the file extension.
        write: Return the file as text; raises PermanentError when the job lacks the content.
        kind: The kind of job it applies to; None = every kind without a format of its own by this name.
        policy: Content-Security-Policy of a format that browsers display; None = browsers save the file.
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


FORMATS = (
    Format("jsonld", "application/ld+json", lambda job: recipe_jsonld(job.load_recipe(), job.recipe_links()), "recipe"),
    markdown_format("recipe", lambda job: recipe_markdown(job.load_recipe())),
    page_format("recipe", lambda job: recipe_page(job.load_recipe(), job.picture_bytes())),
    markdown_format("reel", lambda job: outline_markdown(job_reel_outline(job))),
    page_format("reel", lambda job: outline_page(job_reel_outline(job))),
    markdown_format("summary", lambda job: outline_markdown(job_summary_outline(job))),
    page_format("summary", lambda job: outline_page(job_summary_outline(job))),
    Format("json", "application/json", JobContent.result_json),
    Format("json", "application/json", JobContent.transcript_json, "transcript"),
    Format("txt", "text/plain; charset=utf-8", lambda job: to_txt(job.transcript().segments)),
    Format("srt", "application/x-subrip; charset=utf-8", lambda job: to_srt(job.subtitles())),
    Format("vtt", "text/vtt; charset=utf-8", lambda job: to_vtt(job.subtitles())),
)


def find_format(name: str, kind: str) -> Format:
    """Return a format by name; raises PermanentError `format_unknown` with the formats of this kind."""
    offered = {row.name: row for row in FORMATS if row.kind in (None, kind)}  # the kind's own rows come later and win
    try:
        return offered[name]
    except KeyError:
        names = ", ".join(offered)
        raise PermanentError(
            "format_unknown", f"A {kind} job has no format {name!r}. Choose one of: {names}."
        ) from None


def job_reel_outline(job: JobContent) -> Outline:
    reel = job.read_result(Reel)
    return reel_outline(reel, headings(reel.language))


def job_summary_outline(job: JobContent) -> Outline:
    summary = job.read_result(VideoSummary)
    return summary_outline(summary, headings(summary.language))


def to_txt(segments: Sequence[Segment]) -> str:
    """Return the transcript as plain text, one line per segment with a text, with the name of each new speaker."""
    texts = [(segment.speaker, line) for segment in drop_sole_speaker(segments) if (line := plain_text(segment.text))]
    return "".join(f"{line}\n" for line in attribute_texts(texts))


def to_srt(cues: Sequence[Cue]) -> str:
    """Return subtitles as SubRip (SRT)."""
    # Some players would parse an arrow within the text as a time line.
    blocks = (_cue_block(cue, ",", lambda line: line.replace("-->", "→")) for cue in cues)
    return "".join(f"{count}\n{block}\n" for count, block in enumerate(blocks, start=1))


def to_vtt(cues: Sequence[Cue]) -> str:
    """Return subtitles as WebVTT (W3C)."""
    return "WEBVTT\n" + "".join(f"\n{_cue_block(cue, '.', lambda line: escape(line, quote=False))}" for cue in cues)


def _cue_block(cue: Cue, decimal: str, escape_line: Callable[[str], str]) -> str:
    times = f"{timestamp(cue.start, decimal)} --> {timestamp(cue.end, decimal)}"
    return "".join(f"{line}\n" for line in [times, *map(escape_line, cue.lines)])


def timestamp(seconds: float, decimal: str) -> str:
    """Format seconds as `01:02:03,450`."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{decimal}{rest % 1000:03}"
