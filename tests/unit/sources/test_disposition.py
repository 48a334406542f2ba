"""File names that servers give."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sources.video.http import disposition_filename


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="clip.mp4"', "clip.mp4"),
        ("inline; filename=clip.mp4", "clip.mp4"),
        ("attachment; FileName = clip.mp4", "clip.mp4"),
        ("attachment;filename=my clip.mp4 ; size=3", "my clip.mp4"),
        ('attachment; filename="my clip.mp4', "my clip.mp4"),
        ('attachment; filename="a; b \\"c\\".mp4"', 'a; b "c".mp4'),
        ("attachment; filename*=UTF-8''%d0%b1%d0%be%d1%80%d1%89.mp4", "борщ.mp4"),
        ("attachment; filename=\"plain.mp4\"; filename*=utf-8'de'K%C3%A4se.mp4", "Käse.mp4"),
        ("attachment; filename*=ISO-8859-1''K%E4se.mp4", "Käse.mp4"),
        ("attachment; filename*=no-such-charset''clip.mp4", "clip.mp4"),
        ("attachment; filename*=UTF-8''%ff%fe.mp4", "\ufffd\ufffd.mp4"),
        ('attachment; filename="Käse.mp4"', "Käse.mp4"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ("attachment; filename=..\\..\\boot.ini", "boot.ini"),
        ("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("attachment; filename*=UTF-8''photo%E2%80%AEgpj.exe", "photogpj.exe"),
        ('attachment; filename="a\x00b\x1b.mp4"', "ab.mp4"),
        ('attachment; filename=""', None),
        ('attachment; filename=".."', None),
        ("attachment", None),
        ("", None),
        (";;;=;filename", None),
    ],
)
def test_names_from_servers(disposition: str, name: str) -> None:
    """A server's name for the file is understood in all its spellings, and cannot be a path."""
    assert disposition_filename(disposition) == name


@given(st.text())
def test_no_header_breaks_the_name(text: str) -> None:
    """Whatever a server writes where the name belongs, there is a name or none, and no error."""
    for disposition in (text, f"attachment; filename={text}", f"attachment; filename*={text}; filename*0*={text}"):
        name = disposition_filename(disposition)
        assert name is None or "/" not in name
