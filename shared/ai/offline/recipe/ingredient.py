"""Parse a line of an ingredient list, of one or more entries: `200 g flour, 2 eggs`, `2 cloves garlic, chopped`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.tables import tokenize
from shared.ai.offline.recipe.measure import PACKAGES, TIMES, measures_in_bracket
from shared.ai.offline.recipe.name import (
    SplitName,
    ends_in_taste,
    expand_note,
    is_description,
    is_name,
    is_remark,
    is_utensil,
    joiner_pattern,
    share_noun,
    split_foods,
    split_name,
)
from shared.ai.offline.recipe.quantity import Quantity, parse_quantity, skip_of
from shared.ai.offline.recipe.text import TokenizedText
from shared.analyses.recipe import Measure
from shared.analyses.units import SIZES

NEVER_FOOD = {"calories_kcal", "carbohydrates_g"}
"""Nutrients whose names are no food, unlike those of protein and fat."""
SHARED_UNITS = {"pinch", "dash"}
"""`A pinch of salt and pepper` is two ingredients, `2 tbsp butter and oil` is one amount."""


@dataclass(frozen=True)
class ParsedIngredient:
    """An ingredient as the text states it.

    Attributes:
        measures: Further measures beside the first.
        is_certain: It has a measure or is a known food, so the line cannot be of another kind.
        is_food: Its name is or contains a known food.
        is_doubtful: A number is stated, but not read.
    """

    name: str
    amount: float | None = None
    amount_max: float | None = None
    unit: str | None = None
    note: str | None = None
    measures: tuple[Measure, ...] = ()
    is_certain: bool = False
    is_food: bool = False
    is_doubtful: bool = False


def parse_entry(part: str, lexicon: Lexicon) -> list[ParsedIngredient]:
    """Parse an entry with one ingredient, or with several known foods without amounts: `salt and pepper`."""
    text = TokenizedText(part, lexicon)
    if not text.tokens or lexicon.yields.match(text.tokens, 0):
        return []
    if food_parts := parse_part_of_food(text):
        return food_parts
    leading = parse_quantity(text, 0)
    if leading and leading.end < len(text):
        if text.is_sign(leading.end, "%°"):
            return []
        return ingredient_with_amount(text, leading, text.text_from(leading.end))
    trailing = trailing_quantity(text)
    if trailing:
        start, amount = trailing
        if text.is_word(0, lexicon.no_ingredient) or states_nutrition(text, start):
            return []
        return ingredient_with_amount(text, amount, text.text_between(0, start - text.is_word(start - 1, TIMES)))
    return ingredients_without_amount(text)


def states_nutrition(text: TokenizedText, start: int) -> bool:
    """Return True for `Protein: 30 g`, whose name is otherwise a food."""
    nutrient = text.lexicon.nutrients.match(text.tokens, 0)
    return nutrient == (start - 1, "protein_g") and text.is_sign(start - 1, ":")


def ingredients_without_amount(text: TokenizedText) -> list[ParsedIngredient]:
    lexicon = text.lexicon
    split = split_name(text.text, lexicon)
    if any(char.isdigit() for char in split.name):
        return []
    has_taste = lexicon.taste.find(text.tokens) is not None
    pieces = split_foods(split.name, lexicon, has_taste) or [split]
    if not all(is_name(piece.name, lexicon) for piece in pieces) or is_utensil(text):
        return []
    shared_notes = [] if pieces == [split] else [*split.notes, *split.brackets]
    return [
        ParsedIngredient(
            piece.name,
            note=", ".join([*piece.notes, *piece.brackets, *shared_notes]) or None,
            is_certain=has_taste and (lexicon.is_food(piece.name) or ends_in_taste(text)),
            is_food=lexicon.is_food(piece.name),
        )
        for piece in pieces
    ]


def ingredient_with_amount(text: TokenizedText, amount: Quantity, name_text: str) -> list[ParsedIngredient]:
    """Return the ingredient `name_text` with its amount; empty if the number counts minutes, people or the like."""
    lexicon = text.lexicon
    split = split_name(name_text, lexicon)
    first = TokenizedText(split.name, lexicon)
    nutrient = lexicon.nutrients.match(first.tokens, 0)
    if nutrient and nutrient[0] == len(first) and nutrient[1] in NEVER_FOOD:
        return []
    is_other = first.is_word(0, lexicon.no_ingredient) and not lexicon.food_end(first.tokens, 0)
    is_counted = amount.unit is None and is_other
    is_counted = is_counted or any(first.is_per_serving(at) for at in range(len(first)))
    if not is_name(split.name, lexicon) or is_counted or first.is_word(0, lexicon.serving_words):
        return []
    food = lexicon.has_food(first.tokens)
    if amount.weak and amount.unit is None and not food:
        return []
    has_amount = amount.amount is not None or amount.unit is not None
    is_certain = (amount.unit is not None and has_amount) or food
    is_shared = amount.unit in SHARED_UNITS or (amount.amount is None and amount.unit is None)
    pieces = split_foods(split.name, lexicon) if is_shared else []
    if pieces:
        notes = ", ".join(split.notes) or None
        others = [ParsedIngredient(piece.name, note=notes, is_certain=True, is_food=True) for piece in pieces[1:]]
        return [build_ingredient(pieces[0], amount, lexicon, is_certain, food), *others]
    return [build_ingredient(split, amount, lexicon, is_certain, food)]


def build_ingredient(
    split: SplitName, amount: Quantity, lexicon: Lexicon, is_certain: bool, is_food: bool
) -> ParsedIngredient:
    """Return an ingredient; a bracket after its name is a further measure, or else a note."""
    measures = [*amount.measures, *split.added]
    notes = [*(expand_note(note, lexicon) for note in amount.notes), *split.notes]
    for bracket in split.brackets:
        further = bracket_measures(bracket, amount, lexicon)
        measures += further
        notes += [] if further else [bracket]
    return ParsedIngredient(
        split.name,
        amount.amount,
        amount.amount_max,
        amount.unit,
        ", ".join(notes) or None,
        tuple(measures),
        is_certain,
        is_food,
        amount.is_doubtful,
    )


def bracket_measures(bracket: str, amount: Quantity, lexicon: Lexicon) -> list[Measure]:
    if amount.amount is None or amount.unit in PACKAGES:
        return []
    main = Measure(amount=amount.amount, unit=amount.unit, relation="same")
    return measures_in_bracket(bracket, lexicon, main)


def parse_part_of_food(text: TokenizedText) -> list[ParsedIngredient]:
    """Parse `juice of 1 lemon` as one lemon with the note `juice`."""
    lexicon = text.lexicon
    before = lexicon.preparation.match(text.text)
    end = 0
    at = next((at for at, token in enumerate(text.tokens) if token.start >= before.end()), 0) if before else 0
    while hit := lexicon.parts.match(text.tokens, at):
        end = hit[0]
        at = end + 1 if text.is_word(end, lexicon.joiners) else end
    start = end
    while end and text.is_word(start, lexicon.sources):
        start += 1
    amount = parse_quantity(text, start) if end else None
    if amount is None or amount.amount is None or not lexicon.has_food(text.tokens[amount.end :]):
        return []
    source = replace(amount, notes=(text.text_between(0, end), *amount.notes))
    return ingredient_with_amount(text, source, text.text_from(amount.end))


def trailing_quantity(text: TokenizedText) -> tuple[int, Quantity] | None:
    """Return the amount at the end of a line, and its start: `Мука – 200 г`, `Sugar (100 g)`, `Onion (1 large)`."""
    lexicon = text.lexicon
    for start in range(1, len(text)):
        amount = parse_quantity(text, start)
        if amount is None or amount.amount is None or amount.weak:
            continue
        size = text.size_at(amount.end)
        after_mark = text.is_sign(start - 1, ":-–(=," if size else ":-–(=") or text.is_word(start - 1, TIMES)
        is_length = SIZES.get(amount.unit or "", ("", 0))[0] == "length"
        if (amount.unit is None and not after_mark) or (is_length and not lexicon.has_food(text.tokens[:start])):
            continue
        end = amount.end
        if size:
            end, amount = size[0], replace(amount, notes=(*amount.notes, size[1]))
        if text.is_sign(end, ")"):
            end += 1
        if end == len(text):
            return start, amount
        is_remark = text.is_sign(start - 1, ":-–=") and amount.unit and not lexicon.has_food(text.tokens[end:])
        if text.is_sign(end, ",(+") or lexicon.taste.match(text.tokens, end) or is_remark:
            rest = split_name("x " + text.text_from(end), lexicon)
            added = build_ingredient(rest, amount, lexicon, is_certain=True, is_food=True)
            return start, replace(amount, notes=(added.note,) if added.note else (), measures=added.measures)
    return None


SEPARATOR = re.compile(r"\s*[,;•|]\s*|\s+[+&/]\s+")
ENDINGS = re.compile(r"(?<=[^\W\d_])(?:\((?:n|en|er|e|s|es|nen)\)|/-?(?:n|en|er|e|s|es|nen)(?![^\W_]))")
"""Endings for more than one: `Zwiebel(n)`, `Dose/n`, `egg(s)`."""
SIZE_IN_WORD = re.compile(r"(\d)\s?-\s?(g|kg|ml|cl|l)-(?=[A-ZÄÖÜ])")
"""`400-g-Dose`."""
LEADER = re.compile(r"\s*(?:\.{2,}|…|_{2,})\s*(?=\d)")
"""Dots between a name and its amount."""
LABEL = re.compile(r"^[^\d:]{2,30}:\s+(?=\S)")


def parse_ingredients(line: str, lexicon: Lexicon) -> list[ParsedIngredient]:
    """Return the ingredients of a line; empty if it cannot be a line of an ingredient list."""
    line = simplify_line(line, lexicon)
    return parse_labelled(line, lexicon) or parse_enumeration(line, lexicon)


def parse_labelled(line: str, lexicon: Lexicon) -> list[ParsedIngredient]:
    """Return the ingredients after a label, as in `Toppings: avocado, lime`; empty for `Flour: 200 g, sugar: 100 g`."""
    label = LABEL.match(line)
    if label is None:
        return []
    ingredients = parse_enumeration(line[label.end() :], lexicon)
    if lexicon.taste.match(tokenize(label[0]), 0):
        note = label[0].strip(" :").casefold()
        ingredients = [replace(parsed, note=", ".join(filter(None, (note, parsed.note)))) for parsed in ingredients]
    is_whole = len(ingredients) >= len(split_enumeration(line[label.end() :], lexicon))
    may_be_food = lexicon.has_food(tokenize(label[0])) and len(ingredients) < 2
    return ingredients if is_whole and not may_be_food and all(parsed.is_food for parsed in ingredients) else []


def simplify_line(line: str, lexicon: Lexicon) -> str:
    """Return a line with round brackets, without shorthand, bracketed endings, hyphens in sizes and leader dots."""
    line = ENDINGS.sub("", line.replace("[", "(").replace("]", ")"))
    if prefix := lexicon.tables.half_prefix:  # `пол-лимона`
        line = re.sub(rf"(?<!\w){prefix}-(?=\w)", f"{prefix} ", line, flags=re.IGNORECASE)
    for short, long in lexicon.tables.shorthand.items():
        line = re.sub(rf"(?<!\w){re.escape(short)}(?!\w)", long, line)
    return LEADER.sub(" – ", SIZE_IN_WORD.sub(r"\1 \2 ", line))


def parse_enumeration(line: str, lexicon: Lexicon) -> list[ParsedIngredient]:
    if distributed := parse_distributed(line, lexicon):
        return distributed
    entries = [parse_entry(part, lexicon) for part in split_enumeration(line, lexicon)]
    if not entries[0] and any(token.folded in lexicon.verbs for token in tokenize(line)[:1]):
        return []
    ingredients = [parsed for entry in entries for parsed in entry]
    return distribute_last(apply_taste_note(ingredients, lexicon), line, lexicon)


def distribute_last(ingredients: list[ParsedIngredient], line: str, lexicon: Lexicon) -> list[ParsedIngredient]:
    """Give all the amount after the last, if it ends in `each`: `Onion powder, paprika — 1 tsp each`."""
    last = tokenize(line)[-1:]
    if len(ingredients) < 2 or not last or last[0].folded not in lexicon.distributive:
        return ingredients
    shared = ingredients[-1]
    is_open = all(parsed.is_food and parsed.amount is None for parsed in ingredients[:-1])
    if shared.amount is None or not is_open:
        return ingredients
    return [replace(parsed, amount=shared.amount, unit=shared.unit, is_certain=True) for parsed in ingredients]


def parse_distributed(line: str, lexicon: Lexicon) -> list[ParsedIngredient]:
    """Return the ingredients that share an amount: `1 tsp each salt and pepper`, `je 1 TL Zimt und Ingwer`."""
    text = TokenizedText(line, lexicon)
    opens = text.is_word(0, lexicon.distributive)
    quantity = parse_quantity(text, int(opens))
    if quantity is None or quantity.amount is None or not (opens or text.is_word(quantity.end, lexicon.distributive)):
        return []
    rest = text.text_from(quantity.end if opens else skip_of(text, quantity.end + 1))
    pieces = [piece for piece in re.split(rf"\s*,\s*|\s+(?:{joiner_pattern(lexicon)})\.?\s+", rest) if piece]
    names = [split_name(piece, lexicon) for piece in share_noun(pieces, lexicon)]
    if len(names) < 2 or not all(lexicon.is_food(split.name) for split in names):
        return []
    return [build_ingredient(split, quantity, lexicon, is_certain=True, is_food=True) for split in names]


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
    for mark in re.finditer(rf"{SEPARATOR.pattern}|\s+(?:{joiner_pattern(lexicon)})\s+", line):
        if mark.start() and line[mark.start() - 1].isdigit() and line[mark.end() : mark.end() + 1].isdigit():
            continue
        head, tail = line[start : mark.start()], SEPARATOR.split(line[mark.end() :])[0]
        needs_amount = mark[0].strip() == "/" or mark[0].strip().isalpha()
        if mark[0].strip().isalpha() and has_alternative_amount(head, lexicon):
            continue
        if head.count("(") == head.count(")") and is_separate_ingredient(head, tail, lexicon, needs_amount):
            parts.append(head)
            start = mark.end()
    return [*parts, line[start:]]


def has_alternative_amount(head: str, lexicon: Lexicon) -> bool:
    """Return True if an alternative with an amount goes on: `soy sauce, or ½ cup tamari` before `and 2 tbsp water`."""
    text = TokenizedText(head, lexicon)
    places = (at + 1 for at in range(len(text)) if text.is_word(at, lexicon.alternatives))
    return any((amount := parse_quantity(text, at)) and amount.unit for at in places)


def is_separate_ingredient(head: str, tail: str, lexicon: Lexicon, needs_amount: bool) -> bool:
    """Return True if `tail` is an ingredient of its own, not a note on `head`.

    `needs_amount`: after `/` or `and`, which also stand between words of one name.
    """
    first, text = TokenizedText(head, lexicon), TokenizedText(tail, lexicon)
    before, amount = parse_quantity(first, 0), parse_quantity(text, 0)
    has_name = any(char.isalpha() for char in head) and not (before and before.end == len(first))
    extra = lexicon.extra.match(text.tokens, 0)
    if text.is_word(0, lexicon.alternatives) or (needs_amount and not parse_entry(head, lexicon)):
        return False
    if not has_name or (extra and not lexicon.has_food(text.tokens[extra[0] :])):
        return False
    if lexicon.parts.match(text.tokens, 0) and lexicon.parts.match(first.tokens, 0) == (len(first), True):
        return False
    if amount and (size := text.size_at(amount.end)) and size[0] == len(text):
        return False
    if before and (size := first.size_at(before.end)) and size[0] == len(first):
        return False
    if is_remark(first, before, text, amount):
        return False
    if amount and amount.amount is not None and not amount.weak and amount.end < len(text):
        return True
    if needs_amount and trailing_quantity(first):
        return trailing_quantity(text) is not None
    if before and is_description(first.text_from(before.end), tail, lexicon):
        return False
    return not needs_amount and lexicon.is_food(split_name(tail, lexicon).name)
