"""A reel taken apart: by each AI service, and offline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ai.prompt import evidence_text
from shared.analyses.evidence import Evidence
from shared.analyses.reel import Reel, Scene, complete, order_scenes, time_range
from shared.analyses.transcript import GAP_SENTENCES
from shared.models.video import Loudness, Segment, Shot
from tests.recipe_samples import DURATION, samples_showing
from tests.reel_samples import SHOTS, TRANSCRIPTION, evidence, reel
from tests.unit.ai.attacks import ATTACKS
from tests.unit.analyses.served_provider import VIDEO, ServedProvider, offline


def analyze(served: ServedProvider, inputs: Evidence, language: str = "de") -> Reel:
    result = served.analyze("reel", inputs, language)
    assert isinstance(result, Reel)
    return result


def analyze_offline(inputs: Evidence, language: str = "en") -> Reel:
    result = offline("reel", inputs, language)
    assert isinstance(result, Reel)
    return result


def test_a_reel_is_taken_apart(served: ServedProvider, tmp_path: Path) -> None:
    """Keys, script and advice are the model's; words, times and numbers are the stored and measured ones."""
    served.queue_answers(reel(pacing={"shots": 99}, notes=["cheap"], language="tlh"))
    result = analyze(served, evidence(tmp_path))
    assert result.original.transcription == TRANSCRIPTION
    assert result.original.translation == "Gieße deine Pflanzen nicht jeden Tag."
    assert [key.title for key in result.keys] == [f"Schlüssel {number}" for number in range(1, 6)]
    assert [(scene.start, scene.end, scene.time) for scene in result.script] == [
        (0, 4.2, "00:00–00:04"),
        (4, 12, "00:04–00:12"),
        (12, DURATION, "00:12–00:30"),
    ]
    assert result.pacing
    assert result.pacing.shots == len(SHOTS)
    assert (result.language, result.notes) == ("de", [])


def test_there_are_five_keys_or_a_repair(served: ServedProvider, tmp_path: Path) -> None:
    """A model that gives four keys is told so once, and its second answer counts."""
    served.queue_answers(reel(keys=reel()["keys"][:4]), reel())
    assert len(analyze(served, evidence(tmp_path)).keys) == 5
    assert len(served.service.requests) == 2
    assert "keys" in served.service.requests[1].body.decode()


def test_the_model_is_given_what_was_measured(served: ServedProvider, tmp_path: Path) -> None:
    """The numbers are in the request, and the same come back to the user."""
    served.queue_answers(reel())
    result = analyze(served, evidence(tmp_path, samples=samples_showing("Only water dry soil", tmp_path)))
    told = served.data()["measured"]
    assert result.pacing
    assert told == result.pacing.to_json()
    assert (told["shots"], told["cutsPerMinute"], told["hookSec"], told["firstCutSec"]) == (4, 6, 0, 4)
    assert told["loudness"]["integratedLufs"] == -20.5
    assert told["silenceShare"] == 0.2
    assert (told["textShare"], told["textWordsPerSec"]) == (1.0, 0.13)
    assert served.data()["onScreen"][0]["text"] == "Only water dry soil"


def test_a_translation_is_not_asked_of_what_needs_none(served: ServedProvider, tmp_path: Path) -> None:
    """What is said in the language asked for already is its own translation, whatever the model says."""
    served.queue_answers(reel(original={"transcription": "Made up.", "translation": "Made up."}))
    original = analyze(served, evidence(tmp_path, transcript_language="eng"), "en-GB").original
    assert original.transcription == original.translation == TRANSCRIPTION


def test_only_who_hears_may_tell_what_is_said(served: ServedProvider, tmp_path: Path) -> None:
    """Without a stored transcript the words of a model that got the whole video count, those of another one do not."""
    served.queue_answers(reel(original={"transcription": "Hello.", "translation": "Hallo."}))
    silent = evidence(tmp_path, source=VIDEO, transcript=[], transcript_language=None, transcript_source=None)
    original = analyze(served, silent).original
    heard = ("Hello.", "Hallo.") if served.name == "gemini" else (None, None)
    assert (original.transcription, original.translation) == heard


