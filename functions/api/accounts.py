"""Account operations before sign-in, with throttled attempts. All of them block.

They raise the errors of `Identity`, and RateLimited.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from functions.api.access import PlaceDep
from functions.api.guesses import MAIL, SIGN_UP, TOKEN, LoginThrottle
from shared.platform.identity import identity
from shared.platform.ports import Session, User


def login_throttle(request: Request, place: PlaceDep) -> LoginThrottle:
    return LoginThrottle(request.scope, place.documents)


LoginThrottleDep = Annotated[LoginThrottle, Depends(login_throttle)]


def sign_up(throttle: LoginThrottle, username: str, email: str, password: str) -> None:
    throttle.count_attempt(SIGN_UP)
    throttle.count_attempt(MAIL, email)
    identity().sign_up(username, email, password)


def verify_email(throttle: LoginThrottle, token: str) -> User:
    throttle.count_attempt(TOKEN)
    return identity().verify_email(token)


def log_in(throttle: LoginThrottle, name: str, password: str) -> Session:
    with throttle.sign_in_attempt(name):
        return identity().log_in(name, password)


def request_password_reset(throttle: LoginThrottle, email: str) -> None:
    throttle.count_attempt(MAIL, email)
    identity().request_password_reset(email)


def confirm_password_reset(throttle: LoginThrottle, token: str, password: str) -> None:
    throttle.count_attempt(TOKEN)
    identity().confirm_password_reset(token, password)
