"""What is said to people without an AI, in the languages we know; in others in English."""

from __future__ import annotations

from dataclasses import dataclass

from shared.ai.offline.language.detect import detect
from shared.languages import primary


@dataclass(frozen=True)
class Wording:
    """
    Attributes:
        nothing: That the videos have nothing about the question.
        quoted: Before passages that are quoted.
    """

    nothing: str
    quoted: str


WORDINGS = {
    "en": Wording(
        "The videos do not contain anything about this.",
        "Quoted, not answered: no AI is at work here. These passages come nearest to your question:",
    ),
    "de": Wording(
        "Die Videos enthalten dazu nichts.",
        "Zitiert, nicht beantwortet: Hier ist keine KI am Werk. Diese Stellen kommen der Frage am nächsten:",
    ),
    "ru": Wording(
        "В этих видео об этом ничего нет.",
        "Это цитаты, а не ответ: ИИ здесь не участвует. Ближе всего к вопросу эти места:",
    ),
}


def wording(question: str, language: str | None) -> Wording:
    """In the language asked for, else in that of the question."""
    return WORDINGS.get(primary(language) or detect([question], None) or "en", WORDINGS["en"])
