"""Languages as users, speech models and media files name them, and their BCP-47 tags."""

from __future__ import annotations

import re

_ISO_639_2_TO_1 = {
    "ara": "ar", "bel": "be", "bul": "bg", "ces": "cs", "chi": "zh", "cze": "cs", "dan": "da", "deu": "de",
    "dut": "nl", "ell": "el", "eng": "en", "est": "et", "fin": "fi", "fra": "fr", "fre": "fr", "ger": "de",
    "gre": "el", "heb": "he", "hin": "hi", "hrv": "hr", "hun": "hu", "ind": "id", "ita": "it", "jpn": "ja",
    "kaz": "kk", "kor": "ko", "lav": "lv", "lit": "lt", "nld": "nl", "nor": "no", "per": "fa", "pol": "pl",
    "por": "pt", "ron": "ro", "rum": "ro", "rus": "ru", "slk": "sk", "slo": "sk", "slv": "sl", "spa": "es",
    "srp": "sr", "swe": "sv", "tha": "th", "tur": "tr", "ukr": "uk", "vie": "vi", "zho": "zh",
}  # fmt: skip
"""ISO 639-2 codes, bibliographic and terminological, of languages with an ISO 639-1 code, which BCP-47 requires."""

# The languages of Whisper (`whisper/tokenizer.py`, MIT), by its names.
_NAMES = """
afrikaans=af albanian=sq amharic=am arabic=ar armenian=hy assamese=as azerbaijani=az bashkir=ba basque=eu belarusian=be
bengali=bn bosnian=bs breton=br bulgarian=bg burmese=my cantonese=yue castilian=es catalan=ca chinese=zh croatian=hr
czech=cs danish=da dutch=nl english=en estonian=et faroese=fo finnish=fi flemish=nl french=fr galician=gl georgian=ka
german=de greek=el gujarati=gu haitian=ht haitian_creole=ht hausa=ha hawaiian=haw hebrew=he hindi=hi hungarian=hu
icelandic=is indonesian=id italian=it japanese=ja javanese=jv kannada=kn kazakh=kk khmer=km korean=ko lao=lo latin=la
latvian=lv letzeburgesch=lb lingala=ln lithuanian=lt luxembourgish=lb macedonian=mk malagasy=mg malay=ms malayalam=ml
maltese=mt mandarin=zh maori=mi marathi=mr moldavian=ro moldovan=ro mongolian=mn myanmar=my nepali=ne norwegian=no
nynorsk=nn occitan=oc panjabi=pa pashto=ps persian=fa polish=pl portuguese=pt punjabi=pa pushto=ps romanian=ro
russian=ru sanskrit=sa serbian=sr shona=sn sindhi=sd sinhala=si sinhalese=si slovak=sk slovenian=sl somali=so spanish=es
sundanese=su swahili=sw swedish=sv tagalog=tl tajik=tg tamil=ta tatar=tt telugu=te thai=th tibetan=bo turkish=tr
turkmen=tk ukrainian=uk urdu=ur uzbek=uz valencian=ca vietnamese=vi welsh=cy yiddish=yi yoruba=yo
"""
_TAGS = dict(pair.split("=") for pair in _NAMES.split())
_REPLACED_CODES = {"jw": "jv", "iw": "he", "in": "id", "ji": "yi"}
"""Codes that BCP-47 has replaced; Whisper uses the first."""
_TAG = re.compile(r"([A-Za-z]{2,3})((?:-[A-Za-z0-9]{1,8})*)")
_UNKNOWN = ("und", "zxx", "mis", "mul")

CYRILLIC_LANGUAGES = {"be", "bg", "kk", "ky", "mk", "mn", "ru", "sr", "tg", "uk"}
"""BCP-47 primary tags of languages usually written in Cyrillic."""


def language_tag(language: str | None) -> str | None:
    """Return the BCP-47 tag of a language; None if it is unknown or names no single language.

    Accepts an English name (`German`), a BCP-47 tag (`pt_BR`, `pt-BR`) and an ISO 639-2 code (`ger`, `deu`).
    """
    name = (language or "").strip().replace("_", "-")
    if tag := _TAGS.get(name.lower().replace("-", "_").replace(" ", "_")):
        return tag
    parts = _TAG.fullmatch(name)
    if parts is None or (code := parts[1].lower()) in _UNKNOWN:
        return None
    return _ISO_639_2_TO_1.get(code, _REPLACED_CODES.get(code, code)) + parts[2]


def primary_language(language: str | None) -> str | None:
    """Return `de` for `de-AT`, `deu` and `German`; None as for `language_tag`."""
    tag = language_tag(language)
    return tag.partition("-")[0] if tag else None


def is_same_language(tag: str | None, other: str | None) -> bool:
    """Return True if both tags are known and name the same language, in any region."""
    return primary_language(tag) is not None and primary_language(tag) == primary_language(other)


def is_cyrillic(text: str) -> bool:
    """Return True if more than half of the letters are Cyrillic."""
    letters = [char for char in text if char.isalpha()]
    return 2 * sum("Ѐ" <= char <= "ӿ" for char in letters) > len(letters)
