"""Many small transfers at once through the URL guard, on one event loop and over connections that are kept alive.

libcurl does in C what `shared.security.guarded_http` does in Python, at a tenth of the processor time for a small
body. It resolves no name and follows no redirect: the addresses are the ones that the guard permits, and a socket to
any other is refused when it is opened.
"""

from __future__ import annotations

import asyncio
import os
import platform
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pycurl

from shared.errors import ClipwiseError
from shared.security.guarded_http import (
    CONNECT_SEC,
    IDLE_SEC,
    ResponseHead,
    decode_headers,
    dial_order,
    fold_headers,
    interrupted_error,
    slow_error,
    unavailable_error,
    untrusted_error,
)
from shared.security.url_guard import Resolver, public_addresses, system_resolver
from shared.security.urls import WebUrl
from shared.settings import Settings

Receiver = Callable[[ResponseHead], Callable[[bytes], object] | None]
"""Called with a response's head; returns what is called with each piece of the body, or None if it is not wanted.

Both may raise to end the transfer."""
MAX_DRAINED_BYTES = 65_536
"""The longest unwanted body that is read to the end, so that its connection can serve the next request."""
MAX_RESOLVED_HOSTS = 10_000
RESOLVED_SEC = 60.0
"""How long a new connection may use addresses that were permitted."""
BUFFER_BYTES = 262_144


class GuardedTransfers:
    """Transfers of one event loop, within which it is an asynchronous context manager.

    Args:
        connections: Number of idle connections that are kept for later requests.
    """

    def __init__(self, settings: Settings, connections: int, resolve: Resolver = system_resolver) -> None:
        self._settings = settings
        self._resolve = resolve
        self._multi = pycurl.AsyncCurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, connections)
        self._idle: list[pycurl.Curl] = []
        self._addresses: dict[tuple[str, int], tuple[float, asyncio.Future[list[str]]]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._multi.aclose()
        for curl in self._idle:
            curl.close()

    async def get(self, url: WebUrl, headers: Mapping[str, str], timeout_sec: float, receive: Receiver) -> ResponseHead:
        """Request `url`, which must come from `check_url`, and return its head once the body is received.

        A redirect is a response like any other. Raises what `receive` raises, and as `fetch_url`.
        """
        deadline = time.monotonic() + timeout_sec
        transfer = Transfer(url, await self._permitted_addresses(url), receive)
        remaining_sec = deadline - time.monotonic()
        if remaining_sec <= 0:
            raise slow_error()
        curl = self._idle.pop() if self._idle else _new_handle()
        transfer.prepare(curl, headers, remaining_sec)
        failure: pycurl.error | None = None
        try:
            await self._multi.perform(curl)
        except pycurl.error as error:
            failure = error
        # Not after a cancellation: the handle may still be in use then.
        self._idle.append(curl)
        return transfer.result(failure)

    async def _permitted_addresses(self, url: WebUrl) -> list[str]:
        """Return the addresses to connect to, resolved in a thread; raises as `public_addresses`."""
        key, now = (url.host, url.port), time.monotonic()
        resolved_at, pending = self._addresses.get(key, (0.0, None))
        if pending is None or now - resolved_at > RESOLVED_SEC:
            if len(self._addresses) >= MAX_RESOLVED_HOSTS:
                self._addresses.clear()
            pending = asyncio.ensure_future(
                asyncio.to_thread(public_addresses, url.host, url.port, self._settings, self._resolve)
            )
            pending.add_done_callback(lambda done: done.cancelled() or done.exception())  # all who waited may be gone
            self._addresses[key] = now, pending
        elif pending.done() and not pending.cancelled() and not pending.exception():
            return pending.result()
        try:
            # Others wait for the same answer.
            return await asyncio.shield(pending)
        except ClipwiseError:
            self._addresses.pop(key, None)
            raise


class Transfer:
    """One request and its response, driven by libcurl's callbacks.

    An exception in a callback would be lost: it is kept, and the callback ends the transfer by a wrong return value.
    """

    def __init__(self, url: WebUrl, addresses: list[str], receive: Receiver) -> None:
        self._url = url
        self._addresses = dial_order(addresses)
        self._receive = receive
        self._lines: list[bytes] = []
        self._head: ResponseHead | None = None
        self._write: Callable[[bytes], object] | None = None
        self._drained_bytes = 0
        self._error: Exception | None = None

    def prepare(self, curl: pycurl.Curl, headers: Mapping[str, str], timeout_sec: float) -> None:
        curl.setopt(pycurl.URL, str(self._url))
        curl.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in headers.items()])
        curl.setopt(pycurl.TIMEOUT_MS, max(1, int(timeout_sec * 1000)))
        if self._addresses == [self._url.host]:
            curl.unsetopt(pycurl.RESOLVE)
        else:
            hosts = ",".join(f"[{address}]" if ":" in address else address for address in self._addresses)
            curl.setopt(pycurl.RESOLVE, [f"+{self._url.host}:{self._url.port}:{hosts}"])
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        curl.setopt(pycurl.HEADERFUNCTION, self._on_header)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)

    def result(self, failure: pycurl.error | None) -> ResponseHead:
        """Return the head; raises what the callbacks raised, or the guard's error for libcurl's."""
        if self._error:
            raise self._error
        if self._head and (failure is None or self._write is None):
            return self._head
        code = failure.args[0] if failure else None
        if code == pycurl.E_OPERATION_TIMEDOUT:
            raise slow_error() from failure
        if code == pycurl.E_PEER_FAILED_VERIFICATION:
            raise untrusted_error() from failure
        raise (interrupted_error() if self._head else unavailable_error(self._url)) from failure

    def _open_socket(self, purpose: int, address: Any) -> socket.socket | int:
        family, kind, protocol, target = address
        permitted = {ip_address(permitted) for permitted in self._addresses}
        if ip_address(target[0]) not in permitted or target[1] != self._url.port:
            return int(pycurl.SOCKET_BAD)
        return socket.socket(family, kind, protocol)

    def _on_header(self, line: bytes) -> int | None:
        if self._head:
            return None  # trailers
        if line.strip():
            self._lines.append(line)
            return None
        status = int(self._lines[0].split(None, 2)[1])
        lines, self._lines = self._lines[1:], []
        if status < 200:
            return None  # the final response follows
        pairs = [(name.strip(), value.strip()) for name, _, value in (line.partition(b":") for line in _unfold(lines))]
        self._head = ResponseHead(self._url, status, fold_headers(decode_headers(pairs)))
        try:
            self._write = self._receive(self._head)
        except Exception as error:
            self._error = error
        if self._write:
            return None
        length = self._head.headers.get("content-length", "")
        return -1 if length.isdecimal() and int(length) > MAX_DRAINED_BYTES else None

    def _on_body(self, piece: bytes) -> int | None:
        if self._write is None:
            self._drained_bytes += len(piece)
            return None if self._drained_bytes <= MAX_DRAINED_BYTES else -1
        try:
            self._write(piece)
        except Exception as error:
            self._error = error
            return -1
        return None


