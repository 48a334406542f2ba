"""The port `Identity`: accounts and their sessions. Its contract suite runs over every kind of accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from shared.models.api_key import ApiKey


@dataclass(frozen=True)
class User:
    """The user of a token. An anonymous user has an id and nothing else.

    Attributes:
        verified: Whether the user proved to own the e-mail address.
        signed_in_at: When the session of the token began; None without a sign-in.
        admin: Whether the token claims so, which only operators can set.
        key: The API key that was sent instead of a token; nothing else than the id is known of its user.
    """

    id: str
    username: str | None = None
    email: str | None = None
    verified: bool = False
    anonymous: bool = False
    signed_in_at: datetime | None = None
    admin: bool = False
    key: ApiKey | None = None


@dataclass(frozen=True)
class UserSession:
    """The result of a sign-in. Both tokens are secrets.

    Attributes:
        expires_in: Seconds for which the access token is valid.
    """

    user: User
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True)
class AccountUpdate:
    """Changes to an account; None leaves a field as it is."""

    username: str | None = None
    email: str | None = None
    password: str | None = field(default=None, repr=False)


class Identity(Protocol):
    """Accounts and their sessions. No method reveals whether an e-mail address has an account.

    Every method raises PermanentError with these codes, and TransientError if a service is unavailable:
    `unauthenticated` for an invalid or expired token; `wrong_credentials`; `unverified` if the address must be
    verified first; `username_taken`; `invalid_username`, `invalid_email`, `weak_password`; `token_invalid` for a token
    from a mail that is wrong, used or expired; `not_offered`.
    """

    def verify_token(self, access_token: str) -> User:
        """Return the user of a token. Called with every request: uses the network only to refresh a cache."""

    def sign_up(self, username: str, email: str, password: str) -> None:
        """Create an account and mail a verification link to its address.

        An address with an account gets a mail that says so; the response is the same.
        """

    def verify_email(self, token: str) -> User:
        """Verify an address by the token that was mailed to it; also the new address of an account."""

    def log_in(self, name: str, password: str) -> UserSession:
        """Start a session, by username or e-mail address."""

    def sign_in_anonymously(self) -> UserSession:
        """Start a session of a new anonymous user, whose data is lost with their refresh token."""

    def refresh(self, refresh_token: str) -> UserSession:
        """Continue a session. The refresh token in the result replaces the old one."""

    def log_out(self, access_token: str) -> None:
        """End the session of the token, or all sessions of the user if the place cannot end a single one."""

    def request_password_reset(self, email: str) -> None:
        """Mail a link to reset the password, if the address has an account."""

    def confirm_password_reset(self, token: str, password: str) -> None:
        """Set a new password by the mailed token; ends all sessions, and verifies the address."""

    def update_account(self, access_token: str, current_password: str, changes: AccountUpdate) -> User:
        """Change an account. A new address is used once it is verified; a new password ends all sessions."""

    def delete_account(self, access_token: str) -> None:
        """Delete the account and end its sessions. Other data of the user stays."""
