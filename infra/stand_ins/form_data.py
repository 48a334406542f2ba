"""Bodies of the type multipart/form-data (RFC 7578)."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from infra.stand_ins.server import RecordedRequest


@dataclass(frozen=True)
class MultipartFile:
    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class MultipartForm:
    """Fields by name, each as often as it was sent."""

    texts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    files: dict[str, list[MultipartFile]] = field(default_factory=lambda: defaultdict(list))


def parse_multipart(request: RecordedRequest) -> MultipartForm:
    """Raises ValueError for another type of body, or a broken one."""
    boundary = re.fullmatch(r'multipart/form-data; *boundary="?([^"]+)"?', request.headers.get("content-type", ""))
    if boundary is None:
        raise ValueError("the body is no multipart/form-data")
    delimiter = b"--" + boundary[1].encode()
    first, *parts, last = request.body.split(delimiter)
    if first or last.strip() != b"--":
        raise ValueError("the body does not begin and end with its boundary")
    form = MultipartForm()
    for part in parts:
        head, _, data = part.removeprefix(b"\r\n").removesuffix(b"\r\n").partition(b"\r\n\r\n")
        headers = head.decode()
        name = re.search(r'(?i)content-disposition: *form-data;.*?\bname="([^"]*)"', headers)
        if name is None:
            raise ValueError("a part has no name")
        filename = re.search(r'\bfilename="([^"]*)"', headers)
        if filename:
            media_type = re.search(r"(?i)content-type: *([^\r\n]+)", headers)
            form.files[name[1]].append(MultipartFile(filename[1], media_type[1] if media_type else "", data))
        else:
            form.texts[name[1]].append(data.decode())
    return form
