"""Puts together what stands on the screen in several lines, or is shown one after the other, but is one phrase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.text import mended, tidy
from shared.ai.offline.recipe.cursor import Text
from shared.ai.offline.recipe.facts import facts
from shared.ai.offline.recipe.lines import MAX_PAUSE_SEC, Line, numbering
from shared.ai.offline.recipe.quantity import quantity
from shared.ai.screen.line import ScreenLine

SAME_HEIGHT = 1.25


def screen_lines(seen: Sequence[ScreenLine], tongue: Lexicon) -> list[Line]:
    """Lines as they stand on the screen, those that were only wrapped joined again."""
    lines: list[Line] = []
    for one in seen:
        text = mended(tidy(one.text), tongue)
        line = Line(text, "screen", one.start, one.end, one.frame, one.confidence, one.box, one.height)
        if text and lines and continues(lines[-1], line, tongue):
            lines[-1] = joined(lines[-1], line)
        elif text:
            lines.append(line)
    return lines


def continues(before: Line, line: Line, tongue: Lexicon) -> bool:
    """Whether a line on the screen goes on with the sentence or entry of the line above it, or before it in time."""
    if before.text.endswith((":", ".", "!", "?")):
        return False
    text, above = Text(line.text, tongue), Text(before.text, tongue)
    if takes_its_place(before, line):
        return lacks_more(above, text) or leans_back(text)
    if not (before.overlaps(line) and follows_closely(before, line)):
        return False
    if line.text.endswith(":") or numbering(line.text, tongue) or states_something(text):
        return False
    last = above.token(len(above) - 1)
    if last and (last.folded in tongue.hanging or last.text in ",-&+"):
        return True
    if is_measure(text) and any(token.folded in tongue.verbs for token in above.tokens):
        return True
    leading = quantity(text, 0)
    if leading and leading.amount is not None and not leading.weak:
        return False
    wraps = not would_fit(before, line)
    if numbering(before.text, tongue):
        return wraps or line.text[0].islower()
    instructs = any(token.folded in tongue.verbs for token in above.tokens)
    if line.text[0].islower():
        return instructs or (wraps and not tongue.is_food(line.text))
    completes = any(token.folded in tongue.verbs for token in text.tokens) and not text.is_word(0, tongue.verbs)
    return wraps and completes and not instructs and not tongue.names_food(above.tokens)


def states_something(text: Text) -> bool:
    """Whether a line is a fact by itself: `für 4 Personen`."""
    return bool(facts(text)) and not any(token.folded in text.tongue.verbs for token in text.tokens)


def is_measure(text: Text) -> bool:
    """Whether a line is nothing but a time or heat: `230 °C`."""
    heat = text.tongue.degrees | {"c", "f", "с"}
    names = [at for at, token in enumerate(text.tokens) if token.kind == "word" and token.folded not in heat]
    return bool(text.tokens) and all(text.tongue.minutes.at(text.tokens, at) for at in names)


def follows_closely(before: Line, line: Line) -> bool:
    """Whether a line stands right below another, in letters of the same size."""
    if not before.box or not line.box:
        return False
    return alike_high(before, line) and -line.height < line.box[1] - before.box[3] < line.height


def takes_its_place(before: Line, line: Line) -> bool:
    """Whether a line appears where another has just gone, as words of speech do that are shown one after the other."""
    if not before.box or not line.box or before.overlaps(line) or before.end is None or line.start is None:
        return False
    return (
        alike_high(before, line)
        and line.start - before.end <= MAX_PAUSE_SEC
        and abs(line.box[3] - before.box[3]) < line.height
    )


def lacks_more(before: Text, text: Text) -> bool:
    """Whether words shown before others break off: `half a cup of`, `then add`."""
    tongue, last = text.tongue, len(before) - 1
    if before.is_word(last, tongue.hanging | tongue.of):
        return True
    if before.is_word(last, tongue.stops):
        return text.is_word(0, tongue.determiners)
    takes_object = before.is_word(last, tongue.verbs) and tongue.tables.verb_place != "ends"
    return takes_object and not text.is_word(0, tongue.verbs)


def leans_back(text: Text) -> bool:
    """Whether words go on with what was shown before them: `and salt`, `for 12 minutes`, but not `for the sauce`."""
    tongue = text.tongue
    if text.is_word(0, tongue.group_openers):
        return any(token.kind == "number" for token in text.tokens)
    links = (tongue.hanging | tongue.joiners | tongue.of) - tongue.determiners
    return text.text[0].islower() and text.is_word(0, links)


def alike_high(one: Line, other: Line) -> bool:
    return max(one.height, other.height) <= SAME_HEIGHT * min(one.height, other.height)


def would_fit(before: Line, line: Line) -> bool:
    """Whether the first word of a line had room on the line above, were that as wide as the wider of the two."""
    if not before.box or not line.box:
        return True
    width, below = before.box[2] - before.box[0], line.box[2] - line.box[0]
    first = (len(line.text.split()[0]) + 1) * below / len(line.text)
    return width + first <= max(width, below)


def joined(before: Line, line: Line) -> Line:
    hyphenated = before.text.endswith("-") and line.text[0].islower()
    text = before.text[:-1] + line.text if hyphenated else f"{before.text} {line.text}"
    box = before.box
    if box and line.box:
        box = (min(box[0], line.box[0]), box[1], max(box[2], line.box[2]), line.box[3])
    confidence = min(before.confidence, line.confidence)
    return replace(before, text=text, box=box, end=max(before.end or 0, line.end or 0), confidence=confidence)
