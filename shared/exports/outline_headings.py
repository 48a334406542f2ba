"""The words that stand around a reel, a summary and a transcript, by language; other languages get the English ones."""

from __future__ import annotations

from dataclasses import dataclass

from shared.languages import primary_language


@dataclass(frozen=True)
class Headings:
    """What a language calls things. `decimal` stands between the whole and the decimals of a number."""

    decimal: str
    reel: str
    keys: str
    script: str
    recommendations: str
    pace: str
    transcription: str
    translation: str
    summary: str
    key_points: str
    chapters: str
    transcript: str
    notes: str
    duration: str
    shots: str
    cuts_per_minute: str
    mean_shot: str
    longest_shot: str
    hook: str
    words_per_minute: str
    loudness: str
    silence: str
    text_share: str
    language: str
    words: str
    transcribed_by: str
    seconds: str


ENGLISH_HEADINGS = Headings(
    decimal=".",
    reel="Reel",
    keys="Keys",
    script="Script",
    recommendations="Recommendations",
    pace="Pace",
    transcription="Transcription",
    translation="Translation",
    summary="Summary",
    key_points="Key points",
    chapters="Chapters",
    transcript="Transcript",
    notes="Notes",
    duration="Duration",
    shots="Shots",
    cuts_per_minute="Cuts per minute",
    mean_shot="Mean shot",
    longest_shot="Longest shot",
    hook="Hook after",
    words_per_minute="Words per minute",
    loudness="Loudness",
    silence="Silence",
    text_share="Text on the screen",
    language="Language",
    words="Words",
    transcribed_by="Listened",
    seconds="s",
)
GERMAN_HEADINGS = Headings(
    decimal=",",
    reel="Reel",
    keys="Schlüssel",
    script="Drehbuch",
    recommendations="Empfehlungen",
    pace="Tempo",
    transcription="Wortlaut",
    translation="Übersetzung",
    summary="Zusammenfassung",
    key_points="Kernpunkte",
    chapters="Kapitel",
    transcript="Wortlaut",
    notes="Hinweise",
    duration="Dauer",
    shots="Einstellungen",
    cuts_per_minute="Schnitte pro Minute",
    mean_shot="Mittlere Einstellung",
    longest_shot="Längste Einstellung",
    hook="Hook nach",
    words_per_minute="Wörter pro Minute",
    loudness="Lautheit",
    silence="Stille",
    text_share="Text im Bild",
    language="Sprache",
    words="Wörter",
    transcribed_by="Zugehört",
    seconds="s",
)
RUSSIAN_HEADINGS = Headings(
    decimal=",",
    reel="Рилс",
    keys="Ключи",
    script="Сценарий",
    recommendations="Рекомендации",
    pace="Темп",
    transcription="Расшифровка",
    translation="Перевод",
    summary="Краткое содержание",
    key_points="Главное",
    chapters="Главы",
    transcript="Расшифровка",
    notes="Примечания",
    duration="Длительность",
    shots="Планы",
    cuts_per_minute="Склеек в минуту",
    mean_shot="Средний план",
    longest_shot="Самый длинный план",
    hook="Хук через",
    words_per_minute="Слов в минуту",
    loudness="Громкость",
    silence="Тишина",
    text_share="Текст на экране",
    language="Язык",
    words="Слов",
    transcribed_by="Слушал",
    seconds="с",
)
_HEADINGS_BY_LANGUAGE = {"en": ENGLISH_HEADINGS, "de": GERMAN_HEADINGS, "ru": RUSSIAN_HEADINGS}


def headings(language: str | None) -> Headings:
    """For a BCP-47 tag."""
    return _HEADINGS_BY_LANGUAGE.get(primary_language(language) or "", ENGLISH_HEADINGS)
