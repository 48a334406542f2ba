"""Errors, by what the pipeline does about them.

A `PermanentError` ends the work and goes to the user: a code for machines, a sentence for people. A programming error
also ends the work, and goes to the operators. Any other error of a stage is retried, with backoff, until its attempts
are used up.
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
"""Errors that the same code raises again for the same input.

A ValueError, an ArithmeticError or a RecursionError may come from one response of a service, and memory or disk space
may be available later, so these are retried. An ImportError is included although replacing an installation raises it
for a moment: a process that has loaded parts of two versions must restart anyway.
"""


def new_incident_id() -> str:
    """Return a short id for one unexpected error, which identifies its traceback in the log."""
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
    """The input or the configuration is at fault: a retry cannot help."""

    retryable = False


class TransientError(ClipwiseError):
    """Something outside failed temporarily: the event is delivered again."""


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
    """A document with this id exists already."""


class NotFound(Exception):
    """A required document or object does not exist."""


class IndexMissing(Exception):
    """The database has no index for a search by vectors of this size."""


class RetryLater(Exception):
    """Another delivery holds the lease: this one is refused and comes again later."""


class Cancelled(Exception):
    """The job was cancelled or deleted while its stage ran."""


class LeaseLost(Exception):
    """Another delivery holds the lease; results of this one are discarded."""
