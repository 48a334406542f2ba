"""A feed of finished results in Atom (RFC 4287): titles, dates and links to the console, but no contents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from xml.etree import ElementTree

from shared.library.feeds import Feed, ended_at
from shared.models.job import Job
from shared.pipeline.jobs import video_title

MEDIA_TYPE = "application/atom+xml"
NAMESPACE = "http://www.w3.org/2005/Atom"
MAX_TITLE = 300
# XML 1.0, 2.2: all that a document may not contain, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def atom_document(feed: Feed, jobs: Sequence[Job], address: str, console: str) -> bytes:
    """Return the feed as UTF-8 XML, the same bytes for the same jobs.

    Args:
        jobs: Finished jobs, the last to end first.
        address: URL of the feed, with its token.
        console: URL of the console, with a slash at the end.
    """
    root = ElementTree.Element("feed", xmlns=NAMESPACE)
    add_text(root, "id", UUID(feed.id).urn)
    add_text(root, "title", f"Clipwise: {feed.name}" if feed.name else "Clipwise")
    add_text(root, "updated", atom_time(ended_at(jobs[0]) if jobs else feed.created_at))
    ElementTree.SubElement(root, "link", rel="self", type=MEDIA_TYPE, href=address)
    ElementTree.SubElement(root, "link", rel="alternate", type="text/html", href=console)
    add_text(ElementTree.SubElement(root, "author"), "name", "Clipwise")
    for job in jobs:
        entry = ElementTree.SubElement(root, "entry")
        add_text(entry, "id", UUID(job.id).urn)
        add_text(entry, "title", entry_title(job))
        add_text(entry, "published", atom_time(job.created_at))
        add_text(entry, "updated", atom_time(ended_at(job)))
        ElementTree.SubElement(entry, "link", rel="alternate", type="text/html", href=f"{console}#/jobs/{job.id}")
        ElementTree.SubElement(entry, "category", term=job.kind)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def entry_title(job: Job) -> str:
    """Return the title of the result or its video; without any, the kind, since an entry must have one."""
    title = job.title or (job.result or {}).get("title") or video_title(job) or job.filename or ""
    return _FORBIDDEN.sub("", str(title))[:MAX_TITLE].strip() or job.kind.capitalize()


def add_text(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = _FORBIDDEN.sub("", text)


def atom_time(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")
