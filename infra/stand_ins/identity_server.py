"""A stand-in for Identity Platform: `accounts:*`, the exchange of refresh tokens, and the keys of its ID tokens.

Sources: https://cloud.google.com/identity-platform/docs/reference/rest/v1/accounts and
https://firebase.google.com/docs/reference/rest/auth, with email enumeration protection enabled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from infra.stand_ins.identity_accounts import (
    EmailCode,
    IdentityAccount,
    IdentityAccounts,
    IdentityError,
    validate_password,
)
from infra.stand_ins.server import RecordedRequest, Reply, StandInServer
from shared.platform.gcp.identity_toolkit import IdentityEndpoints

API_KEY = "AIza-local"
ADMINISTRATOR = "ya29.local"
KEYS_MAX_AGE_SEC = 20_000

# The fields of each method that this server supports.
FIELDS = {
    "signUp": {"email", "password", "displayName", "returnSecureToken"},
    "signInWithPassword": {"email", "password", "returnSecureToken"},
    "sendOobCode": {"requestType", "email", "newEmail", "idToken"},
    "resetPassword": {"oobCode", "newPassword"},
    "update": {"idToken", "localId", "oobCode", "displayName", "password", "validSince", "returnSecureToken"},
    "lookup": {"idToken", "localId", "email"},
    "delete": {"idToken", "localId"},
}


class IdentityServer(StandInServer):
    """Serves accounts; queued replies come first, whatever the request.

    Attributes:
        accounts: Its state; `accounts.sent_codes` are the codes sent by email, oldest first.
    """

    def __init__(self, project: str = "clipwise-local") -> None:
        super().__init__()
        self.accounts = IdentityAccounts(project)
        self._methods: dict[str, Callable[[dict[str, Any], bool], dict[str, Any]]] = {
            "signUp": self._sign_up,
            "signInWithPassword": self._sign_in,
            "sendOobCode": self._send_code,
            "resetPassword": self._reset_password,
            "update": self._update,
            "lookup": self._lookup,
            "delete": self._delete,
        }

    @property
    def endpoints(self) -> IdentityEndpoints:
        google = f"{self.url}/identitytoolkit.googleapis.com/v1"
        return IdentityEndpoints(google, f"{self.url}/securetoken.googleapis.com/v1/token", f"{self.url}/keys")

    def find_codes(self, purpose: str, to: str) -> list[EmailCode]:
        return [code for code in self.accounts.sent_codes if (code.purpose, code.to) == (purpose, to)]

    def queue_errors(self, *messages: str) -> None:
        """Queue errors as replies to the next requests, one each, in order."""
        self.queue_replies(*map(error_reply, messages))

    def reply_to(self, request: RecordedRequest) -> Reply:
        reply = self.next_reply()
        if reply is not None:
            return reply
        path = urlsplit(request.path).path
        if path == "/keys":
            headers = {"cache-control": f"public, max-age={KEYS_MAX_AGE_SEC}, must-revalidate, no-transform"}
            return Reply(self.accounts.key_set(), headers=headers)
        try:
            if path.endswith("/token"):
                return self._exchange_token(request)
            return self._call_method(request, path)
        except IdentityError as error:
            return error_reply(str(error))

    def _call_method(self, request: RecordedRequest, path: str) -> Reply:
        prefix, _, method = path.rpartition("accounts:")
        privileged = f"/projects/{self.accounts.project}/" in prefix
        if method not in self._methods:
            return Reply({"error": {"code": 404, "message": "Not Found"}}, 404)
        if privileged and request.headers.get("authorization") != f"Bearer {ADMINISTRATOR}":
            return Reply({"error": {"code": 401, "message": "UNAUTHENTICATED"}}, 401)
        if not privileged:
            self._check_key(request)
        if not request.headers.get("content-type", "").startswith("application/json"):
            self.problems.append(f"{method} did not come as JSON")
        body: dict[str, Any] = request.json
        unknown = body.keys() - FIELDS[method]
        if unknown:
            self.problems.append(f"{method} has no {sorted(unknown)}")
        return Reply(self._methods[method](body, privileged))

    def _check_key(self, request: RecordedRequest) -> None:
        key = request.headers.get("x-goog-api-key") or parse_qs(urlsplit(request.path).query).get("key", [""])[0]
        if key != API_KEY:
            raise IdentityError("API key not valid. Please pass a valid API key.")

    def _exchange_token(self, request: RecordedRequest) -> Reply:
        self._check_key(request)
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if form.get("grant_type") != "refresh_token":
            raise IdentityError("INVALID_GRANT_TYPE")
        if not form.get("refresh_token"):
            raise IdentityError("MISSING_REFRESH_TOKEN")
        return Reply(self.accounts.exchange_refresh_token(form["refresh_token"]))

    def _sign_up(self, body: dict[str, Any], privileged: bool) -> dict[str, Any]:
        if not body.get("email") and not body.get("password"):
            return self.accounts.sign_in(self.accounts.create(None, None, None))
        if "@" not in body.get("email", ""):
            raise IdentityError("INVALID_EMAIL" if body.get("email") else "MISSING_EMAIL")
        if self.accounts.find_by_email(body["email"]):
            raise IdentityError("EMAIL_EXISTS")
        if not body.get("password"):
            raise IdentityError("MISSING_PASSWORD")
        password = validate_password(body["password"])
        account = self.accounts.create(body["email"], password, body.get("displayName"))
        return self._to_user_json(account) | self.accounts.sign_in(account)

    def _sign_in(self, body: dict[str, Any], privileged: bool) -> dict[str, Any]:
        if "@" not in body.get("email", ""):
            raise IdentityError("INVALID_EMAIL")
        if not body.get("password"):
            raise IdentityError("MISSING_PASSWORD")
        account = self.accounts.find_by_email(body["email"])
        if account is None or account.password != body["password"]:
            raise IdentityError("INVALID_LOGIN_CREDENTIALS")
        tokens = self.accounts.sign_in(account)
        return self._to_user_json(account) | {"registered": True} | (tokens if body.get("returnSecureToken") else {})

    def _send_code(self, body: dict[str, Any], privileged: bool) -> dict[str, Any]:
        match body.get("requestType"):
            case "PASSWORD_RESET":
                account = self.accounts.find_by_email(body["email"])
                if account:
                    self.accounts.send_code("PASSWORD_RESET", account)
                return {"email": body["email"]}
            case "VERIFY_EMAIL":
                account = self.accounts.account_of_token(body["idToken"])
                self.accounts.send_code("VERIFY_EMAIL", account)
            case "VERIFY_AND_CHANGE_EMAIL":
                account = self.accounts.account_of_token(body["idToken"])
                if self.accounts.find_by_email(body["newEmail"]):
                    raise IdentityError("EMAIL_EXISTS")
                self.accounts.send_code("VERIFY_AND_CHANGE_EMAIL", account, body["newEmail"].lower())
            case _:
                raise IdentityError("MISSING_REQ_TYPE")
        return {"email": account.email}

    def _reset_password(self, body: dict[str, Any], privileged: bool) -> dict[str, Any]:
        validate_password(body["newPassword"])
        code, account = self.accounts.redeem_code(body.get("oobCode", ""), "PASSWORD_RESET")
        account.password = body["newPassword"]
        account.verified = True
        self.accounts.end_sessions(account)
        return {"email": account.email, "requestType": code.purpose}

    def _update(self, body: dict[str, Any], privileged: bool) -> dict[str, Any]:
        if "oobCode" in body:
            return self._to_user_json(self._apply_code(body["oobCode"]))
        if privileged:
            account = self._account_by_uid(body.get("localId"))
            account.valid_since = int(body.get("validSince", account.valid_since))
        else:
            if not body.get("idToken"):
                raise IdentityError("INVALID_REQ_TYPE : Unsupported request parameters.")
            account = self.accounts.account_of_token(body["idToken"])
            if "validSince" in body:
                self.problems.append("only an administrator sets validSince")
        account.name = body.get("displayName", account.name)
        if "password" in body:
            account.password = validate_password(body["password"])
            self.accounts.end_sessions(account)
        return self._to_user_json(account)

    def _apply_code(self, text: str) -> IdentityAccount:
        code, account = self.accounts.redeem_code(text, "VERIFY_EMAIL", "VERIFY_AND_CHANGE_EMAIL")
        if code.new_email:
            if self.accounts.find_by_email(code.new_email):
                raise IdentityError("EMAIL_EXISTS")
            account.email = code.new_email
        account.verified = True
        return account

    def _lookup(self, body: dict[str, Any], privileged: bool) -> dict[str, Any]:
        if not privileged:
            return {"users": [self._to_user_json(self.accounts.account_of_token(body["idToken"]))]}
        by_uid = [self.accounts.users.get(uid) for uid in body.get("localId", ())]
        by_email = [self.accounts.find_by_email(email) for email in body.get("email", ())]
        users = [self._to_user_json(account) for account in (*by_uid, *by_email) if account]
        # Without results the list is omitted, not empty.
        return {"users": users} if users else {}

    def _delete(self, body: dict[str, Any], privileged: bool) -> dict[str, Any]:
        account = (
            self._account_by_uid(body.get("localId")) if privileged else self.accounts.account_of_token(body["idToken"])
        )
        del self.accounts.users[account.uid]
        return {"kind": "identitytoolkit#DeleteAccountResponse"}

    def _account_by_uid(self, uid: str | None) -> IdentityAccount:
        if not uid:
            raise IdentityError("MISSING_LOCAL_ID")
        if uid not in self.accounts.users:
            raise IdentityError("USER_NOT_FOUND")
        return self.accounts.users[uid]

    def _to_user_json(self, account: IdentityAccount) -> dict[str, Any]:
        fields = {
            "localId": account.uid,
            "email": account.email,
            "displayName": account.name,
            "emailVerified": account.verified,
        }
        return {name: value for name, value in fields.items() if value is not None}


def error_reply(message: str, status: int = 400) -> Reply:
    """Return an error in the form of Google's services; https://cloud.google.com/apis/design/errors#http_mapping"""
    reason = [{"message": message, "domain": "global", "reason": "invalid"}]
    return Reply({"error": {"code": status, "message": message, "errors": reason}}, status)