@pytest.mark.parametrize("attack", ATTACKS[:6], ids=range(6))
def test_spoken_orders_stay_data(served: ServedProvider, attack: str, tmp_path: Path) -> None:
    """Somebody who speaks to the model in a video changes neither the rules nor the place of the words."""
    served.queue_answers(reel(), reel())
    analyze(served, evidence(tmp_path, transcript=[Segment(start=1, end=2, text=attack)]))
    analyze(served, evidence(tmp_path))
    assert served.data()["transcript"] == [{"start": 1, "end": 2, "text": attack}]
    assert served.rules(0) == served.rules(1)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=8), st.floats(0, 1e4))
def test_a_script_lies_in_the_video(times: list[tuple[float, float]], duration: float) -> None:
    """Law: scenes come in order of time, each within the video, none ends before it starts, and none is lost."""
    scenes = [Scene(start=start, end=end, visual="", text="", note="") for start, end in times]
    found = order_scenes(scenes, duration)
    assert len(found) == len(scenes)
    assert [scene.start for scene in found] == sorted(scene.start for scene in found)
    assert all(0 <= scene.start <= scene.end <= duration + 0.005 for scene in found)


def test_times_are_told_to_people() -> None:
    """A scene has its time as people write it."""
    assert (time_range(0, 2.6), time_range(59.6, 3661), time_range(3, 3.2)) == ("00:00–00:03", "01:00–61:01", "00:03")


def test_offline_only_measures(tmp_path: Path) -> None:
    """Without an AI a reel has its numbers, what they imply, and the word that nobody understood it."""
    result = analyze_offline(evidence(tmp_path, samples=samples_showing("", tmp_path)))
    assert [key.title for key in result.keys] == [
        "Opening",
        "Rhythm of cuts",
        "Speech",
        "Text on the screen",
        "Sound",
    ]
    assert result.keys[0].description == "First cut at 4 s. First words at 1.5 s."
    assert result.keys[1].description.startswith("Shots: 4. Cuts per minute: 6. Mean shot: 7.5 s, median 6 s")
    assert result.keys[4].description == "Loudness: −20.5 LUFS. True peak: −0.4 dBFS. Silence: 20 % of the time."
    assert [(one.category, one.text) for one in result.recommendations] == [
        ("Rhythm of cuts", "There is no cut from 14 s to 30 s. Change the picture or the framing about every 5 s."),
        (
            "Text on the screen",
            "There is speech, but hardly any text on the screen: many watch without sound. Add captions.",
        ),
        ("Sound", "At −20.5 LUFS the video is quieter than others. Raise it by 6.5 dB, to about −14 LUFS."),
        (
            "Sound",
            "Peaks reach −0.4 dBFS and may be distorted when the platform compresses them. Leave them below −1 dBFS.",
        ),
    ]
    assert [(scene.time, scene.visual, scene.text, scene.note) for scene in result.script][:2] == [
        ("00:00–00:04", "Shot 1", "Stop watering your plants every day.", "4 s"),
        ("00:04–00:12", "Shot 2", "Roots need air, and wet soil has none.", "8 s"),
    ]
    assert result.original.translation == result.original.transcription == TRANSCRIPTION
    assert result.notes == [
        "This analysis is based on measurements, without AI: it does not consider what is shown or said."
    ]


@pytest.mark.parametrize(
    ("language", "title", "written_in"),
    [("de-AT", "Schnittrhythmus", "de"), ("ru", "Ритм монтажа", "ru"), ("fr", "Rhythm of cuts", "en")],
)
def test_offline_speaks_three_languages(language: str, title: str, written_in: str, tmp_path: Path) -> None:
    """The texts are German, Russian or English; nothing is translated, and that is said."""
    result = analyze_offline(evidence(tmp_path), language)
    assert (result.keys[1].title, result.language) == (title, written_in)
    assert result.original.translation is None
    assert len(result.notes) == 2


