"""Makes read or typed text ready for parsing: one form of each sign, and safe repairs of what OCR confuses."""

from __future__ import annotations

import re
import unicodedata

from shared.ai.offline.language.lexicon import Lexicon

SIGNS = str.maketrans(
    {
        "℃": "°C", "℉": "°F", "º": "°", "˚": "°", "⁄": "/", "∕": "/", "×": "x", "‐": "-", "‑": "-", "‒": "–",
        "—": "–", "−": "-", "’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "：": ":",
        "，": ", ", "（": "(", "）": ")", "；": ";", "！": "!", "？": "?", "。": ".", "～": "~", "／": "/",
        "＋": "+", "％": "%", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u200b": "", "\ufeff": "",
        "\ufe0f": "", "\u200d": "",
    }
)  # fmt: skip
BULLET = re.compile(r"^(?:[-–•·*●○◦▪▫■□☐✓✔✅➤►▶→>+|]|[\U0001F000-\U0001FAFF☀-➿⬀-⯿])+\s*")
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


def normalize_text(text: str) -> str:
    """One form for each sign, single spaces, no bullet at the front and no emoji.

    Emoji before an amount or a capital letter divide a text: they become bullets.
    """
    text = unicodedata.normalize("NFC", text).translate(SIGNS)
    text = DOUBLE_DEGREE.sub("°", text)
    text = BETWEEN.sub(" • ", BULLET.sub("", text.strip()))
    text = EMOJI.sub(" ", text)
    return BULLET.sub("", " ".join(text.split()))


def repair_ocr(text: str, lexicon: Lexicon) -> str:
    """`text` with OCR's confusions put right where nothing else can be meant: `25O g`, `MehI`, `5 mI`, `200gMehl`."""
    text = ZERO.sub(lambda match: re.sub("[OoОо]", "0", match[0]), text)
    text = MILLILITRES.sub(r"\1ml", text)
    text = LITRE.sub(r"\1 l", text)
    text = ELL_IN_WORD.sub("l", text)
    text = SPOON.sub("EL", text)
    text = GLUED_UNIT.sub(r" \1 ", text)
    repairs = lexicon.tables.repairs
    return WORD.sub(lambda match: repairs.get(match[0], match[0]), text) if repairs else text
