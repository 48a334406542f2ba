"""Parse the ingredients of a line in a list: `200 g flour, 2 eggs`, `1 tsp each salt and pepper`, `Toppings: lime`."""

from __future__ import annotations

import re
from dataclasses import replace

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.tokens import tokenize
from shared.ai.offline.recipe.entry import (
    ParsedIngredient,
    build_ingredient,
    joiner_pattern,
    parse_entry,
    trailing_quantity,
)
from shared.ai.offline.recipe.name import is_description, split_name
from shared.ai.offline.recipe.quantity import parse_quantity, skip_of
from shared.ai.offline.recipe.text import TokenizedText

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
    line = simplify_line(line)
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


def simplify_line(line: str) -> str:
    """Return a line with one form of brackets and without endings in brackets, hyphens in sizes and leader dots."""
    line = ENDINGS.sub("", line.replace("[", "(").replace("]", ")"))
    return LEADER.sub(" – ", SIZE_IN_WORD.sub(r"\1 \2 ", line))


def parse_enumeration(line: str, lexicon: Lexicon) -> list[ParsedIngredient]:
    if distributed := parse_distributed(line, lexicon):
        return distributed
    entries = [parse_entry(part, lexicon) for part in split_enumeration(line, lexicon)]
    if not entries[0] and any(token.folded in lexicon.verbs for token in tokenize(line)[:1]):
        return []
    ingredients = [parsed for entry in entries for parsed in entry]
    return apply_taste_note(ingredients, lexicon)


def parse_distributed(line: str, lexicon: Lexicon) -> list[ParsedIngredient]:
    """Return the ingredients that share an amount: `1 tsp each salt and pepper`, `je 1 TL Zimt und Ingwer`."""
    text = TokenizedText(line, lexicon)
    opens = text.is_word(0, lexicon.distributive)
    quantity = parse_quantity(text, int(opens))
    if quantity is None or quantity.amount is None or not (opens or text.is_word(quantity.end, lexicon.distributive)):
        return []
    rest = text.text_from(quantity.end if opens else skip_of(text, quantity.end + 1))
    pieces = [piece for piece in re.split(rf"\s*,\s*|\s+(?:{joiner_pattern(lexicon)})\.?\s+", rest) if piece]
    names = [split_name(piece, lexicon) for piece in pieces]
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
        if head.count("(") == head.count(")") and is_separate_ingredient(head, tail, lexicon, needs_amount):
            parts.append(head)
            start = mark.end()
    return [*parts, line[start:]]


def is_separate_ingredient(head: str, tail: str, lexicon: Lexicon, needs_amount: bool) -> bool:
    """Return True if `tail` is an ingredient of its own, not a note on `head`.

    `needs_amount`: after `/` or `and`, which also stand between words of one name.
    """
    first, text = TokenizedText(head, lexicon), TokenizedText(tail, lexicon)
    before, amount = parse_quantity(first, 0), parse_quantity(text, 0)
    has_name = any(char.isalpha() for char in head) and not (before and before.end == len(first))
    extra = lexicon.extra.match(text.tokens, 0)
    if needs_amount and not parse_entry(head, lexicon):
        return False
    if not has_name or (extra and not lexicon.has_food(text.tokens[extra[0] :])):
        return False
    if lexicon.parts.match(text.tokens, 0) and lexicon.parts.match(first.tokens, 0) == (len(first), True):
        return False
    if amount and (size := text.size_at(amount.end)) and size[0] == len(text):
        return False
    if amount and amount.amount is not None and not amount.weak and amount.end < len(text):
        return True
    if needs_amount and trailing_quantity(first):
        return trailing_quantity(text) is not None
    if before and is_description(first.text_from(before.end), tail, lexicon):
        return False
    return not needs_amount and lexicon.is_food(split_name(tail, lexicon).name)
