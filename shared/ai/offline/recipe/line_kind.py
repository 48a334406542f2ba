"""Classify lines of text: heading, ingredient, step, fact, chatter or prose."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.recipe.facts import RecipeFacts, parse_facts
from shared.ai.offline.recipe.ingredient import ParsedIngredient, parse_ingredients
from shared.ai.offline.recipe.lines import RecipeLine, parse_step_number
from shared.ai.offline.recipe.mention import find_mentions
from shared.ai.offline.recipe.quantity import parse_quantity
from shared.ai.offline.recipe.text import TokenizedText

HASHTAG = re.compile(r"#([^\W_][\w-]*)")
HANDLE = re.compile(
    r"(?<![\w.])@[\w.]+|(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|de|ru|net|org|app|link)\b\S*", re.IGNORECASE
)
MAX_HEADING_WORDS = 5
MAX_FACT_WORDS = 8
MIN_STEP_WORDS = 2


class LineKind(Enum):
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
class ClassifiedLine:
    """A line and its kind.

    Attributes:
        text: The line without hashtags and handles.
        section: Role of a section heading; `text` has the words after the heading.
        parsed: The ingredients it names as a list entry; also set for prose, which may be within a list.
        number: Number of a step, if it has one.
    """

    line: RecipeLine
    text: TokenizedText
    kind: LineKind
    section: str | None = None
    parsed: list[ParsedIngredient] = field(default_factory=list)
    number: int | None = None
    facts: RecipeFacts = field(default_factory=RecipeFacts)
    tags: list[str] = field(default_factory=list)


def classify_line(line: RecipeLine, lexicon: Lexicon, spoken: bool) -> ClassifiedLine:
    """Classify a line on its own; `apply_context` considers its neighbours later."""
    tags = HASHTAG.findall(line.text)
    text = TokenizedText(" ".join(HANDLE.sub(" ", remove_hashtags(line.text, lexicon)).split()), lexicon)
    item = ClassifiedLine(line, text, LineKind.PROSE, tags=tags, facts=parse_facts(text))
    if not any(token.kind == "word" for token in text.tokens):
        item.kind = LineKind.NOTHING
    elif spoken:
        item.kind = speech_kind(item)
    else:
        item.kind = text_kind(item)
    return item


def remove_hashtags(line: str, lexicon: Lexicon) -> str:
    """Return the line without hashtags; after an amount, the hashtag is the name: `200 g #pasta`."""
    plain = HASHTAG.sub(" ", line)
    quantity = parse_quantity(text := TokenizedText(plain, lexicon), 0)
    return line.replace("#", "") if quantity and quantity.end == len(text) else plain


def speech_kind(item: ClassifiedLine) -> LineKind:
    if item.text.lexicon.chatter.find(item.text.tokens):
        return LineKind.PROSE if has_measured_food(item.text) else LineKind.CHATTER
    words = sum(token.kind == "word" for token in item.text.tokens)
    return LineKind.STEP if words > MIN_STEP_WORDS and is_instruction(item.text, anywhere=True) else LineKind.PROSE


def has_measured_food(text: TokenizedText) -> bool:
    mentions = find_mentions(text, without_amount=False)
    return any(mention.parsed.unit and mention.parsed.is_food for mention in mentions)


def text_kind(item: ClassifiedLine) -> LineKind:
    text = item.text
    words = sum(token.kind == "word" for token in text.tokens)
    if item.facts and words <= MAX_FACT_WORDS and not is_instruction(text):
        return LineKind.FACT
    if mark := parse_step_mark(text):
        item.number, content = mark
        item.text = TokenizedText(content, text.lexicon)
        return LineKind.STEP if content else LineKind.STEP_MARK
    if heading := parse_section_heading(text):
        item.section, content = heading
        item.text = TokenizedText(content, text.lexicon)
        return LineKind.SECTION
    if mark := parse_step_number(text.text, text.lexicon, is_ocr=item.line.source == "screen"):
        item.number, content = mark
        item.text = text = TokenizedText(content, text.lexicon)
        if not text.tokens:
            return LineKind.STEP_MARK
        item.parsed = parse_ingredients(text.text, text.lexicon)
        return LineKind.INGREDIENT if is_ingredient_entry(item) else LineKind.STEP
    item.parsed = parse_ingredients(text.text, text.lexicon)
    if is_ingredient_entry(item):
        return LineKind.INGREDIENT
    if text.lexicon.chatter.find(text.tokens):
        return LineKind.CHATTER
    if is_group_heading(text):
        return LineKind.GROUP
    if counts_name(item):
        return LineKind.PROSE
    content_words = sum(token.kind == "word" and token.folded not in text.lexicon.openers for token in text.tokens)
    return LineKind.STEP if content_words >= MIN_STEP_WORDS and is_instruction(text) else LineKind.PROSE


def is_ingredient_entry(item: ClassifiedLine) -> bool:
    """Return True if a line can only be an ingredient entry; a note may have a verb: `2 onions, chop them`."""
    return any(parsed.is_certain for parsed in item.parsed) and not any(map(has_instruction, names_of(item)))


def names_of(item: ClassifiedLine) -> list[TokenizedText]:
    return [TokenizedText(parsed.name, item.text.lexicon) for parsed in item.parsed]


def has_instruction(name: TokenizedText) -> bool:
    """Return True if a name contains an instruction; a gerund may describe a food: `mashing potatoes`."""
    first = name.token_at(0)
    gerund = name.lexicon.tables.gerund
    is_gerund = bool(gerund) and first is not None and first.folded.endswith(gerund)
    return is_instruction(TokenizedText(name.text_from(1), name.lexicon) if is_gerund else name)


def counts_name(item: ClassifiedLine) -> bool:
    """Return True for a line that may be an entry whose note has a verb: `1 loaf ciabatta, cut into 6 slices`."""
    quantity = parse_quantity(item.text, 0)
    if quantity is None or quantity.amount is None or quantity.weak or not item.parsed:
        return False
    return not any(map(has_instruction, names_of(item)))


def is_instruction(text: TokenizedText, anywhere: bool = False) -> bool:
    """Return True if a kitchen verb is at a position that makes the text an instruction."""
    lexicon = text.lexicon
    place = "any" if anywhere else lexicon.tables.verb_place
    for at, token in enumerate(text.tokens):
        if (
            token.folded not in lexicon.verbs
            or text.is_word(at - 1, lexicon.purpose)
            or lexicon.food_end(text.tokens, at)
        ):
            continue
        begins = at == 0 or text.is_sign(at - 1, ".,;:!") or text.is_word(at - 1, lexicon.openers | lexicon.joiners)
        ends = at + 1 == len(text) or text.is_sign(at + 1, ".,;:!") or text.is_word(at + 1, lexicon.joiners)
        if place == "any" or begins or (place == "ends" and ends):
            return True
    return False


def parse_step_mark(text: TokenizedText) -> tuple[int, str] | None:
    """Return number and text of `Step 1: Mix …`."""
    first, second = text.token_at(0), text.token_at(1)
    if first and second and first.folded in text.lexicon.step_words and second.text.isdecimal():
        at = 3 if text.is_sign(2, ":.-–)") else 2
        return int(second.text), text.text_from(at)
    return None


def parse_section_heading(text: TokenizedText) -> tuple[str, str] | None:
    """Return the role of a heading such as `Ingredients:`, and the text after it."""
    hit = text.lexicon.headings.match(text.tokens, 0)
    if not hit:
        return None
    end, role = hit
    if end == len(text):
        return role, ""
    if text.is_sign(end, ":-–•"):
        return role, text.text_from(end + 1)
    if text.is_sign(end, "(") or text.is_word(end, text.lexicon.group_openers | text.lexicon.per):
        return role, text.text_from(end)
    return None


def is_group_heading(text: TokenizedText) -> bool:
    """Return True for `For the sauce:` and `Teig:`; also for `Für die Soße` without a colon, if ingredients follow."""
    words = [token for token in text.tokens if token.kind == "word"]
    if any(token.kind in ("number", "fraction") for token in text.tokens) or len(words) > MAX_HEADING_WORDS:
        return False
    return text.text.endswith(":") or (len(words) > 1 and text.is_word(0, text.lexicon.group_openers))
