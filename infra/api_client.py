"""Client of the HTTP API."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

JobDocument = dict[str, Any]
"""A job as the API returns it: camelCase keys, ISO 8601 times."""
PAGE_SIZE = 100
STREAM_TIMEOUT_SEC = 45.0
"""A stream of events that is silent for longer counts as broken; the server sends comments in between."""
ANSWER_SEC = 300.0
"""Time limit until an answer begins; the server may wait for AI services and retry them."""


@dataclass(frozen=True)
class ServerSentEvent:
    id: str | None
    """The last id in the stream so far."""
    type: str
    data: str


def parse_events(stream: Iterable[bytes]) -> Iterator[ServerSentEvent]:
    """Yield the events of a stream; an event cut off before its blank line is dropped."""
    id: str | None = None
    type, data = "message", list[str]()
    for line in _split_lines(stream):
        if not line:
            if data:
                yield ServerSentEvent(id, type, "\n".join(data))
            type, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            type = value
        elif name == "id":
            id = value


def _split_lines(stream: Iterable[bytes]) -> Iterator[str]:
    """Yield lines that end with LF or CRLF; the data may contain the other line breaks of `str.splitlines`."""
    remainder = b""
    for piece in stream:
        *complete_lines, remainder = (remainder + piece).split(b"\n")
        for line in complete_lines:
            yield line.removesuffix(b"\r").decode()


class ServerUnreachable(Exception):
    """The server did not respond; the message says what to do."""


class ApiError(Exception):
    """The API answered with a problem object."""

    def __init__(self, status: int, code: str, detail: str, retry_after: float | None = None) -> None:
        """`retry_after` is the number of seconds that the server asks to wait."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after

    @property
    def is_temporary(self) -> bool:
        """True if the same request may succeed later."""
        return self.status >= 500 or self.status in (408, 425, 429)


def parse_error(response: httpx.Response) -> ApiError:
    """Return the problem in a response whose body has been read."""
    try:
        problem = response.json()
        seconds = response.headers.get("retry-after", "")
        retry_after = float(seconds) if seconds.isdecimal() else None
        return ApiError(response.status_code, str(problem["code"]), str(problem["detail"]), retry_after)
    except (ValueError, KeyError, TypeError):
        if response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            # Cloud Run's front end answers in place of the API.
            return ApiError(response.status_code, "too_large", "The request is too large for the server. Send less.")
        return ApiError(response.status_code, f"http_{response.status_code}", "The server is not a Clipwise server.")


