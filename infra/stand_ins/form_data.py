"""Bodies of the type multipart/form-data (RFC 7578)."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from infra.stand_ins.server import Asked


@dataclass(frozen=True)
class SentFile:
    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class Form:
    """Fields by name, each as often as it was sent."""

    texts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    files: dict[str, list[SentFile]] = field(default_factory=lambda: defaultdict(list))


def form_of(asked: Asked) -> Form:
    """Raises ValueError for another type of body, or a broken one."""
    boundary = re.fullmatch(r'multipart/form-data; *boundary="?([^"]+)"?', asked.headers.get("content-type", ""))
    if boundary is None:
        raise ValueError("the body is no multipart/form-data")
    mark = b"--" + boundary[1].encode()
    first, *parts, last = asked.body.split(mark)
    if first or last.strip() != b"--":
        raise ValueError("the body does not begin and end with its boundary")
    form = Form()
    for part in parts:
        head, _, data = part.removeprefix(b"\r\n").removesuffix(b"\r\n").partition(b"\r\n\r\n")
        told = head.decode()
        name = re.search(r'(?i)content-disposition: *form-data;.*?\bname="([^"]*)"', told)
        if name is None:
            raise ValueError("a part has no name")
        filename = re.search(r'\bfilename="([^"]*)"', told)
        if filename:
            media_type = re.search(r"(?i)content-type: *([^\r\n]+)", told)
            form.files[name[1]].append(SentFile(filename[1], media_type[1] if media_type else "", data))
        else:
            form.texts[name[1]].append(data.decode())
    return form
