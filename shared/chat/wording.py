"""What is said to people without an AI, in the languages we know; in others in English."""

from __future__ import annotations

from dataclasses import dataclass

from shared.ai.offline.language.detect import detect
from shared.languages import primary


@dataclass(frozen=True)
class AnswerPhrases:
    """
    Attributes:
        nothing: That the videos have nothing about the question.
        quoted: Before passages that are quoted.
    """

    no_match: str
    quote_intro: str


PHRASES = {
    "en": AnswerPhrases(
        "The videos do not contain anything about this.",
        "Quoted, not answered: no AI is at work here. These passages come nearest to your question:",
    ),
    "de": AnswerPhrases(
        "Die Videos enthalten dazu nichts.",
        "Zitiert, nicht beantwortet: Hier ist keine KI am Werk. Diese Stellen kommen der Frage am nächsten:",
    ),
    "ru": AnswerPhrases(
        "В этих видео об этом ничего нет.",
        "Это цитаты, а не ответ: ИИ здесь не участвует. Ближе всего к вопросу эти места:",
    ),
}


def answer_phrases(question: str, language: str | None) -> AnswerPhrases:
    """In the language asked for, else in that of the question."""
    return PHRASES.get(primary(language) or detect([question], None) or "en", PHRASES["en"])
