"""What can go wrong, sorted by what the pipeline must do about it.

A `PermanentError` is the user's answer: a code for machines, a sentence for people, and no further attempt.
A programming error ends the work at once, too: it is ours, and the operators' to see. Anything else that a stage raises
is tried again, with backoff, until its attempts are used up.
"""

from __future__ import annotations

import errno
import secrets

PROGRAMMING_ERRORS = (
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    NotImplementedError,
    SyntaxError,
    TypeError,
)
"""What the same code raises again for the same input, however often it is tried.

A ValueError, an ArithmeticError or a RecursionError may come from what a service answered this once, and memory or
disks may be free again later: they are not among these. An ImportError is, although an installation that is being
replaced raises it for a moment: a process that has loaded half of each version must be restarted anyway.
"""


def new_incident_id() -> str:
    """An id for one unexpected error, short enough to be read out, by which its traceback is found in the log."""
    return secrets.token_hex(4)


class ClipwiseError(Exception):
    """Base of the errors that carry a code.

    Attributes:
        code: Machine-readable, snake_case, stable.
        message: One sentence for people that says what to do; never a secret, a path or a stack.
    """

    retryable = True

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type, tuple[str, ...]]:
        return type(self), (self.code, self.message)


class PermanentError(ClipwiseError):
    """The input or the configuration is at fault: trying the same again cannot help."""

    retryable = False


class TransientError(ClipwiseError):
    """Something outside failed in a way that passes: the platform delivers the event again."""


class StorageUnavailable(TransientError):
    """The storage takes no writes now, since it is busy or full: work waits, and no attempt is counted."""


STORAGE_FULL = "The disk is full. Free some space; jobs continue by themselves, and requests can then be sent again."
_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)


def is_disk_full(error: BaseException | None) -> bool:
    """Whether a full disk is what raised an error, directly or as its cause."""
    while error is not None:
        if getattr(error, "errno", None) in _FULL_ERRNOS or getattr(error, "code", None) == "storage_full":
            return True
        error = error.__cause__ or error.__context__
    return False


class Conflict(Exception):
    """A document or object changed since it was read (a lost compare-and-set)."""


class AlreadyExists(Conflict):
    """`create` met a document of that id."""


class NotFound(Exception):
    """A document or object that had to be there is not."""


class RetryLater(Exception):
    """Another delivery holds the lease: refuse this one, so that the platform brings it back later."""


class Cancelled(Exception):
    """The job was cancelled or deleted while its stage ran."""


class LeaseLost(Exception):
    """Another delivery took the stage over; what this one made is of no account."""
