"""Find ingredients inside sentences: `Now add two cups of flour and a pinch of salt`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.ai.offline.recipe.ingredient import ParsedIngredient, build_ingredient
from shared.ai.offline.recipe.name import split_name
from shared.ai.offline.recipe.quantity import Quantity, parse_quantity, skip_of
from shared.ai.offline.recipe.text import TokenizedText

MAX_WORDS_TO_FOOD = 4
MAX_WORDS_UNKNOWN = 3
MEASURES = {
    "g", "kg", "mg", "ml", "cl", "dl", "l", "tsp", "tbsp", "dessertspoon", "cup", "fl oz", "oz", "lb", "pint", "quart",
    "gallon", "pinch", "knife-tip", "dash", "handful", "bunch", "clove", "can", "pack", "tub", "jar", "sprig", "bag",
}  # fmt: skip
"""Units that mostly measure food, so that an unknown word after them is an ingredient."""


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
        if amount and amount.unit and not end and (mention := food_before_amount(text, at, amount)):
            quantified.append(mention)
            at = amount.end
            continue
        if end and quantified and is_alternative(text, at):
            at = end
            continue
        if amount and end:
            quantified.append(build_mention(text, at, amount, end))
            if text.is_word(amount.end, text.lexicon.distributive):
                end = add_distributed(text, quantified, amount, end)
        elif (end := foods_end(text, at)) and adds and is_added_food(text, at):
            bare.append(
                IngredientMention(ParsedIngredient(text.text_between(at, end), is_food=True), text.tokens[at].start)
            )
        at = end or at + 1
    return quantified + bare if without_amount else quantified


def food_before_amount(text: TokenizedText, at: int, amount: Quantity) -> IngredientMention | None:
    """Return the food right before an amount that no food follows, as Russian says it: `чеснока пару зубчиков`."""
    if not text.lexicon.tables.food_first or amount.amount is None:
        return None
    start = next((start for start in range(max(0, at - 2), at) if foods_end(text, start) == at), None)
    if start is None or text.is_word(start - 1, text.lexicon.numbers):
        return None
    split = split_name(text.text_between(start, at), text.lexicon)
    parsed = build_ingredient(split, amount, text.lexicon, is_certain=True, is_food=True)
    return IngredientMention(parsed, text.tokens[start].start)


def is_alternative(text: TokenizedText, at: int) -> bool:
    """Return True for the second amount of `2 vanilla beans or 1 tbsp extract`, of which a cook takes only one."""
    return text.is_word(at - 1, text.lexicon.alternatives)


def add_distributed(text: TokenizedText, mentions: list[IngredientMention], amount: Quantity, end: int) -> int:
    """Add the further foods of `half a teaspoon each of salt and pepper`; return the index after them."""
    while text.is_word(end, text.lexicon.joiners) or text.is_sign(end, ","):
        food_end = foods_end(text, end + 1)
        if food_end is None:
            break
        mentions.append(build_mention(text, end + 1, replace(amount, end=end + 1), food_end))
        end = food_end
    return end


def build_mention(text: TokenizedText, at: int, amount: Quantity, end: int) -> IngredientMention:
    start = skip_of(text, amount.end + text.is_word(amount.end, text.lexicon.distributive))
    split = split_name(text.text_between(start, end), text.lexicon)
    is_food = text.lexicon.has_food(text.tokens[amount.end : end])
    parsed = build_ingredient(split, amount, text.lexicon, is_certain=True, is_food=is_food)
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
    start = skip_of(text, amount.end + text.is_word(amount.end, lexicon.distributive))
    while text.is_word(start, lexicon.determiners):
        start += 1
    end = start
    while (token := text.token_at(end)) and token.kind == "word" and end - start < MAX_WORDS_TO_FOOD:
        if food_end := foods_end(text, end):
            return None if amount.weak and amount.unit is None and names_dish(text, food_end) else food_end
        if text.is_per_serving(end):
            return None
        is_adjective = end == start and foods_end(text, end + 1) is not None  # `cups of warm milk`
        if token.folded in lexicon.stops or (token.folded in lexicon.verbs and not is_adjective):
            break
        end += 1
    if amount.amount is None or amount.unit not in MEASURES or end == start:
        return None
    if lexicon.tables.capital_nouns:
        nouns = [at for at in range(start, end) if text.tokens[at].text[0].isupper()]
        return nouns[0] + 1 if nouns else None
    return min(end, start + MAX_WORDS_UNKNOWN)


def names_dish(text: TokenizedText, end: int) -> bool:
    """Return True if a noun follows a food, so that both name a dish: `a quick tomato soup`."""
    lexicon, token = text.lexicon, text.token_at(end)
    if lexicon.tables.capital_nouns or lexicon.tables.food_first or token is None or token.kind != "word":
        return False
    return text.is_word(end, lexicon.dishes) or not text.is_word(
        end, lexicon.stops | lexicon.verbs | lexicon.joiners | lexicon.sequence
    )


def foods_end(text: TokenizedText, at: int) -> int | None:
    """Return the end of the adjacent known foods at a place: `olive oil`."""
    end = text.lexicon.food_end(text.tokens, at)
    if text.lexicon.tables.capital_nouns:  # German joins the nouns of one food into one word
        return end
    while end and (longer := text.lexicon.food_end(text.tokens, end)):
        end = longer
    return end


def is_added_food(text: TokenizedText, at: int) -> bool:
    """Return True if the food at a place is added, and not the food that something is added to."""
    before = at - 1
    while text.is_word(before, text.lexicon.determiners):
        before -= 1
    return not text.is_word(before, text.lexicon.stops - text.lexicon.carriers - text.lexicon.determiners)
