"""Download of a file behind a plain http(s) link, streamed to disk, with the name its server gives it."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, unquote_to_bytes

from shared.clock import parse_retry_after
from shared.errors import PermanentError, TransientError
from shared.media.file_type import HEAD_BYTES, require_media_type, sniff_media_type
from shared.security.filenames import safe_filename
from shared.security.guarded_http import HttpResponse, RequestLimits, TransferInterrupted, fetch_url
from shared.security.urls import WebUrl
from shared.settings import Settings
from shared.sources.video.source import FetchedFile

MAX_TRANSFERS = 3  # per call, the first included
TICK_SEC = 0.25
# The digits are bounded since Python refuses to convert very long numbers.
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]+/(?:[0-9]+|\*)")
_TRANSIENT_STATUSES = (408, 416, 425, 429)
MediaTypeCheck = Callable[[bytes, str | None], str]
"""Returns the media type for a file's first bytes and name; raises for a type that is not accepted."""
_MAX_HEADER_LENGTH = 4096
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:\\.|[^"\\])*"|[^;]*)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def check_media_type(head: bytes, filename: str | None) -> str:
    """Return the media type of a video or audio file.

    Raises PermanentError `empty_file`, `not_media`, `unsupported_media`.
    """
    if sniff_media_type(head) == "text/html":
        raise PermanentError(
            "not_media",
            "The link leads to a web page, not to a video file. Use the address of the file, "
            "or download the video and upload it.",
        )
    return require_media_type(head, filename)


def fetch_file(
    url: str,
    target: Path,
    settings: Settings,
    tick: Callable[[float, str], None],
    *,
    headers: Mapping[str, str] | None = None,
    check_type: MediaTypeCheck = check_media_type,
    visit: Callable[[WebUrl], None] | None = None,
) -> FetchedFile:
    """Download `url` to the file `target`; on any error the file is removed.

    An interrupted transfer resumes with a range request if the server's validator proves that the file is unchanged.
    `tick` gets the fraction done and a line for people at least once a second (while connecting, every eight seconds);
    what it raises ends the download. `headers` and `visit` are as in `fetch_url`.

    Raises:
        PermanentError: The guard's `url_invalid`, `url_not_allowed`, `url_unresolvable`; `source_not_found`,
            `source_forbidden`, `source_refused` (another 4xx), `source_untrusted`, `source_redirects`,
            `source_encoded` (compressed despite Accept-Encoding: identity), `too_large`, `empty_file`,
            and from `check_type`, by default `not_media` (an HTML page), `unsupported_media`.
        TransientError: `url_unresolvable`, `source_unavailable`, `source_slow`, `source_incomplete`.
    """
    try:
        with target.open("wb") as file:
            transfer = _Transfer(url, file, settings, tick, headers or {}, check_type, visit)
            transfer.run()
        return FetchedFile(
            path=target,
            size=transfer.received,
            content_type=transfer.media_type(),
            final_url=transfer.url,
            filename=transfer.filename,
        )
    except BaseException:
        target.unlink(missing_ok=True)
        raise


