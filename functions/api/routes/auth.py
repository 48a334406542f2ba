"""Accounts: signing up, in and out, forgotten passwords, and one's own account."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from functions.api import accounts
from functions.api.access import Place
from functions.api.accounts import Counted
from functions.api.bodies import read_json
from functions.api.guesses import ANONYMOUS, MAIL
from functions.api.identity import BearerToken, Caller
from functions.api.openapi import inline_body, problems
from functions.api.schemas import Message
from shared import clock
from shared.error_codes.api import AccountCode
from shared.errors import PermanentError
from shared.library.erasure import depart, erase
from shared.platform.identity import identity
from shared.platform.ports import Changes, Session, User

router = APIRouter(prefix="/v1/auth", tags=["accounts"])

OPEN = problems(400, 413, 415, 422, 429, 503)
OWN = problems(401, 403, 422, 429, 503)
LONGEST = 1000
RECENT = timedelta(minutes=10)

Text = Annotated[str, Field(max_length=LONGEST)]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignUp(Form):
    username: Text = Field(
        description="Letters, digits and “.”, “+”, “-”, “_”; the same in any case.", examples=["ann"]
    )
    email: Text = Field(examples=["ann@example.com"])
    password: Text = Field(description="8 to 256 characters.")


class LogIn(Form):
    username: Text = Field(description="Or the e-mail address.", examples=["ann"])
    password: Text


class RefreshToken(Form):
    refresh_token: Annotated[str, Field(max_length=4000)]


class MailedToken(Form):
    token: Text = Field(description="From the mail.")


class ResetRequest(Form):
    email: Text


class NewPassword(MailedToken):
    password: Text = Field(description="8 to 256 characters.")


class AccountChanges(Form):
    current_password: Text
    username: Text | None = None
    email: Text | None = None
    password: Text | None = None

    @model_validator(mode="after")
    def changes_something(self) -> AccountChanges:
        if self.username is None and self.email is None and self.password is None:
            raise ValueError("name at least one of username, email and password")
        return self


class Account(BaseModel):
    id: str = Field(description="The `owner` of what is yours. Where nobody has to sign in: `local`.")
    username: str | None
    email: str | None
    email_verified: bool
    anonymous: bool


class Tokens(BaseModel):
    """Send `access_token` as `Authorization: Bearer …`. Both are secrets."""

    access_token: str
    refresh_token: str = Field(description="Good once: keep the one that comes with each answer.")
    token_type: str = Field(examples=["Bearer"])
    expires_in: int = Field(description="Seconds for which the access token is good.", examples=[900])
    user: Account


def json_body(form: type[Form]) -> dict[str, Any]:
    return inline_body("application/json", form.model_json_schema())


def account(user: User) -> Account:
    return Account(
        id=user.id,
        username=user.username,
        email=user.email,
        email_verified=user.verified,
        anonymous=user.anonymous,
    )


def tokens(session: Session) -> JSONResponse:
    shown = Tokens(
        access_token=session.access_token,
        refresh_token=session.refresh_token,
        token_type="Bearer",  # noqa: S106  # a kind of token, not one
        expires_in=session.expires_in,
        user=account(session.user),
    )
    return JSONResponse(shown.model_dump(), headers={"Pragma": "no-cache"})


@router.post(
    "/signup",
    summary="Make an account",
    description=(
        "A mail goes to the address; the account can be used when its token has come back to /v1/auth/verify-email. "
        "For an address that has an account the answer is the same, and the mail says so."
    ),
    status_code=202,
    responses=OPEN | problems(409),
    openapi_extra=json_body(SignUp),
)
async def sign_up(request: Request, guesses: Counted) -> Message:
    form = await read_json(request, SignUp)
    await run_in_threadpool(accounts.sign_up, guesses, form.username, form.email, form.password)
    return Message(message="A mail is on its way to this address; answer it to go on.")


@router.post(
    "/verify-email",
    summary="Verify an e-mail address by the token from the mail",
    responses=OPEN,
    openapi_extra=json_body(MailedToken),
)
async def verify_email(request: Request, guesses: Counted) -> Account:
    form = await read_json(request, MailedToken)
    return account(await run_in_threadpool(accounts.verify_email, guesses, form.token))


@router.post(
    "/login",
    summary="Sign in by username or e-mail address",
    response_model=Tokens,
    responses=OPEN | problems(401, 403),
    openapi_extra=json_body(LogIn),
)
async def log_in(request: Request, guesses: Counted) -> Response:
    form = await read_json(request, LogIn)
    return tokens(await run_in_threadpool(accounts.log_in, guesses, form.username, form.password))


@router.post(
    "/refresh",
    summary="Go on with a session",
    description="The answer's refresh token replaces the one that was sent, which ends the session if it comes again.",
    response_model=Tokens,
    responses=OPEN | problems(401, 403),
    openapi_extra=json_body(RefreshToken),
)
async def refresh(request: Request) -> Response:
    form = await read_json(request, RefreshToken)
    return tokens(await run_in_threadpool(lambda: identity().refresh(form.refresh_token)))


@router.post("/logout", summary="End the session", status_code=204, response_class=Response, responses=OWN)
def log_out(token: BearerToken) -> None:
    identity().log_out(token)


@router.post(
    "/password-reset",
    summary="Have a mail sent to choose a new password",
    description="The answer is the same whether or not the address has an account.",
    status_code=202,
    responses=OPEN,
    openapi_extra=json_body(ResetRequest),
)
async def request_reset(request: Request, guesses: Counted) -> Message:
    form = await read_json(request, ResetRequest)
    await run_in_threadpool(accounts.request_reset, guesses, form.email)
    return Message(message="If this address has an account, a mail is on its way to it.")


@router.post(
    "/password-reset/confirm",
    summary="Set a new password by the token from the mail",
    description="All sessions of the account end.",
    status_code=204,
    response_class=Response,
    responses=OPEN,
    openapi_extra=json_body(NewPassword),
)
async def confirm_reset(request: Request, guesses: Counted) -> Response:
    form = await read_json(request, NewPassword)
    await run_in_threadpool(accounts.confirm_reset, guesses, form.token, form.password)
    return Response(status_code=204)


@router.post(
    "/anonymous",
    summary="Sign in as nobody in particular",
    description="What you make is yours as long as you have the refresh token.",
    response_model=Tokens,
    responses=OPEN | problems(403),
)
def sign_in_anonymously(guesses: Counted) -> Response:
    guesses.count(ANONYMOUS)
    return tokens(identity().sign_in_anonymously())


@router.get("/me", summary="Look at your account", responses=OWN)
def show_account(user: Caller) -> Account:
    return account(user)


@router.patch(
    "/me",
    summary="Change your account",
    description=(
        "A new address counts once the mail to it was answered. A new password ends all sessions, this one included."
    ),
    responses=OWN | problems(400, 409, 413, 415),
    openapi_extra=json_body(AccountChanges),
)
async def change_account(request: Request, user: Caller, token: BearerToken, guesses: Counted) -> Account:
    form = await read_json(request, AccountChanges)

    def work() -> User:
        if form.email is not None:
            guesses.count(MAIL, form.email)
        try:
            with guesses.sign_in(user.id):
                return identity().change(
                    token, form.current_password, Changes(form.username, form.email, form.password)
                )
        except PermanentError as refused:
            if refused.code != AccountCode.WRONG_CREDENTIALS:
                raise
            # 401 would say that the token is no good.
            raise PermanentError("wrong_password", "The current password is wrong. Correct it and try again.") from None

    return account(await run_in_threadpool(work))


@router.delete(
    "/me",
    summary="Delete your account with everything that is yours",
    description=(
        "Needs a session of the last ten minutes, unless it is an anonymous one. The account is gone at once, and with "
        "it what can be removed meanwhile; the rest goes within minutes."
    ),
    status_code=204,
    response_class=Response,
    responses=OWN,
)
def delete_account(user: Caller, token: BearerToken, place: Place) -> None:
    began = user.signed_in_at
    if not user.anonymous and (began is None or clock.now() - began > RECENT):
        raise PermanentError(
            "login_again", "Deleting an account requires a session of the last ten minutes. Sign in again first."
        )
    depart(place, user.id)
    identity().delete(token)
    erase(place, user.id)
