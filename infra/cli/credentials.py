"""Stored sessions: a file in the user's configuration folder that only the user can read."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
import typer


@dataclass(frozen=True)
class StoredSession:
    """The tokens of one session."""

    username: str | None
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)

    @classmethod
    def from_response(cls, answer: dict[str, Any]) -> StoredSession:
        """Create it from the response of POST /v1/auth/login."""
        return cls(answer["user"]["username"], answer["access_token"], answer["refresh_token"])


class Credentials:
    """Sessions by the server's URL. The file has mode 0600, its folder 0700."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(typer.get_app_dir("clipwise"))
        self._path = self._folder / "sessions.json"

    def get(self, server: str) -> StoredSession | None:
        session = self._read().get(server)
        return StoredSession(**session) if session else None

    def put(self, server: str, stored: StoredSession) -> None:
        self._write(self._read() | {server: asdict(stored)})

    def delete(self, server: str) -> None:
        sessions = self._read()
        if sessions.pop(server, None) is not None:
            self._write(sessions)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold a lock between processes: a refresh token can be used only once."""
        self._make_folder()
        with (self._folder / "sessions.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            sessions: dict[str, dict[str, str]] = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        return sessions

    def _write(self, sessions: dict[str, Any]) -> None:
        self._make_folder()
        draft = self._path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(sessions, file)
        draft.replace(self._path)

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)


class SessionAuth(httpx.Auth):
    """Sends the stored token; if it has expired, refreshes it and repeats the request once."""

    def __init__(self, server: str, credentials: Credentials) -> None:
        self._server = server
        self._credentials = credentials

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        stored = self._credentials.get(self._server)
        if stored is None:
            yield request
            return
        response = yield _authorize(request, stored)
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return
        with self._credentials.lock():
            newest = self._credentials.get(self._server)
            if newest == stored:
                body = {"refresh_token": stored.refresh_token}
                answer = yield httpx.Request("POST", f"{self._server}/v1/auth/refresh", json=body)
                answer.read()
                if not answer.is_success:
                    if answer.status_code == httpx.codes.UNAUTHORIZED:
                        self._credentials.delete(self._server)
                    return
                newest = StoredSession.from_response(answer.json())
                self._credentials.put(self._server, newest)
        if newest is not None:
            yield _authorize(request, newest)


def _authorize(request: httpx.Request, stored: StoredSession) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {stored.access_token}"
    return request
