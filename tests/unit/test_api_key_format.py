"""The text of API keys: found by scanners, checked without a database, and never in a log."""

from __future__ import annotations

import logging
import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.api_key_format import PATTERN, is_api_key, new_api_key, parse_api_key, redact_api_keys
from shared.logs import CloudFormatter, PlainFormatter

IDS = st.uuids().map(lambda id: id.hex)


def test_a_documented_key() -> None:
    """The checksum is the one that the documentation describes: whoever wrote a scanner for it finds each key."""
    assert parse_api_key("clipwise_0123456789abcdef0123456789abcdef_" + "a" * 32 + "2YMrL4") is not None


@given(IDS)
def test_a_new_key_has_the_form_that_scanners_look_for(id: str) -> None:
    """Every key matches the documented expression, and names its id."""
    text = new_api_key(id)
    assert re.fullmatch(PATTERN, text)
    assert is_api_key(text)
    assert parse_api_key(text) == id


@given(IDS, st.integers(9, 79), st.sampled_from("0123456789abcdefXYZ"))
def test_a_changed_key_is_recognized_without_a_database(id: str, position: int, other: str) -> None:
    """A mistyped or invented key costs no read: one wrong character never has the right checksum."""
    text = new_api_key(id)
    changed = text[:position] + other + text[position + 1 :]
    assert parse_api_key(changed) == (id if changed == text else None)


@given(st.text())
def test_any_text_is_borne(text: str) -> None:
    """Whatever a client sends as its token is a key or is not one."""
    assert parse_api_key(text) is None
    assert redact_api_keys(text) == text


@pytest.mark.parametrize("formatter", [PlainFormatter(), CloudFormatter()], ids=["plain", "cloud"])
def test_no_line_contains_a_key(formatter: logging.Formatter) -> None:
    """An error that repeats a header puts the key's id into the log, by which its owner finds it, and no secret."""
    id = uuid.uuid4().hex
    text = new_api_key(id)
    line = formatter.format(
        logging.LogRecord("shared.test", logging.INFO, "", 1, f"wrong header: Bearer {text}", (), None)
    )
    assert id in line
    assert text.rpartition("_")[2] not in line
