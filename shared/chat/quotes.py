"""Answers without AI: quotes of the sentences nearest to the question, with phrases in several languages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.ai.offline.language.lexicon import detect_language
from shared.chat.excerpts import Excerpt
from shared.chat.history import clock_time
from shared.chat.search import SearchResult, nearest_line, query_terms
from shared.chat.sentences import ends_sentence
from shared.languages import primary_language
from shared.models.chat import Citation, PassageLine

MAX_QUOTES = 3
"""Maximum number of quoted passages."""
MAX_CHARACTERS = 240
"""Maximum length of a quote."""


LineKey = tuple[str, float, str]
"""A line's video, start and text."""


def line_key(video_id: str, line: PassageLine) -> LineKey:
    return video_id, line.start, line.text


def similarities_by_line(results: Iterable[SearchResult]) -> dict[LineKey, float]:
    """Return the similarity of each line with the question, where the results have it; the best of several."""
    similarities: dict[LineKey, float] = {}
    for result in results:
        for line, similarity in zip(result.passage.lines, result.line_similarities, strict=False):
            key = line_key(result.passage.video_id, line)
            similarities[key] = max(similarity, similarities.get(key, similarity))
    return similarities


def quote_excerpts(question: str, excerpts: Sequence[Excerpt], similarities: Mapping[LineKey, float]) -> list[Excerpt]:
    """Return at most MAX_QUOTES excerpts, each cut to the sentence nearest to the question and its neighbours.

    Excerpts whose lines have similarities come in the order of their nearest lines, the others in their own order.
    """
    quotes = []
    for excerpt in excerpts:
        known = [similarities.get(line_key(excerpt.video_id, line), 0.0) for line in excerpt.lines]
        at = nearest_line(excerpt.lines, query_terms(question), known)
        quotes.append((known[at], Excerpt(surround_line(excerpt.lines, at), excerpt.video_id)))
    return [excerpt for _, excerpt in sorted(quotes, key=lambda quote: -quote[0])[:MAX_QUOTES]]


def surround_line(lines: Sequence[PassageLine], at: int) -> Sequence[PassageLine]:
    """Return the line with the start of its sentence, and as much after it as fits."""
    first = at
    while first and not ends_sentence(lines[first - 1].text) and fits_quote(lines[first - 1 : at + 1]):
        first -= 1
    after = at + 1
    while after < len(lines) and fits_quote(lines[first : after + 1]):
        after += 1
    return lines[first:after]


def fits_quote(lines: Sequence[PassageLine]) -> bool:
    return sum(len(line.text) + 1 for line in lines) <= MAX_CHARACTERS


def format_quotes(opening: str, citations: Sequence[Citation]) -> Iterator[str]:
    """Yield the answer in pieces, each quote with its marker."""
    yield opening
    for citation in citations:
        title = f"{citation.title}, " if citation.title else ""
        yield f"\n\n{title}{clock_time(citation.start)}: “{citation.quote}” [{citation.number}]"


@dataclass(frozen=True)
class AnswerPhrases:
    """Phrases of an answer in one language.

    Attributes:
        no_match: Says that no passage is near enough to the question.
        no_transcript: Says that none of the videos has a transcript to answer from.
        quote_intro: Precedes the quotes.
    """

    no_match: str
    no_transcript: str
    quote_intro: str


PHRASES = {
    "en": AnswerPhrases(
        "Nothing about this was found in the videos.",
        "No transcript is available for these videos, so their words are unknown. Transcripts require subtitles,"
        " a speech model or an AI key.",
        "Quoted, not answered by AI. The passages nearest to your question:",
    ),
    "de": AnswerPhrases(
        "In den Videos wurde dazu nichts gefunden.",
        "Für diese Videos gibt es kein Transkript, ihre Worte sind also nicht bekannt. Transkripte erfordern"
        " Untertitel, ein Sprachmodell oder einen KI-Schlüssel.",
        "Zitiert, nicht beantwortet: Hier ist keine KI am Werk. Diese Stellen kommen der Frage am nächsten:",
    ),
    "ru": AnswerPhrases(
        "В этих видео об этом ничего не найдено.",
        "Расшифровки этих видео нет, поэтому их слова неизвестны. Для расшифровки нужны субтитры, модель распознавания"
        " речи или ключ ИИ.",
        "Это цитаты, а не ответ: ИИ здесь не участвует. Ближе всего к вопросу эти места:",
    ),
}


def answer_phrases(question: str, language: str | None) -> AnswerPhrases:
    """Return the phrases in `language`, else in the language of the question, else in English."""
    return PHRASES.get(primary_language(language) or detect_language([question], None) or "en", PHRASES["en"])
