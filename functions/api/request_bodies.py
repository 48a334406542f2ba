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
from shared.settings import Settings

JSON_BYTES = 65_536
FIELD_BYTES = 65_536
MAX_FIELDS = 10
# Maximum size of a form without its file: boundaries, headers, other fields.
FORM_BYTES = MAX_FIELDS * (FIELD_BYTES + 4096)
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class UploadedFile:
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
    return _media_type_of(request.headers)


def _media_type_of(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def too_large_error(limits: Settings) -> PermanentError:
    size = limits.max_file_size_mb
    return PermanentError("too_large", f"The file is larger than {size} MB. Use a shorter or smaller version.")


async def read_json(request: Request, model: type[M], max_bytes: int = JSON_BYTES) -> M:
    """Parse a JSON body; raises RequestValidationError, PermanentError `too_large`, `unsupported_body`."""
    if media_type(request) != "application/json":
        raise PermanentError(
            "unsupported_body", "This endpoint accepts only JSON. Send “Content-Type: application/json”."
        )
    error = PermanentError("too_large", f"The JSON is larger than {max_bytes} bytes. Send a smaller body.")
    return _validate_model(model, await _limit_size(request, max_bytes, error).body())


@asynccontextmanager
async def read_form(
    request: Request, model: type[M], limits: Settings, field: str = "file"
) -> AsyncIterator[tuple[M, UploadedFile]]:
    """Parse a multipart form with one file in the field `field`; the file is deleted with the context.

    Args:
        limits: Settings with the largest size of the file.

    Raises:
        RequestValidationError: A field is missing, unknown or wrong.
        PermanentError: `too_large`, `bad_form`.
    """
    form = await _parse_form(_limit_size(request, limits.max_file_bytes + FORM_BYTES, too_large_error(limits)))
    try:
        fields = dict(form)
        upload = fields.pop(field, None)
        if isinstance(upload, str) and upload:
            raise _file_error(field, "text", "the video must be sent as a file, with a file name")
        # An empty file input is sent without name and bytes.
        if not isinstance(upload, UploadFile) or not (upload.filename or upload.size):
            raise _file_error(field, "missing", "")
        size = upload.size or 0
        if size > limits.max_file_bytes:
            raise too_large_error(limits)
        yield (
            _validate_model(model, fields),
            UploadedFile(upload.file, size, upload.filename, _media_type_of(upload.headers)),
        )
    finally:
        await form.close()


async def _parse_form(request: Request) -> FormData:
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


def _file_error(field: str, type: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": type, "loc": (field,), "msg": message}])


def _validate_model(model: type[M], data: bytes | Mapping[str, object]) -> M:
    try:
        return model.model_validate_json(data) if isinstance(data, bytes) else model.model_validate(data)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def _limit_size(request: Request, limit: int, error: PermanentError) -> Request:
    """Return the request with a limit of bytes: declaring or reading more raises `error`."""
    declared_length = request.headers.get("content-length", "")
    # A float, because int() rejects numbers with thousands of digits.
    if declared_length.isdecimal() and float(declared_length) > limit:
        raise error
    received_bytes = 0

    async def receive() -> Message:
        nonlocal received_bytes
        message = await request.receive()
        received_bytes += len(message.get("body", b""))
        if received_bytes > limit:
            raise error
        return message

    return Request(request.scope, receive)
