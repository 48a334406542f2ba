"""The paths of the earlier ask-video for accounts: those of /v1/auth, with the names of its tokens."""

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
Uid = Annotated[str, Field("", max_length=1000, description="From the mail's link; the token alone decides.")]


class SignUp(BaseModel):
    username: Text
    email: Text
    password: Text = Field(description="8 to 256 characters.")


class EmailToken(BaseModel):
    uid: Uid
    token: Text


class LogIn(BaseModel):
    username: Text = Field(description="Or the e-mail address.")
    password: Text


class Refresh(BaseModel):
    refresh: Annotated[str, Field(max_length=4000)]


class ResetRequest(BaseModel):
    email: Text


class NewPassword(EmailToken):
    new_password: Text = Field(description="8 to 256 characters.")


class Told(BaseModel):
    detail: str


class TokenPair(BaseModel):
    access: str = Field(description="To be sent as `Authorization: Bearer …`.")
    refresh: str = Field(description="Good once: keep the one that comes with each answer.")


class Me(BaseModel):
    id: str
    username: str | None
    email: str | None


def json_body(form: type[BaseModel]) -> dict[str, Any]:
    return inline_body("application/json", form.model_json_schema())


def pair(session: Session) -> Response:
    shown = TokenPair(access=session.access_token, refresh=session.refresh_token)
    return JSONResponse(shown.model_dump(), headers={"Pragma": "no-cache"})


@router.post("/signup/", summary="Make an account", status_code=201, openapi_extra=json_body(SignUp))
async def ask_sign_up(request: Request, guesses: Counted) -> Told:
    """A mail goes to the address; the account can be used when its token has come back."""
    form = await read_json(request, SignUp)
    await run_in_threadpool(accounts.sign_up, guesses, form.username, form.email, form.password)
    return Told(detail="A mail is on its way to this address; answer it to go on.")


@router.post(
    "/verify-email/", summary="Verify an e-mail address by what was mailed", openapi_extra=json_body(EmailToken)
)
async def ask_verify_email(request: Request, guesses: Counted) -> Told:
    form = await read_json(request, EmailToken)
    await run_in_threadpool(accounts.verify_email, guesses, form.token)
    return Told(detail="The address is verified; sign in.")


@router.post(
    "/login/",
    summary="Sign in",
    response_model=TokenPair,
    responses=problems(401, 403),
    openapi_extra=json_body(LogIn),
)
async def ask_log_in(request: Request, guesses: Counted) -> Response:
    form = await read_json(request, LogIn)
    return pair(await run_in_threadpool(accounts.log_in, guesses, form.username, form.password))


@router.post(
    "/refresh/",
    summary="Go on with a session",
    response_model=TokenPair,
    responses=problems(401, 403),
    openapi_extra=json_body(Refresh),
)
async def ask_refresh(request: Request) -> Response:
    form = await read_json(request, Refresh)
    return pair(await run_in_threadpool(lambda: identity().refresh(form.refresh)))


@router.get("/me/", summary="Look at one's account", responses=problems(401, 403))
def ask_me(user: Caller) -> Me:
    return Me(id=user.id, username=user.username, email=user.email)


@router.post(
    "/password-reset/", summary="Have a mail sent to choose a new password", openapi_extra=json_body(ResetRequest)
)
async def ask_reset(request: Request, guesses: Counted) -> Told:
    """The answer is the same whether or not the address has an account."""
    form = await read_json(request, ResetRequest)
    await run_in_threadpool(accounts.request_reset, guesses, form.email)
    return Told(detail="If this address has an account, a mail is on its way to it.")


@router.post(
    "/password-reset/confirm/",
    summary="Set a new password by what was mailed",
    openapi_extra=json_body(NewPassword),
)
async def ask_confirm_reset(request: Request, guesses: Counted) -> Told:
    form = await read_json(request, NewPassword)
    await run_in_threadpool(accounts.confirm_reset, guesses, form.token, form.new_password)
    return Told(detail="The password is set; sign in with it.")
