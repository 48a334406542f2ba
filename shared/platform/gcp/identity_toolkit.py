"""Identity Platform's REST API, and what its error codes mean for each kind of request.

https://cloud.google.com/identity-platform/docs/reference/rest
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import httpx2

from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.platform.rate_limits import RateLimited
from shared.security.credentials import authentication_error, credentials_error, invalid_token_error

log = logging.getLogger(__name__)
TIMEOUT_SEC = 10.0
TRY_LATER_SEC = 60
SCOPES = (
    "https://www.googleapis.com/auth/identitytoolkit",
    "https://www.googleapis.com/auth/cloud-platform",
)
EMULATOR_TOKEN = "owner"  # noqa: S105
"""The access token that the emulator accepts as an administrator's."""
RequestBasis = Literal["password", "session", "code", "account"]
"""How a request is authorized: by a password, a session's token, a code from a mail, or not at all."""


@dataclass(frozen=True)
class IdentityEndpoints:
    """Addresses of the services.

    Attributes:
        keys: The JSON Web Key Set of the keys that sign ID tokens; empty for the emulator, which signs none.
    """

    accounts: str = "https://identitytoolkit.googleapis.com/v1"
    tokens: str = "https://securetoken.googleapis.com/v1/token"
    keys: str = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"

    @classmethod
    def emulator(cls, host: str) -> IdentityEndpoints:
        services = f"http://{host}"
        return cls(
            f"{services}/identitytoolkit.googleapis.com/v1", f"{services}/securetoken.googleapis.com/v1/token", ""
        )


class ToolkitError(Exception):
    """The service rejected a request because of its content; `code` is the service's, such as EMAIL_EXISTS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class IdentityToolkit:
    """Calls the API as an app, with the web API key, and as an administrator.

    All calls raise ToolkitError, RateLimited, and TransientError `identity_unavailable`.

    Args:
        administrator: Returns an access token for SCOPES.
    """

    def __init__(
        self, endpoints: IdentityEndpoints, project: str, api_key: str, administrator: Callable[[], str]
    ) -> None:
        self._endpoints = endpoints
        self._project = project
        self._api_key = api_key
        self._administrator = administrator
        self._http = httpx2.Client(timeout=TIMEOUT_SEC)

    def call(self, method: str, **body: Any) -> dict[str, Any]:
        """Call `accounts:METHOD` as the user of an ID token or code in `body`; raises PermanentError `not_offered`."""
        return self._post(f"{self._endpoints.accounts}/accounts:{method}", self._key_header(), json=body)

    def administer(self, method: str, **body: Any) -> dict[str, Any]:
        """Call `projects.accounts:METHOD`, for any user."""
        url = f"{self._endpoints.accounts}/projects/{self._project}/accounts:{method}"
        return self._post(url, {"Authorization": f"Bearer {self._administrator()}"}, json=body)

    def refresh_tokens(self, refresh_token: str) -> dict[str, Any]:
        """Return `{id_token, refresh_token, expires_in, …}`."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self._post(self._endpoints.tokens, self._key_header(), data=form)

    def _key_header(self) -> dict[str, str]:
        # In the URL it would appear in logs.
        if not self._api_key:
            raise PermanentError(
                "not_offered", "This server has no FIREBASE_API_KEY. Sign in with the Firebase SDK instead."
            )
        return {"X-Goog-Api-Key": self._api_key}

    def _post(self, url: str, headers: dict[str, str], **content: Any) -> dict[str, Any]:
        try:
            response = self._http.post(url, headers=headers, **content)
        except httpx2.RequestError as error:
            raise unavailable_error() from error
        if response.is_success:
            try:
                body: dict[str, Any] = response.json()
            except ValueError as error:
                raise unavailable_error() from error
            return body
        raise _response_error(response)


def unavailable_error() -> TransientError:
    return TransientError("identity_unavailable", "The identity service does not respond. Try again later.")


def _response_error(response: httpx2.Response) -> Exception:
    """Map a response to an error. Its message is a code, sometimes followed by ` : ` and a sentence."""
    try:
        code = str(response.json()["error"]["message"]).partition(" ")[0]
    except (ValueError, KeyError, TypeError):
        code = ""
    if response.status_code == 429 or code in (
        "TOO_MANY_ATTEMPTS_TRY_LATER",
        "QUOTA_EXCEEDED",
        "RESET_PASSWORD_EXCEED_LIMIT",
    ):
        return RateLimited("Too many attempts. Try again later.", TRY_LATER_SEC)
    if response.status_code == 400 and code:
        return ToolkitError(code)
    log.error("Identity Platform answered %d %s", response.status_code, code)
    return unavailable_error()


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
    """Map the service's error to the port's; an unexpected one is logged, and becomes a TransientError."""
    codes, make_error = CODE_ERRORS[about]
    if error.code in codes:
        return make_error()
    if error.code in WEAK_PASSWORD_CODES:
        return _weak_password_error()
    if error.code in NOT_OFFERED_CODES:
        return _not_offered_error()
    log.error("Identity Platform answered %s", error.code)
    return unavailable_error()
