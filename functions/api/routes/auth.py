"""Accounts: sign-up, sign-in, sign-out, password reset and the caller's own account."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from functions.api import identity
from functions.api.dependencies import LoginThrottleDep, PlaceDep
from functions.api.identity import ANONYMOUS, MAIL, BearerToken, Caller
from functions.api.openapi import json_body, problem_responses
from functions.api.request_bodies import read_json
from functions.api.request_models import RequestModel
from functions.api.schemas import MessageResponse
from shared import clock
from shared.error_codes.api import AccountCode
from shared.errors import PermanentError
from shared.library.deletion import erase_user, record_departure
from shared.models.api_key import KeyScope
from shared.platform.accounts import AccountUpdate, User, UserSession
from shared.platform.identity import current_identity

router = APIRouter(prefix="/v1/auth", tags=["accounts"])

PUBLIC_RESPONSES = problem_responses(400, 413, 415, 422, 429, 503)
ACCOUNT_RESPONSES = problem_responses(401, 403, 422, 429, 503)
MAX_LENGTH = 1000
RECENT_SIGN_IN = timedelta(minutes=10)

Text = Annotated[str, Field(max_length=MAX_LENGTH)]


class SignUpRequest(RequestModel):
    username: Text = Field(
        description="Letters, digits, `.`, `+`, `-` and `_`. Usernames are not case-sensitive.", examples=["ann"]
    )
    email: Text = Field(description="Address to which the verification token is sent.", examples=["ann@example.com"])
    password: Text = Field(description="Password of 8 to 256 characters.")


class LoginRequest(RequestModel):
    username: Text = Field(description="Username or email address.", examples=["ann"])
    password: Text = Field(description="Password of the account.")


class RefreshRequest(RequestModel):
    model_config = ConfigDict(alias_generator=None)  # OAuth 2.0 names the token (RFC 6749, 6)

    refresh_token: Annotated[str, Field(max_length=4000)] = Field(
        description="The refresh token of the session. It can be used once."
    )


class EmailTokenRequest(RequestModel):
    token: Text = Field(description="Token from the email.")


class PasswordResetRequest(RequestModel):
    email: Text = Field(description="Email address of the account.")


class NewPasswordRequest(EmailTokenRequest):
    password: Text = Field(description="New password of 8 to 256 characters.")


class AccountUpdateRequest(RequestModel):
    current_password: Text = Field(description="Current password of the account.")
    username: Text | None = Field(None, description="New username. Null or omitted: the username stays as it is.")
    email: Text | None = Field(None, description="New email address. Null or omitted: the address stays as it is.")
    password: Text | None = Field(
        None, description="New password of 8 to 256 characters. Null or omitted: the password stays as it is."
    )

    @model_validator(mode="after")
    def require_change(self) -> AccountUpdateRequest:
        if self.username is None and self.email is None and self.password is None:
            raise ValueError("name at least one of username, email and password")
        return self


class AccountInfo(BaseModel):
    """A user's account."""

    id: str = Field(
        description="Identifier of the account: the `owner` of its data. `local` where sign-in is not required."
    )
    username: str | None = Field(description="Username. Null for an anonymous account.")
    email: str | None = Field(description="Email address. Null for an anonymous account.")
    email_verified: bool = Field(description="Whether the email address is verified.")
    anonymous: bool = Field(description="Whether this is an anonymous account.")
    scopes: list[KeyScope] | None = Field(
        description="Scopes of the API key that sent the request, which knows only the `id`. Null for a session."
    )


class SessionTokens(BaseModel):
    """The tokens of a session. Keep both secret."""

    access_token: str = Field(description="Access token. Send it as `Authorization: Bearer …`.")
    refresh_token: str = Field(description="Refresh token. It can be used once; each refresh returns a new one.")
    token_type: str = Field(description="Always `Bearer`.", examples=["Bearer"])
    expires_in: int = Field(description="Lifetime of the access token in seconds.", examples=[900])
    user: AccountInfo = Field(description="The account that signed in.")


def account_info(user: User) -> AccountInfo:
    return AccountInfo(
        id=user.id,
        username=user.username,
        email=user.email,
        email_verified=user.verified,
        anonymous=user.anonymous,
        scopes=user.key.scopes if user.key else None,
    )


def tokens_response(session: UserSession) -> JSONResponse:
    session_tokens = SessionTokens(
        access_token=session.access_token,
        refresh_token=session.refresh_token,
        token_type="Bearer",  # noqa: S106  # the type of a token
        expires_in=session.expires_in,
        user=account_info(session.user),
    )
    return JSONResponse(session_tokens.model_dump(), headers={"Pragma": "no-cache"})


@router.post(
    "/signup",
    summary="Create an account",
    description=(
        "Creates an account and sends a verification token to the email address. The account can be used once "
        "POST /v1/auth/verify-email has received the token. If the address already has an account, the response is "
        "the same, and the email says so."
    ),
    status_code=202,
    responses=PUBLIC_RESPONSES | problem_responses(409),
    openapi_extra=json_body(SignUpRequest),
)
async def sign_up(request: Request, throttle: LoginThrottleDep) -> MessageResponse:
    form = await read_json(request, SignUpRequest)
    await run_in_threadpool(identity.sign_up, throttle, form.username, form.email, form.password)
    return MessageResponse(
        message="A verification email is on its way to this address. Follow its instructions to continue."
    )


