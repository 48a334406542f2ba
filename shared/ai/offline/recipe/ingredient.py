"""Parse ingredients from list lines (`2 cloves garlic, finely chopped`, `Мука – 200 г`, `Salz nach Geschmack`) and from
sentences (`Now add two cups of flour and a pinch of salt`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.tokens import tokenize
from shared.ai.offline.recipe.quantity import TIMES, Quantity, parse_quantity
from shared.ai.offline.recipe.text import TokenizedText

MAX_NAME_WORDS = 6
MAX_WORDS_TO_FOOD = 4
MAX_WORDS_UNKNOWN = 3
MEASURES = {
    "g", "kg", "mg", "ml", "cl", "dl", "l", "tsp", "tbsp", "dessertspoon", "cup", "fl oz", "oz", "lb", "pint", "quart",
    "gallon", "pinch", "knife-tip", "dash", "handful", "bunch", "clove", "can", "pack", "tub", "jar", "sprig", "bag",
}  # fmt: skip
"""Units that mostly measure food, so that an unknown word after them is an ingredient."""
SEPARATOR = re.compile(r"\s*[,;•|]\s*|\s+\+\s+|\s+[&]\s+")
NOTE_MARK = re.compile(r",(?!\d)\s*|\s*;\s*|\s+[-–|]\s+")
BRACKETS = re.compile(r"\(([^()]*)(?:\)|$)")
EDGES = " .,:;!*-–=_/|+•'\""


@dataclass(frozen=True)
class ParsedIngredient:
    """An ingredient as the text states it.

    Attributes:
        is_certain: It has a measure or is a known food, so the line cannot be of another kind.
        is_food: Its name is or contains a known food.
    """

    name: str
    amount: float | None = None
    amount_max: float | None = None
    unit: str | None = None
    note: str | None = None
    is_certain: bool = False
    is_food: bool = False


def parse_ingredients(line: str, lexicon: Lexicon) -> list[ParsedIngredient]:
    """Return the ingredients of a line; empty if it cannot be a line of an ingredient list."""
    ingredients = [parsed for part in split_enumeration(line, lexicon) for parsed in parse_entry(part, lexicon)]
    return apply_taste_note(ingredients, lexicon)


def apply_taste_note(ingredients: list[ParsedIngredient], lexicon: Lexicon) -> list[ParsedIngredient]:
    """Apply a final `to taste` to all entries: `Salt, pepper to taste`."""
    note = ingredients[-1].note if ingredients else None
    if note and lexicon.taste.find(tokenize(note)):
        for at in range(len(ingredients) - 2, -1, -1):
            if ingredients[at].amount is not None or ingredients[at].unit or ingredients[at].note:
                break
            ingredients[at] = replace(ingredients[at], note=note, is_certain=True)
    return ingredients


def split_enumeration(line: str, lexicon: Lexicon) -> list[str]:
    """Split `200 g flour, 2 eggs, salt` into three parts; keep `garlic, finely chopped` as one."""
    parts: list[str] = []
    start = 0
    for mark in SEPARATOR.finditer(line):
        if mark.start() and line[mark.start() - 1].isdigit() and line[mark.end() : mark.end() + 1].isdigit():
            continue
        head, tail = line[start : mark.start()], line[mark.end() :]
        if head.count("(") == head.count(")") and is_separate_ingredient(head, SEPARATOR.split(tail)[0], lexicon):
            parts.append(head)
            start = mark.end()
    return [*parts, line[start:]]


def is_separate_ingredient(head: str, tail: str, lexicon: Lexicon) -> bool:
    """Return True if `tail` is an ingredient of its own, not a note on `head`."""
    if not any(char.isalpha() for char in head):
        return False
    text = TokenizedText(tail, lexicon)
    amount = parse_quantity(text, 0)
    if amount and amount.amount is not None and not amount.weak and amount.end < len(text):
        first = TokenizedText(head, lexicon)
        before = parse_quantity(first, 0)
        return before is None or before.end < len(first)
    return lexicon.is_food(split_name(tail, lexicon)[0])


def parse_entry(part: str, lexicon: Lexicon) -> list[ParsedIngredient]:
    """Parse an entry with one ingredient, or with several known foods without amounts: `salt and pepper`."""
    text = TokenizedText(part, lexicon)
    if not text.tokens:
        return []
    leading = parse_quantity(text, 0)
    if leading and leading.end < len(text):
        if text.is_sign(leading.end, "%°"):
            return []
        return ingredient_with_amount(text, leading, text.text_from(leading.end))
    trailing = trailing_quantity(text)
    if trailing:
        start, amount = trailing
        return ingredient_with_amount(text, amount, text.text_between(0, start - text.is_word(start - 1, TIMES)))
    if food_parts := parse_part_of_food(text):
        return food_parts
    name, notes = split_name(part, lexicon)
    if not is_name(name, lexicon) or any(char.isdigit() for char in name):
        return []
    pieces = [piece for piece in re.split(joiner_pattern(lexicon), name) if piece]
    names = pieces if len(pieces) > 1 and all(lexicon.is_food(piece) for piece in pieces) else [name]
    has_taste = lexicon.taste.find(text.tokens) is not None
    return [
        ParsedIngredient(
            piece,
            note=", ".join(notes) or None,
            is_certain=has_taste and lexicon.is_food(piece),
            is_food=lexicon.is_food(piece),
        )
        for piece in names
    ]


def joiner_pattern(lexicon: Lexicon) -> str:
    return r"\s+(?:" + "|".join(map(re.escape, sorted(lexicon.joiners))) + r")\s+"


def ingredient_with_amount(text: TokenizedText, amount: Quantity, name_text: str) -> list[ParsedIngredient]:
    """Return the ingredient `name_text` with its amount; empty if the number counts minutes, people or the like."""
    lexicon = text.lexicon
    name, notes = split_name(name_text, lexicon)
    first = TokenizedText(name, lexicon)
    if not is_name(name, lexicon) or (amount.unit is None and first.is_word(0, lexicon.no_ingredient)):
        return []
    food = lexicon.has_food(first.tokens)
    if amount.weak and amount.unit is None and not food:
        return []
    has_amount = amount.amount is not None or amount.unit is not None
    return [
        ParsedIngredient(
            name,
            amount.amount,
            amount.amount_max,
            amount.unit,
            ", ".join([*amount.notes, *notes]) or None,
            is_certain=(amount.unit is not None and has_amount) or food,
            is_food=food,
        )
    ]


def parse_part_of_food(text: TokenizedText) -> list[ParsedIngredient]:
    """Parse `juice of 1 lemon` as one lemon with the note `juice`."""
    for at in range(2, len(text)):
        amount = parse_quantity(text, at) if text.is_word(at - 1, text.lexicon.of) else None
        if amount and amount.amount is not None and text.lexicon.is_food(text.text_from(amount.end)):
            source = replace(amount, notes=(text.text_between(0, at - 1), *amount.notes))
            return ingredient_with_amount(text, source, text.text_from(amount.end))
    return []


def trailing_quantity(text: TokenizedText) -> tuple[int, Quantity] | None:
    """Return the amount at the end of a line, and its start: `Мука – 200 г`, `Sugar (100 g)`."""
    for start in range(1, len(text)):
        amount = parse_quantity(text, start)
        if amount is None or amount.amount is None or amount.weak:
            continue
        after_mark = text.is_sign(start - 1, ":-–(=") or text.is_word(start - 1, TIMES)
        if amount.unit is None and not after_mark:
            continue
        end = amount.end
        if text.is_sign(end, ")"):
            end += 1
        if end == len(text):
            return start, amount
        if text.is_sign(end, ",(") or (text.lexicon.taste.match(text.tokens, end)):
            _, notes = split_name("x " + text.text_from(end), text.lexicon)
            return start, replace(amount, notes=(*amount.notes, *notes))
    return None


def split_name(text: str, lexicon: Lexicon) -> tuple[str, list[str]]:
    """Split a name from its notes: brackets, text after a comma, `to taste`, `for frying`, `large`."""
    brackets = [match[1].strip() for match in BRACKETS.finditer(text)]
    text = BRACKETS.sub(" ", text).strip(EDGES)
    name, *after = NOTE_MARK.split(text, maxsplit=1)
    name, taste_notes = split_taste(name, lexicon)
    name, purpose = split_purpose(name, lexicon)
    name, size = split_size(name, lexicon)
    notes = [size, *brackets, purpose, *taste_notes, *after]
    return " ".join(name.split()).strip(EDGES), [note for note in (note.strip(EDGES) for note in notes) if note]


def split_taste(name: str, lexicon: Lexicon) -> tuple[str, list[str]]:
    text = TokenizedText(name, lexicon)
    hit = lexicon.taste.find(text.tokens)
    if not hit:
        return name, []
    start, end, _ = hit
    taste_note = text.text_between(start, end)
    return text.text_between(0, start) + " " + text.text_from(end), [taste_note]


def split_purpose(name: str, lexicon: Lexicon) -> tuple[str, str]:
    text = TokenizedText(name, lexicon)
    for at in range(1, len(text)):
        if text.is_word(at, lexicon.purpose):
            return text.text_between(0, at), text.text_from(at)
    return name, ""


def split_size(name: str, lexicon: Lexicon) -> tuple[str, str]:
    text = TokenizedText(name, lexicon)
    start = 0
    while text.is_word(start, lexicon.of | lexicon.determiners) and start + 1 < len(text):
        start += 1
    end = start
    while text.is_word(end, lexicon.sizes) and end + 1 < len(text):
        end += 1
    return text.text_from(end), text.text_between(start, end)


def is_name(name: str, lexicon: Lexicon) -> bool:
    """Return True if a text can be a name: 1 to 6 words with at least two letters, and no question."""
    tokens = TokenizedText(name, lexicon).tokens
    count = sum(token.kind == "word" for token in tokens)
    letters = sum(len(token.text) for token in tokens if token.kind == "word")
    return 1 <= count <= MAX_NAME_WORDS and letters >= 2 and not name.endswith("?")


@dataclass(frozen=True)
class IngredientMention:
    """An ingredient in a sentence; `offset` is its start in the sentence, in characters."""

    parsed: ParsedIngredient
    offset: int


def find_mentions(text: TokenizedText, without_amount: bool) -> list[IngredientMention]:
    """Return the ingredients in a sentence; `without_amount` includes added foods without an amount."""
    quantified: list[IngredientMention] = []
    bare: list[IngredientMention] = []
    adds = text.lexicon.adding.find(text.tokens) is not None
    at = 0
    while at < len(text):
        amount = food_quantity(text, at)
        end = name_end(text, amount) if amount else None
        if amount and end:
            quantified.append(build_mention(text, at, amount, end))
        elif (end := foods_end(text, at)) and adds and is_added_food(text, at):
            bare.append(
                IngredientMention(ParsedIngredient(text.text_between(at, end), is_food=True), text.tokens[at].start)
            )
        at = end or at + 1
    return quantified + bare if without_amount else quantified


def build_mention(text: TokenizedText, at: int, amount: Quantity, end: int) -> IngredientMention:
    name, notes = split_name(text.text_between(amount.end, end), text.lexicon)
    parsed = ParsedIngredient(
        name,
        amount.amount,
        amount.amount_max,
        amount.unit,
        ", ".join([*amount.notes, *notes]) or None,
        is_certain=True,
        is_food=text.lexicon.has_food(text.tokens[amount.end : end]),
    )
    return IngredientMention(parsed, text.tokens[at].start)


def food_quantity(text: TokenizedText, at: int) -> Quantity | None:
    """Return the quantity at a place, unless it is a bare unit or measures time or heat."""
    amount = parse_quantity(text, at)
    if amount is None or (amount.amount is None and not amount.notes):
        return None
    if text.lexicon.minutes.match(text.tokens, amount.end) or text.is_sign(amount.end, "°%"):
        return None
    if amount.unit is None and text.is_word(amount.end, text.lexicon.degrees | text.lexicon.no_ingredient):
        return None
    return amount


def name_end(text: TokenizedText, amount: Quantity) -> int | None:
    """Return the end of the name after a quantity: after a known food, else before a word that cannot be part of it."""
    lexicon = text.lexicon
    start = amount.end
    while text.is_word(start, lexicon.determiners):
        start += 1
    end = start
    while (token := text.token_at(end)) and token.kind == "word" and end - start < MAX_WORDS_TO_FOOD:
        if food_end := foods_end(text, end):
            return food_end
        if token.folded in lexicon.stops or token.folded in lexicon.verbs:
            break
        end += 1
    if amount.amount is None or amount.unit not in MEASURES or end == start:
        return None
    if lexicon.tables.capital_nouns:
        nouns = [at for at in range(start, end) if text.tokens[at].text[0].isupper()]
        return nouns[0] + 1 if nouns else None
    return min(end, start + MAX_WORDS_UNKNOWN)


def foods_end(text: TokenizedText, at: int) -> int | None:
    """Return the end of the adjacent known foods at a place: `olive oil`."""
    end = text.lexicon.food_end(text.tokens, at)
    while end and (longer := text.lexicon.food_end(text.tokens, end)):
        end = longer
    return end


def is_added_food(text: TokenizedText, at: int) -> bool:
    """Return True if the food at a place is added, and not the food that something is added to."""
    before = at - 1
    while text.is_word(before, text.lexicon.determiners):
        before -= 1
    return not text.is_word(before, text.lexicon.stops - text.lexicon.carriers - text.lexicon.determiners)
