"""What the dish is called."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.tokens import words
from shared.ai.offline.recipe.kinds_of_line import HANDLE, HASHTAG
from shared.ai.offline.recipe.lines import RecipeLine, split_sentences
from shared.ai.offline.recipe.wrapping import is_right_below, join_lines

MAX_TITLE_WORDS = 12
EARLY_SEC, EARLY_SHARE = 6.0, 0.25
"""A title stands in the first seconds, or the first quarter of a video."""
STANDS_OUT = 1.3
"""How many times as high as the other lines a title is that comes later."""
EDGES = " .!-–|:•*\"'"


def title_on_screen(prose: Sequence[RecipeLine], lines: Sequence[RecipeLine]) -> RecipeLine | None:
    """The largest early line that is no ingredient, step or the like, with the line it goes on in."""
    if not prose:
        return None
    usual = median(line.height for line in lines)
    early = max(EARLY_SEC, EARLY_SHARE * max(line.end or 0 for line in lines))
    candidates = [
        line
        for line in join_title_lines(prose)
        if 1 <= len(words(line.text)) <= MAX_TITLE_WORDS
        and not line.text.endswith((",", ":", "?"))
        and line.height >= (1 if (line.start or 0) <= early else STANDS_OUT) * usual * 0.9
    ]
    return max(candidates, key=lambda line: (round(line.height / usual, 1), -(line.start or 0)), default=None)


def join_title_lines(prose: Sequence[RecipeLine]) -> list[RecipeLine]:
    """Lines of one size that stand right below each other are one title."""
    titles: list[RecipeLine] = []
    for line in prose:
        if titles and titles[-1].overlaps(line) and is_right_below(titles[-1], line):
            titles[-1] = join_lines(titles[-1], line)
        else:
            titles.append(line)
    return titles


def title_in_text(text: str, lexicon: Lexicon) -> str | None:
    """The first sentence of a text, without tags and handles, if it is short enough for a title."""
    plain = " ".join(HASHTAG.sub(" ", HANDLE.sub(" ", text)).split())
    first = split_sentences(plain, lexicon)[0].strip(EDGES)
    return first if 1 <= len(words(first)) <= MAX_TITLE_WORDS else None
