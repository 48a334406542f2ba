"""Streams on their way to and from Cloud Storage."""

from __future__ import annotations

import io
from typing import Any, BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.platform.gcp.objects import RangeReader, RemainingStream


class Pipe(io.RawIOBase):
    """Gives a few bytes at a time and cannot go back, like a socket."""

    def __init__(self, content: bytes, steps: list[int]) -> None:
        self._content = content
        self._steps = steps

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        step = self._steps.pop() if self._steps else 1
        piece, self._content = self._content[: min(size, step)], self._content[min(size, step) :]
        return piece


@given(content=st.binary(max_size=50), steps=st.lists(st.integers(1, 9), max_size=20), size=st.integers(1, 20))
def test_short_reads_do_not_cut_an_object_off(content: bytes, steps: list[int], size: int) -> None:
    """A video that trickles in from a slow server is stored whole: only its end gives a short read."""
    rest = RemainingStream(cast(BinaryIO, Pipe(content, steps)))
    pieces = []
    while piece := rest.read(size):
        pieces.append(piece)
    assert b"".join(pieces) == content
    assert all(len(piece) == size for piece in pieces[:-1])
    assert (rest.size(), rest.tell()) == (None, len(content))


def test_a_stream_is_sent_from_where_it_stands() -> None:
    """Whoever looked at a file's first bytes and went on gets the rest stored, and a broken part is sent again."""
    stream = io.BytesIO(b"0123456789")
    stream.seek(4)
    rest = RemainingStream(stream)
    assert (rest.size(), rest.tell(), rest.read(3)) == (6, 0, b"456")
    rest.seek(1)
    assert (rest.tell(), rest.read(99)) == (1, b"56789")


def test_what_cannot_be_read_again_says_so() -> None:
    """A pipe that broke is an error that is tried from the beginning, not a damaged object."""
    rest = RemainingStream(cast(BinaryIO, Pipe(b"123", [])))
    rest.read(2)
    with pytest.raises(OSError, match="cannot be read again"):
        rest.seek(0)


class Blob:
    """An object that counts how often it is asked."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.size = len(content)
        self.requests = 0

    def download_as_bytes(self, start: int, end: int, checksum: None) -> bytes:
        assert 0 <= start <= end < self.size
        self.requests += 1
        return self.content[start : end + 1]


@given(
    content=st.binary(max_size=60),
    buffer=st.integers(1, 30),
    moves=st.lists(
        st.tuples(st.just("read"), st.integers(-1, 30)) | st.tuples(st.just("seek"), st.integers(0, 70)), max_size=12
    ),
)
def test_an_object_reads_like_a_file(content: bytes, buffer: int, moves: list[tuple[str, int]]) -> None:
    """A library that expects a file, and jumps about in it, can be given an object."""
    blob = Blob(content)
    reader, file = io.BufferedReader(RangeReader(cast(Any, blob)), buffer), io.BytesIO(content)
    for name, number in moves:
        assert getattr(reader, name)(number) == getattr(file, name)(number)
    assert reader.seek(0, io.SEEK_END) == len(content)


def test_no_request_is_sent_for_the_end() -> None:
    """A small object takes one request to read whole, and none when it is empty."""
    for content, requests in ((b"12345", 1), (b"", 0)):
        blob = Blob(content)
        assert io.BufferedReader(RangeReader(cast(Any, blob)), 8).read() == content
        assert blob.requests == requests
