"""Video and audio for Gemini: as part of the request, by reference to Cloud Storage, or as a temporary upload.

Limits: https://ai.google.dev/gemini-api/docs/file-input-methods and, for Vertex AI, the reference of `generateContent`.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shared.ai.gemini.client import unavailable_error, wait, with_retries
from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.progress import Tick

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import File

log = logging.getLogger(__name__)
SMALL_BYTES = 14_000_000
"""Largest file inside a request to Vertex AI, which has at most 20 MB: base64 makes four bytes of three."""
INLINE_BYTES = 70_000_000
"""The same for the Gemini API, whose requests have at most 100 MB."""
PROCESSING_SEC = 180.0
"""Longest wait until the service has processed a file; it needs some seconds per minute of video."""
POLL_SEC = 2.0
STORAGE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@contextmanager
def registered_object(client: Client, uri: str, tick: Tick) -> Iterator[str | None]:
    """Register an object of Cloud Storage at the Gemini API, yield its URI there, and remove the registration.

    Yields None if the identity of this process or the service may not read the object.

    Raises as `with_retries`, and as `temporary_upload` while the service processes the file.
    """
    tick(0.3, "Registering the file at Gemini")
    file = _register(client, uri, tick)
    if file is None:
        yield None
        return
    try:
        yield _file_uri(_wait_until_active(client, file, tick))
    finally:
        _delete_file(client, file.name or "")


def _register(client: Client, uri: str, tick: Tick) -> File | None:
    import google.auth

    def register_once() -> File | None:
        credentials, _ = google.auth.default(scopes=[STORAGE_SCOPE])
        files = client.files.register_files(auth=credentials, uris=[uri]).files
        return files[0] if files else None

    try:
        return with_retries(register_once, tick)
    except PermanentError as error:
        log.warning("Gemini cannot read %s from Cloud Storage; it is uploaded instead: %s", uri, error.code)
        return None


@contextmanager
def temporary_upload(client: Client, path: Path, media_type: str, tick: Tick) -> Iterator[str]:
    """Upload a file, yield its URI, and delete it at the service in any case.

    The client chooses the name, so that the file can be deleted even if the response to the upload is lost.

    Raises as `with_retries`, and:
        PermanentError: `video_not_accepted`: the service cannot read the file.
        TransientError: `provider_unavailable`: the file was not processed within PROCESSING_SEC.
    """
    name = f"files/clip-{uuid.uuid4().hex}"
    try:
        tick(0.3, "Uploading the file to Gemini")
        yield _file_uri(_wait_until_active(client, _upload_file(client, path, name, media_type, tick), tick))
    finally:
        _delete_file(client, name)


def _upload_file(client: Client, path: Path, name: str, media_type: str, tick: Tick) -> File:
    import httpx2
    from google.genai.types import UploadFileConfig

    def upload_once() -> File:
        try:
            return client.files.upload(file=path, config=UploadFileConfig(name=name, mime_type=media_type))
        # After an interrupted upload (KeyError and ValueError in the SDK) the name may be taken, so do not try again.
        except (httpx2.HTTPError, KeyError, ValueError) as error:
            raise unavailable_error() from error

    return with_retries(upload_once, tick)


def _wait_until_active(client: Client, file: File, tick: Tick) -> File:
    end = time.monotonic() + PROCESSING_SEC
    name = file.name or ""
    while (state := file.state.value if file.state else "ACTIVE") != "ACTIVE":
        if state == "FAILED":
            raise PermanentError(
                "video_not_accepted",
                "Gemini cannot read this file. Convert the video to MP4 (H.264), or use another provider.",
            )
        if time.monotonic() > end:
            raise TransientError("provider_unavailable", "Gemini did not process the file in time. Try again later.")
        wait(POLL_SEC, tick)
        file = with_retries(lambda: client.files.get(name=name), tick)
    return file


def _file_uri(file: File) -> str:
    if not file.uri:
        raise unavailable_error()
    return file.uri


def _delete_file(client: Client, name: str) -> None:
    try:
        with_retries(lambda: client.files.delete(name=name), lambda *_: None)
    except ClipwiseError as error:
        log.warning("a file at Gemini was not deleted and expires by itself in two days: %s", error.code)
