"""Gemini's Files API: a video or its sound is there as long as it is looked at, and no longer."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shared.ai.gemini.calls import unavailable_error, wait, with_retries
from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.progress import Tick

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import File

log = logging.getLogger(__name__)

INLINE_BYTES = 14_000_000
"""Largest file inside a request: a request has at most 20 MB, and base64 makes four bytes of three."""
PROCESSING_SEC = 180.0
"""Longest wait until the service has taken a video in; it takes some seconds for each minute of video."""
POLL_SEC = 2.0


@contextmanager
def temporary_upload(client: Client, path: Path, media_type: str, tick: Tick) -> Iterator[str]:
    """The URI of the file while it is at the service; deleted afterwards whatever happens.

    It has a name of our choice, so that it can be deleted even when the answer to its upload is lost.

    Raises:
        PermanentError: `video_not_accepted`: the service cannot read it; and what `patiently` raises.
        TransientError: `provider_unavailable`: it was not taken in within PROCESSING_SEC; and what `patiently` raises.
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
        # An upload that broke off on its way (the last two are the SDK's words for it) may hold the name already.
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