@router.post(
    "/verify-email",
    summary="Verify an email address",
    description="Confirms an email address with the token from the email, and activates the account.",
    responses=PUBLIC_RESPONSES,
    openapi_extra=json_body(EmailTokenRequest),
)
async def verify_email(request: Request, throttle: LoginThrottleDep) -> AccountInfo:
    form = await read_json(request, EmailTokenRequest)
    return account_info(await run_in_threadpool(identity.verify_email, throttle, form.token))


@router.post(
    "/login",
    summary="Sign in",
    description="Creates a session for a username or an email address and its password.",
    response_model=SessionTokens,
    responses=PUBLIC_RESPONSES | problem_responses(401, 403),
    openapi_extra=json_body(LoginRequest),
)
async def log_in(request: Request, throttle: LoginThrottleDep) -> Response:
    form = await read_json(request, LoginRequest)
    return tokens_response(await run_in_threadpool(identity.log_in, throttle, form.username, form.password))


@router.post(
    "/refresh",
    summary="Refresh a session",
    description=(
        "Exchanges a refresh token for a new access token and a new refresh token. "
        "Using the same refresh token a second time ends the session."
    ),
    response_model=SessionTokens,
    responses=PUBLIC_RESPONSES | problem_responses(401, 403),
    openapi_extra=json_body(RefreshRequest),
)
async def refresh_session(request: Request) -> Response:
    form = await read_json(request, RefreshRequest)
    return tokens_response(await run_in_threadpool(lambda: current_identity().refresh(form.refresh_token)))


@router.post(
    "/logout",
    summary="Sign out",
    description="Ends the session of the access token.",
    status_code=204,
    response_class=Response,
    responses=ACCOUNT_RESPONSES,
)
def log_out(token: BearerToken) -> None:
    current_identity().log_out(token)


@router.post(
    "/password-reset",
    summary="Request a password reset",
    description=(
        "Sends an email with a token for POST /v1/auth/password-reset/confirm. "
        "The response is the same whether or not the address has an account."
    ),
    status_code=202,
    responses=PUBLIC_RESPONSES,
    openapi_extra=json_body(PasswordResetRequest),
)
async def request_password_reset(request: Request, throttle: LoginThrottleDep) -> MessageResponse:
    form = await read_json(request, PasswordResetRequest)
    await run_in_threadpool(identity.request_password_reset, throttle, form.email)
    return MessageResponse(message="If this address has an account, an email is on its way to it.")


@router.post(
    "/password-reset/confirm",
    summary="Set a new password",
    description="Sets a new password with the token from the email. Ends all sessions of the account.",
    status_code=204,
    response_class=Response,
    responses=PUBLIC_RESPONSES,
    openapi_extra=json_body(NewPasswordRequest),
)
async def confirm_password_reset(request: Request, throttle: LoginThrottleDep) -> Response:
    form = await read_json(request, NewPasswordRequest)
    await run_in_threadpool(identity.confirm_password_reset, throttle, form.token, form.password)
    return Response(status_code=204)


@router.post(
    "/anonymous",
    summary="Create an anonymous session",
    description=(
        "Creates an anonymous account and a session for it. "
        "The account's data remains accessible only as long as you keep the refresh token."
    ),
    response_model=SessionTokens,
    responses=PUBLIC_RESPONSES | problem_responses(403),
)
def sign_in_anonymously(throttle: LoginThrottleDep) -> Response:
    throttle.count_attempt(ANONYMOUS)
    return tokens_response(current_identity().sign_in_anonymously())


@router.get(
    "/me",
    summary="Get your account",
    description="Returns the account that sends the request.",
    responses=ACCOUNT_RESPONSES,
)
def get_account(user: Caller) -> AccountInfo:
    return account_info(user)


@router.patch(
    "/me",
    summary="Update your account",
    description=(
        "Changes at least one of username, email address and password. A new email address takes effect once the "
        "token sent to it has been verified. A new password ends all sessions, including this one. "
        "Returns 403 `wrong_password` if the current password is wrong."
    ),
    responses=ACCOUNT_RESPONSES | problem_responses(400, 409, 413, 415),
    openapi_extra=json_body(AccountUpdateRequest),
)
async def update_account(request: Request, user: Caller, token: BearerToken, throttle: LoginThrottleDep) -> AccountInfo:
    form = await read_json(request, AccountUpdateRequest)

    def apply_changes() -> User:
        if form.email is not None:
            throttle.count_attempt(MAIL, form.email)
        try:
            with throttle.sign_in_attempt(user.id):
                return current_identity().update_account(
                    token, form.current_password, AccountUpdate(form.username, form.email, form.password)
                )
        except PermanentError as error:
            if error.code != AccountCode.WRONG_CREDENTIALS:
                raise
            # A 401 would mean that the token is invalid.
            raise PermanentError("wrong_password", "The current password is wrong. Correct it and try again.") from None

    return account_info(await run_in_threadpool(apply_changes))


@router.delete(
    "/me",
    summary="Delete your account",
    description=(
        "Deletes the account and all its data. Requires a sign-in within the last 10 minutes, unless the account is "
        "anonymous; otherwise returns 403 `login_again`. The account is deleted immediately; remaining data is "
        "removed within minutes."
    ),
    status_code=204,
    response_class=Response,
    responses=ACCOUNT_RESPONSES,
)
def delete_account(user: Caller, token: BearerToken, place: PlaceDep) -> None:
    signed_in_at = user.signed_in_at
    if not user.anonymous and (signed_in_at is None or clock.now() - signed_in_at > RECENT_SIGN_IN):
        raise PermanentError(
            "login_again", "Deleting an account requires a session of the last ten minutes. Sign in again first."
        )
    record_departure(place, user.id)
    current_identity().delete_account(token)
    erase_user(place, user.id)
