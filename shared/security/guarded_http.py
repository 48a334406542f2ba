"""HTTP through the URL guard: every hop is checked, and connects to an address that was checked.

httpcore2 follows no redirects, keeps no cookies, reads no proxy or credentials from the environment and decodes
nothing. Its network backend is the place where a name becomes an address.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from typing import Any
from urllib.parse import urljoin

import httpcore2

from shared.errors import PermanentError, TransientError
from shared.security.url_guard import Resolver, check_url, public_addresses, system_resolver
from shared.security.urls import WebUrl
from shared.settings import Settings

MAX_REDIRECTS = 5
MAX_ADDRESSES = 4  # of one host, tried in turn
CONNECT_SEC = 8.0  # for one address, and again for the TLS handshake
IDLE_SEC = 20.0  # without a byte
PULSE_SEC = 1.0  # between two calls of `pulse` while reading

REDIRECTS = (301, 302, 303, 307, 308)

_DEFAULTS = {"User-Agent": "Clipwise", "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
_REPEATABLE = {"x-robots-tag", "content-encoding"}
_SECRET = ("authorization", "cookie")  # for one server only


class TransferInterrupted(TransientError):
    """`source_incomplete`: the connection closed before the end of the body."""


@dataclass(frozen=True)
class RequestLimits:
    """The time limit of a request, and a callback to stop it.

    Attributes:
        deadline: By `time.monotonic()`, for the whole request.
        pulse: Called about once a second while reading; an exception from it ends the request.
    """

    deadline: float
    pulse: Callable[[], None]

    def remaining(self, at_most: float | None) -> float:
        """Return the seconds that one operation may take; raises ReadTimeout if none are left."""
        remaining_sec = self.deadline - time.monotonic()
        if remaining_sec <= 0:
            raise httpcore2.ReadTimeout
        return remaining_sec if at_most is None else min(remaining_sec, at_most)


@dataclass(frozen=True)
class ResponseHead:
    """What a response says before its body.

    Attributes:
        headers: By lower-case name. A repeated header has its last value; `X-Robots-Tag` and `Content-Encoding`
            have all values, in lines.
    """

    url: WebUrl
    status: int
    headers: Mapping[str, str]

    @property
    def is_encoded(self) -> bool:
        """Return True if the body is compressed, although no request allows that.

        Such a body is never decoded, which rules out decompression bombs: reject it.
        """
        encodings = re.split(r"[,\n]", self.headers.get("content-encoding", "").lower())
        return any(encoding.strip() not in ("identity", "") for encoding in encodings)


@dataclass(frozen=True)
class HttpResponse(ResponseHead):
    """A response that is no redirect.

    Attributes:
        cookies: The values of all `Set-Cookie` headers.
        body: Bytes as sent. Raises TransferInterrupted if the connection closes early, TransientError `source_slow`.
    """

    cookies: list[str] = field(repr=False)
    body: Iterator[bytes] = field(repr=False)


@contextmanager
def fetch_url(
    url: str,
    settings: Settings,
    limits: RequestLimits,
    headers: Mapping[str, str],
    resolve: Resolver = system_resolver,
    visit: Callable[[WebUrl], None] | None = None,
) -> Iterator[HttpResponse]:
    """Request `url`, following redirects, and yield the response with its body unread.

    A redirect from https to http is rejected, since it would allow others on the way to replace the bytes.
    `Authorization` and `Cookie` are not sent to another server. `visit` is called with each hop before its request; an
    exception from it ends the request.

    Raises:
        PermanentError: Errors of the guard, for any hop; `source_redirects` (too many, or without an address);
            `source_untrusted` (the TLS certificate is not valid for the host).
        TransientError: `source_unavailable`, `source_slow`, `url_unresolvable`.
    """
    hop = check_url(url, settings)
    for _ in range(MAX_REDIRECTS + 1):
        if visit:
            visit(hop)
        with open_response("GET", hop, settings, limits, headers, resolve=resolve) as response:
            if response.status not in REDIRECTS:
                yield response
                return
            next_url = next_hop(response, settings)
        if (next_url.scheme, next_url.authority) != (hop.scheme, hop.authority):
            headers = {name: value for name, value in headers.items() if name.lower() not in _SECRET}
        hop = next_url
    raise PermanentError(
        "source_redirects", "The link redirects too many times. Use the address at which the redirects end."
    )


def next_hop(response: ResponseHead, settings: Settings) -> WebUrl:
    """Return the target of a redirect; raises errors of the guard, and `source_redirects` without a target."""
    hop, location = response.url, response.headers.get("location", "")
    if not location:
        raise PermanentError(
            "source_redirects", "The link redirects without an address. Open it in a browser to check it."
        )
    try:
        absolute = urljoin(str(hop), location)
    except ValueError:
        raise PermanentError(
            "url_invalid", "The link redirects to an invalid address. Open it in a browser to check it."
        ) from None
    next_url = check_url(absolute, settings)
    if hop.scheme == "https" and next_url.scheme == "http":
        raise PermanentError(
            "url_not_allowed", "The link redirects from https to http, which is not followed. Use another link."
        )
    return next_url


@contextmanager
def open_response(
    method: str,
    url: WebUrl,
    settings: Settings,
    limits: RequestLimits,
    headers: Mapping[str, str],
    body: bytes | None = None,
    resolve: Resolver = system_resolver,
) -> Iterator[HttpResponse]:
    """Send one request and yield its response, which may be a redirect. `headers` override the defaults.

    Raises as `fetch_url`, but checks addresses only: the URL must come from `check_url`.
    """
    header_names = {name.lower() for name in headers}
    request = httpcore2.Request(
        method,
        httpcore2.URL(scheme=url.scheme, host=url.host, port=url.port, target=url.target),
        headers=[
            ("Host", url.authority),
            *((name, value) for name, value in _DEFAULTS.items() if name.lower() not in header_names),
            *(
                # Encoded here, since a validator or cookie of the server may contain any character.
                (name, value.encode())
                for name, value in headers.items()
                if name.lower() not in ("host", "content-length")
            ),
            *([] if body is None else [("Content-Length", str(len(body)))]),
        ],
        content=body,
        extensions={"timeout": {"connect": CONNECT_SEC, "read": IDLE_SEC, "write": IDLE_SEC}},
    )
    backend = PinnedBackend(settings, limits, resolve)
    ssl_context = _ssl_context() if url.scheme == "https" else None
    with httpcore2.HTTPConnection(request.url.origin, ssl_context=ssl_context, network_backend=backend) as connection:
        with _translate_errors(unavailable_error(url)):
            response = connection.handle_request(request)
        received = decode_headers(response.headers)
        cookies = [value for name, value in received if name == "set-cookie"]
        yield HttpResponse(url, response.status, fold_headers(received), cookies, _iter_body(response))


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    """Return the TLS context for all connections of the process; loading it takes longer than a request."""
    context = httpcore2.default_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    # Every connection would set the same again, while other threads connect.
    context.set_alpn_protocols = lambda alpn_protocols: None  # type: ignore[method-assign]
    return context


def decode_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return the headers as text, their names in lower case."""
    return [(name.decode("latin-1").lower(), _decode_header(value)) for name, value in headers]


