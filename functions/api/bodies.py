"""Reads request bodies within their size limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from shared.errors import PermanentError
from shared.settings import settings

JSON_BYTES = 65_536
FIELD_BYTES = 65_536
MAX_FIELDS = 10
# Size of the rest of a form: boundaries, headers, other fields.
FORM_BYTES = MAX_FIELDS * (FIELD_BYTES + 4096)

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class SentFile:
    """A file sent in a form; large ones are on disk, not in memory.

    Attributes:
        filename: Name given by the client.
        content_type: Media type declared by the client, in lower case and without parameters; empty if undeclared.
    """

    stream: BinaryIO
    size: int
    filename: str | None
    content_type: str


def media_type(request: Request) -> str:
    return _plain_type(request.headers)


def _plain_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def too_large() -> PermanentError:
    limit = settings().max_file_size_mb
    return PermanentError("too_large", f"The file is larger than {limit} MB. Use a shorter or smaller version.")


async def read_json(request: Request, model: type[M]) -> M:
    """Parse a JSON body; raises RequestValidationError, PermanentError `too_large`, `unsupported_body`."""
    if media_type(request) != "application/json":
        raise PermanentError(
            "unsupported_body", "This endpoint accepts only JSON. Send “Content-Type: application/json”."
        )
    error = PermanentError("too_large", f"The JSON is larger than {JSON_BYTES} bytes. Send a smaller body.")
    return _checked(model, await _limited(request, JSON_BYTES, error).body())


@asynccontextmanager
async def read_form(request: Request, model: type[M], field: str = "file") -> AsyncIterator[tuple[M, SentFile]]:
    """Parse a multipart form with one file in the field `field`; the file is deleted with the context.

    Raises:
        RequestValidationError: A field is missing, unknown or wrong.
        PermanentError: `too_large`, `bad_form`.
    """
    form = await _parse(_limited(request, settings().max_file_bytes + FORM_BYTES, too_large()))
    try:
        fields = dict(form)
        upload = fields.pop(field, None)
        if isinstance(upload, str) and upload:
            raise _wrong_file(field, "text", "the video must be sent as a file, with a file name")
        # An empty file input is sent without name and bytes.
        if not isinstance(upload, UploadFile) or not (upload.filename or upload.size):
            raise _wrong_file(field, "missing", "")
        size = upload.size or 0
        if size > settings().max_file_bytes:
            raise too_large()
        yield _checked(model, fields), SentFile(upload.file, size, upload.filename, _plain_type(upload.headers))
    finally:
        await form.close()


async def _parse(request: Request) -> FormData:
    try:
        return await request.form(max_files=1, max_fields=MAX_FIELDS, max_part_size=FIELD_BYTES)
    except HTTPException as error:
        raise PermanentError(
            "bad_form", f"The form cannot be parsed: {error.detail.rstrip('.')}. Correct it and send it again."
        ) from None
    except UnicodeError:
        raise PermanentError(
            "bad_form", "The form is not encoded in UTF-8. Encode it in UTF-8 and send it again."
        ) from None


def _wrong_file(field: str, type: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": type, "loc": (field,), "msg": message}])


def _checked(model: type[M], given: bytes | Mapping[str, object]) -> M:
    try:
        return model.model_validate_json(given) if isinstance(given, bytes) else model.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def _limited(request: Request, limit: int, error: PermanentError) -> Request:
    """Limit a request to `limit` bytes: reading or announcing more raises `error`."""
    announced = request.headers.get("content-length", "")
    # As a float, since a number of thousands of digits is no valid int.
    if announced.isdecimal() and float(announced) > limit:
        raise error
    taken = 0

    async def receive() -> Message:
        nonlocal taken
        message = await request.receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise error
        return message

    return Request(request.scope, receive)
