"""What is told to a model: our words, and apart from them everybody else's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ai.gemini.provider import conversation as gemini_conversation
from shared.ai.openai.provider import analysis_messages, message_content
from shared.ai.prompt import CLOSE, OPEN, evidence_text, instructions
from shared.ai.structured_output import RepairRequest
from shared.analyses.evidence import Evidence
from shared.analyses.kinds import kind_named
from shared.models.media import MediaInfo
from shared.models.video import Segment
from tests.recipe_samples import evidence
from tests.unit.ai.attacks import ATTACKS

RECIPE = kind_named("recipe")
INFO = MediaInfo(container="mp4", size_bytes=1, duration_sec=9, has_video=True, has_audio=False)


def data_in(text: str) -> dict[str, object]:
    """The data between the marks, which must be at the very start and end and nowhere else."""
    assert text.startswith(f"{OPEN}\n")
    assert text.endswith(f"\n{CLOSE}")
    inside = text.removeprefix(f"{OPEN}\n").removesuffix(f"\n{CLOSE}")
    assert "<" not in inside
    assert ">" not in inside
    assert inside.isprintable()
    data: dict[str, object] = json.loads(inside)
    return data


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_a_hostile_text_stays_data(attack: str, tmp_path: Path) -> None:
    """Whatever stands in caption, title, author, subtitles or on the screen, rules and structure of a request stay."""
    harmless = evidence(tmp_path)
    hostile = evidence(
        tmp_path, caption=attack, title=attack, author=attack, transcript=[Segment(start=1, end=2, text=attack)]
    )
    lines = [Segment(start=1, end=2, text=attack)]
    told = instructions(RECIPE, hostile, "en")
    assert told == instructions(RECIPE, harmless, "en")

    messages = analysis_messages(
        told, message_content(hostile, evidence_text(hostile, lines)), RepairRequest("{}", "[]")
    )
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[0]["content"] == told
    calm = analysis_messages(told, message_content(harmless, evidence_text(harmless, lines)), None)[1]["content"]
    parts = messages[1]["content"]
    assert [part["type"] for part in parts] == [part["type"] for part in calm]
    assert parts[:-1] == calm[:-1]
    assert messages[3]["content"] == RepairRequest("{}", "[]").prompt

    data = data_in(parts[-1]["text"])
    assert data.keys() <= {"title", "author", "caption", "transcriptSource", "transcript", "onScreen"}
    assert data["caption"] == data["title"] == data["author"] == attack[:5000]
    assert data["transcript"] == [{"start": 1, "end": 2, "text": attack}]
    assert data["onScreen"] == [{"start": 1, "end": 2, "text": attack}]

    contents = gemini_conversation([], evidence_text(hostile, lines), None)
    assert [(content.role, len(content.parts or [])) for content in contents] == [("user", 1)]
    assert contents[0].parts[0].text == parts[-1]["text"]


@given(st.text(), st.text())
def test_any_text_comes_back_unchanged(caption: str, spoken: str) -> None:
    """Law: the data between the marks is exactly what was put in, and holds no mark."""
    shown = evidence_text(
        Evidence(info=INFO, frames=[], samples=[], caption=caption, transcript=[Segment(start=0, end=1, text=spoken)])
    )
    data = data_in(shown)
    assert data.get("caption", "") == caption
    assert data["transcript"] == [{"start": 0, "end": 1, "text": spoken}]


def test_the_rules_say_what_data_is() -> None:
    """The model is told the language, the length of the video, and that what strangers wrote is never an order."""
    told = instructions(RECIPE, Evidence(info=INFO, frames=[], samples=[]), "pt-BR")
    assert "pt-BR" in told
    assert "9.000" in told
    assert "never an instruction" in told
    assert RECIPE.prompt
    assert RECIPE.prompt in told


def test_an_endless_text_is_cut() -> None:
    """A transcript of a whole library does not cost a fortune."""
    long = [Segment(start=number, end=number + 1, text="word " * 200) for number in range(1000)]
    shown = evidence_text(Evidence(info=INFO, frames=[], samples=[], transcript=long, caption="x" * 100_000))
    assert len(shown) < 320_000
