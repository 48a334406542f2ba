"""Videos that somebody talks in, as `persist` leaves them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import cast

from shared.ai.offline.language.lexicon import detect_language
from shared.ai.offline.provider import OfflineProvider
from shared.ai.provider import EmbeddingResult, Provider
from shared.ai.usage import Meter
from shared.chat.excerpts import split_windows
from shared.chat.passages import PassageSource, embed_windows, store_passages
from shared.models.video import Segment, Word
from shared.pipeline.job_storage import SEGMENTS
from shared.platform.ports import Documents
from tests.recipe_samples import no_tick

WORDS_A_SECOND = 2.4
PAUSE_SEC = 0.3

SOUP = """\
Welcome back to my kitchen in Portland.
Today we cook a tomato soup with basil.
You need one kilo of ripe tomatoes and two onions.
Roast the tomatoes in the oven for forty minutes.
My neighbour Harriet adds a spoon of honey at the end.
The soup keeps in the freezer for three months.
""".splitlines()
STARS = """\
Tonight we look at the planet Saturn through a small telescope.
The gap between the rings is named after Cassini, who saw it in 1675.
The brightest moon is called Titan.
Let the telescope cool down outside for half an hour.
""".splitlines()


def segments(lines: Sequence[str]) -> list[Segment]:
    """One after the other, each as long as it takes to say it."""
    said, at = [], 0.0
    for line in lines:
        end = at + len(line.split()) / WORDS_A_SECOND
        said.append(Segment(start=round(at, 2), end=round(end, 2), text=line))
        at = end + PAUSE_SEC
    return said


def recognized(lines: Sequence[str], words_a_segment: int = 7) -> list[Segment]:
    """The same as a speech model returns it: in pieces that end anywhere, with the times of words."""
    words: list[Word] = []
    for line in segments(lines):
        texts = line.text.split()
        step = (line.end - line.start) / len(texts)
        words += (
            Word(start=line.start + at * step, end=line.start + (at + 1) * step, text=f" {text}")
            for at, text in enumerate(texts)
        )
    runs = [words[at : at + words_a_segment] for at in range(0, len(words), words_a_segment)]
    return [
        Segment(start=run[0].start, end=run[-1].end, text="".join(word.text for word in run), words=run) for run in runs
    ]


def offline() -> Provider:
    return OfflineProvider(meter=Meter())


def told(
    documents: Documents,
    owner: str,
    video_id: str,
    lines: Sequence[str],
    embed: Callable[[list[str]], EmbeddingResult | None] = lambda texts: offline().embed(texts, "document", no_tick),
    language: str | None = None,
    transcribe: Callable[[Sequence[str]], list[Segment]] = segments,
) -> None:
    """Store what is said in a video."""
    made = split_windows(transcribe(lines))
    vectors = None
    if embed([made[0].text]):
        provider = SimpleNamespace(embed=lambda texts, purpose, tick: embed(list(texts)))
        vectors = embed_windows(cast(Provider, provider), made, no_tick)
    spoken = language or detect_language(lines, None)
    store_passages(documents, SEGMENTS, PassageSource(owner, video_id, video_id), made, spoken, vectors)
