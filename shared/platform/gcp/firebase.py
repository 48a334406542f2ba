"""Accounts of Firebase Auth and Identity Platform.

Usernames and the ends of sessions are stored in documents beside them: see docs/decisions/identity.md.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from typing import Any

from shared import clock
from shared.errors import ClipwiseError, PermanentError
from shared.platform.accounts import AccountUpdate, User, UserSession
from shared.platform.gcp.account_documents import Revocations, Usernames
from shared.platform.gcp.id_tokens import IdTokens, SigningKeys
from shared.platform.gcp.identity_toolkit import (
    EMULATOR_TOKEN,
    SCOPES,
    IdentityEndpoints,
    IdentityToolkit,
    RequestBasis,
    ToolkitError,
    translate_toolkit_error,
    unavailable_error,
)
from shared.platform.ports import Documents
from shared.security.credentials import (
    authentication_error,
    check_password,
    no_account_error,
    parse_email,
    parse_username,
    username_key,
    verification_error,
)
from shared.settings import Settings, SettingsError


def open_firebase_identity(settings: Settings, documents: Documents) -> FirebaseIdentity:
    """Raises SettingsError if the emulator, whose tokens anyone can forge, is configured in the cloud."""
    host = os.environ.get("FIREBASE_AUTH_EMULATOR_HOST", "")
    if host and os.environ.get("K_SERVICE"):
        raise SettingsError("FIREBASE_AUTH_EMULATOR_HOST: It must not be set in the cloud. Unset it.")
    project = settings.google_cloud_project or _default_project()
    if host:
        return FirebaseIdentity(
            IdentityEndpoints.emulator(host),
            project,
            settings.firebase_api_key or "emulator",
            lambda: EMULATOR_TOKEN,
            documents,
            settings.verified_email_required,
        )
    return FirebaseIdentity(
        IdentityEndpoints(),
        project,
        settings.firebase_api_key,
        AdminCredentials(),
        documents,
        settings.verified_email_required,
    )


def _default_project() -> str:
    import google.auth

    return google.auth.default()[1] or ""


class AdminCredentials:
    """Access tokens of the process's own identity, renewed before they expire."""

    def __init__(self) -> None:
        self._credentials: Any = None

    def __call__(self) -> str:
        import google.auth
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request

        try:
            if self._credentials is None:
                self._credentials = google.auth.default(scopes=SCOPES)[0]
            if not self._credentials.valid:
                self._credentials.refresh(Request())
        except GoogleAuthError as error:
            raise unavailable_error() from error
        return str(self._credentials.token)


