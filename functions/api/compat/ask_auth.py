"""The account paths of the earlier ask-video: /v1/auth with its field names."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from functions.api import accounts
from functions.api.accounts import Counted
from functions.api.bodies import read_json
from functions.api.compat.ask import ask_router
from functions.api.identity import Caller
from functions.api.openapi import inline_body, problems
from shared.platform.identity import identity
from shared.platform.ports import Session

router = ask_router("/api/auth", 413, 503)

Text = Annotated[str, Field(max_length=1000)]
Uid = Annotated[str, Field("", max_length=1000, description="Accepted for compatibility and ignored.")]


class SignUp(BaseModel):
    username: Text = Field(description="Letters, digits, `.`, `+`, `-` and `_`. Usernames are not case-sensitive.")
    email: Text = Field(description="Address to which the verification token is sent.")
    password: Text = Field(description="Password of 8 to 256 characters.")


class EmailToken(BaseModel):
    uid: Uid
    token: Text = Field(description="Token from the email.")


class LogIn(BaseModel):
    username: Text = Field(description="Username or email address.")
    password: Text = Field(description="Password of the account.")


class Refresh(BaseModel):
    refresh: Annotated[str, Field(max_length=4000)] = Field(
        description="The refresh token of the session. It can be used once."
    )


class ResetRequest(BaseModel):
    email: Text = Field(description="Email address of the account.")


class NewPassword(EmailToken):
    new_password: Text = Field(description="New password of 8 to 256 characters.")


class Told(BaseModel):
    detail: str = Field(description="What happened, for people.")


class TokenPair(BaseModel):
    access: str = Field(description="Access token. Send it as `Authorization: Bearer …`.")
    refresh: str = Field(description="Refresh token. It can be used once; each refresh returns a new one.")


class Me(BaseModel):
    id: str = Field(description="Identifier of the account.")
    username: str | None = Field(description="Username. Null for an anonymous account.")
    email: str | None = Field(description="Email address. Null for an anonymous account.")


def json_body(form: type[BaseModel]) -> dict[str, Any]:
    return inline_body("application/json", form.model_json_schema())


def pair(session: Session) -> Response:
    shown = TokenPair(access=session.access_token, refresh=session.refresh_token)
    return JSONResponse(shown.model_dump(), headers={"Pragma": "no-cache"})


@router.post(
    "/signup/",
    summary="Create an account",
    description=(
        "Compatible with ask-video: prefer POST /v1/auth/signup. Sends a verification token to the email address; "
        "the account can be used once POST /api/auth/verify-email/ has received it."
    ),
    status_code=201,
    openapi_extra=json_body(SignUp),
)
async def ask_sign_up(request: Request, guesses: Counted) -> Told:
    form = await read_json(request, SignUp)
    await run_in_threadpool(accounts.sign_up, guesses, form.username, form.email, form.password)
    return Told(detail="A verification email is on its way to this address. Follow its instructions to continue.")


@router.post(
    "/verify-email/",
    summary="Verify an email address",
    description="Compatible with ask-video: prefer POST /v1/auth/verify-email.",
    openapi_extra=json_body(EmailToken),
)
async def ask_verify_email(request: Request, guesses: Counted) -> Told:
    form = await read_json(request, EmailToken)
    await run_in_threadpool(accounts.verify_email, guesses, form.token)
    return Told(detail="The email address is verified. You can now sign in.")


@router.post(
    "/login/",
    summary="Sign in",
    description="Compatible with ask-video: prefer POST /v1/auth/login.",
    response_model=TokenPair,
    responses=problems(401, 403),
    openapi_extra=json_body(LogIn),
)
async def ask_log_in(request: Request, guesses: Counted) -> Response:
    form = await read_json(request, LogIn)
    return pair(await run_in_threadpool(accounts.log_in, guesses, form.username, form.password))


@router.post(
    "/refresh/",
    summary="Refresh a session",
    description=(
        "Compatible with ask-video: prefer POST /v1/auth/refresh. "
        "Using the same refresh token a second time ends the session."
    ),
    response_model=TokenPair,
    responses=problems(401, 403),
    openapi_extra=json_body(Refresh),
)
async def ask_refresh(request: Request) -> Response:
    form = await read_json(request, Refresh)
    return pair(await run_in_threadpool(lambda: identity().refresh(form.refresh)))


@router.get(
    "/me/",
    summary="Get your account",
    description="Compatible with ask-video: prefer GET /v1/auth/me.",
    responses=problems(401, 403),
)
def ask_me(user: Caller) -> Me:
    return Me(id=user.id, username=user.username, email=user.email)


@router.post(
    "/password-reset/",
    summary="Request a password reset",
    description=(
        "Compatible with ask-video: prefer POST /v1/auth/password-reset. "
        "The response is the same whether or not the address has an account."
    ),
    openapi_extra=json_body(ResetRequest),
)
async def ask_reset(request: Request, guesses: Counted) -> Told:
    form = await read_json(request, ResetRequest)
    await run_in_threadpool(accounts.request_reset, guesses, form.email)
    return Told(detail="If this address has an account, an email is on its way to it.")


@router.post(
    "/password-reset/confirm/",
    summary="Set a new password",
    description=(
        "Compatible with ask-video: prefer POST /v1/auth/password-reset/confirm. Ends all sessions of the account."
    ),
    openapi_extra=json_body(NewPassword),
)
async def ask_confirm_reset(request: Request, guesses: Counted) -> Told:
    form = await read_json(request, NewPassword)
    await run_in_threadpool(accounts.confirm_reset, guesses, form.token, form.new_password)
    return Told(detail="The password is set. Sign in with the new password.")