def _unfold(lines: list[bytes]) -> Iterator[bytes]:
    """Join lines that continue a header (RFC 9112, 5.2)."""
    pending = b""
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            pending += b" " + line.strip()
            continue
        if pending:
            yield pending
        pending = line
    if pending:
        yield pending


def _new_handle() -> pycurl.Curl:
    """Return a handle with the options of all transfers."""
    curl = pycurl.Curl()
    options = {
        # No environment, no signal handlers, no rewriting: the URL is in canonical form already.
        pycurl.PROXY: "",
        pycurl.NOSIGNAL: 1,
        pycurl.PATH_AS_IS: 1,
        pycurl.FOLLOWLOCATION: 0,
        pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
        pycurl.CONNECTTIMEOUT_MS: int(CONNECT_SEC * 1000),
        pycurl.LOW_SPEED_LIMIT: 1,
        pycurl.LOW_SPEED_TIME: int(IDLE_SEC),
        pycurl.BUFFERSIZE: BUFFER_BYTES,
        pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
        **_trust_options(),
    }
    for option, value in options.items():
        curl.setopt(option, value)
    return curl


def _trust_options() -> dict[int, Any]:
    """Return the options that make libcurl trust the authorities that `guarded_http` trusts."""
    if file := os.environ.get("SSL_CERT_FILE"):
        return {pycurl.CAINFO: file}
    if folder := os.environ.get("SSL_CERT_DIR"):
        return {pycurl.CAPATH: folder}
    if platform.system() == "Darwin":
        return {pycurl.SSL_OPTIONS: pycurl.SSLOPT_NATIVE_CA}
    paths = ssl.get_default_verify_paths()
    if Path(paths.openssl_cafile).is_file():
        return {pycurl.CAINFO: paths.openssl_cafile}
    return {pycurl.CAPATH: paths.openssl_capath} if Path(paths.openssl_capath).is_dir() else {}
