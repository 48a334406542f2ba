"""Types of request fields, within the bounds that every place can store and every client can read back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
"""The integers that Firestore and SQLite can store."""
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
NON_BLANK = {"pattern": r"\S"}
"""For the API's description: the text contains more than white space."""


def check_text(text: str) -> str:
    """Return the text. Raises ValueError if it contains a NUL or half a surrogate pair, which no place can store."""
    if "\0" in text:
        raise ValueError("it must not contain a NUL character")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("it must not contain half a surrogate pair")
    return text


def to_line(text: str) -> str | None:
    """Return the text as one line without surplus white space; None if nothing is left."""
    return " ".join(check_text(text).split()) or None


def to_nonblank_line(text: str) -> str:
    """Return the text as one line without surplus white space. Raises ValueError if nothing is left."""
    line = to_line(text)
    if line is None:
        raise ValueError("it must not be blank")
    return line


def to_moment(time: datetime) -> datetime:
    """Return the time in UTC. Raises ValueError for times before 1970 and after 9999."""
    try:
        moment = time.astimezone(UTC)
    except OverflowError:
        moment = None
    if moment is None or moment < EARLIEST:
        raise ValueError("it must be a time between 1970 and 9999, in UTC")
    return moment


Text = Annotated[str, AfterValidator(check_text)]
Line = Annotated[str, AfterValidator(to_line)]
NonBlankLine = Annotated[str, Field(json_schema_extra=NON_BLANK), AfterValidator(to_nonblank_line)]
Integer = Annotated[int, Field(ge=MIN_INTEGER, le=MAX_INTEGER)]
Pixels = Annotated[int, Field(ge=0, le=1_000_000)]
Moment = Annotated[AwareDatetime, AfterValidator(to_moment)]
