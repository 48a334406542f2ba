"""What Identity Platform's error codes mean to the caller; which depends on what was asked.

Codes: https://firebase.google.com/docs/reference/rest/auth#section-error-format and the sections of each method there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

from shared.errors import ClipwiseError, PermanentError
from shared.platform.gcp.identity_toolkit import ToolkitError, unavailable_error
from shared.security.refusals import authentication_error, credentials_error, invalid_token_error

log = logging.getLogger(__name__)

RequestBasis = Literal["password", "session", "code", "account"]
"""What a request stands on: a password, a token of a session, a code from a mail, or nothing but its content."""


def _weak_password_error() -> PermanentError:
    return PermanentError("weak_password", "This password is not allowed. Choose a longer or less common one.")


def _not_offered_error() -> PermanentError:
    return PermanentError("not_offered", "This server does not offer this way to sign in. Use another one.")


def _invalid_email_error() -> PermanentError:
    return PermanentError("invalid_email", "This e-mail address cannot receive mail. Correct it.")


CODE_ERRORS: dict[RequestBasis, tuple[frozenset[str], Callable[[], PermanentError]]] = {
    "password": (
        frozenset(
            {"INVALID_LOGIN_CREDENTIALS", "EMAIL_NOT_FOUND", "INVALID_PASSWORD", "USER_DISABLED", "INVALID_EMAIL"}
        ),
        credentials_error,
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
        authentication_error,
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
        invalid_token_error,
    ),
    "account": (frozenset({"INVALID_EMAIL", "MISSING_EMAIL"}), _invalid_email_error),
}
WEAK_PASSWORD_CODES = frozenset({"WEAK_PASSWORD", "PASSWORD_DOES_NOT_MEET_REQUIREMENTS"})
NOT_OFFERED_CODES = frozenset({"ADMIN_ONLY_OPERATION", "OPERATION_NOT_ALLOWED", "PASSWORD_LOGIN_DISABLED"})


def translate_toolkit_error(error: ToolkitError, about: RequestBasis) -> ClipwiseError:
    """The port's error for the service's; one that is not the caller's fault is logged, and is a TransientError."""
    codes, make_error = CODE_ERRORS[about]
    if error.code in codes:
        return make_error()
    if error.code in WEAK_PASSWORD_CODES:
        return _weak_password_error()
    if error.code in NOT_OFFERED_CODES:
        return _not_offered_error()
    log.error("Identity Platform answered %s", error.code)
    return unavailable_error()
