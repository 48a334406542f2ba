"""Accounts of Firebase Auth and Identity Platform.

Usernames and the ends of sessions are kept in documents beside them: see docs/decisions/identity.md.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from typing import Any

from shared import clock
from shared.errors import ClipwiseError, PermanentError
from shared.platform.gcp.id_tokens import IdTokens
from shared.platform.gcp.identity_refusals import About, refused
from shared.platform.gcp.identity_toolkit import OWNER, SCOPES, Endpoints, Toolkit, ToolkitError, unavailable
from shared.platform.gcp.revocations import Revocations
from shared.platform.gcp.signing_keys import SigningKeys
from shared.platform.gcp.usernames import Usernames
from shared.platform.ports import Changes, Documents, Session, User
from shared.security.credentials import check_password, checked_email, checked_username, username_key
from shared.security.refusals import (
    no_account,
    unauthenticated,
    unverified,
)
from shared.settings import Settings, SettingsError


def open_firebase(settings: Settings, documents: Documents) -> FirebaseIdentity:
    """Raises SettingsError when the emulator, whose tokens anyone can make up, is named in the cloud."""
    host = os.environ.get("FIREBASE_AUTH_EMULATOR_HOST", "")
    if host and os.environ.get("K_SERVICE"):
        raise SettingsError("FIREBASE_AUTH_EMULATOR_HOST: It must not be set in the cloud. Unset it.")
    project = settings.google_cloud_project or _own_project()
    if host:
        return FirebaseIdentity(
            Endpoints.emulator(host),
            project,
            settings.firebase_api_key or "emulator",
            lambda: OWNER,
            documents,
            settings.verified_email_required,
        )
    return FirebaseIdentity(
        Endpoints(), project, settings.firebase_api_key, Administrator(), documents, settings.verified_email_required
    )


def _own_project() -> str:
    import google.auth

    return google.auth.default()[1] or ""


class Administrator:
    """Access tokens of the process's own identity, renewed in time."""

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
            raise unavailable() from error
        return str(self._credentials.token)


