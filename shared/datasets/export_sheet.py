"""The contact sheet: one HTML page, without scripts, of a dataset's accepted images and of the others by reason."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape

from shared.datasets.export_selection import ExportSpec, exclusion_reason
from shared.exports.markup import escape_html, safe_url
from shared.models.image import ImageRecord, ImageState

_STYLE = """
:root { color-scheme: light dark; --ink: #1d1d1b; --quiet: #55504b; --paper: #fff; --sunk: #f1ece7; }
@media (prefers-color-scheme: dark) { :root { --ink: #f2eeea; --quiet: #b1a79e; --paper: #151311; --sunk: #262220; } }
html { background: var(--paper); }
body { margin: 2rem auto; padding: 0 1rem; max-width: 75rem; color: var(--ink);
  font: 15px/1.4 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; } h2 small { color: var(--quiet); font-weight: 400; }
ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .8rem;
  margin: 0; padding: 0; list-style: none; }
figure { margin: 0; } figcaption { font-size: .75rem; color: var(--quiet); }
.picture { display: grid; place-items: center; height: 8rem; background: var(--sunk); }
.picture img { max-width: 100%; max-height: 8rem; }
a { color: inherit; }
"""
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
SHEET_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data: https: 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""A Content-Security-Policy that the page complies with."""
_DATA_URL = re.compile(r"data:image/(?:jpeg|png|webp);base64,[A-Za-z0-9+/]+={0,2}")
_ACCEPTED = "accepted"


def contact_sheet(
    records: Iterable[ImageRecord],
    thumbnail: Callable[[ImageRecord], str | None],
    spec: ExportSpec,
    *,
    images_per_section: int = 60,
    max_bytes: int = 8_000_000,
) -> str:
    """Return one HTML page: accepted images first, then excluded ones by reason, most frequent reason first.

    Args:
        thumbnail: Returns a `data:` URL of a JPEG, PNG or WebP (see `thumbnail_data_url`) or a link to one; called at
            most once per displayed image. For any other value, the page shows the image's title, keyword or id.
        images_per_section: Number of images displayed per section; all are counted.
        max_bytes: Total size of all thumbnails; beyond it, the page shows text instead.
    """
    sections: dict[str, _SheetSection] = {}
    for record in records:
        is_exported = record.state == ImageState.DOWNLOADED and spec.is_selected(record)
        section = sections.setdefault(_ACCEPTED if is_exported else exclusion_reason(record), _SheetSection())
        section.count += 1
        if len(section.first) < images_per_section:
            section.first.append(record)
    budget = _ThumbnailBudget(max_bytes)
    return "\n".join(_render_page(spec, sections, lambda record: budget.fetch_thumbnail(thumbnail, record))) + "\n"


@dataclass
class _SheetSection:
    count: int = 0
    first: list[ImageRecord] = field(default_factory=list)


class _ThumbnailBudget:
    """The remaining bytes for thumbnails."""

    def __init__(self, max_bytes: int) -> None:
        self._remaining_bytes = max_bytes

    def fetch_thumbnail(self, thumbnail: Callable[[ImageRecord], str | None], record: ImageRecord) -> str | None:
        if self._remaining_bytes <= 0:
            return None
        thumbnail_url = thumbnail(record) or ""
        source = thumbnail_url if _DATA_URL.fullmatch(thumbnail_url) else safe_url(thumbnail_url)
        if source is None or len(source) > self._remaining_bytes:
            return None
        self._remaining_bytes -= len(source)
        return source


def _render_page(
    spec: ExportSpec, sections: dict[str, _SheetSection], picture: Callable[[ImageRecord], str | None]
) -> Iterator[str]:
    total = sum(section.count for section in sections.values())
    title = escape_html(spec.title)
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    yield f"<title>{title}</title>\n<style>{_STYLE}</style></head>\n<body><main>"
    yield f'<h1 dir="auto">{title}</h1>\n<p>{total} images, seen on {spec.created_at:%Y-%m-%d}.</p>'
    ranked = sorted(sections.items(), key=lambda item: (item[0] != _ACCEPTED, -item[1].count, item[0]))
    for name, section in ranked:
        shown_note = f", the first {len(section.first)} shown" if section.count > len(section.first) else ""
        yield f"<h2>{escape_html(name.replace('_', ' '))} <small>{section.count}{shown_note}</small></h2>\n<ul>"
        for record in section.first:
            yield _render_figure(record, picture(record))
        yield "</ul>"
    yield "</main></body></html>"


def _render_figure(record: ImageRecord, source: str | None) -> str:
    name = escape_html((record.title or record.keyword or record.id)[:300])
    image = f'<img src="{escape(source)}" alt="{name}" loading="lazy">' if source else f"<span>{name}</span>"
    link = escape(safe_url(record.page_url or record.url) or "")
    linked = f'<a href="{link}" rel="noopener noreferrer nofollow">{image}</a>' if link else image
    caption = f"<figcaption>{_render_caption(record)}</figcaption>"
    return f'<li><figure><div class="picture">{linked}</div>{caption}</figure></li>'


def _render_caption(record: ImageRecord) -> str:
    findings = record.verdict.findings if record.verdict else []
    captions = [f"{record.width} × {record.height}"] if record.width and record.height else []
    captions += [record.source, record.licence or "licence unknown"]
    captions += [
        f"{finding.check} {finding.score:.3g}" if finding.score is not None else finding.check for finding in findings
    ]
    return escape_html(" · ".join(captions))
