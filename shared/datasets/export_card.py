"""The dataset card: a README in Markdown with YAML front matter, as Hugging Face reads it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from shared.datasets.export_selection import ExportSpec, ExportSummary, Split
from shared.exports.markup import escape_markdown, plain_text

_VERSIONS = {
    "by": ("2.0", "2.5", "3.0", "4.0"),
    "by-sa": ("3.0", "4.0"),
    "by-nc": ("2.0", "3.0", "4.0"),
    "by-nd": ("4.0",),
    "by-nc-nd": ("3.0", "4.0"),
    "by-nc-sa": ("2.0", "3.0", "4.0"),
}
_LICENCES = {f"cc-{terms}-{version}" for terms, versions in _VERSIONS.items() for version in versions} | {"cc0-1.0"}
"""Identifiers of Creative Commons licences that Hugging Face accepts."""
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_SPLIT_NAMES: dict[Split, str] = {"train": "train", "val": "validation", "test": "test"}
_MAX_TABLE_ROWS = 50


def dataset_card(spec: ExportSpec, summary: ExportSummary, files: Mapping[Split, str] | None = None) -> str:
    """Return the dataset card: exported images, sources, licences, and excluded images by reason.

    Args:
        files: File pattern of each split, if every split has its own files.
    """
    head: dict[str, Any] = {
        "pretty_name": plain_text(spec.title),
        "license": licence_ids(summary.licences),
        "size_categories": [next((name for limit, name in _SIZES if summary.images < limit), "n>1M")],
        "tags": ["image"],
    }
    if files:
        parts = [{"split": _SPLIT_NAMES[part], "path": pattern} for part, pattern in files.items()]
        head["configs"] = [{"config_name": "default", "data_files": parts}]
    import yaml

    return "\n".join(
        ["---", yaml.safe_dump(head, allow_unicode=True, sort_keys=False).strip(), "---", *_card_body(spec, summary)]
    )


def licence_ids(counts: Mapping[str, int]) -> list[str]:
    """Return the licence identifiers; `other` for licences without one, `unknown` if the source names no licence."""
    return sorted({_licence_id(name) for name in counts}) or ["unknown"]


def _licence_id(name: str) -> str:
    identifier = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-").removeprefix("cc-")
    if identifier in ("", "unknown"):
        return "unknown"
    licence_id = "cc0-1.0" if identifier in ("cc0", "cc0-1.0") else f"cc-{identifier}"
    return licence_id if licence_id in _LICENCES else "other"


def _card_body(spec: ExportSpec, summary: ExportSummary) -> Iterator[str]:
    total = summary.images + summary.left_out.total()
    yield f"\n# {escape_markdown(spec.title)}\n"
    size = f"{summary.size_bytes / 1e6:.1f} MB"
    yield f"{summary.images} of {total} images, {size}; made on {spec.created_at:%Y-%m-%d}.\n"
    if spec.keywords:
        yield f"Searched for: {', '.join(escape_markdown(keyword) for keyword in spec.keywords)}.\n"
    yield (
        "Near duplicates are all in one split. Rights stay with the authors; each image's source, author and licence, "
        "as the source names them, stand with it.\n"
    )
    for heading, counts in (
        ("Splits", summary.splits),
        ("Sources", summary.sources),
        ("Licences", summary.licences),
        ("Keywords", summary.keywords),
        ("Formats", summary.formats),
        ("Left out, by reason", summary.left_out),
    ):
        yield from _card_table(heading, counts)


def _card_table(heading: str, counts: Counter[str]) -> Iterator[str]:
    if not counts:
        return
    yield f"## {heading}\n"
    yield "| | images |\n|---|---:|"
    ordered = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    for name, count in ordered[:_MAX_TABLE_ROWS]:
        yield f"| {escape_markdown(name)} | {count} |"
    if remaining := ordered[_MAX_TABLE_ROWS:]:
        yield f"| {len(remaining)} more | {sum(count for _, count in remaining)} |"
    yield ""
