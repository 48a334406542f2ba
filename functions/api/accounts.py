"""Account operations before sign-in, with throttled attempts. All of them block.

They raise the errors of `Identity`, and RateLimited.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from functions.api.access import Place
from functions.api.guesses import MAIL, SIGN_UP, TOKEN, Guesses
from shared.platform.identity import identity
from shared.platform.ports import Session, User


def accounts_guesses(request: Request, place: Place) -> Guesses:
    return Guesses(request.scope, place.documents)


Counted = Annotated[Guesses, Depends(accounts_guesses)]


def sign_up(guesses: Guesses, username: str, email: str, password: str) -> None:
    guesses.count(SIGN_UP)
    guesses.count(MAIL, email)
    identity().sign_up(username, email, password)


def verify_email(guesses: Guesses, token: str) -> User:
    guesses.count(TOKEN)
    return identity().verify_email(token)


def log_in(guesses: Guesses, name: str, password: str) -> Session:
    with guesses.sign_in(name):
        return identity().log_in(name, password)


def request_reset(guesses: Guesses, email: str) -> None:
    guesses.count(MAIL, email)
    identity().request_password_reset(email)


def confirm_reset(guesses: Guesses, token: str, password: str) -> None:
    guesses.count(TOKEN)
    identity().confirm_password_reset(token, password)
