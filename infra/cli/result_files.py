"""Results of jobs as files: Markdown with front matter, JSON, subtitles. No file of somebody else is overwritten."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.api_client import ApiClient, JobDocument

FORMATS = ("md", "json", "srt")
MARKDOWN_KINDS = ("recipe", "reel", "summary")
MARK = "clipwise_job"
"""Property of the front matter by which a file of ours is known."""
_TAG = re.compile(r"[^\w/-]+")


@dataclass(frozen=True)
class ResultWriter:
    """Writes the results of jobs.

    Attributes:
        folder: Where results go, in the same subfolders as their videos.
        formats: Some of FORMATS.
    """

    folder: Path
    formats: Sequence[str]

    def write(self, api: ApiClient, job: JobDocument, source: Path) -> list[Path]:
        """Write the results for a video with this relative path; returns the files. Raises ApiError, OSError."""
        written = []
        for format in self.formats:
            if format == "srt" and not job["video"].get("transcriptSource"):
                continue
            content = front_matter(job, source) + markdown_body(api, job) if format == "md" else None
            data = content.encode() if content is not None else api.export_job(job["id"], format)
            path = self._free_path(source, format, data, job["id"])
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.part")
            draft.write_bytes(data)
            draft.replace(path)
            written.append(path)
        return written

    def _free_path(self, source: Path, format: str, data: bytes, job_id: str) -> Path:
        """Return `soup.md`, or `soup.mp4.md` or `soup.mp4 2.md`, … if that is neither the job's nor the same."""
        parent = self.folder / source.parent
        names = [f"{source.stem}.{format}", f"{source.name}.{format}"]
        names += [f"{source.name} {number}.{format}" for number in range(2, 1000)]
        for name in names:
            path = parent / name
            if path.is_symlink():
                continue
            if not path.exists() or (present := path.read_bytes()) == data:
                return path
            if f"\n{MARK}: {job_id}\n".encode() in present.partition(b"\n---\n")[0] + b"\n":
                return path
        raise FileExistsError(f"{parent / names[0]} and all other names are taken")


def front_matter(job: JobDocument, source: Path) -> str:
    """Return YAML front matter, as Obsidian reads it. Titles and tags of strangers are data: they cannot end it."""
    result: dict[str, Any] = job["result"] or {}
    tags = [*(job.get("tags") or []), *(result.get("tags") or [])]
    info = job["video"].get("info") or {}
    titles = (job.get("title"), job["video"].get("title"), result.get("title"), source.stem)
    properties = {
        "title": next(filter(None, map(_line, titles)), job["id"]),
        "source": _line(job.get("url") or source.as_posix()),
        "kind": job["kind"],
        "language": job["language"],
        "author": _line(job["video"].get("author")),
        "duration": info.get("durationSec"),
        "created": job["createdAt"][:10],
        "tags": list(dict.fromkeys(tag for tag in (_TAG.sub("-", str(tag)).strip("-") for tag in tags) if tag)),
        MARK: job["id"],
    }
    text = yaml.safe_dump(
        {name: value for name, value in properties.items() if value not in (None, [])},
        allow_unicode=True,
        sort_keys=False,
        width=10_000,
    )
    return f"---\n{text}---\n\n"


def markdown_body(api: ApiClient, job: JobDocument) -> str:
    """Return the result as Markdown: the transcript as text, `metadata` as JSON."""
    if job["kind"] in MARKDOWN_KINDS:
        return api.export_job(job["id"], "md").decode()
    if job["kind"] == "transcript":
        return api.export_job(job["id"], "txt").decode()
    return f"```json\n{json.dumps(job['result'], ensure_ascii=False, indent=2)}\n```\n"


def _line(text: Any) -> str | None:
    """Return text as one line of printable characters; None if nothing is left."""
    plain = "".join(sign if sign.isprintable() else " " for sign in str(text or ""))
    return " ".join(plain.split()) or None
