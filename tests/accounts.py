"""Accounts of both kinds for tests, with the mails that were sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from infra.stand_ins.identity_server import ADMINISTRATOR, API_KEY, IdentityServer
from shared.platform.accounts import Identity
from shared.platform.embedded import local_accounts as passwords
from shared.platform.embedded.local_accounts import LocalAccounts, open_local_accounts
from shared.platform.embedded.place import open_embedded_place
from shared.platform.gcp.firebase import FirebaseIdentity, open_firebase_identity
from shared.platform.ports import Documents
from shared.settings import Settings
from tests.auth_emulator import PROJECT, EmulatorMailbox, running_auth_emulator
from tests.server import eventually

PASSWORD = "correct horse battery"
PURPOSES = {"verify": "VERIFY_EMAIL", "reset": "PASSWORD_RESET", "change": "VERIFY_AND_CHANGE_EMAIL"}
SUBJECTS = {
    "verify": "Verify your address",
    "reset": "Reset your password",
    "change": "Verify your new address",
    "known": "You have an account",
}


@contextmanager
def cheap_passwords() -> Iterator[None]:
    """Hash them with next to no work, which is what costs time in tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@dataclass(frozen=True)
class People:
    """One installation's accounts.

    Attributes:
        tokens: All tokens mailed to an address for a purpose, oldest first, when all mails have gone out.
        told_known: Whether an address got a mail that says that it has an account.
        is_emulator: Whether these are accounts of Firebase's own emulator.
    """

    identity: Identity
    tokens: Callable[[str, str], list[str]]
    told_known: Callable[[str], bool]
    is_emulator: bool = False

    def join(self, name: str, email: str = "", password: str = PASSWORD) -> str:
        """A verified account; returns its id."""
        address = email or f"{name.lower()}@example.com"
        self.identity.sign_up(name, address, password)
        return self.identity.verify_email(self.tokens("verify", address)[-1]).id


class Mailbox:
    """The `outbox` of a data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def mails(self) -> list[Any]:
        """All that were written, when none is on its way any more."""
        from shared.platform.embedded.database import Database
        from shared.platform.embedded.schema import ACCOUNT_MIGRATIONS

        database = Database(self._data / "accounts.db", ACCOUNT_MIGRATIONS)
        eventually(lambda: database.connection.execute("SELECT COUNT(*) FROM mails").fetchone()[0] == 0)
        database.close()
        files = sorted((self._data / "outbox").glob("*.eml"))
        return [message_from_bytes(file.read_bytes(), policy=default) for file in files]

    def of(self, purpose: str, address: str) -> list[str]:
        """The texts of mails to an address."""
        wanted = (SUBJECTS[purpose], address)
        return [mail.get_content() for mail in self.mails() if (mail["subject"], mail["to"]) == wanted]

    def tokens(self, purpose: str, address: str) -> list[str]:
        texts = self.of(purpose, address)
        return [re.findall(r"^clipwise (?:verify-email|reset-password) (\S+)", text, re.M)[0] for text in texts]


@contextmanager
def local(folder: Path, **settings: Any) -> Iterator[People]:
    data = folder / "data"
    accounts: LocalAccounts = open_local_accounts(Settings(clipwise_data=data, **settings))
    box = Mailbox(data)
    yield People(accounts, box.tokens, lambda address: bool(box.of("known", address)))


@contextmanager
def firebase(folder: Path) -> Iterator[People]:
    documents = open_embedded_place(Settings(clipwise_data=folder / "data")).place.documents
    with IdentityServer() as server:

        def tokens(purpose: str, address: str) -> list[str]:
            return [code.code for code in server.find_codes(PURPOSES[purpose], address)]

        yield People(
            firebase_identity(server, documents),
            tokens,
            lambda address: bool(server.find_codes("PASSWORD_RESET", address)),
        )


@contextmanager
def firebase_emulator(folder: Path) -> Iterator[People]:
    documents = open_embedded_place(Settings(clipwise_data=folder / "data")).place.documents
    with running_auth_emulator(folder / "emulator") as host, pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIREBASE_AUTH_EMULATOR_HOST", host)
        patch.delenv("K_SERVICE", raising=False)
        mailbox = EmulatorMailbox(host)
        yield People(
            open_firebase_identity(Settings(google_cloud_project=PROJECT), documents),
            lambda purpose, address: mailbox.codes(PURPOSES[purpose], address),
            lambda address: bool(mailbox.codes(PURPOSES["reset"], address)),
            is_emulator=True,
        )


def firebase_identity(server: IdentityServer, documents: Documents, **more: Any) -> FirebaseIdentity:
    return FirebaseIdentity(
        server.endpoints, server.accounts.project, API_KEY, lambda: ADMINISTRATOR, documents, **more
    )


KINDS: dict[str, Callable[[Path], AbstractContextManager[People]]] = {
    "local": local,
    "firebase": firebase,
    "firebase emulator": firebase_emulator,
}
