"""Lists of addresses as people have them."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets.url_lists import read_pages
from shared.errors import PermanentError
from shared.models.dataset import LIST_PAGE
from shared.models.image import Candidate
from shared.security.urls import parse_url


def read(text: str | bytes) -> list[Candidate]:
    data = text.encode() if isinstance(text, str) else text
    return [candidate for page in read_pages(io.BytesIO(data)) for candidate in page.candidates]


def urls(text: str | bytes) -> list[str]:
    return [candidate.url for candidate in read(text)]


def test_lines() -> None:
    """One address in each line; empty lines and remarks are passed over, what is no address stays to be rejected."""
    text = "# mine\n\nhttps://a.example/1.jpg\r\n  https://a.example/2,3.jpg  \nrubbish\n"
    assert urls(text) == ["https://a.example/1.jpg", "https://a.example/2,3.jpg", "rubbish"]


def test_csv() -> None:
    """Columns are known by many names, in any order, beside others; quotes and a BOM are understood."""
    text = '\ufeffid,Title,Image_URL,License\n1,"A, ""dog""",https://a.example/1.jpg,CC0\n2,,https://a.example/2.jpg,\n'
    first, second = read(text)
    assert (first.url, first.title, first.licence) == ("https://a.example/1.jpg", 'A, "dog"', "cc0")
    assert (second.url, second.title, second.licence) == ("https://a.example/2.jpg", None, None)


def test_json_lines() -> None:
    """An object in each line, with where the image is shown and who made it."""
    row = {"url": "https://a.example/1.jpg", "page_url": "https://a.example/", "creator": "Ann", "licence": "by 4.0"}
    (candidate,) = read(json.dumps(row) + "\n\n")
    assert candidate == Candidate(url=row["url"], page_url=row["page_url"], author="Ann", licence="by 4.0")


def test_an_odd_cell_is_kept_or_rejected_alone() -> None:
    """Half an emoji in a title can be stored, and an address that is too long stays too long, to be rejected."""
    rows = [{"url": "https://a.example/1.jpg", "title": "\ud83d"}, {"url": f"https://a.example/{'x' * 9000}"}]
    first, second = read("\n".join(map(json.dumps, rows)))
    assert first.to_json()["title"].encode()
    with pytest.raises(PermanentError):
        parse_url(second.url)


@given(st.lists(st.sampled_from(["https://a.example/x.jpg", "b", "ftp://c"]), min_size=1, max_size=350))
def test_nothing_is_lost_between_pages(lines: list[str]) -> None:
    """Whatever a list names is on exactly one page, in its order, and no page is longer than a hundred."""
    pages = list(read_pages(io.BytesIO("\n".join(lines).encode())))
    assert [candidate.url for page in pages for candidate in page.candidates] == lines
    assert all(0 < len(page.candidates) <= LIST_PAGE for page in pages)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n\n",
        b"\xff\xfe\x00",
        '{"url": ' + "9" * 5000 + "}",
        '{"url": "x"}\n[1]\n',
        '{"url": \n',
        "url\n\n",
    ],
)
def test_what_is_no_list_is_refused(text: str | bytes) -> None:
    """The sender learns at once that nothing can be read."""
    with pytest.raises(PermanentError) as raised:
        read(text)
    assert raised.value.code == "bad_list"


@pytest.mark.parametrize(
    "text",
    [
        "https://a.example/" + "x" * 100_000,
        '{"url": "https://a.example/1.jpg", "title": ' + "[" * 60_000,
        "url,title\n" + "," * 100_000,
        "url,title\n" + '"\n",' * 30_000,
    ],
    ids=["line", "JSON", "cells", "cells of lines"],
)
def test_a_row_has_a_length(text: str) -> None:
    """A list that is one endless row, which takes many times its size when parsed, is refused while it is read."""
    with pytest.raises(PermanentError) as caught:
        read(text)
    assert caught.value.code == "bad_list"


def test_rows_of_many_lines_are_counted_one_by_one() -> None:
    """A long CSV with line breaks inside its cells has no limit but that of its rows."""
    rows = "".join(f'https://a.example/{n}.jpg,"two\nlines"\n' for n in range(5000))
    assert len(read("url,title\n" + rows)) == 5000


def test_nested_json_is_refused() -> None:
    """JSON nested deeper than the parser goes is an error of the list, not of the server."""
    with pytest.raises(PermanentError) as caught:
        read('{"url": ' + "[" * 40_000 + "]" * 9_000)
    assert caught.value.code == "bad_list"
