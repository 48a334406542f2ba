"""What every kind of account says when it lets nobody in, in the same words."""

from __future__ import annotations

from shared.errors import PermanentError


def unauthenticated() -> PermanentError:
    return PermanentError("unauthenticated", "This token is not valid, or no longer; sign in again.")


def wrong_credentials() -> PermanentError:
    return PermanentError("wrong_credentials", "Name or password is wrong; try again, or have the password reset.")


def unverified() -> PermanentError:
    return PermanentError(
        "unverified", "Verify your e-mail address first, by the mail that was sent to it; a password reset does it too."
    )


def username_taken() -> PermanentError:
    return PermanentError("username_taken", "This username is taken; choose another one.")


def token_invalid() -> PermanentError:
    return PermanentError("token_invalid", "This token is not valid, was used or has expired; ask for a new mail.")


def no_account() -> PermanentError:
    return PermanentError("not_offered", "An anonymous user has no account to change; sign up for one.")