@pytest.mark.parametrize(
    ("language", "said"), [("en", "may be misheard"), ("de", "kann sich verhört haben"), ("ru", "услышаны неверно")]
)
def test_offline_warns_of_misheard_words(language: str, said: str, tmp_path: Path) -> None:
    """A reader of the transcript learns which model recognized it; subtitles need no such warning."""
    notes = analyze_offline(evidence(tmp_path, transcript_model="Whisper base"), language).notes
    assert any("Whisper base" in note and said in note for note in notes)
    assert not any(said in note for note in analyze_offline(evidence(tmp_path), language).notes)


def test_offline_shows_what_stands_on_the_screen(tmp_path: Path) -> None:
    """Text on the screen is part of the script of the shot that shows it."""
    result = analyze_offline(evidence(tmp_path, samples=samples_showing("Only water dry soil", tmp_path)))
    assert result.script[0].visual == "Shot 1, on the screen: “Only water dry soil”"
    assert (
        result.keys[3].description
        == "There is text on the screen for 100 % of the time. Words to be read per second: 0.1."
    )


def test_offline_has_little_to_say_of_nothing(tmp_path: Path) -> None:
    """A silent video of one shot still has five keys, says what is missing, and invents nothing."""
    nothing: dict[str, Any] = {
        "samples": samples_showing("", tmp_path),
        "transcript": [],
        "transcript_language": None,
        "audio": None,
        "silences": [],
        "transcript_gap": "no_audio",
    }
    result = analyze_offline(evidence(tmp_path, shots=[Shot(start=0, end=4)], **nothing))
    assert [key.description for key in result.keys] == [
        "No cut, no words and no text were found.",
        "Shots: 1. Cuts per minute: 0. Mean shot: 4 s, median 4 s, longest 4 s.",
        "The video has no audio and no subtitles.",
        "No text was found on the screen.",
        "There is no sound.",
    ]
    assert [one.category for one in result.recommendations] == ["Opening", "Sound"]
    assert (result.original.transcription, result.original.translation) == (None, None)
    assert len(result.notes) == 2


def test_nothing_is_concluded_from_audio_that_was_not_transcribed(tmp_path: Path) -> None:
    """Without a speech model, neither measurements nor advice claim that the video begins without words."""
    unheard = evidence(
        tmp_path,
        transcript=[],
        transcript_language=None,
        transcript_gap="not_transcribed",
        shots=[Shot(start=0, end=9)],
    )
    result = analyze_offline(unheard)
    assert result.pacing is not None
    assert (result.pacing.hook_sec, result.pacing.first_words_sec) == (None, None)
    assert "speech was not transcribed" in result.keys[0].description
    assert "Opening" not in [one.category for one in result.recommendations]
    asked = evidence_text(replace(unheard, measured=result.pacing))
    assert "was not transcribed" in asked
    completed = complete(Reel.model_validate(reel()), unheard, "de")
    assert completed.notes == [GAP_SENTENCES["not_transcribed"]]
    assert complete(Reel.model_validate(reel()), replace(unheard, model_hears_audio=True), "de").notes == []


def test_offline_praises_what_is_in_order(tmp_path: Path) -> None:
    """A video that breaks no rule is told so, once."""
    shots = [Shot(start=time, end=time + 3) for time in range(0, 30, 3)]
    said = [Segment(start=3 * n, end=3 * n + 3, text="One two three four five six seven eight") for n in range(10)]
    audio = evidence(tmp_path).audio
    assert audio
    good = audio.model_copy(update={"loudness": Loudness(integrated_lufs=-14, range_lu=5, true_peak_dbfs=-1.5)})
    given = evidence(
        tmp_path,
        shots=shots,
        transcript=said,
        audio=good,
        samples=samples_showing("Six words to be read here", tmp_path),
    )
    result = analyze_offline(given)
    assert [one.text for one in result.recommendations] == ["No measurement is unusual."]
