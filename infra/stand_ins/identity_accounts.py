"""Accounts, codes and tokens of the stand-in for Identity Platform."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from shared import clock

ID_TOKEN_SEC = 3600
CODE_SEC = 3600
MIN_PASSWORD = 6


class IdentityError(Exception):
    """An error response with status 400 and this message, which begins with a published code."""


@dataclass
class IdentityAccount:
    uid: str
    email: str | None = None
    password: str | None = None
    name: str | None = None
    verified: bool = False
    disabled: bool = False
    valid_since: int = 0

    @property
    def provider(self) -> str:
        return "password" if self.email else "anonymous"


@dataclass(frozen=True)
class EmailCode:
    """A code that was sent by email."""

    code: str
    purpose: str
    to: str
    uid: str
    new_email: str | None
    until: float


@dataclass
class IdentityAccounts:
    """The state of the service. Passwords are stored in plain text, since none are real."""

    project: str
    users: dict[str, IdentityAccount] = field(default_factory=dict)
    sent_codes: list[EmailCode] = field(default_factory=list)
    used_codes: set[str] = field(default_factory=set)
    sessions: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Account and start time by refresh token."""
    keys: list[tuple[str, rsa.RSAPrivateKey]] = field(default_factory=list)
    """Newest first."""

    def __post_init__(self) -> None:
        self.rotate_keys()

    def rotate_keys(self) -> None:
        """Sign with a new key from now on; the previous one stays published."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.keys = [(secrets.token_hex(20), key), *self.keys[:1]]

    def key_set(self) -> dict[str, Any]:
        """Return the public keys as a JSON Web Key Set (RFC 7517)."""
        return {
            "keys": [
                jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
                | {"kid": kid, "alg": "RS256", "use": "sig"}
                for kid, key in self.keys
            ]
        }

    def find_by_email(self, email: str) -> IdentityAccount | None:
        return next((user for user in self.users.values() if user.email == email.lower()), None)

    def create(self, email: str | None, password: str | None, name: str | None) -> IdentityAccount:
        account = IdentityAccount(secrets.token_hex(14), email and email.lower(), password, name)
        self.users[account.uid] = account
        return account

    def sign_in(self, account: IdentityAccount) -> dict[str, Any]:
        """Return new tokens of a new session."""
        if account.disabled:
            raise IdentityError("USER_DISABLED")
        refresh_token = secrets.token_urlsafe(120)
        self.sessions[refresh_token] = (account.uid, _now())
        return {
            "idToken": self.id_token(account, _now()),
            "refreshToken": refresh_token,
            "expiresIn": str(ID_TOKEN_SEC),
            "localId": account.uid,
        }

    def exchange_refresh_token(self, refresh_token: str) -> dict[str, Any]:
        """Return a new ID token; the refresh token stays the same, as in the real service."""
        if refresh_token not in self.sessions:
            raise IdentityError("INVALID_REFRESH_TOKEN")
        uid, began = self.sessions[refresh_token]
        account = self.users.get(uid)
        if account is None:
            raise IdentityError("USER_NOT_FOUND")
        if account.disabled:
            raise IdentityError("USER_DISABLED")
        if began < account.valid_since:
            raise IdentityError("TOKEN_EXPIRED")
        token = self.id_token(account, began)
        return {
            "access_token": token,
            "expires_in": str(ID_TOKEN_SEC),
            "id_token": token,
            "project_id": "123456789012",
            "refresh_token": refresh_token,
            "token_type": "Bearer",
            "user_id": uid,
        }

    def id_token(self, account: IdentityAccount, began: int, **overrides: Any) -> str:
        """Return a token signed with the newest key. Tests can override claims; None omits one."""
        now = _now()
        identities = {"email": [account.email]} if account.email else {}
        claims = {
            "iss": f"https://securetoken.google.com/{self.project}",
            "aud": self.project,
            "auth_time": began,
            "user_id": account.uid,
            "sub": account.uid,
            "iat": now,
            "exp": now + ID_TOKEN_SEC,
            "firebase": {"identities": identities, "sign_in_provider": account.provider},
        }
        if account.email:
            claims |= {"email": account.email, "email_verified": account.verified}
        else:
            claims |= {"provider_id": "anonymous"}
        if account.name:
            claims["name"] = account.name
        kid, key = self.keys[0]
        present = {name: value for name, value in (claims | overrides).items() if value is not None}
        return jwt.encode(present, key, "RS256", {"kid": kid})

    def account_of_token(self, token: str) -> IdentityAccount:
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except jwt.InvalidTokenError:
            raise IdentityError("INVALID_ID_TOKEN") from None
        account = self.users.get(claims["sub"])
        if account is None:
            raise IdentityError("USER_NOT_FOUND")
        if claims["exp"] <= _now() or claims["auth_time"] < account.valid_since:
            raise IdentityError("TOKEN_EXPIRED")
        return account

    def send_code(self, purpose: str, account: IdentityAccount, new_email: str | None = None) -> None:
        code = EmailCode(
            secrets.token_urlsafe(40),
            purpose,
            new_email or account.email or "",
            account.uid,
            new_email,
            _now() + CODE_SEC,
        )
        self.sent_codes.append(code)

    def redeem_code(self, text: str, *purposes: str) -> tuple[EmailCode, IdentityAccount]:
        code = next((code for code in self.sent_codes if code.code == text), None)
        if code is None or text in self.used_codes or code.purpose not in purposes or code.uid not in self.users:
            raise IdentityError("INVALID_OOB_CODE")
        if code.until <= _now():
            raise IdentityError("EXPIRED_OOB_CODE")
        self.used_codes.add(text)
        return code, self.users[code.uid]

    def end_sessions(self, account: IdentityAccount) -> None:
        account.valid_since = _now()


def validate_password(password: str) -> str:
    if len(password) < MIN_PASSWORD:
        raise IdentityError(f"WEAK_PASSWORD : Password should be at least {MIN_PASSWORD} characters")
    return password


def _now() -> int:
    return int(clock.now().timestamp())