class FirebaseIdentity:
    """The port `Identity` over Identity Platform."""

    def __init__(
        self,
        endpoints: IdentityEndpoints,
        project: str,
        api_key: str,
        administrator: Callable[[], str],
        documents: Documents,
        verified_required: bool = True,
    ) -> None:
        self._toolkit = IdentityToolkit(endpoints, project, api_key, administrator)
        self._tokens = IdTokens(project, SigningKeys(endpoints.keys) if endpoints.keys else None)
        self._usernames = Usernames(documents)
        self._revocations = Revocations(documents)
        self._verified_required = verified_required

    def verify_token(self, access_token: str) -> User:
        user = self._tokens.read(access_token)
        if self._revocations.has_ended(user):
            raise authentication_error()
        return self._require_verified(user)

    def sign_up(self, username: str, email: str, password: str) -> None:
        name, address = parse_username(username), parse_email(email)
        check_password(password, name, address)
        self._usernames.reserve(name)
        try:
            account = self._toolkit.call(
                "signUp", email=address, password=password, displayName=name, returnSecureToken=True
            )
        except ToolkitError as error:
            if error.code == "EMAIL_EXISTS":
                # The name stays reserved, as for a new account, so that it does not reveal the existing one.
                self._mail_existing_account(address)
                return
            self._usernames.release(name)
            raise translate_toolkit_error(error, "account") from None
        except ClipwiseError:
            self._usernames.release(name)
            raise
        self._usernames.assign(name, account["localId"])
        self._call("sendOobCode", "session", requestType="VERIFY_EMAIL", idToken=account["idToken"])

    def verify_email(self, token: str) -> User:
        account = self._call("update", "code", oobCode=token)
        return User(account["localId"], account.get("displayName"), account.get("email"), verified=True)

    def log_in(self, name: str, password: str) -> UserSession:
        address = name.strip().lower() if "@" in name else self._email_of_username(name)
        session = self._sign_in(address, password)
        since = self._revocations.valid_since(session.user.id)
        if since is not None and self._revocations.has_ended(session.user):
            # Sessions ended in this second, and tokens have no smaller unit.
            time.sleep(max(0.0, (since - clock.now()).total_seconds()))
            session = self._sign_in(address, password)
        user = self._require_verified(session.user)
        if user.username:
            self._usernames.confirm(user.username, user.id)
        return session

    def sign_in_anonymously(self) -> UserSession:
        return self._session(self._call("signUp", "account", returnSecureToken=True))

    def refresh(self, refresh_token: str) -> UserSession:
        try:
            tokens = self._toolkit.refresh_tokens(refresh_token)
        except ToolkitError as error:
            raise translate_toolkit_error(error, "session") from None
        user = self.verify_token(tokens["id_token"])
        return UserSession(user, tokens["id_token"], tokens["refresh_token"], int(tokens["expires_in"]))

    def log_out(self, access_token: str) -> None:
        user = self.verify_token(access_token)
        self._end_all_sessions(user.id)

    def request_password_reset(self, email: str) -> None:
        try:
            self._toolkit.call("sendOobCode", requestType="PASSWORD_RESET", email=parse_email(email))
        except ToolkitError as error:
            if error.code not in ("EMAIL_NOT_FOUND", "USER_NOT_FOUND", "USER_DISABLED"):
                raise translate_toolkit_error(error, "account") from None

    def confirm_password_reset(self, token: str, password: str) -> None:
        check_password(password)
        reset = self._call("resetPassword", "code", oobCode=token, newPassword=password)
        if reset.get("email"):
            for account in self._administer("lookup", email=[reset["email"]]).get("users", ()):
                self._end_all_sessions(account["localId"])

    def update_account(self, access_token: str, current_password: str, changes: AccountUpdate) -> User:
        user = self.verify_token(access_token)
        if user.anonymous or user.email is None:
            raise no_account_error()
        name = parse_username(changes.username) if changes.username is not None else user.username
        address = parse_email(changes.email) if changes.email is not None else user.email
        if changes.password is not None:
            check_password(changes.password, name, user.email)
        id_token = self._sign_in(user.email, current_password).access_token
        if name is not None and name != user.username:
            self._rename(user, name, id_token)
        if address != user.email:
            self._change_address(address, id_token)
        if changes.password is not None:
            self._call("update", "session", idToken=id_token, password=changes.password)
            self._end_all_sessions(user.id)
        return User(user.id, name, user.email, user.verified, signed_in_at=user.signed_in_at)

    def delete_account(self, access_token: str) -> None:
        user = self.verify_token(access_token)
        self._revocations.end_all(user.id)
        self._administer("delete", localId=user.id)
        if user.username:
            self._usernames.release(user.username, user.id)

    def _rename(self, user: User, name: str, id_token: str) -> None:
        self._usernames.reserve(name, user.id)
        self._call("update", "session", idToken=id_token, displayName=name)
        self._usernames.confirm(name, user.id)
        if user.username and username_key(user.username) != username_key(name):
            self._usernames.release(user.username, user.id)

    def _change_address(self, address: str, id_token: str) -> None:
        try:
            self._toolkit.call("sendOobCode", requestType="VERIFY_AND_CHANGE_EMAIL", idToken=id_token, newEmail=address)
        except ToolkitError as error:
            if error.code != "EMAIL_EXISTS":
                raise translate_toolkit_error(error, "account") from None
            self._mail_existing_account(address)

    def _mail_existing_account(self, address: str) -> None:
        """Send the only mail of Identity Platform that shows that an address has an account: the password reset."""
        self.request_password_reset(address)

    def _email_of_username(self, username: str) -> str:
        """Return the address of a username, after the same request for an unknown one; then an invalid address."""
        owner = self._usernames.owner(username) or secrets.token_hex(14)
        accounts = self._administer("lookup", localId=[owner]).get("users") or [{}]
        return str(accounts[0].get("email") or f"{secrets.token_hex(14)}@unknown.invalid")

    def _sign_in(self, address: str, password: str) -> UserSession:
        response = self._call(
            "signInWithPassword", "password", email=address, password=password, returnSecureToken=True
        )
        if "idToken" not in response:
            raise PermanentError("not_offered", "This account requires a second factor. Sign in with the Firebase SDK.")
        return self._session(response)

    def _session(self, response: dict[str, Any]) -> UserSession:
        user = self._tokens.read(response["idToken"])
        return UserSession(user, response["idToken"], response["refreshToken"], int(response["expiresIn"]))

    def _end_all_sessions(self, uid: str) -> None:
        self._revocations.end_all(uid)
        self._administer("update", localId=uid, validSince=str(int(clock.now().timestamp())))

    def _require_verified(self, user: User) -> User:
        if self._verified_required and user.email and not user.verified:
            raise verification_error()
        return user

    def _call(self, method: str, about: RequestBasis, **body: Any) -> dict[str, Any]:
        try:
            return self._toolkit.call(method, **body)
        except ToolkitError as error:
            raise translate_toolkit_error(error, about) from None

    def _administer(self, method: str, **body: Any) -> dict[str, Any]:
        try:
            return self._toolkit.administer(method, **body)
        except ToolkitError as error:
            raise translate_toolkit_error(error, "session") from None