class _Transfer:
    """One download, over up to `MAX_TRANSFERS` requests."""

    def __init__(
        self,
        url: str,
        file: BinaryIO,
        settings: Settings,
        tick: Callable[[float, str], None],
        headers: Mapping[str, str],
        check_type: MediaTypeCheck,
        visit: Callable[[WebUrl], None] | None,
    ) -> None:
        self.url = url
        self.filename: str | None = None
        self.received = 0
        self._file = file
        self._settings = settings
        self._tick = tick
        self._headers = headers
        self._check_type = check_type
        self._visit = visit
        self._request_url = url
        self._last_tick = 0.0
        self._limits = RequestLimits(time.monotonic() + settings.download_timeout_sec, self._report_progress)
        self._head = b""
        self._expected: int | None = None
        self._validator: str | None = None

    def run(self) -> None:
        for retries_left in reversed(range(MAX_TRANSFERS)):
            try:
                self._transfer_once()
                return
            except TransferInterrupted:
                if not retries_left or self._validator is None:
                    raise

    def media_type(self) -> str:
        """Return the media type by the first bytes; raises as `check_type`."""
        return self._check_type(self._head, self.filename)

    def _transfer_once(self) -> None:
        range_headers = {}
        if self.received and self._validator:
            range_headers = {"Range": f"bytes={self.received}-", "If-Range": self._validator}
        headers = {**self._headers, **range_headers}
        with fetch_url(self._request_url, self._settings, self._limits, headers, visit=self._visit) as response:
            if response.status == 206 and range_headers:
                self._check_resumed_position(response)
            else:
                self._start_file(response)
            for chunk in response.body:
                self._write_chunk(chunk)
        if self._expected is not None and self.received != self._expected:
            raise TransferInterrupted(
                "source_incomplete", "The server sent less than it announced. Try again, or upload the file."
            )
        self._report_progress()

    def _start_file(self, response: HttpResponse) -> None:
        _check_status(response)
        _check_encoding(response)
        self._file.seek(0)
        self._file.truncate()
        self.received, self._head = 0, b""
        self.url = str(response.url)
        self.filename = _response_filename(response)
        length = response.headers.get("content-length", "")
        self._expected = int(length) if length.isdecimal() else None
        self._validator = _range_validator(response)
        self._check_size(self._expected or 0)

    def _check_resumed_position(self, response: HttpResponse) -> None:
        _check_encoding(response)
        content_range = _CONTENT_RANGE.match(response.headers.get("content-range", ""))
        if not content_range or int(content_range[1]) != self.received:
            raise TransientError(
                "source_incomplete",
                "The server resumed the transfer at a different position. Try again, or upload the file.",
            )

    def _write_chunk(self, chunk: bytes) -> None:
        self.received += len(chunk)
        self._check_size(self.received)
        if len(self._head) < HEAD_BYTES:
            self._head += chunk[: HEAD_BYTES - len(self._head)]
            if len(self._head) == HEAD_BYTES:
                self.media_type()
        self._file.write(chunk)
        if time.monotonic() - self._last_tick >= TICK_SEC:
            self._report_progress()

    def _check_size(self, size: int) -> None:
        if size > self._settings.max_file_bytes:
            raise PermanentError(
                "too_large",
                f"The file is larger than {self._settings.max_file_size_mb} MB. Use a shorter or smaller version.",
            )

    def _report_progress(self) -> None:
        self._last_tick = time.monotonic()
        done = self.received / (self._expected or self._settings.max_file_bytes)
        self._tick(min(done, 1.0), f"{self.received / 1e6:.1f} MB downloaded")


def _check_status(response: HttpResponse) -> None:
    status = response.status
    if status in (200, 203):
        return
    if status in (404, 410):
        raise PermanentError("source_not_found", f"Nothing exists at this link (status {status}). Check it.")
    if status in (401, 403, 407, 451):
        raise PermanentError(
            "source_forbidden", f"The server denies access to the file (status {status}). Upload the file instead."
        )
    if status >= 500 or status in _TRANSIENT_STATUSES:
        wait = parse_retry_after(response.headers.get("retry-after", ""))
        when = "later" if wait is None else f"in {math.ceil(wait)} seconds"
        raise TransientError(
            "source_unavailable", f"The server is temporarily unavailable (status {status}). Try again {when}."
        )
    raise PermanentError(
        "source_refused", f"The server rejected the request (status {status}). Upload the file instead."
    )


def _check_encoding(response: HttpResponse) -> None:
    """Reject compression, so that ranges stay ranges of the file."""
    if response.is_encoded:
        raise PermanentError(
            "source_encoded",
            "The server sends the file only compressed, as it does for web pages. "
            "Use the address of the video file, or upload the file.",
        )


def _range_validator(response: HttpResponse) -> str | None:
    """Return the validator that proves the file is unchanged (RFC 9110, 13.1.5); no weak tags."""
    if response.headers.get("accept-ranges", "").strip().lower() != "bytes":
        return None
    etag = response.headers.get("etag", "").strip()
    return etag if etag.startswith('"') else response.headers.get("last-modified")


def _response_filename(response: HttpResponse) -> str | None:
    declared = disposition_filename(response.headers.get("content-disposition", ""))
    return declared or safe_filename(unquote(response.url.path.rpartition("/")[2]))


def disposition_filename(header: str) -> str | None:
    """Return a safe file name from a Content-Disposition header (RFC 6266); `filename*` wins. None if there is none."""
    values: dict[str, str] = {}
    for name, value in _PARAMETER.findall(f";{header}"[:_MAX_HEADER_LENGTH]):
        values.setdefault(name.lower(), value)
    return safe_filename(_decode_extended(values.get("filename*", ""))) or safe_filename(
        _unquote(values.get("filename", ""))
    )


def _unquote(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        return _ESCAPED.sub(r"\1", value[1:-1])
    return value.strip('"')


def _decode_extended(value: str) -> str:
    """Decode `charset'language'percent-encoded` (RFC 8187)."""
    charset, _, remainder = _unquote(value).partition("'")
    encoded = unquote_to_bytes(remainder.partition("'")[2])
    try:
        return encoded.decode(charset, errors="replace")
    except (LookupError, ValueError):  # an unknown charset; one with a NUL in its name
        return encoded.decode("utf-8", errors="replace")
