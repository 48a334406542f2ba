"""Lines of a recipe from on-screen text, with wrapped lines joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.recipe.facts import parse_facts
from shared.ai.offline.recipe.lines import MAX_PAUSE_SEC, RecipeLine, parse_step_number
from shared.ai.offline.recipe.quantity import parse_quantity
from shared.ai.offline.recipe.text import TokenizedText, normalize_text, repair_ocr
from shared.ai.screen.lines import ScreenLine

SAME_HEIGHT = 1.25
"""Largest ratio of two heights that count as the same."""


def screen_lines(ocr_lines: Sequence[ScreenLine], lexicon: Lexicon) -> list[RecipeLine]:
    """Return the lines on screen, with wrapped lines joined."""
    lines: list[RecipeLine] = []
    for ocr_line in ocr_lines:
        text = repair_ocr(normalize_text(ocr_line.text), lexicon)
        line = RecipeLine(
            text,
            "screen",
            ocr_line.start,
            ocr_line.end,
            ocr_line.frame,
            ocr_line.confidence,
            ocr_line.box,
            ocr_line.height,
        )
        if text and lines and is_continuation(lines[-1], line, lexicon):
            lines[-1] = join_lines(lines[-1], line)
        elif text:
            lines.append(line)
    return lines


def is_continuation(before: RecipeLine, line: RecipeLine, lexicon: Lexicon) -> bool:
    """Return True if a line on screen continues the sentence or entry of the line above it, or before it in time."""
    if before.text.endswith((":", ".", "!", "?")):
        return False
    text, above = TokenizedText(line.text, lexicon), TokenizedText(before.text, lexicon)
    if is_replacement(before, line):
        return is_unfinished(above, text) or has_leading_link(text)
    if not (before.overlaps(line) and is_right_below(before, line)):
        return False
    if line.text.endswith(":") or parse_step_number(line.text, lexicon) or has_fact(text):
        return False
    last = above.token_at(len(above) - 1)
    if last and (last.folded in lexicon.hanging or last.text in ",-&+"):
        return True
    if is_time_or_heat(text) and any(token.folded in lexicon.verbs for token in above.tokens):
        return True
    leading = parse_quantity(text, 0)
    if leading and leading.amount is not None and not leading.weak:
        return False
    wraps = not has_room_above(before, line)
    if parse_step_number(before.text, lexicon):
        return wraps or line.text[0].islower()
    has_verb = any(token.folded in lexicon.verbs for token in above.tokens)
    if line.text[0].islower():
        return has_verb or (wraps and not lexicon.is_food(line.text))
    completes = any(token.folded in lexicon.verbs for token in text.tokens) and not text.is_word(0, lexicon.verbs)
    return wraps and completes and not has_verb and not lexicon.has_food(above.tokens)


def has_fact(text: TokenizedText) -> bool:
    """Return True if a line is a fact on its own: `für 4 Personen`."""
    return bool(parse_facts(text)) and not any(token.folded in text.lexicon.verbs for token in text.tokens)


def is_time_or_heat(text: TokenizedText) -> bool:
    """Return True if a line is only a time or temperature: `230 °C`."""
    heat = text.lexicon.degrees | {"c", "f", "с"}
    names = [at for at, token in enumerate(text.tokens) if token.kind == "word" and token.folded not in heat]
    return bool(text.tokens) and all(text.lexicon.minutes.match(text.tokens, at) for at in names)


def is_right_below(before: RecipeLine, line: RecipeLine) -> bool:
    """Return True if a line is right below another, in letters of the same size."""
    if not before.box or not line.box:
        return False
    return is_same_height(before, line) and -line.height < line.box[1] - before.box[3] < line.height


def is_replacement(before: RecipeLine, line: RecipeLine) -> bool:
    """Return True if a line appears where another just disappeared, as in captions shown word by word."""
    if not before.box or not line.box or before.overlaps(line) or before.end is None or line.start is None:
        return False
    return (
        is_same_height(before, line)
        and line.start - before.end <= MAX_PAUSE_SEC
        and abs(line.box[3] - before.box[3]) < line.height
    )


def is_unfinished(before: TokenizedText, text: TokenizedText) -> bool:
    """Return True if the earlier words are incomplete: `half a cup of`, `then add`."""
    lexicon, last = text.lexicon, len(before) - 1
    if before.is_word(last, lexicon.hanging | lexicon.of):
        return True
    if before.is_word(last, lexicon.stops):
        return text.is_word(0, lexicon.determiners)
    takes_object = before.is_word(last, lexicon.verbs) and lexicon.tables.verb_place != "ends"
    return takes_object and not text.is_word(0, lexicon.verbs)


def has_leading_link(text: TokenizedText) -> bool:
    """Return True if words continue earlier ones: `and salt`, `for 12 minutes`, but not `for the sauce`."""
    lexicon = text.lexicon
    if text.is_word(0, lexicon.group_openers):
        return any(token.kind == "number" for token in text.tokens)
    links = (lexicon.hanging | lexicon.joiners | lexicon.of) - lexicon.determiners
    return text.text[0].islower() and text.is_word(0, links)


def is_same_height(first: RecipeLine, second: RecipeLine) -> bool:
    return max(first.height, second.height) <= SAME_HEIGHT * min(first.height, second.height)


def has_room_above(before: RecipeLine, line: RecipeLine) -> bool:
    """Return True if a line's first word would fit on the line above, within the width of the wider one."""
    if not before.box or not line.box:
        return True
    width, below = before.box[2] - before.box[0], line.box[2] - line.box[0]
    first = (len(line.text.split()[0]) + 1) * below / len(line.text)
    return width + first <= max(width, below)


def join_lines(before: RecipeLine, line: RecipeLine) -> RecipeLine:
    hyphenated = before.text.endswith("-") and line.text[0].islower()
    text = before.text[:-1] + line.text if hyphenated else f"{before.text} {line.text}"
    box = before.box
    if box and line.box:
        box = (min(box[0], line.box[0]), box[1], max(box[2], line.box[2]), line.box[3])
    confidence = min(before.confidence, line.confidence)
    return replace(before, text=text, box=box, end=max(before.end or 0, line.end or 0), confidence=confidence)
