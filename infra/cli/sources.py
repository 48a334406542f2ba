"""The sources of a command: files, folders, patterns, lists of URLs, URLs."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from errno import ENOENT
from pathlib import Path

from infra.cli.options import is_url
from shared.errors import PermanentError
from shared.media.file_type import HEAD_BYTES, require_media_type

URL_LIST_SUFFIX = ".txt"
PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class MediaFile:
    """A file to submit.

    Attributes:
        content_type: Media type by content.
        sha256: SHA-256 of the content, in hex digits.
    """

    path: Path
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Sources:
    """What the arguments of a command stand for, in order and each once."""

    paths: list[Path]
    urls: list[str]


def expand_sources(arguments: Sequence[str]) -> Sources:
    """Expand folders, patterns and lists of URLs (text files). Of a folder, only files with media are taken.

    Raises FileNotFoundError for a path that does not exist and a pattern without a match, UnicodeDecodeError for a list
    that is not in UTF-8, and OSError.
    """
    paths: list[Path] = []
    urls: list[str] = []
    for argument in arguments:
        path = Path(argument)
        if is_url(argument):
            urls.append(argument)
        elif path.is_dir():
            paths += media_files_in(path)
        elif path.is_file() and path.suffix.lower() == URL_LIST_SUFFIX:
            urls += read_url_list(path)
        elif path.is_file():
            paths.append(path)
        elif glob.has_magic(argument) and (matches := expand_pattern(argument)):
            inner = expand_sources(matches)
            paths, urls = paths + inner.paths, urls + inner.urls
        else:
            raise FileNotFoundError(ENOENT, "No such file. A URL must begin with http:// or https://.", argument)
    return Sources(list(dict.fromkeys(paths)), list(dict.fromkeys(urls)))


def expand_pattern(pattern: str) -> list[str]:
    """Return the paths that match a pattern, sorted; `*` matches no hidden file."""
    # `Path.glob` takes no absolute pattern.
    return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207


def read_url_list(path: Path) -> list[str]:
    """Return the URLs in a text file, one a line; blank lines and lines that begin with `#` are skipped.

    Raises PermanentError `url_invalid` for any other line.
    """
    lines = (line.strip() for line in path.read_text("utf-8-sig").splitlines())
    urls = [line for line in lines if line and not line.startswith("#")]
    for url in urls:
        if not is_url(url):
            raise PermanentError("url_invalid", f"{path} contains a line that is not a URL: {url[:80]!r}.")
    return urls


def media_files_in(folder: Path) -> Iterator[Path]:
    """Yield the media files below a folder, sorted; no hidden files and nothing behind symbolic links."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if not name.startswith(".") and not path.is_symlink() and media_type_of(path):
                yield path


def media_type_of(path: Path) -> str | None:
    """Return the media type of a file by its content; None if it is no accepted media or cannot be read."""
    try:
        with path.open("rb") as file:
            return require_media_type(file.read(HEAD_BYTES), path.name)
    except (PermanentError, OSError):
        return None


def read_media_file(path: Path, tick: Callable[[], None] = lambda: None) -> MediaFile:
    """Determine type, size and digest of a file; `tick` is called for each piece.

    Raises PermanentError for an unsupported file, and OSError.
    """
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        content_type = require_media_type(file.read(HEAD_BYTES), path.name)
        file.seek(0)
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
            tick()
    return MediaFile(path, content_type, size, digest.hexdigest())