def fold_headers(headers: list[tuple[str, str]]) -> dict[str, str]:
    """Return the headers by name, as in `ResponseHead`."""
    folded = dict(headers)
    for repeated in _REPEATABLE & folded.keys():
        folded[repeated] = "\n".join(value for name, value in headers if name == repeated)
    return folded


def _decode_header(value: bytes) -> str:
    """Decode a header as UTF-8, which servers send although the standard says Latin-1; else as Latin-1."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _iter_body(response: httpcore2.Response) -> Iterator[bytes]:
    with _translate_errors(interrupted_error()):
        yield from response.iter_stream()


@contextmanager
def _translate_errors(fallback: TransientError) -> Iterator[None]:
    """Translate the transport's errors; raises `fallback` for any that is neither a timeout nor a certificate error."""
    try:
        yield
    except httpcore2.TimeoutException as error:
        raise slow_error() from error
    except (httpcore2.NetworkError, httpcore2.RemoteProtocolError) as error:
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            raise untrusted_error() from error
        raise fallback from error


def slow_error() -> TransientError:
    return TransientError("source_slow", "The server is too slow. Try again later, or upload the file.")


def untrusted_error() -> PermanentError:
    return PermanentError(
        "source_untrusted",
        "The TLS certificate of the server is not valid for its host name. Use another link, or upload the file.",
    )


def unavailable_error(url: WebUrl) -> TransientError:
    return TransientError("source_unavailable", f"The server {url.host} could not be reached. Try again later.")


def interrupted_error() -> TransferInterrupted:
    return TransferInterrupted(
        "source_incomplete", "The server ended the transfer early. Try again, or upload the file."
    )


def dial_order(addresses: list[str]) -> list[str]:
    """Alternate IPv6 and IPv4, so that one unreachable family cannot use up the tries (RFC 8305, 4)."""
    preferred = [address for address in addresses if (":" in address) == (":" in addresses[0])]
    others = [address for address in addresses if address not in preferred]
    return [address for pair in zip_longest(preferred, others) for address in pair if address][:MAX_ADDRESSES]


class PinnedBackend(httpcore2.NetworkBackend):
    """Connects only to addresses that the guard permits, within the limits.

    The TLS server name and the Host header are made by the layers above from the host name, not from the address.
    """

    def __init__(self, settings: Settings, limits: RequestLimits, resolve: Resolver) -> None:
        self._settings = settings
        self._limits = limits
        self._resolve = resolve
        self._system = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        connect_error: Exception = httpcore2.ConnectError()
        for address in dial_order(public_addresses(host, port, self._settings, self._resolve)):
            self._limits.pulse()
            try:
                stream = self._system.connect_tcp(address, port, self._limits.remaining(timeout))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                connect_error = error
            else:
                return LimitedStream(stream, self._limits)
        raise connect_error


class LimitedStream(httpcore2.NetworkStream):
    """A connection whose waits end at the deadline and call `pulse`."""

    def __init__(self, stream: httpcore2.NetworkStream, limits: RequestLimits) -> None:
        self._stream = stream
        self._limits = limits
        self._pulsed_at = time.monotonic()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        silent_until = time.monotonic() + self._limits.remaining(timeout)
        while True:
            self._pulse_if_due()
            try:
                return self._stream.read(max_bytes, max(0.001, min(PULSE_SEC, silent_until - time.monotonic())))
            except httpcore2.ReadTimeout:
                if time.monotonic() >= silent_until:
                    raise

    def _pulse_if_due(self) -> None:
        """Pulse by the clock and not only in silence: headers that trickle may take until the deadline."""
        if (now := time.monotonic()) - self._pulsed_at >= PULSE_SEC:
            self._pulsed_at = now
            self._limits.pulse()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._limits.remaining(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._limits.remaining(timeout))
        return LimitedStream(stream, self._limits)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
