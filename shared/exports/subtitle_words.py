"""Words of a transcript as subtitles need them: their times, widths and the places where a line may break."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shared.exports.markup import plain_text
from shared.languages import primary_language
from shared.models.video import Segment, Word

_WIDE = "\u1100-\u11ff\u2e80-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff60"
_UNSPACED = re.compile(rf"[{_WIDE}]")
_TOKEN = re.compile(rf"[{_WIDE}]|[^\s{_WIDE}]+")
# Kinsoku (JIS X 4051): what may not begin a line, and what may not end one.
_NO_LINE_START = frozenset(
    "、。，．・：；？！!?,.:;)]}）〕］｝〉》」』】〙〗〟’”»ー々〻‐゠–〜～…‥ァィゥェォッャュョヮヵヶぁぃぅぇぉっゃゅょゎゕゖ%％"
)
_NO_LINE_END = frozenset("([{（〔［｛〈《「『【〘〖〝‘“«¥￥$＄")
_SENTENCE_ENDS = tuple(".!?…。！？؟۔।")
_CLAUSE_ENDS = tuple(",;:–—、，；：،؛")
_CLOSING = "\"'”’»)]）」』】"
_JOINERS = "\u200d\ufe0e\ufe0f"
PAUSE_SEC = 0.3
"""Silence between two words that listeners hear as a break."""
SENTENCE, CLAUSE, BEFORE_LINK, ANYWHERE, AFTER_LINK, NOWHERE = 0.0, 1.0, 2.0, 4.0, 8.0, 50.0
"""Costs of a break between two words, from the best place to the worst."""
# Articles, prepositions, conjunctions and subjects. A line break belongs before them, never behind them.
_LINKS = {
    "en": "a an the and or but nor so because if when while that which who whose as than of in on at to for from "
    "with by about into onto over under between through without within during before after until since my your "
    "his her its our their is are was were be will would can could should must not very i you he she it we they",
    "de": "ein eine einen einem einer eines der die das den dem des und oder aber denn weil wenn als dass ob in im "
    "ins an am auf aus bei mit nach von vom vor zu zum zur für über unter um durch gegen ohne bis seit mein "
    "dein sein ihr unser ist sind war nicht sehr ich du er sie es wir",
    "fr": "un une le la les des du de et ou mais donc car que qui dont où si quand comme à au aux en dans sur sous "
    "par pour avec sans chez vers entre mon ma mes ton ta tes son sa ses notre votre leur ne pas est sont très",
    "es": "un una unos unas el la los las y e o u pero sino porque que quien si cuando como de del a al en con sin "
    "por para sobre entre hasta desde mi tu su nuestro no es son muy",
    "it": "un uno una il lo la i gli le e o ma perché che chi se quando come di del della a al alla da dal in nel "
    "nella con su per tra fra senza mio tuo suo non è sono molto",
    "pt": "um uma uns umas o a os as e ou mas porque que quem se quando como de do da dos das em no na nos nas com "
    "sem por para sobre entre até meu teu seu não é são muito",
    "nl": "een de het en of maar want omdat als dat die wie in op aan te tot voor van met door bij naar uit over "
    "onder tussen zonder mijn jouw zijn haar ons niet is zeer",
    "ru": "и а но или что чтобы если когда как где который которая которые в во на с со к ко по из за от до у о об "
    "для под над при через без между не ни мой твой его её их наш ваш это очень",
}
_LINK_WORDS = {language: frozenset(words.split()) for language, words in _LINKS.items()}


@dataclass(frozen=True)
class SubtitleWord:
    """A word, or a character in scripts without spaces, with the punctuation that may not be separated from it.

    Attributes:
        is_spaced: A space precedes it if it does not begin a line.
        is_label: It belongs to the name of the speaker, which is not separated from what is said.
    """

    text: str
    start: float
    end: float
    width: int
    is_spaced: bool
    is_label: bool = False


def text_width(text: str) -> int:
    """Return the columns of a text: two for full-width characters, none for marks on other characters."""
    return len(text) if text.isascii() else sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def is_unspaced(text: str) -> bool:
    """Return True if a third or more of the characters are Chinese, Japanese or Korean."""
    return 3 * len(_UNSPACED.findall(text)) + 3 * sum("\uac00" <= c <= "\ud7a3" for c in text) >= max(1, len(text))


def split_words(segment: Segment, widest: int) -> list[SubtitleWord]:
    """Return the words of a segment's text, the longest cut to `widest` columns.

    Times come from the segment's words; where these do not match its text, from the position in the text.
    """
    text = plain_text(segment.text)
    spans = list(_merge_inseparable(text, [match.span() for match in _TOKEN.finditer(text)]))
    times = _word_times(segment, text)
    words: list[SubtitleWord] = []
    for begin, end in spans:
        is_spaced = begin > 0 and text[begin - 1].isspace()
        for piece_begin, piece_end in _cut_wide(text, begin, end, widest):
            piece = text[piece_begin:piece_end]
            start, stop = times[piece_begin][0], times[piece_end - 1][1]
            words.append(SubtitleWord(piece, start, stop, text_width(piece), is_spaced and piece_begin == begin))
    return words


def label_words(speaker: str, start: float, widest: int) -> list[SubtitleWord]:
    """Return the words of `Speaker:`, which take no time."""
    words = split_words(Segment(start=start, end=start, text=f"{speaker}:"), widest)
    return [replace(word, is_label=True) for word in words]


def break_cost(before: SubtitleWord, after: SubtitleWord, language: str | None) -> float:
    """Return how bad a break between two words is, from SENTENCE to NOWHERE."""
    if before.is_label:
        return NOWHERE
    ending = before.text.rstrip(_CLOSING)
    if ending.endswith(_SENTENCE_ENDS):
        return SENTENCE
    if ending.endswith(_CLAUSE_ENDS) or after.start - before.end >= PAUSE_SEC:
        return CLAUSE
    if not after.is_spaced and before.end > before.start and (before.start, before.end) == (after.start, after.end):
        return AFTER_LINK  # characters of one word
    links = _LINK_WORDS.get(primary_language(language) or "en", frozenset())
    if before.text.casefold() in links:
        return AFTER_LINK
    return BEFORE_LINK if after.text.casefold() in links else ANYWHERE


def join_words(words: Sequence[SubtitleWord]) -> str:
    return "".join(f" {word.text}" if number and word.is_spaced else word.text for number, word in enumerate(words))


def line_width(words: Sequence[SubtitleWord]) -> int:
    return sum(word.width + (number > 0 and word.is_spaced) for number, word in enumerate(words))


def _merge_inseparable(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the tokens, each with the characters beside it that may not begin or end a line."""
    merged: list[tuple[int, int]] = []
    for begin, end in spans:
        if merged and merged[-1][1] == begin and (text[begin] in _NO_LINE_START or text[begin - 1] in _NO_LINE_END):
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((begin, end))
    yield from merged


