"""Language tags. What comes from users and models is BCP-47; tracks of files carry ISO 639-2 codes."""

from __future__ import annotations

SHORTEST = {
    "ara": "ar", "bel": "be", "bul": "bg", "ces": "cs", "chi": "zh", "cze": "cs", "dan": "da", "deu": "de",
    "dut": "nl", "ell": "el", "eng": "en", "est": "et", "fin": "fi", "fra": "fr", "fre": "fr", "ger": "de",
    "gre": "el", "heb": "he", "hin": "hi", "hrv": "hr", "hun": "hu", "ind": "id", "ita": "it", "jpn": "ja",
    "kaz": "kk", "kor": "ko", "lav": "lv", "lit": "lt", "nld": "nl", "nor": "no", "per": "fa", "pol": "pl",
    "por": "pt", "ron": "ro", "rum": "ro", "rus": "ru", "slk": "sk", "slo": "sk", "slv": "sl", "spa": "es",
    "srp": "sr", "swe": "sv", "tha": "th", "tur": "tr", "ukr": "uk", "vie": "vi", "zho": "zh",
}  # fmt: skip
"""ISO 639-2 codes, of either sort, of languages that ISO 639-1 has a shorter code for: BCP-47 takes that."""

CYRILLIC = {"be", "bg", "kk", "ky", "mk", "mn", "ru", "sr", "tg", "uk"}
"""BCP-47 primary tags of languages usually written in Cyrillic."""


def bcp47(tag: str | None) -> str | None:
    """`de` of `deu` and `ger`, `pt-BR` of `por_BR`; None when there is no tag or it says that nobody knows (`und`)."""
    code, *rest = (tag or "und").replace("_", "-").split("-")
    return None if code.lower() == "und" else "-".join([SHORTEST.get(code.lower(), code.lower()), *rest])


def primary(tag: str | None) -> str | None:
    """`de` of `de-AT`, of `deu` and of `ger`; None as for `bcp47`."""
    known = bcp47(tag)
    return known.split("-")[0] if known else None


def same_language(one: str | None, other: str | None) -> bool:
    """Whether both tags are known and name one language, whatever its region."""
    return primary(one) is not None and primary(one) == primary(other)


def is_cyrillic(text: str) -> bool:
    """Return True if more than half of the letters are Cyrillic."""
    letters = [char for char in text if char.isalpha()]
    return 2 * sum("Ѐ" <= char <= "ӿ" for char in letters) > len(letters)
