"""Labels and names of the speakers of a transcript."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.media.speakers import attribute_texts, drop_sole_speaker, label_speakers, name_speakers
from shared.models.video import Segment


def segments(*speakers: str | None) -> list[Segment]:
    return [Segment(start=at, end=at + 1, text=f"Text {at}", speaker=who) for at, who in enumerate(speakers)]


def labels(parts: list[list[Segment]]) -> list[list[str | None]]:
    return [[segment.speaker for segment in part] for part in parts]


def test_labels_do_not_join_the_speakers_of_two_parts() -> None:
    """A speech model knows nothing of the part before: its second A may be somebody else."""
    parts = [segments("spk1", "spk0", "spk1", None), segments("spk0", "spk0")]
    assert labels(label_speakers(parts)) == [["A", "B", "A", None], ["C", "C"]]


def test_there_is_a_label_for_any_number_of_speakers() -> None:
    """A debate of sixty has labels as the columns of a spreadsheet."""
    found = labels(label_speakers([segments(*map(str, range(60)))]))[0]
    assert (found[25:29], found[51:54]) == (["Z", "AA", "AB", "AC"], ["AZ", "BA", "BB"])


@given(st.lists(st.lists(st.sampled_from(["x", "y", None]), max_size=5), max_size=4))
def test_labels_distinguish_what_the_model_distinguished(rows: list[list[str | None]]) -> None:
    """Within a part, equal speakers stay equal and different ones different; segments without one stay without."""
    for row, result in zip(rows, labels(label_speakers([segments(*row) for row in rows])), strict=True):
        pairs = set(zip(row, result, strict=True))
        assert len(pairs) == len(set(row)) == len(set(result))
        assert all((before is None) == (after is None) for before, after in pairs)


def test_names_and_texts() -> None:
    """Labels with a name show it, a text names its speaker where the speaker changes, a monologue names nobody."""
    named = name_speakers(segments("A", "A", "B", None, "A"), {"A": "Anna", "C": "Cleo"})
    texts = attribute_texts((segment.speaker, segment.text) for segment in named)
    assert texts == ["Anna: Text 0", "Text 1", "B: Text 2", "Text 3", "Anna: Text 4"]
    assert [segment.speaker for segment in drop_sole_speaker(segments("A", "A"))] == [None, None]
    assert [segment.speaker for segment in drop_sole_speaker(segments("A", None))] == ["A", None]
