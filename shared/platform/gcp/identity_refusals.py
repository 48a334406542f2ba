"""What Identity Platform's error codes mean to the caller; which depends on what was asked.

Codes: https://firebase.google.com/docs/reference/rest/auth#section-error-format and the sections of each method there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

from shared.errors import ClipwiseError, PermanentError
from shared.platform.gcp.identity_toolkit import ToolkitError, unavailable
from shared.security.refusals import token_invalid, unauthenticated, wrong_credentials

log = logging.getLogger(__name__)

About = Literal["password", "session", "code", "account"]
"""What a request stands on: a password, a token of a session, a code from a mail, or nothing but its content."""


def _weak() -> PermanentError:
    return PermanentError("weak_password", "This password is not allowed. Choose a longer or less common one.")


def _off() -> PermanentError:
    return PermanentError("not_offered", "This server does not offer this way to sign in. Use another one.")


def _no_address() -> PermanentError:
    return PermanentError("invalid_email", "This e-mail address cannot receive mail. Correct it.")


MEANINGS: dict[About, tuple[frozenset[str], Callable[[], PermanentError]]] = {
    "password": (
        frozenset(
            {"INVALID_LOGIN_CREDENTIALS", "EMAIL_NOT_FOUND", "INVALID_PASSWORD", "USER_DISABLED", "INVALID_EMAIL"}
        ),
        wrong_credentials,
    ),
    "session": (
        frozenset(
            {
                "CREDENTIAL_TOO_OLD_LOGIN_AGAIN",
                "INVALID_ID_TOKEN",
                "INVALID_REFRESH_TOKEN",
                "MISSING_REFRESH_TOKEN",
                "TOKEN_EXPIRED",
                "USER_DISABLED",
                "USER_NOT_FOUND",
            }
        ),
        unauthenticated,
    ),
    "code": (
        frozenset(
            {
                "EMAIL_EXISTS",
                "EMAIL_NOT_FOUND",
                "EXPIRED_OOB_CODE",
                "INVALID_OOB_CODE",
                "MISSING_OOB_CODE",
                "USER_DISABLED",
                "USER_NOT_FOUND",
            }
        ),
        token_invalid,
    ),
    "account": (frozenset({"INVALID_EMAIL", "MISSING_EMAIL"}), _no_address),
}
WEAK = frozenset({"WEAK_PASSWORD", "PASSWORD_DOES_NOT_MEET_REQUIREMENTS"})
OFF = frozenset({"ADMIN_ONLY_OPERATION", "OPERATION_NOT_ALLOWED", "PASSWORD_LOGIN_DISABLED"})


def refused(error: ToolkitError, about: About) -> ClipwiseError:
    """The port's error for the service's; one that is not the caller's fault is logged, and is a TransientError."""
    codes, meaning = MEANINGS[about]
    if error.code in codes:
        return meaning()
    if error.code in WEAK:
        return _weak()
    if error.code in OFF:
        return _off()
    log.error("Identity Platform answered %s", error.code)
    return unavailable()
