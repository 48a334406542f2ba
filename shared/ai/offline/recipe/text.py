"""Prepare OCR and typed text for parsing: normalize signs, repair OCR errors, and access tokens by position."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.tables import PhraseTable, TextToken, fold, tokenize
from shared.ai.offline.language.units import VOWELS

SIGNS = str.maketrans(
    {
        "℃": "°C", "℉": "°F", "º": "°", "˚": "°", "⁄": "/", "∕": "/", "×": "x", "‐": "-", "‑": "-", "‒": "–",
        "—": "–", "−": "-", "’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "：": ":",
        "，": ", ", "（": "(", "）": ")", "；": ";", "！": "!", "？": "?", "。": ".", "～": "~", "／": "/",
        "＋": "+", "％": "%", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u200b": "", "\ufeff": "",
        "\ufe0f": "", "\u200d": "",
    }
)  # fmt: skip
BULLET = re.compile(r"^(?:[-–•·*●○◦\u25A0-\u25FF☐✓✔✅➤►▶→>+|]|[\U0001F000-\U0001FAFF☀-➿⬀-⯿])+\s*|^[a-hа-з]\)\s+")
BETWEEN = re.compile(r"[\U0001F000-\U0001FAFF☀-➿⬀-⯿]+\s*(?=[\d½¼¾⅓⅔#]|[^\W\d_a-zа-яёäöüß])")
EMOJI = re.compile(r"[\U0001F000-\U0001FAFF☀-➿⬀-⯿]+")
DOUBLE_DEGREE = re.compile(r"°\s*°")
ZERO = re.compile(r"(?<![^\W_])\d[\dOoОо]*(?=\s?(?:g|kg|ml|cl|l|min|г|кг|мл|мин|°)(?![^\W_]))|(?<=\d)[OoОо](?=\d)")
MILLILITRES = re.compile(r"(?<=\d)(\s?)m[I1|](?![^\W_])")
LITRE = re.compile(r"^(\d[\d.,/]*|[½¼¾]) ?I(?= )")
ELL_IN_WORD = re.compile(r"(?<=[a-zäöüß])I(?=[a-zäöüß]|\b)")
GLUED_UNIT = re.compile(r"(?<=\d)\s?(g|kg|ml|cl|l|EL|TL)(?=[A-ZÄÖÜ][a-zäöüß])")
SPOON = re.compile(r"(?<=[\d½¼¾] )EI(?= [A-ZÄÖÜ])")
WORD = re.compile(r"[^\W_]+")
LENGTHS = {"inch", "cm", "mm"}
MAX_LETTER_UNITS = 12
"""More of a unit of one letter is something else: `350 C`."""


def normalize_text(text: str) -> str:
    """Normalize signs and spaces; remove a leading bullet and emoji.

    Emoji before an amount or a capital letter separate entries: they become bullets.
    """
    text = unicodedata.normalize("NFC", text).translate(SIGNS)
    text = DOUBLE_DEGREE.sub("°", text)
    text = BETWEEN.sub(" • ", BULLET.sub("", text.strip()))
    text = EMOJI.sub(" ", text)
    return BULLET.sub("", " ".join(text.split()))


def repair_ocr(text: str, lexicon: Lexicon) -> str:
    """Repair unambiguous OCR errors: `25O g`, `MehI`, `5 mI`, `200gMehl`."""
    text = ZERO.sub(lambda match: re.sub("[OoОо]", "0", match[0]), text)
    text = MILLILITRES.sub(r"\1ml", text)
    text = LITRE.sub(r"\1 l", text)
    text = ELL_IN_WORD.sub("l", text)
    text = SPOON.sub("EL", text)
    text = GLUED_UNIT.sub(r" \1 ", text)
    repairs = lexicon.tables.repairs
    return WORD.sub(lambda match: repairs.get(match[0], match[0]), text) if repairs else text


def split_hyphens(token: TextToken, lexicon: Lexicon) -> list[TextToken]:
    """Split number words with hyphens, `two-thirds` or `два-три`, and `inch-thick`, into their parts and signs."""
    parts = token.folded.split("-")
    if len(parts) > 1 and parts[0] in LENGTHS:
        return split_parts(token)
    numbers = sum(part in lexicon.numbers for part in parts)
    others = lexicon.joiners | lexicon.articles
    if len(parts) == 1 or not numbers or any(part not in lexicon.numbers and part not in others for part in parts):
        return [token]
    return [token] if lexicon.foods.match([token], 0) else split_parts(token)


def split_parts(token: TextToken) -> list[TextToken]:
    return [
        TextToken(
            match[0], fold(match[0]), "sign" if match[0] == "-" else "word", *(token.start + at for at in match.span())
        )
        for match in re.finditer(r"-|[^-]+", token.text)
    ]


@dataclass(frozen=True)
class Unit:
    """A unit in a text; `factor` converts the form to it (a German Pfund is 500 g)."""

    name: str
    factor: float
    end: int


class TokenizedText:
    """The tokens of a text in a language. Places are token indexes; `end` is the index after the last token."""

    def __init__(self, text: str, lexicon: Lexicon) -> None:
        self.text = text
        self.lexicon = lexicon
        self.tokens = [part for token in tokenize(text) for part in split_hyphens(token, lexicon)]

    def __len__(self) -> int:
        return len(self.tokens)

    def token_at(self, at: int) -> TextToken | None:
        return self.tokens[at] if 0 <= at < len(self.tokens) else None

    def is_sign(self, at: int, signs: Collection[str]) -> bool:
        token = self.token_at(at)
        return token is not None and token.text in signs

    def is_word(self, at: int, among: Collection[str]) -> bool:
        token = self.token_at(at)
        return token is not None and token.folded in among

    def is_per_serving(self, at: int) -> bool:
        return self.is_word(at, self.lexicon.per) and self.is_word(at + 1, self.lexicon.serving_words)

    def value_of_word(self, at: int) -> float | None:
        """Return the value of a number word."""
        token = self.token_at(at)
        return self.lexicon.numbers.get(token.folded) if token else None

    def skip_dot(self, end: int) -> int:
        return end + 1 if self.is_sign(end, ".") else end

    def phrase_at(self, at: int, table: PhraseTable[bool]) -> tuple[int, str] | None:
        """Return the end (after an optional dot) and the text of the phrase of `table` at a place."""
        hit = table.match(self.tokens, at)
        if not hit:
            return None
        end = self.skip_dot(hit[0])
        return end, self.text_between(at, end)

    def size_at(self, at: int) -> tuple[int, str] | None:
        """Return the end and the text of a size such as `large` or `gr.`, which may also be a unit.

        What is a unit too counts as a size with a dot, after a small number, before a food that is not weighed.
        """
        hit = self.phrase_at(at, self.lexicon.sizes)
        if hit is None or not self.lexicon.units.match(self.tokens, at):
            return hit
        end, before = hit[0], self.token_at(at - 1)
        is_small = before is None or before.kind != "number" or len(before.text) == 1
        is_size = self.is_sign(end - 1, ".") and is_small and end < len(self)
        return hit if is_size and not self.lexicon.is_weighed(self.tokens, end) else None

    def unit_at(self, at: int) -> Unit | None:
        """Return the unit at a place, with its dot."""
        if name := self.letter_unit(at):
            return Unit(name, 1, self.skip_dot(at + 1))
        if scaled := self.lexicon.scaled_units.match(self.tokens, at):
            end, (factor, name) = scaled
            return Unit(name, factor, self.skip_dot(end))
        if match := self.lexicon.units.match(self.tokens, at) or self.lexicon.unit_forms.match(self.tokens, at):
            end, name = match
            return Unit(name, 1, self.skip_dot(end))
        if self.is_consonants_after_number(at) and (name := self.lexicon.unit_forms.abbreviation(self.tokens[at])):
            return Unit(name, 1, at + 1)
        if self.is_abbreviation_after_number(at) and (name := self.lexicon.unit_forms.abbreviation(self.tokens[at])):
            return Unit(name, 1, at + 2)
        return None

    def is_abbreviation_after_number(self, at: int) -> bool:
        """Return True for a word with a dot, no size, between a number and a further word: `1 Bech. Schmand`."""
        following = self.token_at(at + 2)
        if following is None or not (self.is_counted(at) and self.is_sign(at + 1, ".")):
            return False
        is_other = self.lexicon.minutes.match(self.tokens, at) or self.size_at(at)
        return following.kind == "word" and not is_other

    def is_consonants_after_number(self, at: int) -> bool:
        """Return True for consonants alone between a number and a further word: `1 pkt yeast`."""
        following = self.token_at(at + 1)
        if following is None or following.kind != "word" or not self.is_counted(at) or self.size_at(at):
            return False
        token = self.tokens[at]
        return token.text.islower() and len(token.text) > 2 and not set(token.folded) & set(VOWELS)

    def is_counted(self, at: int) -> bool:
        """Return True for a word right after a number."""
        token, before = self.token_at(at), self.token_at(at - 1)
        if token is None or before is None or token.kind != "word":
            return False
        return before.kind in ("number", "fraction") or before.folded in self.lexicon.numbers

    def letter_unit(self, at: int) -> str | None:
        """Return the unit of one letter, in which case matters: the tablespoons of `2 T`, the teaspoons of `2 t`."""
        token, before = self.token_at(at), self.token_at(at - 1)
        name = self.lexicon.tables.letter_units.get(token.text) if token else None
        if name is None or before is None or before.kind not in ("number", "fraction"):
            return None
        is_small = before.kind == "fraction" or float(before.text.replace(",", ".")) <= MAX_LETTER_UNITS
        return name if is_small and not self.is_sign(at + 1, "'") else None

    def text_between(self, start: int, end: int) -> str:
        """Return the text from token `start` to before token `end`."""
        return self.text[self.tokens[start].start : self.tokens[end - 1].end] if start < end else ""

    def text_from(self, start: int) -> str:
        return self.text[self.tokens[start].start :] if start < len(self.tokens) else ""

    def bracket_at(self, at: int) -> tuple[int, str] | None:
        """Return the end and the content of the brackets that open at a place."""
        if not self.is_sign(at, "("):
            return None
        for end in range(at + 1, len(self.tokens)):
            if self.tokens[end].text == ")":
                return (end + 1, self.text_between(at + 1, end)) if end > at + 1 else None
        return None
