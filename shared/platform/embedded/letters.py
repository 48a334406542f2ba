"""What the mails of local accounts say."""

from __future__ import annotations

from urllib.parse import urlencode

from shared.mail.message import Mail

_IGNORE = "If this was not you, ignore this mail."


class Letters:
    """Texts with a way to answer: a link to the page of the frontend, or a command where there is none.

    Args:
        page: URL of the page, or empty.
    """

    def __init__(self, page: str, server: str) -> None:
        self._page = page
        self._server = server

    def verify(self, to: str, account: str, token: str) -> Mail:
        how = self._how("verify-email", account, token)
        return Mail(to, "Verify your address", f"Welcome to Clipwise. To verify this address, {how}\n\n{_IGNORE}\n")

    def known(self, to: str) -> Mail:
        text = (
            "Somebody wanted to use this address for an account at Clipwise, but it has one already.\n"
            "If that was you, sign in, or have your password reset.\n\n"
        )
        return Mail(to, "You have an account", f"{text}{_IGNORE}\n")

    def reset(self, to: str, account: str, token: str) -> Mail:
        how = self._how("reset-password", account, token)
        return Mail(to, "Reset your password", f"To choose a new password at Clipwise, {how}\n\n{_IGNORE}\n")

    def change_address(self, to: str, account: str, token: str) -> Mail:
        how = self._how("verify-email", account, token)
        return Mail(to, "Verify your new address", f"To use this address at Clipwise, {how}\n\n{_IGNORE}\n")

    def password_changed(self, to: str) -> Mail:
        text = "The password of your account at Clipwise was changed, and all its sessions have ended.\n"
        return Mail(to, "Your password was changed", f"{text}If this was not you, have your password reset now.\n")

    def address_changed(self, to: str, new: str) -> Mail:
        text = f"The address of your account at Clipwise is {new} from now on.\n"
        return Mail(to, "Your address was changed", f"{text}If this was not you, tell whoever runs {self._server}.\n")

    def _how(self, mode: str, account: str, token: str) -> str:
        if self._page:
            query = urlencode({"mode": mode, "uid": account, "token": token})
            return f"open this link:\n\n{self._page}?{query}"
        return f"run:\n\nclipwise {mode} {token} --server {self._server}"
