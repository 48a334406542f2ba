"""Split the name of an ingredient from its notes: `garlic, finely chopped`, `Salz n. B.`, `яйца категории С1`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.tables import tokenize
from shared.ai.offline.recipe.measure import parse_measure
from shared.ai.offline.recipe.quantity import Quantity
from shared.ai.offline.recipe.text import TokenizedText
from shared.analyses.recipe import Measure

MAX_NAME_WORDS = 6
MAX_DESCRIPTION_WORDS = 2
MAX_UNKNOWN_WORDS = 2
NOTE_MARK = re.compile(r",(?!\d)\s*|\s*;\s*|\s+[-–|=]\s+")
BRACKETS = re.compile(r"\(([^()]*)(?:\)|$)")
EDGES = " .,:;!*-–=_/|+•'\""


@dataclass
class SplitName:
    """A name and what was split from it. `brackets`: contents of the brackets after it, which may be measures."""

    name: str
    notes: list[str] = field(default_factory=list)
    brackets: list[str] = field(default_factory=list)
    added: list[Measure] = field(default_factory=list)


def split_name(text: str, lexicon: Lexicon) -> SplitName:
    """Split a name from brackets, text after a comma, `to taste`, `for frying`, `large`, `+ 1 tbsp` and the like."""
    brackets = [(match.start(), match[1].strip()) for match in BRACKETS.finditer(text)]
    leading = len(text) - len(text.lstrip(EDGES))
    before = [content for start, content in brackets if start <= leading]
    after = [content for start, content in brackets if start > leading]
    plain = BRACKETS.sub(" ", text).strip(EDGES)
    name, *tail = NOTE_MARK.split(plain, maxsplit=1)
    if tail and is_description(name, tail[0], lexicon):
        name, tail = plain, []
    name, plus, added = split_plus(name, lexicon)
    name, piece = split_per_piece(name, lexicon)
    name, taste = split_taste(name, lexicon)
    name, purpose = split_purpose(name, lexicon)
    name, alternative = split_alternative(name, lexicon)
    name, postposed = split_postposed(name, lexicon)
    name, size = split_size(name, lexicon)
    name, grade = split_grade(name, lexicon)
    name, preparation = split_preparation(name, lexicon)
    notes = [size, preparation, postposed, *before, grade, purpose, taste, piece, plus, alternative, *tail]
    return SplitName(
        " ".join(name.split()).strip(EDGES), clean_notes(notes, lexicon), clean_notes(after, lexicon), added
    )


def is_description(head: str, tail: str, lexicon: Lexicon) -> bool:
    """Return True if the words before a comma describe the food after it: `boneless, skinless chicken`."""
    tokens = TokenizedText(head, lexicon).tokens
    is_noun = lexicon.tables.capital_nouns and any(token.text[0].isupper() for token in tokens)
    if is_noun or not 1 <= len(tokens) <= MAX_DESCRIPTION_WORDS or lexicon.has_food(tokens):
        return False
    return lexicon.is_food(tail)


def clean_notes(notes: list[str], lexicon: Lexicon) -> list[str]:
    """Drop empty notes and write out abbreviations."""
    return [expand_note(note, lexicon) for note in (note.strip(EDGES) for note in notes) if note]


def expand_note(note: str, lexicon: Lexicon) -> str:
    """Write out a note that is an abbreviation: `groß` for `gr.`, `nach Belieben` for `n. B.`"""
    text = TokenizedText(note, lexicon)
    hit = lexicon.long_forms.match(text.tokens, 0)
    return hit[1] if hit and text.skip_dot(hit[0]) == len(text) else note


def split_plus(name: str, lexicon: Lexicon) -> tuple[str, str, list[Measure]]:
    """Split off what is added: the measure of `butter + 1 tbsp`, the note `plus extra for dusting`."""
    text = TokenizedText(name, lexicon)
    for at in range(1, len(text) - 1):
        is_plus = text.is_sign(at, "+") or text.is_word(at, lexicon.plus)
        if not is_plus and not text.is_word(at, lexicon.joiners):
            continue
        measure = parse_measure(text, at + 1, "plus")
        if measure and measure[1] == len(text):
            return text.text_between(0, at), "", [measure[0]]
        rest = text.text_from(at + 1)
        if text.phrase_at(at + 1, lexicon.extra) and (is_plus or has_purpose(text, at + 1)):
            return text.text_between(0, at), f"{lexicon.tables.plus_word} {rest}", []
        if text.is_sign(at, "+"):
            return text.text_between(0, at), f"{lexicon.tables.plus_word} {rest}", []
    return name, "", []


def has_purpose(text: TokenizedText, start: int) -> bool:
    return any(text.is_word(at, text.lexicon.purpose) for at in range(start, len(text)))


def split_per_piece(name: str, lexicon: Lexicon) -> tuple[str, str]:
    """Split off the size of each piece: `Thunfisch à 150 g`."""
    text = TokenizedText(name, lexicon)
    for at in range(1, len(text) - 1):
        about = text.phrase_at(at, lexicon.approximately)  # `Süßkartoffel ca. 200 g`
        end = about[0] if about else at + 1
        measure = parse_measure(text, end, "same") if about or text.is_word(at, lexicon.per_piece) else None
        if measure and (not about or measure[1] == len(text)):
            return text.text_between(0, at), text.text_from(at)
    return name, ""


def split_taste(name: str, lexicon: Lexicon) -> tuple[str, str]:
    text = TokenizedText(name, lexicon)
    hit = lexicon.taste.find(text.tokens)
    if not hit:
        return name, ""
    start, end, _ = hit
    return text.text_between(0, start) + " " + text.text_from(text.skip_dot(end)), text.text_between(start, end)


def split_purpose(name: str, lexicon: Lexicon) -> tuple[str, str]:
    text = TokenizedText(name, lexicon)
    for at in range(1, len(text)):
        is_infinitive = text.is_word(at, lexicon.infinitive) and text.is_word(at + 1, lexicon.verbs)
        is_purpose = text.is_word(at, lexicon.purpose) or (is_infinitive and lexicon.has_food(text.tokens[:at]))
        if is_purpose or lexicon.note_openers.match(text.tokens, at):
            return text.text_between(0, at), text.text_from(at)
    return name, ""


def split_alternative(name: str, lexicon: Lexicon) -> tuple[str, str]:
    """Split off an alternative that has an amount of its own, or makes the name too long: `yeast or 5 g dried`."""
    text = TokenizedText(name, lexicon)
    at = next((at for at in range(1, len(text)) if text.is_word(at, lexicon.alternatives)), len(text))
    has_amount = parse_measure(text, at + 1, "same") is not None
    if sum(token.kind == "word" for token in text.tokens) <= MAX_NAME_WORDS and not has_amount:
        return name, ""
    return text.text_between(0, at), text.text_from(at)


def split_postposed(name: str, lexicon: Lexicon) -> tuple[str, str]:
    """Split off words after a known food that state how it is prepared: `garlic minced`, `butter melted`."""
    match = lexicon.postposed.search(name)
    head = name[: match.start()].rstrip() if match else ""
    before = TokenizedText(head, lexicon)
    last = len(before) - 1
    ends_in_food = any(lexicon.food_end(before.tokens, at) == last + 1 for at in range(last + 1))
    ends_in_food = ends_in_food or (lexicon.has_food(before.tokens) and before.unit_at(last) is not None)
    return (head, name[len(head) :].strip()) if ends_in_food else (name, "")


def split_size(name: str, lexicon: Lexicon) -> tuple[str, str]:
    text = TokenizedText(name, lexicon)
    start = 0
    while text.is_word(start, lexicon.of | lexicon.determiners) and start + 1 < len(text):
        if lexicon.foods.match(text.tokens, start):
            break
        start += 1
    end = start
    while (hit := text.size_at(end)) and hit[0] < len(text):
        end = hit[0]
    return text.text_from(end), text.text_between(start, end)


def split_grade(name: str, lexicon: Lexicon) -> tuple[str, str]:
    """Split off the class of eggs and the like at the end: `Eier Gr. M`, `яйцо С1`."""
    match = lexicon.grade.search(name)
    return (name[: match.start()], match[0]) if match else (name, "")


def split_preparation(name: str, lexicon: Lexicon) -> tuple[str, str]:
    """Split off words before the name that state how it is prepared: `freshly ground`."""
    match = lexicon.preparation.match(name)
    return (name[match.end() :], match[0]) if match else (name, "")


def is_name(name: str, lexicon: Lexicon) -> bool:
    """Return True if a text can be a name: 1 to 6 words with at least two letters, and no question."""
    tokens = TokenizedText(name, lexicon).tokens
    count = sum(token.kind == "word" for token in tokens)
    letters = sum(len(token.text) for token in tokens if token.kind == "word")
    return 1 <= count <= MAX_NAME_WORDS and letters >= 2 and not name.endswith("?")


def split_foods(name: str, lexicon: Lexicon, has_taste: bool = False) -> list[SplitName]:
    """Return the foods of `salt and freshly ground pepper`; empty if it is one food, or not all are known.

    A slash separates only foods to taste (`salt/pepper`); else it separates alternatives.
    """
    separator = rf"\s+(?:{joiner_pattern(lexicon)})\.?\s+" + (r"|\s*/\s*" if has_taste else "")
    pieces = [split_name(piece, lexicon) for piece in re.split(separator, name) if piece]
    if len(pieces) < 2 or lexicon.foods.match(tokenize(name), 0) == (len(tokenize(name)), True):
        return []
    return pieces if all(lexicon.is_food(piece.name) for piece in pieces) else []


def joiner_pattern(lexicon: Lexicon) -> str:
    """Return a pattern of the words that join two ingredients, or two words of one."""
    return "|".join(map(re.escape, sorted(lexicon.joiners | lexicon.plus)))


def share_noun(pieces: list[str], lexicon: Lexicon) -> list[str]:
    """Return pieces with the noun that only the last has: `rote Paprika` for the first of `rote und gelbe Paprika`."""
    words = pieces[-1].split() if pieces else []
    if len(words) != 2 or not lexicon.is_food(pieces[-1]):
        return pieces
    return [
        *(piece if " " in piece or lexicon.is_food(piece) else f"{piece} {words[1]}" for piece in pieces[:-1]),
        pieces[-1],
    ]


def is_utensil(text: TokenizedText) -> bool:
    """Return True for `Parchment paper` and `Auflaufform (26 cm)`, which lists of ingredients name too."""
    return text.lexicon.utensils.find(text.tokens) is not None and not text.lexicon.has_food(text.tokens)


def ends_in_taste(text: TokenizedText) -> bool:
    """Return True for `Sweetener to taste`, which is an ingredient although its food is unknown."""
    at, end, _ = text.lexicon.taste.find(text.tokens) or (0, 0, True)
    is_short = 0 < at <= MAX_UNKNOWN_WORDS and end == len(text)
    return is_short and not any(token.folded in text.lexicon.verbs | text.lexicon.stops for token in text.tokens[:at])


def is_remark(head: TokenizedText, before: Quantity | None, tail: TokenizedText, amount: Quantity | None) -> bool:
    """Return True for the tail of `2 fillets, 6 oz each`, `1 cup butter, 2 sticks softened` and `oil, vegetable`."""
    lexicon = tail.lexicon
    start = amount.end if amount else 0
    token = tail.token_at(start)
    if lexicon.note_openers.match(tail.tokens, 0) or tail.is_sign(start, '"'):
        return True
    if before is None or before.amount is None or token is None:
        return False
    ending = lexicon.tables.participle
    is_participle = bool(ending) and token.folded.endswith(ending) and not lexicon.food_end(tail.tokens, start)
    is_remark_of_amount = is_participle or tail.is_word(start, lexicon.distributive | lexicon.per_piece)
    if amount:
        return amount.amount is not None and is_remark_of_amount
    return len(tail) == 1 and lexicon.stem(token.folded) in lexicon.generic_foods
