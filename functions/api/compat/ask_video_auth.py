"""The account paths of the earlier ask-video: /v1/auth with its field names."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from functions.api import identity
from functions.api.compat.routing import create_ask_video_router
from functions.api.dependencies import LoginThrottleDep
from functions.api.identity import Caller
from functions.api.openapi import json_body, problem_responses
from functions.api.request_bodies import read_json
from functions.api.request_models import CompatRequestModel
from functions.api.routes.auth import (
    MAX_LENGTH,
    EmailTokenRequest,
    LoginRequest,
    PasswordResetRequest,
    SignUpRequest,
    Text,
)
from shared.platform.accounts import UserSession
from shared.platform.identity import current_identity

router = create_ask_video_router("/api/auth", 413, 503)
Uid = Annotated[str, Field("", max_length=MAX_LENGTH, description="Accepted for compatibility and ignored.")]


class AskVideoSignUpRequest(SignUpRequest):
    model_config = ConfigDict(extra="ignore")


class AskVideoTokenRequest(EmailTokenRequest):
    model_config = ConfigDict(extra="ignore")

    uid: Uid


class AskVideoLoginRequest(LoginRequest):
    model_config = ConfigDict(extra="ignore")


class AskVideoRefreshRequest(CompatRequestModel):
    refresh: Annotated[str, Field(max_length=4000)] = Field(
        description="The refresh token of the session. It can be used once."
    )


class AskVideoResetRequest(PasswordResetRequest):
    model_config = ConfigDict(extra="ignore")


class AskVideoPasswordRequest(AskVideoTokenRequest):
    new_password: Text = Field(description="New password of 8 to 256 characters.")


class DetailResponse(BaseModel):
    detail: str = Field(description="What happened, for people.")


class TokenPair(BaseModel):
    access: str = Field(description="Access token. Send it as `Authorization: Bearer …`.")
    refresh: str = Field(description="Refresh token. It can be used once; each refresh returns a new one.")


class AskVideoAccount(BaseModel):
    id: int = Field(description="Number of the account. No request needs it.")
    username: str | None = Field(description="Username. Null for an anonymous account.")
    email: str | None = Field(description="Email address. Null for an anonymous account.")


def token_pair(session: UserSession) -> Response:
    tokens = TokenPair(access=session.access_token, refresh=session.refresh_token)
    return JSONResponse(tokens.model_dump(), headers={"Pragma": "no-cache"})


@router.post(
    "/signup",
    summary="Create an account",
    description=(
        "Compatible with ask-video: prefer POST /v1/auth/signup. Sends a verification token to the email address; "
        "the account can be used once POST /api/auth/verify-email/ has received it."
    ),
    status_code=201,
    openapi_extra=json_body(AskVideoSignUpRequest),
)
async def sign_up_compat(request: Request, throttle: LoginThrottleDep) -> DetailResponse:
    form = await read_json(request, AskVideoSignUpRequest)
    await run_in_threadpool(identity.sign_up, throttle, form.username, form.email, form.password)
    return DetailResponse(
        detail="A verification email is on its way to this address. Follow its instructions to continue."
    )


@router.post(
    "/verify-email",
    summary="Verify an email address",
    description="Compatible with ask-video: prefer POST /v1/auth/verify-email.",
    openapi_extra=json_body(AskVideoTokenRequest),
)
async def verify_email_compat(request: Request, throttle: LoginThrottleDep) -> DetailResponse:
    form = await read_json(request, AskVideoTokenRequest)
    await run_in_threadpool(identity.verify_email, throttle, form.token)
    return DetailResponse(detail="The email address is verified. You can now sign in.")


@router.post(
    "/login",
    summary="Sign in",
    description="Compatible with ask-video: prefer POST /v1/auth/login.",
    response_model=TokenPair,
    responses=problem_responses(401, 403),
    openapi_extra=json_body(AskVideoLoginRequest),
)
async def log_in_compat(request: Request, throttle: LoginThrottleDep) -> Response:
    form = await read_json(request, AskVideoLoginRequest)
    return token_pair(await run_in_threadpool(identity.log_in, throttle, form.username, form.password))


@router.post(
    "/refresh",
    summary="Refresh a session",
    description=(
        "Compatible with ask-video: prefer POST /v1/auth/refresh. "
        "Using the same refresh token a second time ends the session."
    ),
    response_model=TokenPair,
    responses=problem_responses(401, 403),
    openapi_extra=json_body(AskVideoRefreshRequest),
)
async def refresh_session_compat(request: Request) -> Response:
    form = await read_json(request, AskVideoRefreshRequest)
    return token_pair(await run_in_threadpool(lambda: current_identity().refresh(form.refresh)))


@router.get(
    "/me",
    summary="Get your account",
    description="Compatible with ask-video: prefer GET /v1/auth/me.",
    responses=problem_responses(401, 403),
)
def get_account_compat(user: Caller) -> AskVideoAccount:
    return AskVideoAccount(id=account_number(user.id), username=user.username, email=user.email)


def account_number(user_id: str) -> int:
    """Return a number that stays the same, of 31 bits, which every client's integers can hold."""
    return int.from_bytes(hashlib.sha256(user_id.encode()).digest()[:4]) >> 1


@router.post(
    "/password-reset",
    summary="Request a password reset",
    description=(
        "Compatible with ask-video: prefer POST /v1/auth/password-reset. "
        "The response is the same whether or not the address has an account."
    ),
    openapi_extra=json_body(AskVideoResetRequest),
)
async def request_password_reset_compat(request: Request, throttle: LoginThrottleDep) -> DetailResponse:
    form = await read_json(request, AskVideoResetRequest)
    await run_in_threadpool(identity.request_password_reset, throttle, form.email)
    return DetailResponse(detail="If this address has an account, an email is on its way to it.")


@router.post(
    "/password-reset/confirm",
    summary="Set a new password",
    description=(
        "Compatible with ask-video: prefer POST /v1/auth/password-reset/confirm. Ends all sessions of the account."
    ),
    openapi_extra=json_body(AskVideoPasswordRequest),
)
async def confirm_password_reset_compat(request: Request, throttle: LoginThrottleDep) -> DetailResponse:
    form = await read_json(request, AskVideoPasswordRequest)
    await run_in_threadpool(identity.confirm_password_reset, throttle, form.token, form.new_password)
    return DetailResponse(detail="The password is set. Sign in with the new password.")
