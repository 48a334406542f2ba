"""Passwords as they are stored: argon2id (RFC 9106) with the parameters and the salt in the text."""

from __future__ import annotations

import os
import secrets
import threading
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

# The second recommended option of RFC 9106, 4: 64 MiB, which is why no more run at once than there are cores.
_hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
_hashing_slots = threading.BoundedSemaphore(os.cpu_count() or 1)


class Passwords:
    """Hashing and checking, which cost the same whether or not there is a password to check against."""

    @cached_property
    def _decoy_hash(self) -> str:
        return self.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        with _hashing_slots:
            return _hasher.hash(password)

    def matches(self, stored: str | None, password: str) -> bool:
        """False, after the same work, where nothing is stored."""
        decoy_hash = self._decoy_hash
        with _hashing_slots:
            try:
                return _hasher.verify(stored or decoy_hash, password) and stored is not None
            except VerifyMismatchError:
                return False

    def needs_rehash(self, stored: str) -> bool:
        """Whether it was hashed with other parameters than are used now."""
        return _hasher.check_needs_rehash(stored)
