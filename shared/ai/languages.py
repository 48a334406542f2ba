"""Names of languages as speech models tell them, and their BCP-47 tags."""

from __future__ import annotations

import re

# The languages of Whisper (`whisper/tokenizer.py`, MIT), each by the name it goes by there.
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
_OLD = {"jw": "jv", "iw": "he", "in": "id", "ji": "yi"}
"""Codes that are no longer those of BCP-47; Whisper has the first."""
_TAG = re.compile(r"([A-Za-z]{2,3})((?:-[A-Za-z0-9]{2,8})*)")
_UNKNOWN = ("und", "zxx", "mis", "mul")


def language_tag(told: str | None) -> str | None:
    """The BCP-47 tag for a language told by name (`english`) or by tag (`en`, `pt-BR`); None when it is neither."""
    name = (told or "").strip().lower().replace(" ", "_")
    if name in _TAGS:
        return _TAGS[name]
    tag = _TAG.fullmatch((told or "").strip().replace("_", "-"))
    if tag is None or (language := tag[1].lower()) in _UNKNOWN:
        return None
    return _OLD.get(language, language) + tag[2]
