"""What a line of text is: heading, ingredient, step, fact, chatter or prose."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.recipe.cursor import Text
from shared.ai.offline.recipe.facts import Facts, facts
from shared.ai.offline.recipe.ingredient import Parsed, parse_ingredients
from shared.ai.offline.recipe.lines import Line, numbering

HASHTAG = re.compile(r"#([^\W_][\w-]*)")
HANDLE = re.compile(
    r"(?<![\w.])@[\w.]+|(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|de|ru|net|org|app|link)\b\S*", re.IGNORECASE
)
MAX_HEADING_WORDS = 5
MAX_FACT_WORDS = 8
MIN_STEP_WORDS = 2


class Is(Enum):
    NOTHING = auto()
    CHATTER = auto()
    FACT = auto()
    SECTION = auto()
    GROUP = auto()
    STEP_MARK = auto()
    STEP = auto()
    INGREDIENT = auto()
    PROSE = auto()


@dataclass
class Item:
    """A line and what it is.

    Attributes:
        text: The line without hashtags and handles.
        section: Role of a section heading; the words after the heading are in `text`.
        parsed: What it reads as in a list of ingredients; of use for prose too, if it stands in one.
        number: Of a step that has one.
    """

    line: Line
    text: Text
    what: Is
    section: str | None = None
    parsed: list[Parsed] = field(default_factory=list)
    number: int | None = None
    facts: Facts = field(default_factory=Facts)
    tags: list[str] = field(default_factory=list)


def classify(line: Line, tongue: Lexicon, spoken: bool) -> Item:
    """What a line is by itself. What its neighbours make of it is decided later."""
    tags = HASHTAG.findall(line.text)
    text = Text(" ".join(HANDLE.sub(" ", HASHTAG.sub(" ", line.text)).split()), tongue)
    item = Item(line, text, Is.PROSE, tags=tags, facts=facts(text))
    if not any(token.kind == "word" for token in text.tokens):
        item.what = Is.NOTHING
    elif spoken:
        item.what = spoken_kind(item)
    else:
        item.what = written_kind(item)
    return item


def spoken_kind(item: Item) -> Is:
    if item.text.tongue.chatter.find(item.text.tokens):
        return Is.CHATTER
    words = sum(token.kind == "word" for token in item.text.tokens)
    return Is.STEP if words > MIN_STEP_WORDS and instructs(item.text, anywhere=True) else Is.PROSE


def written_kind(item: Item) -> Is:
    text = item.text
    words = sum(token.kind == "word" for token in text.tokens)
    if item.facts and words <= MAX_FACT_WORDS and not instructs(text):
        return Is.FACT
    if found := step_mark(text):
        item.number, rest = found
        item.text = Text(rest, text.tongue)
        return Is.STEP if rest else Is.STEP_MARK
    if found_section := section_heading(text):
        item.section, rest = found_section
        item.text = Text(rest, text.tongue)
        return Is.SECTION
    if found := numbering(text.text, text.tongue):
        item.number, rest = found
        item.text = text = Text(rest, text.tongue)
        if not text.tokens:
            return Is.STEP_MARK
        item.parsed = parse_ingredients(text.text, text.tongue)
        return Is.INGREDIENT if is_entry(item) else Is.STEP
    item.parsed = parse_ingredients(text.text, text.tongue)
    if is_entry(item):
        return Is.INGREDIENT
    if text.tongue.chatter.find(text.tokens):
        return Is.CHATTER
    if group_heading(text):
        return Is.GROUP
    said = sum(token.kind == "word" and token.folded not in text.tongue.openers for token in text.tokens)
    return Is.STEP if said >= MIN_STEP_WORDS and instructs(text) else Is.PROSE


def is_entry(item: Item) -> bool:
    """Whether it can only be an entry in a list of ingredients. A verb in a note is fine: `2 onions, chop them`."""
    names = (Text(parsed.name, item.text.tongue) for parsed in item.parsed)
    return any(parsed.certain for parsed in item.parsed) and not any(instructs(name) for name in names)


def instructs(text: Text, anywhere: bool = False) -> bool:
    """Whether a verb of the kitchen stands where it makes the text an instruction."""
    tongue = text.tongue
    place = "any" if anywhere else tongue.tables.verb_place
    for at, token in enumerate(text.tokens):
        if token.folded not in tongue.verbs:
            continue
        begins = at == 0 or text.is_sign(at - 1, ".,;:!") or text.is_word(at - 1, tongue.openers | tongue.joiners)
        ends = at + 1 == len(text) or text.is_sign(at + 1, ".,;:!") or text.is_word(at + 1, tongue.joiners)
        if place == "any" or begins or (place == "ends" and ends):
            return True
    return False


def step_mark(text: Text) -> tuple[int, str] | None:
    """`Step 1: Mix …` as its number and the rest."""
    first, second = text.token(0), text.token(1)
    if first and second and first.folded in text.tongue.step_words and second.text.isdecimal():
        at = 3 if text.is_sign(2, ":.-–)") else 2
        return int(second.text), text.rest(at)
    return None


def section_heading(text: Text) -> tuple[str, str] | None:
    """`Ingredients:` as its role and what follows it on the line."""
    hit = text.tongue.headings.at(text.tokens, 0)
    if not hit:
        return None
    end, role = hit
    if end == len(text):
        return role, ""
    if text.is_sign(end, ":-–"):
        return role, text.rest(end + 1)
    if text.is_sign(end, "(") or text.is_word(end, text.tongue.group_openers):
        return role, text.rest(end)
    return None


def group_heading(text: Text) -> bool:
    """`For the sauce:`, `Teig:`; without a colon only `Für die Soße`, which the next line must bear out."""
    words = [token for token in text.tokens if token.kind == "word"]
    if any(token.kind in ("number", "fraction") for token in text.tokens) or len(words) > MAX_HEADING_WORDS:
        return False
    return text.text.endswith(":") or (len(words) > 1 and text.is_word(0, text.tongue.group_openers))
