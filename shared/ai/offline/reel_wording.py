"""Texts of the offline reel analysis by language; other languages get English.

Facts are labels with numbers, so that no word has to agree with a number.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.languages import primary_language
from shared.models.video import TranscriptGap


@dataclass(frozen=True)
class ReelWording:
    """The texts in one language. Placeholders `{}` take numbers, or texts of the video.

    Attributes:
        language: BCP-47 tag.
        decimal: Decimal separator.
        opening, rhythm, speech, text, sound: The five aspects.
    """

    language: str
    decimal: str
    opening: str
    rhythm: str
    speech: str
    text: str
    sound: str
    first_cut: str
    first_words: str
    first_text: str
    nothing_first: str
    nothing_seen_first: str
    shots: str
    spoken: str
    pace_of_speech: str
    text_share: str
    text_pace: str
    no_text: str
    text_not_read: str
    loudness: str
    silence: str
    no_sound: str
    late_hook: str
    no_hook: str
    long_shot: str
    slow_speech: str
    fast_speech: str
    no_captions: str
    hurried_text: str
    too_quiet: str
    too_loud: str
    too_peaky: str
    add_sound: str
    nothing_to_say: str
    shot: str
    on_screen: str
    length: str
    not_watched: str
    no_audio: str
    silent: str
    not_transcribed: str
    no_speech: str
    no_words: str
    recognized: str
    not_translated: str
    unread: str

    def no_transcript(self, gap: TranscriptGap | None) -> str:
        """Return why there is no transcript."""
        return str(getattr(self, gap)) if gap else self.no_words


ENGLISH = ReelWording(
    language="en",
    decimal=".",
    opening="Opening",
    rhythm="Rhythm of cuts",
    speech="Speech",
    text="Text on the screen",
    sound="Sound",
    first_cut="First cut at {} s.",
    first_words="First words at {} s.",
    first_text="First text on the screen at {} s.",
    nothing_first="No cut, no words and no text were found.",
    nothing_seen_first="No cut and no text were found; the speech was not transcribed.",
    shots="Shots: {}. Cuts per minute: {}. Mean shot: {} s, median {} s, longest {} s.",
    spoken="Words spoken: {}.",
    pace_of_speech="Words per minute while somebody speaks: {}.",
    text_share="There is text on the screen for {} % of the time.",
    text_pace="Words to be read per second: {}.",
    no_text="No text was found on the screen.",
    text_not_read="Not all text on the screen was read, so there may be more than was found.",
    loudness="Loudness: {} LUFS. True peak: {} dBFS.",
    silence="Silence: {} % of the time.",
    no_sound="There is no sound.",
    late_hook="Nothing changes before {} s. Begin with a cut, a word or a text within the first {} s.",
    no_hook="Nothing marks the beginning. Begin with a cut, a word or a text within the first {} s.",
    long_shot="There is no cut from {} s to {} s. Change the picture or the framing about every {} s.",
    slow_speech="{} words per minute is slow: cut pauses, or speak at {} to {}.",
    fast_speech="{} words per minute is fast: {} to {} are followed without effort.",
    no_captions="There is speech, but hardly any text on the screen: many watch without sound. Add captions.",
    hurried_text="{} words per second are too many to be read. Show less text, or show it longer: at most {}.",
    too_quiet="At {} LUFS the video is quieter than others. Raise it by {} dB, to about {} LUFS.",
    too_loud="At {} LUFS platforms turn the video down by {} dB. About {} LUFS keeps its dynamics.",
    too_peaky="Peaks reach {} dBFS and may be distorted when the platform compresses them. Leave them below {} dBFS.",
    add_sound="Add a voice, music or sounds: the video is silent.",
    nothing_to_say="No measurement is unusual.",
    shot="Shot {}",
    on_screen="on the screen: “{}”",
    length="{} s",
    not_watched="This analysis is based on measurements, without AI: it does not consider what is shown or said.",
    no_audio="The video has no audio and no subtitles.",
    silent="The audio of the video is silent, and there are no subtitles.",
    not_transcribed="The audio was not transcribed: no speech model or AI key is configured.",
    no_speech="The audio was transcribed, but no speech was recognized.",
    no_words="No transcript is available for this video.",
    recognized="The speech was recognized by the model {}; words may be misheard.",
    not_translated="The transcript was not translated; translation requires an AI provider.",
    unread="Cyrillic on-screen text could not be read. Run `clipwise models install screen-cyrillic`, then run the job"
    " again.",
)
GERMAN = ReelWording(
    language="de",
    decimal=",",
    opening="Einstieg",
    rhythm="Schnittrhythmus",
    speech="Sprache",
    text="Text im Bild",
    sound="Ton",
    first_cut="Erster Schnitt nach {} s.",
    first_words="Erste Worte nach {} s.",
    first_text="Erster Text im Bild nach {} s.",
    nothing_first="Weder Schnitt noch Worte noch Text wurden gefunden.",
    nothing_seen_first="Weder Schnitt noch Text wurden gefunden; die Sprache wurde nicht transkribiert.",
    shots="Einstellungen: {}. Schnitte pro Minute: {}. Einstellung im Mittel: {} s, Median {} s, längste {} s.",
    spoken="Gesprochene Wörter: {}.",
    pace_of_speech="Wörter pro Minute, während gesprochen wird: {}.",
    text_share="Während {} % der Zeit steht Text im Bild.",
    text_pace="Zu lesende Wörter pro Sekunde: {}.",
    no_text="Im Bild wurde kein Text gefunden.",
    text_not_read="Nicht aller Text im Bild wurde gelesen; es kann mehr davon geben, als gefunden wurde.",
    loudness="Lautheit: {} LUFS. Spitzenpegel: {} dBFS.",
    silence="Stille: {} % der Zeit.",
    no_sound="Es gibt keinen Ton.",
    late_hook="Bis {} s ändert sich nichts. Mit Schnitt, Wort oder Text in den ersten {} s beginnen.",
    no_hook="Nichts markiert den Anfang. Mit Schnitt, Wort oder Text in den ersten {} s beginnen.",
    long_shot="Von {} s bis {} s gibt es keinen Schnitt. Etwa alle {} s Bild oder Ausschnitt wechseln.",
    slow_speech="{} Wörter pro Minute sind langsam: Pausen herausschneiden oder mit {} bis {} sprechen.",
    fast_speech="{} Wörter pro Minute sind schnell: {} bis {} versteht man ohne Mühe.",
    no_captions="Es wird gesprochen, aber im Bild steht kaum Text: Viele sehen ohne Ton zu. Untertitel einblenden.",
    hurried_text="{} Wörter pro Sekunde kann man nicht lesen. Weniger Text oder länger zeigen: höchstens {}.",
    too_quiet="Mit {} LUFS ist das Video leiser als andere. Um {} dB anheben, auf etwa {} LUFS.",
    too_loud="Mit {} LUFS wird das Video von den Plattformen um {} dB leiser gestellt. Bei etwa {} LUFS bleibt die "
    "Dynamik.",
    too_peaky="Spitzen erreichen {} dBFS und können beim Komprimieren verzerren. Unter {} dBFS bleiben.",
    add_sound="Stimme, Musik oder Geräusche hinzufügen: Das Video ist stumm.",
    nothing_to_say="Nichts von dem, was gemessen wurde, ist ungewöhnlich.",
    shot="Einstellung {}",
    on_screen="im Bild: „{}“",
    length="{} s",
    not_watched="Dies wurde gemessen, ohne KI: Niemand hat angesehen, was das Video zeigt, oder verstanden, was es "
    "sagt.",
    no_audio="Das Video hat weder Ton noch Untertitel.",
    silent="Die Tonspur des Videos ist stumm, und es gibt keine Untertitel.",
    not_transcribed="Der Ton wurde nicht transkribiert: Weder ein Sprachmodell noch ein KI-Schlüssel ist eingerichtet.",
    no_speech="Der Ton wurde transkribiert, aber es wurde keine Sprache erkannt.",
    no_words="Für dieses Video gibt es kein Transkript.",
    recognized="Die Sprache hat das Modell {} erkannt; es kann sich verhört haben.",
    not_translated="Die Worte wurden nicht übersetzt; dafür braucht es einen KI-Anbieter.",
    unread="Kyrillischer Text im Bild war nicht lesbar; `clipwise models install screen-cyrillic` ausführen und den"
    " Auftrag wiederholen.",
)
RUSSIAN = ReelWording(
    language="ru",
    decimal=",",
    opening="Начало",
    rhythm="Ритм монтажа",
    speech="Речь",
    text="Текст на экране",
    sound="Звук",
    first_cut="Первая склейка: {} с.",
    first_words="Первые слова: {} с.",
    first_text="Первый текст на экране: {} с.",
    nothing_first="Не найдено ни склеек, ни слов, ни текста.",
    nothing_seen_first="Не найдено ни склеек, ни текста; речь не была расшифрована.",
    shots="Планов: {}. Склеек в минуту: {}. Средний план: {} с, медиана {} с, самый длинный {} с.",
    spoken="Произнесено слов: {}.",
    pace_of_speech="Слов в минуту, пока говорят: {}.",
    text_share="Текст на экране — {} % времени.",
    text_pace="Слов для чтения в секунду: {}.",
    no_text="Текст на экране не найден.",
    text_not_read="Прочитан не весь текст на экране: его может быть больше, чем найдено.",
    loudness="Громкость: {} LUFS. Пик: {} dBFS.",
    silence="Тишина: {} % времени.",
    no_sound="Звука нет.",
    late_hook="До {} с ничего не меняется. Начните со склейки, слова или текста в первые {} с.",
    no_hook="Начало ничем не отмечено. Начните со склейки, слова или текста в первые {} с.",
    long_shot="С {} с до {} с нет ни одной склейки. Меняйте кадр или план примерно каждые {} с.",
    slow_speech="Слов в минуту: {} — это медленно. Вырежьте паузы или говорите в темпе от {} до {}.",
    fast_speech="Слов в минуту: {} — это быстро. Без усилий воспринимают от {} до {}.",
    no_captions="Речь есть, а текста на экране почти нет: многие смотрят без звука. Добавьте субтитры.",
    hurried_text="Слов в секунду: {} — прочитать не успеть. Меньше текста или дольше на экране: не больше {}.",
    too_quiet="При {} LUFS видео тише других. Поднимите на {} дБ, примерно до {} LUFS.",
    too_loud="При {} LUFS площадки сделают видео тише на {} дБ. Около {} LUFS динамика сохранится.",
    too_peaky="Пики доходят до {} dBFS и при сжатии могут исказиться. Оставьте их ниже {} dBFS.",
    add_sound="Добавьте голос, музыку или звуки: видео немое.",
    nothing_to_say="Ничего необычного в измерениях нет.",
    shot="План {}",
    on_screen="на экране: «{}»",
    length="{} с",
    not_watched="Это измерено без ИИ: никто не смотрел, что показано в видео, и не понимал, что в нём говорят.",
    no_audio="В видео нет ни звука, ни субтитров.",
    silent="Звуковая дорожка видео беззвучна, и субтитров нет.",
    not_transcribed="Звук не расшифрован: не настроены ни модель распознавания речи, ни ключ ИИ.",
    no_speech="Звук расшифрован, но речь не распознана.",
    no_words="Расшифровки этого видео нет.",
    recognized="Речь распознана моделью {}; слова могли быть услышаны неверно.",
    not_translated="Слова не переведены: для этого нужен провайдер ИИ.",
    unread="Кириллический текст на экране не прочитан; выполните `clipwise models install screen-cyrillic` и запустите"
    " задание ещё раз.",
)
_BY_LANGUAGE = {words.language: words for words in (ENGLISH, GERMAN, RUSSIAN)}


def reel_wording(language: str) -> ReelWording:
    """Return the texts for a BCP-47 tag."""
    return _BY_LANGUAGE.get(primary_language(language) or "", ENGLISH)