class FirebaseIdentity:
    """The port `Identity` over Identity Platform."""

    def __init__(
        self,
        endpoints: Endpoints,
        project: str,
        api_key: str,
        administrator: Callable[[], str],
        documents: Documents,
        verified_required: bool = True,
    ) -> None:
        self._toolkit = Toolkit(endpoints, project, api_key, administrator)
        self._tokens = IdTokens(project, SigningKeys(endpoints.keys) if endpoints.keys else None)
        self._names = Usernames(documents)
        self._revocations = Revocations(documents)
        self._verified_required = verified_required

    def verify(self, access_token: str) -> User:
        user = self._tokens.read(access_token)
        if self._revocations.has_ended(user):
            raise unauthenticated()
        return self._let_in(user)

    def sign_up(self, username: str, email: str, password: str) -> None:
        name, address = checked_username(username), checked_email(email)
        check_password(password, name, address)
        self._names.take(name)
        try:
            made = self._toolkit.call(
                "signUp", email=address, password=password, displayName=name, returnSecureToken=True
            )
        except ToolkitError as error:
            if error.code == "EMAIL_EXISTS":
                # The name stays taken for a while, as a new account's would, so that it does not tell either.
                self._tell_known(address)
                return
            self._names.release(name)
            raise refused(error, "account") from None
        except ClipwiseError:
            self._names.release(name)
            raise
        self._names.give(name, made["localId"])
        self._ask("sendOobCode", "session", requestType="VERIFY_EMAIL", idToken=made["idToken"])

    def verify_email(self, token: str) -> User:
        verified = self._ask("update", "code", oobCode=token)
        return User(verified["localId"], verified.get("displayName"), verified.get("email"), verified=True)

    def log_in(self, name: str, password: str) -> Session:
        address = name.strip().lower() if "@" in name else self._address_of(name)
        session = self._sign_in(address, password)
        since = self._revocations.valid_since(session.user.id)
        if since is not None and self._revocations.has_ended(session.user):
            # Sessions were ended in this very second, and tokens tell no more than the second.
            time.sleep(max(0.0, (since - clock.now()).total_seconds()))
            session = self._sign_in(address, password)
        user = self._let_in(session.user)
        if user.username:
            self._names.keep(user.username, user.id)
        return session

    def sign_in_anonymously(self) -> Session:
        return self._session(self._ask("signUp", "account", returnSecureToken=True))

    def refresh(self, refresh_token: str) -> Session:
        try:
            fresh = self._toolkit.exchange(refresh_token)
        except ToolkitError as error:
            raise refused(error, "session") from None
        user = self.verify(fresh["id_token"])
        return Session(user, fresh["id_token"], fresh["refresh_token"], int(fresh["expires_in"]))

    def log_out(self, access_token: str) -> None:
        user = self.verify(access_token)
        self._end_all(user.id)

    def request_password_reset(self, email: str) -> None:
        try:
            self._toolkit.call("sendOobCode", requestType="PASSWORD_RESET", email=checked_email(email))
        except ToolkitError as error:
            if error.code not in ("EMAIL_NOT_FOUND", "USER_NOT_FOUND", "USER_DISABLED"):
                raise refused(error, "account") from None

    def confirm_password_reset(self, token: str, password: str) -> None:
        check_password(password)
        reset = self._ask("resetPassword", "code", oobCode=token, newPassword=password)
        if reset.get("email"):
            for found in self._administer("lookup", email=[reset["email"]]).get("users", ()):
                self._end_all(found["localId"])

    def change(self, access_token: str, current_password: str, changes: Changes) -> User:
        user = self.verify(access_token)
        if user.anonymous or user.email is None:
            raise no_account()
        name = checked_username(changes.username) if changes.username is not None else user.username
        address = checked_email(changes.email) if changes.email is not None else user.email
        if changes.password is not None:
            check_password(changes.password, name, user.email)
        fresh = self._sign_in(user.email, current_password).access_token
        if name is not None and name != user.username:
            self._rename(user, name, fresh)
        if address != user.email:
            self._change_address(address, fresh)
        if changes.password is not None:
            self._ask("update", "session", idToken=fresh, password=changes.password)
            self._end_all(user.id)
        return User(user.id, name, user.email, user.verified, signed_in_at=user.signed_in_at)

    def delete(self, access_token: str) -> None:
        user = self.verify(access_token)
        self._revocations.end_all(user.id)
        self._administer("delete", localId=user.id)
        if user.username:
            self._names.release(user.username, user.id)

    def _rename(self, user: User, name: str, id_token: str) -> None:
        self._names.take(name, user.id)
        self._ask("update", "session", idToken=id_token, displayName=name)
        self._names.keep(name, user.id)
        if user.username and username_key(user.username) != username_key(name):
            self._names.release(user.username, user.id)

    def _change_address(self, address: str, id_token: str) -> None:
        try:
            self._toolkit.call("sendOobCode", requestType="VERIFY_AND_CHANGE_EMAIL", idToken=id_token, newEmail=address)
        except ToolkitError as error:
            if error.code != "EMAIL_EXISTS":
                raise refused(error, "account") from None
            self._tell_known(address)

    def _tell_known(self, address: str) -> None:
        """Identity Platform has one mail that says that an address has an account: the one to reset the password."""
        self.request_password_reset(address)

    def _address_of(self, username: str) -> str:
        """Asks alike whether or not there is such a name; an address that cannot be where there is none."""
        owner = self._names.owner(username) or secrets.token_hex(14)
        found = self._administer("lookup", localId=[owner]).get("users") or [{}]
        return str(found[0].get("email") or f"{secrets.token_hex(14)}@unknown.invalid")

    def _sign_in(self, address: str, password: str) -> Session:
        answer = self._ask("signInWithPassword", "password", email=address, password=password, returnSecureToken=True)
        if "idToken" not in answer:
            raise PermanentError("not_offered", "This account requires a second factor. Sign in with the Firebase SDK.")
        return self._session(answer)

    def _session(self, answer: dict[str, Any]) -> Session:
        user = self._tokens.read(answer["idToken"])
        return Session(user, answer["idToken"], answer["refreshToken"], int(answer["expiresIn"]))

    def _end_all(self, uid: str) -> None:
        self._revocations.end_all(uid)
        self._administer("update", localId=uid, validSince=str(int(clock.now().timestamp())))

    def _let_in(self, user: User) -> User:
        if self._verified_required and user.email and not user.verified:
            raise unverified()
        return user

    def _ask(self, method: str, about: About, **body: Any) -> dict[str, Any]:
        try:
            return self._toolkit.call(method, **body)
        except ToolkitError as error:
            raise refused(error, about) from None

    def _administer(self, method: str, **body: Any) -> dict[str, Any]:
        try:
            return self._toolkit.administer(method, **body)
        except ToolkitError as error:
            raise refused(error, "session") from None
