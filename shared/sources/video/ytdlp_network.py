"""Guarded HTTP for yt-dlp, its only access to the network.

Its extractors follow any URL that a page contains, so the URL guard checks every request and redirect. The deadline,
the byte limit and errors of a tick end all requests, regardless of yt-dlp's own retries.
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
from shared.security.guarded_http import MAX_REDIRECTS, REDIRECTS, HttpResponse, RequestLimits, next_hop, open_response
from shared.security.url_guard import check_url
from shared.security.urls import WebUrl
from shared.settings import Settings

MAX_PAGES_BYTES = 50_000_000  # of all responses except the video
_FEATURES = ("cookiejar", "timeout", "legacy_ssl", "keep_header_casing")


def too_large_error(settings: Settings) -> PermanentError:
    return PermanentError(
        "too_large", f"The file is larger than {settings.max_file_size_mb} MB. Use a shorter or smaller version."
    )


class ExtractionBudget:
    """Limits shared by all requests of one extraction.

    Attributes:
        stop_error: Why all further requests are rejected; None if they are allowed.
        request_error: Why the last failed request failed; yt-dlp's own errors do not always say.
        on_bytes: Called at least about once a second with the bytes received; what it raises ends the extraction.
    """

    def __init__(self, settings: Settings, on_bytes: Callable[[int], None]) -> None:
        self.settings = settings
        self.stop_error: BaseException | None = None
        self.request_error: ClipwiseError | None = None
        self.on_bytes = on_bytes
        self._received = 0
        self._max_bytes = MAX_PAGES_BYTES
        self.limits = RequestLimits(time.monotonic() + settings.download_timeout_sec, self.pulse)

    def pulse(self) -> None:
        """Report progress; keep what that raises, since yt-dlp may swallow it."""
        try:
            if time.monotonic() > self.limits.deadline:
                raise TransientError("source_slow", "The server is too slow. Try again later, or upload the file.")
            self.on_bytes(self._received)
        except BaseException as error:
            self.stop_error = error
            raise

    def begin_download(self, on_bytes: Callable[[int], None]) -> None:
        """Count all further bytes as the video's, and report them to `on_bytes`."""
        self.on_bytes = on_bytes
        self._received, self._max_bytes = 0, self.settings.max_file_bytes

    def count_bytes(self, size: int) -> None:
        self._received += size
        if self._received > self._max_bytes:
            self.stop_error = too_large_error(self.settings)
            raise self.stop_error
        self.pulse()


class GuardedRH(RequestHandler):  # type: ignore[misc]  # yt-dlp has no types
    """Handles http and https without proxies; cookies last for one extraction."""

    _SUPPORTED_URL_SCHEMES = ("http", "https")
    _SUPPORTED_PROXY_SCHEMES = None
    _SUPPORTED_FEATURES = None

    def __init__(self, *, budget: ExtractionBudget, **options: Any) -> None:
        super().__init__(**options)
        self._budget = budget

    def _check_extensions(self, extensions: dict[str, Any]) -> None:
        super()._check_extensions(extensions)
        for name in _FEATURES:
            extensions.pop(name, None)

    def _send(self, request: Request) -> Response:
        if self._budget.stop_error is not None:
            raise RequestError("no further requests", cause=str(self._budget.stop_error))
        try:
            return self._follow_redirects(request)
        except ClipwiseError as error:
            self._budget.request_error = error
            raise TransportError(cause=error) from error

    def _follow_redirects(self, request: Request) -> Response:
        hop = check_url(request.url, self._budget.settings)
        headers = {name: value for name, value in self._get_headers(request).items() if name.lower() != "cookie"}
        headers |= {"Accept-Encoding": "identity"}
        method, data = request.method, _request_body(request)
        for _ in range(MAX_REDIRECTS + 1):
            with ExitStack() as stack:
                cookies = self._cookie_header(request, hop)
                response = stack.enter_context(
                    open_response(method, hop, self._budget.settings, self._budget.limits, headers | cookies, data)
                )
                self._store_cookies(request, response)
                if response.status not in REDIRECTS:
                    return self._build_response(response, stack.pop_all())
                hop = next_hop(response, self._budget.settings)
                if response.status not in (307, 308) and method not in ("GET", "HEAD"):
                    method, data = "GET", None
                    headers.pop("Content-Type", None)
        raise PermanentError(
            "source_redirects", "The page redirects too many times. Open the link in a browser to check it."
        )

    def _build_response(self, guarded_response: HttpResponse, stack: ExitStack) -> Response:
        if guarded_response.is_encoded:
            stack.close()
            raise PermanentError(
                "source_encoded", "The server sends its pages only compressed. Upload the file instead."
            )
        response = Response(
            io.BufferedReader(_ResponseBody(guarded_response.body, stack, self._budget)),
            str(guarded_response.url),
            guarded_response.headers,
            guarded_response.status,
        )
        if not 200 <= guarded_response.status < 300:
            raise HTTPError(response)
        return response

    def _cookie_header(self, request: Request, hop: WebUrl) -> dict[str, str]:
        header = self._get_cookiejar(request).get_cookie_header(str(hop))
        return {"Cookie": header} if header else {}

    def _store_cookies(self, request: Request, response: HttpResponse) -> None:
        headers = Message()
        for cookie in response.cookies:
            headers.add_header("Set-Cookie", cookie)
        origin_request = urllib.request.Request(str(response.url))  # noqa: S310  # never opened: only the origin of cookies
        self._get_cookiejar(request).extract_cookies(_CookieResponse(headers), origin_request)


class _CookieResponse:
    """The part of a response that a cookie jar reads."""

    def __init__(self, headers: Message) -> None:
        self._headers = headers

    def info(self) -> Message:
        return self._headers


class _ResponseBody(io.RawIOBase):
    """A response body as a file; closing it ends the connection."""

    def __init__(self, chunks: Iterator[bytes], stack: ExitStack, budget: ExtractionBudget) -> None:
        self._chunks = chunks
        self._stack = stack
        self._budget = budget
        self._unread = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        while not self._unread:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._budget.count_bytes(len(chunk))
            self._unread = chunk
        size = min(len(view), len(self._unread))
        view[:size], self._unread = self._unread[:size], self._unread[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            self._stack.close()
        super().close()


def _request_body(request: Request) -> bytes | None:
    data = request.data
    if data is None or isinstance(data, bytes):
        return data
    return data.read() if hasattr(data, "read") else b"".join(data)
