"""Find the encoding of subtitle texts, which neither their files nor their containers state."""

from __future__ import annotations

import codecs

from shared.languages import primary_language

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, with which it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CENTRAL_EUROPEAN = ("cp1250", "iso8859_2")
_CYRILLIC = ("cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5")
_JAPANESE, _SIMPLIFIED, _TRADITIONAL, _KOREAN = ("cp932", "euc_jp"), ("gb18030",), ("big5hkscs",), ("cp949",)
_WESTERN = ("cp1252",)
_ENCODINGS = {
    **dict.fromkeys(
        ("ca", "da", "de", "en", "es", "fi", "fr", "is", "it", "nb", "nl", "nn", "no", "pt", "sv"), _WESTERN
    ),
    **dict.fromkeys(("pl", "cs", "sk", "hu", "sl", "hr", "bs", "ro", "sq"), _CENTRAL_EUROPEAN),
    **dict.fromkeys(("ru", "uk", "be", "bg", "mk", "kk"), _CYRILLIC),
    "sr": (*_CYRILLIC, *_CENTRAL_EUROPEAN),
    "el": ("cp1253",),
    "tr": ("cp1254",),
    "he": ("cp1255",),
    **dict.fromkeys(("ar", "fa", "ur"), ("cp1256",)),
    **dict.fromkeys(("lt", "lv", "et"), ("cp1257",)),
    "vi": ("cp1258",),
    "th": ("cp874",),
    "ja": _JAPANESE,
    "ko": _KOREAN,
    "zh": (*_SIMPLIFIED, *_TRADITIONAL),
}
"""Encodings of subtitle files before UTF-8, by language."""
_COMMON = [*_WESTERN, "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r"]
_COMMON += [*_JAPANESE, *_SIMPLIFIED, *_TRADITIONAL, *_KOREAN]
_MOST_BYTES = 200_000


def decode_text(data: bytes, language: str | None = None) -> str:
    """Decode a text of unknown encoding; undecodable bytes become `�`."""
    return data.decode(find_encoding(data, language), errors="replace")


def find_encoding(data: bytes, language: str | None = None) -> str:
    """Return the codec of a text: by its byte order mark, by the zeros of UTF-16, as UTF-8, or else as detected.

    Args:
        language: A hint: its encodings win unless another gives a more probable text, as tags of tracks may be wrong.
    """
    for bom, name in _BOMS:
        if data.startswith(bom):
            return name
    even, odd = data[::2].count(0), data[1::2].count(0)
    if even + odd > len(data) / 100:  # even CJK text has digits, spaces and line ends
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _detect_encoding(data, language)
    return "utf-8"


def _detect_encoding(data: bytes, language: str | None) -> str:
    from charset_normalizer import from_bytes

    end = data.rfind(b"\n", 0, _MOST_BYTES) + 1 if len(data) > _MOST_BYTES else len(data)
    sample = data[: end or _MOST_BYTES]
    matches = from_bytes(sample, cp_isolation=_COMMON)
    match = matches.best()
    # Few letters of a short text distinguish these two; the first is the one of most languages.
    western = next((other for other in matches if other.encoding in _WESTERN), None)
    if match and western and match.encoding in _CENTRAL_EUROPEAN and western.chaos <= match.chaos:
        match = western
    candidates = list(_ENCODINGS.get(primary_language(language) or "", ()))
    hinted = from_bytes(sample, cp_isolation=candidates).best() if candidates else None
    if hinted and (match is None or hinted.chaos <= match.chaos):
        match = hinted
    return match.encoding if match else "utf-8"
