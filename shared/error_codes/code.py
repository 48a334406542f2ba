"""What the registry records about one error code."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Self


class CodeEntry(NamedTuple):
    code: str
    retry: bool | None
    status: int | None
    meaning: str
    action: str


def permanent(code: str, meaning: str, action: str, status: int | None = 422) -> CodeEntry:
    """An error that a retry of the same request or job repeats."""
    return CodeEntry(code, False, status, meaning, action)


def transient(code: str, meaning: str, action: str, status: int | None = 503) -> CodeEntry:
    """An error that may not occur at the next attempt."""
    return CodeEntry(code, True, status, meaning, action)


def either(code: str, meaning: str, action: str) -> CodeEntry:
    """An error that is permanent (422) or transient (503), depending on the class that is raised."""
    return CodeEntry(code, None, None, meaning, action)


class ErrorCode(StrEnum):
    """Base of the groups of codes. A member equals its code: `error.code == SourceCode.SOURCE_SLOW`.

    Attributes:
        retry: Whether a retry can help; None where the class of the error decides.
        status: The HTTP status of a response with this code; None where only jobs, datasets or logs carry it.
        meaning: What happened.
        action: What to do.
    """

    def __new__(cls, *entry: object) -> Self:
        code = CodeEntry._make(entry).code
        member = str.__new__(cls, code)
        member._value_ = code
        return member

    def __init__(self, code: str, retry: bool | None, status: int | None, meaning: str, action: str) -> None:
        self.retry = retry
        self.status = status
        self.meaning = meaning
        self.action = action