def open_client(url: str, headers: Mapping[str, str] | None = None, auth: httpx.Auth | None = None) -> httpx.Client:
    """Open a client for `url`; it uses the environment's proxies, except for loopback addresses."""
    timeout = httpx.Timeout(60, connect=10)
    return httpx.Client(headers=headers, auth=auth, timeout=timeout, trust_env=not _is_loopback(url))


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class ApiClient:
    """A client of one server. Every method raises ServerUnreachable or ApiError."""

    def __init__(self, server: str, token: str | None = None, auth: httpx.Auth | None = None) -> None:
        """Authenticate with `token` or through `auth`."""
        self.server = server.rstrip("/")
        self._http = open_client(server, {"Authorization": f"Bearer {token}"} if token else None, auth)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def post_auth(self, action: str, **body: str) -> dict[str, Any]:
        """POST to `/v1/auth/ACTION` without credentials; returns {} for an empty response."""
        with self._open_response("POST", f"/v1/auth/{action}", json=body, auth=None) as response:
            reply: dict[str, Any] = _parse_json(response) if response.read() else {}
            return reply

    def current_user(self) -> dict[str, Any]:
        return self.request_json("GET", "/v1/auth/me")

    def log_out(self) -> None:
        with self._open_response("POST", "/v1/auth/logout"):
            pass

    def create_job(
        self, url: str, kind: str, language: str | None, options: Mapping[str, str | int], fresh: bool
    ) -> JobDocument:
        """Create a job, or return one that is running or has finished the same analysis."""
        return self.request_json(
            "POST",
            "/v1/jobs",
            json=_without_none(url=url, kind=kind, language=language, options=options or None, fresh=fresh or None),
        )

    def start_upload(
        self,
        filename: str,
        content_type: str,
        size: int,
        kind: str,
        language: str | None,
        options: Mapping[str, str | int],
    ) -> dict[str, Any]:
        """Create a job for a file; returns `{job, uploadUrl, method, headers, expiresAt}`."""
        body = _without_none(
            filename=filename,
            contentType=content_type,
            size=size,
            kind=kind,
            language=language,
            options=options or None,
        )
        return self.request_json("POST", "/v1/uploads", json=body)

    def create_batch(self, body: Mapping[str, Any], key: str) -> JobDocument:
        """Create a batch, or return the one that this idempotency key has created."""
        headers = {"Idempotency-Key": key}
        return self.request_json("POST", "/v1/jobs/batch", json=_without_none(**body), headers=headers)

    def start_batch_upload(self, batch_id: str, index: int) -> dict[str, Any]:
        """Start the upload of a file of a batch; returns a job without `uploadUrl` if there is nothing to upload."""
        return self.request_json("POST", f"/v1/batches/{batch_id}/files/{index}/upload")

    def get_batch(self, id: str) -> JobDocument:
        return self.request_json("GET", f"/v1/batches/{id}")

    def list_batch_items(self, id: str) -> list[JobDocument]:
        """Return all items of a batch."""
        items: list[JobDocument] = []
        cursor: str | None = None
        while True:
            params = _without_none(limit=PAGE_SIZE, cursor=cursor)
            page = self.request_json("GET", f"/v1/batches/{id}/items", params=params)
            items += page["items"]
            cursor = page["cursor"]
            if cursor is None:
                return items

    def cancel_batch(self, id: str) -> JobDocument:
        return self.request_json("POST", f"/v1/batches/{id}/cancel")

    def get_job(self, id: str) -> JobDocument:
        return self.request_json("GET", f"/v1/jobs/{id}")

    def list_jobs(self, status: str | None, kind: str | None, limit: int) -> tuple[list[JobDocument], bool]:
        """Return the newest `limit` jobs, from as many pages as necessary, and whether there are older ones."""
        documents: list[JobDocument] = []
        cursor: str | None = None
        while True:
            params = _without_none(
                status=status, kind=kind, limit=min(PAGE_SIZE, limit - len(documents)), cursor=cursor
            )
            page = self.request_json("GET", "/v1/jobs", params=params)
            documents += page["jobs"]
            cursor = page["cursor"]
            if cursor is None or len(documents) >= limit:
                return documents, cursor is not None

    def search(self, query: str, origins: Sequence[str], limit: int) -> list[JobDocument]:
        """Return the moments that match best, at most `limit`."""
        params = {"q": query, "origin": list(origins), "limit": min(limit, PAGE_SIZE)}
        moments: list[JobDocument] = self.request_json("GET", "/v1/search", params=params)["moments"]
        return moments

    def cancel_job(self, id: str) -> JobDocument:
        return self.request_json("POST", f"/v1/jobs/{id}/cancel")

    def retry_job(self, id: str) -> JobDocument:
        return self.request_json("POST", f"/v1/jobs/{id}/retry")

    def delete_job(self, id: str) -> None:
        self.delete_resource(f"/v1/jobs/{id}")

    def delete_resource(self, path: str) -> None:
        with self._open_response("DELETE", path):
            pass

    def save_media(self, id: str, name: str, path: Path) -> None:
        """Download a media file of a job."""
        with self._open_response("GET", f"/v1/jobs/{id}/media/{name}", follow_redirects=True) as response:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                for piece in response.iter_bytes():
                    file.write(piece)

    def export_job(self, id: str, format: str, **options: str | float | None) -> bytes:
        """Return a job's result or transcript as a file; the options are the query parameters of the route."""
        return self.request_content("GET", f"/v1/jobs/{id}/export", params=_without_none(format=format, **options))

    def stream_events(self, id: str, last_event_id: str | None, collection: str = "jobs") -> Iterator[ServerSentEvent]:
        """Yield the events of a job, batch or dataset after `last_event_id`, until the server ends the stream."""
        headers = {"Accept": "text/event-stream", **_without_none(**{"Last-Event-ID": last_event_id})}
        timeout = httpx.Timeout(STREAM_TIMEOUT_SEC, connect=10)
        with self._open_response("GET", f"/v1/{collection}/{id}/events", headers=headers, timeout=timeout) as response:
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                raise ApiError(406, "no_event_stream", "The server does not stream events.")
            yield from parse_events(response.iter_bytes())

    def stream_answer(self, subject: dict[str, str], question: str, language: str | None) -> Iterator[ServerSentEvent]:
        """Yield all events of an answer about a group or a video (`{groupId}` or `{videoId}`)."""
        messages = [{"role": "user", "content": question}]
        body = _without_none(**subject, messages=messages, language=language, stream=True)
        with self._open_response(
            "POST", "/v1/chat", json=body, timeout=httpx.Timeout(ANSWER_SEC, connect=10)
        ) as response:
            yield from parse_events(response.iter_bytes())

    def download_file(self, url: str, path: Path) -> None:
        """Download a short-lived link of the API, which needs no token."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open_client(url) as storage, storage.stream("GET", url) as response, path.open("wb") as file:
                if response.status_code >= 400:
                    raise ApiError(response.status_code, "no_file", "The link to the file has expired.")
                for piece in response.iter_bytes():
                    file.write(piece)
        except httpx.RequestError as error:
            raise ServerUnreachable(f"The file could not be downloaded ({error}).") from error

    def request_content(self, method: str, path: str, **request: Any) -> bytes:
        """Send a request and return the body of its response."""
        with self._open_response(method, path, **request) as response:
            return response.read()

    def request_json(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """Send a request whose response is a JSON object."""
        with self._open_response(method, path, **request) as response:
            response.read()
            return _parse_json(response)

    @contextmanager
    def _open_response(self, method: str, path: str, **request: Any) -> Iterator[httpx.Response]:
        """Yield a successful response whose body has not been read."""
        try:
            with self._http.stream(method, f"{self.server}{path}", **request) as response:
                if response.status_code >= 400:
                    response.read()
                    raise parse_error(response)
                yield response
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise ServerUnreachable(
                f"No Clipwise server responds at {self.server} ({error}). "
                "Start one with `clipwise up`, or set another with --server or CLIPWISE_SERVER."
            ) from error


def _parse_json(response: httpx.Response) -> dict[str, Any]:
    try:
        body: dict[str, Any] = response.json()
    except ValueError:
        raise parse_error(response) from None
    return body


def _without_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