def _cut_wide(text: str, begin: int, end: int, widest: int) -> Iterator[tuple[int, int]]:
    """Yield pieces of at most `widest` columns; none begins with a mark that belongs to the character before it."""
    start = begin
    width = 0
    for at in range(begin, end):
        size = _character_width(text[at])
        is_joined = size == 0 or (at > begin and text[at - 1] in _JOINERS)
        if width + size > widest and at > start and not is_joined:
            yield start, at
            start, width = at, 0
        width += size
    yield start, end


def _word_times(segment: Segment, text: str) -> list[tuple[float, float]]:
    """Return start and end of each character of the text: those of its word, or in proportion to the text."""
    end = max(segment.start, segment.end)
    step = (end - segment.start) / max(1, len(text))
    times = [(segment.start + step * at, segment.start + step * (at + 1)) for at in range(len(text))]
    at, located = 0, list[tuple[int, Word]]()
    for word in segment.words:
        content = plain_text(word.text)
        begin = text.find(content, at)
        if begin < 0:
            return times
        at = begin + len(content)
        located.append((begin, word))
    latest = segment.start
    for (begin, word), until in zip(located, [begin for begin, _ in located[1:]] + [len(text)], strict=False):
        latest = max(latest, word.start)
        times[begin:until] = [(latest, max(latest, word.end))] * (until - begin)
    return times
