"""The kind that only tells what is said."""

from __future__ import annotations

from shared.analyses.transcript import MAX_TEXT, derive
from shared.models.video import Extraction, MediaInfo, Segment, Transcript
from tests.reel_samples import SAID

EXTRACTION = Extraction(
    info=MediaInfo(container="mp3", size_bytes=1, duration_sec=30, has_video=False, has_audio=True),
    thumbnail=None,
    shots=[],
    frames=[],
    samples=[],
    audio=None,
    transcript=[],
)


def test_words_become_a_result() -> None:
    """All words are in the result, with who listened."""
    transcript = Transcript(source="speech", language="en", segments=SAID, provider="openai", model="whisper-1")
    told = derive(EXTRACTION, transcript)
    assert told.text == "\n".join(segment.text for segment in SAID)
    assert (told.words, told.segments, told.duration_sec, told.truncated) == (36, 4, 30, False)
    assert (told.source, told.provider, told.model, told.language) == ("speech", "openai", "whisper-1", "en")
    assert told.notes == ["The speech was recognized by the model whisper-1; words may be misheard."]


def test_the_language_of_a_track_is_told_as_everywhere_else() -> None:
    """Files tag their languages in other codes than ours."""
    assert derive(EXTRACTION, Transcript(source="subtitles", language="deu", segments=SAID)).language == "de"


def test_without_words_it_says_so() -> None:
    """A file that was not transcribed says only that, never that it has no words; any other gap is named."""
    told = derive(EXTRACTION, Transcript(notes=["Nobody was there to listen."]))
    assert (told.text, told.words, told.segments, told.source) == ("", None, 0, None)
    assert told.notes == ["Nobody was there to listen."]
    assert derive(EXTRACTION, Transcript(gap="no_audio")).notes == ["The video has no audio and no subtitles."]


def test_a_very_long_text_is_cut() -> None:
    """A day of speech does not burst the database, and the result says that there is more."""
    segments = [Segment(start=n, end=n + 1, text="word " * 100) for n in range(1000)]
    told = derive(EXTRACTION, Transcript(source="speech", segments=segments))
    assert (len(told.text), told.truncated, told.words) == (MAX_TEXT, True, 100_000)
