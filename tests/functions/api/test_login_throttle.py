"""Tries of credentials, counted by all instances together."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from functions.api.identity import MAIL, PER_ACCOUNT, SIGN_IN, LoginThrottle
from shared.platform.embedded.place import open_embedded_place
from shared.platform.rate_limits import RATES, RateLimited
from shared.settings import Settings
from tests.api_site import Site

SCOPE = {"type": "http", "client": ("192.0.2.1", 1), "headers": []}


def guess(folder: Path, tries: int) -> int:
    """How many of so many wrong passwords an instance lets through."""
    documents = open_embedded_place(Settings(clipwise_data=folder)).place.documents

    def one(_: int) -> bool:
        try:
            with LoginThrottle(dict(SCOPE), documents).sign_in_attempt("ann"):
                raise ZeroDivisionError
        except RateLimited:
            return False
        except ZeroDivisionError:
            return True

    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(one, range(tries)))


def test_two_processes_count_together(tmp_path: Path) -> None:
    """Spreading guesses over instances, many at once, gives no more of them."""
    with ProcessPoolExecutor(2) as pool:
        through = sum(pool.map(guess, [tmp_path / "data"] * 2, [12, 12]))

    assert through == PER_ACCOUNT[SIGN_IN].count


def test_a_right_password_is_taken_back(site: Site) -> None:
    """What is counted before it is tried does not count when it was right."""
    guesses = LoginThrottle(dict(SCOPE), site.place.place.documents)
    for _ in range(3 * PER_ACCOUNT[SIGN_IN].count):
        with guesses.sign_in_attempt("ann"):
            pass


def test_counts_tell_nobodys_name(site: Site) -> None:
    """What is counted is kept under a digest: neither names nor addresses stand in documents."""
    documents = site.place.place.documents
    LoginThrottle(dict(SCOPE), documents).count_attempt(MAIL, "ann@example.com")
    kept = [(document.id, document.data) for document in documents.query(RATES).documents]

    assert len(kept) == 2
    assert "ann" not in str(kept)
    assert "192.0.2" not in str(kept)


def test_limits_by_address_can_be_switched_off(site: Site) -> None:
    """Behind a gateway that many share, only accounts are counted."""
    site.configure(RATE_LIMIT_ADDRESS_FACTOR="0")
    guesses = LoginThrottle(dict(SCOPE), site.place.place.documents)
    for number in range(60):
        with pytest.raises(ZeroDivisionError), guesses.sign_in_attempt(f"user{number}"):
            raise ZeroDivisionError
