"""yt-dlp's only way to the network: our guarded HTTP.

Its extractors follow whatever URLs a page names, so every request and every redirect of it is judged by the URL guard.
The deadline, the number of bytes and what a tick raises bind it from below, whatever its own retries want.
"""

from __future__ import annotations

import io
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.message import Message
from typing import Any

from yt_dlp.networking import Request, RequestHandler, Response
from yt_dlp.networking.exceptions import HTTPError, RequestError, TransportError

from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.security.guarded_http import MAX_REDIRECTS, REDIRECTS, Answer, Limits, exchange, next_hop
from shared.security.url_guard import check_url
from shared.security.urls import WebUrl
from shared.settings import Settings

MAX_PAGES_BYTES = 50_000_000  # of everything that is not the video
_FEATURES = ("cookiejar", "timeout", "legacy_ssl", "keep_header_casing")


class Leash:
    """What binds all of one extraction's requests together.

    Attributes:
        trouble: Why every further request is refused; None while there is no reason.
        failure: Why the last request failed that did; yt-dlp's own errors do not always say.
        tell: Called about once a second or more often, with the bytes that came so far; what it raises ends everything.
    """

    def __init__(self, settings: Settings, tell: Callable[[int], None]) -> None:
        self.settings = settings
        self.trouble: BaseException | None = None
        self.failure: ClipwiseError | None = None
        self.tell = tell
        self._received = 0
        self._most = MAX_PAGES_BYTES
        self.limits = Limits(time.monotonic() + settings.download_timeout_sec, self.pulse)

    def pulse(self) -> None:
        """A sign of life; what it raises is kept, since yt-dlp may swallow that."""
        try:
            if time.monotonic() > self.limits.deadline:
                raise TransientError("source_slow", "The server is too slow. Try again later, or upload the file.")
            self.tell(self._received)
        except BaseException as trouble:
            self.trouble = trouble
            raise

    def begin_download(self, tell: Callable[[int], None]) -> None:
        """From now on, what comes is the video; `tell` gets its bytes."""
        self.tell = tell
        self._received, self._most = 0, self.settings.max_file_bytes

    def take(self, size: int) -> None:
        self._received += size
        if self._received > self._most:
            self.trouble = PermanentError(
                "too_large",
                f"The file is larger than {self.settings.max_file_size_mb} MB. Use a shorter or smaller version.",
            )
            raise self.trouble
        self.pulse()


class GuardedRH(RequestHandler):  # type: ignore[misc]  # yt-dlp has no types
    """Serves http and https, without proxies, and with cookies that are forgotten after the extraction."""

    _SUPPORTED_URL_SCHEMES = ("http", "https")
    _SUPPORTED_PROXY_SCHEMES = None
    _SUPPORTED_FEATURES = None

    def __init__(self, *, leash: Leash, **options: Any) -> None:
        super().__init__(**options)
        self._leash = leash

    def _check_extensions(self, extensions: dict[str, Any]) -> None:
        super()._check_extensions(extensions)
        for name in _FEATURES:
            extensions.pop(name, None)

    def _send(self, request: Request) -> Response:
        if self._leash.trouble is not None:
            raise RequestError("no further requests", cause=str(self._leash.trouble))
        try:
            return self._follow(request)
        except ClipwiseError as error:
            self._leash.failure = error
            raise TransportError(cause=error) from error

    def _follow(self, request: Request) -> Response:
        hop = check_url(request.url, self._leash.settings)
        headers = {name: value for name, value in self._get_headers(request).items() if name.lower() != "cookie"}
        headers |= {"Accept-Encoding": "identity"}
        method, data = request.method, _content(request)
        for _ in range(MAX_REDIRECTS + 1):
            with ExitStack() as open_answers:
                cookies = self._cookies(request, hop)
                answer = open_answers.enter_context(
                    exchange(method, hop, self._leash.settings, self._leash.limits, headers | cookies, data)
                )
                self._keep_cookies(request, answer)
                if answer.status not in REDIRECTS:
                    return self._respond(answer, open_answers.pop_all())
                hop = next_hop(answer, self._leash.settings)
                if answer.status not in (307, 308) and method not in ("GET", "HEAD"):
                    method, data = "GET", None
                    headers.pop("Content-Type", None)
        raise PermanentError(
            "source_redirects", "The page redirects too many times. Open the link in a browser to check it."
        )

    def _respond(self, answer: Answer, opened: ExitStack) -> Response:
        if answer.headers.get("content-encoding", "identity").strip().lower() not in ("identity", ""):
            opened.close()
            raise PermanentError(
                "source_encoded", "The server sends its pages only compressed. Upload the file instead."
            )
        response = Response(
            io.BufferedReader(_Body(answer.body, opened, self._leash)), str(answer.url), answer.headers, answer.status
        )
        if not 200 <= answer.status < 300:
            raise HTTPError(response)
        return response

    def _cookies(self, request: Request, hop: WebUrl) -> dict[str, str]:
        header = self._get_cookiejar(request).get_cookie_header(str(hop))
        return {"Cookie": header} if header else {}

    def _keep_cookies(self, request: Request, answer: Answer) -> None:
        headers = Message()
        for cookie in answer.cookies:
            headers.add_header("Set-Cookie", cookie)
        answered = urllib.request.Request(str(answer.url))  # noqa: S310  # never opened: only names where cookies are from
        self._get_cookiejar(request).extract_cookies(_Headers(headers), answered)


class _Headers:
    """What a cookie jar wants to see of a response."""

    def __init__(self, headers: Message) -> None:
        self._headers = headers

    def info(self) -> Message:
        return self._headers


class _Body(io.RawIOBase):
    """An answer's body as a file; closing it ends the connection."""

    def __init__(self, chunks: Iterator[bytes], opened: ExitStack, leash: Leash) -> None:
        self._chunks = chunks
        self._opened = opened
        self._leash = leash
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._leash.take(len(chunk))
            self._left = chunk
        size = min(len(view), len(self._left))
        view[:size], self._left = self._left[:size], self._left[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            self._opened.close()
        super().close()


def _content(request: Request) -> bytes | None:
    data = request.data
    if data is None or isinstance(data, bytes):
        return data
    return data.read() if hasattr(data, "read") else b"".join(data)
