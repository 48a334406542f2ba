"""What every kind of account says when it lets nobody in, in the same words."""

from __future__ import annotations

from shared.errors import PermanentError


def authentication_error() -> PermanentError:
    return PermanentError("unauthenticated", "This token is invalid or expired. Sign in again.")


def credentials_error() -> PermanentError:
    return PermanentError("wrong_credentials", "The user name or password is wrong. Correct it, or reset the password.")


def verification_error() -> PermanentError:
    return PermanentError(
        "unverified",
        "Your e-mail address is not verified. Open the link in the verification mail, or reset your password.",
    )


def username_taken_error() -> PermanentError:
    return PermanentError("username_taken", "This user name is taken. Choose another one.")


def invalid_token_error() -> PermanentError:
    return PermanentError("token_invalid", "This token is invalid, expired or already used. Request a new mail.")


def no_account_error() -> PermanentError:
    return PermanentError("not_offered", "An anonymous user has no account to change. Sign up for one.")
