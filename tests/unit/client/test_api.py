"""The reader of server-sent events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infra.api_client import ServerSentEvent, parse_events

line = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))


@given(st.lists(st.tuples(st.lists(line, min_size=1, max_size=3), st.booleans())), st.integers(1, 7), st.booleans())
def test_events_are_read_however_the_bytes_arrive(
    events: list[tuple[list[str], bool]], piece: int, carriage_returns: bool
) -> None:
    """No text in an event, and no place where the network cuts, changes what is read."""
    end = "\r\n" if carriage_returns else "\n"
    text = ""
    expected = []
    id = None
    for number, (data, has_id) in enumerate(events):
        if has_id:
            id = f"v{number}"
            text += f"id: {id}{end}"
        text += "".join(f"data: {part}{end}" for part in data) + f": comment{end}{end}"
        expected.append(ServerSentEvent(id, "message", "\n".join(data)))
    stream = text.encode()
    pieces = [stream[start : start + piece] for start in range(0, len(stream), piece)]
    assert list(parse_events(pieces)) == expected


def test_an_event_that_is_cut_off_is_dropped() -> None:
    """Half an event is never shown as a whole one."""
    assert list(parse_events([b"event: job\ndata: 1\n\nid: 2\ndata: 2\n"])) == [ServerSentEvent(None, "job", "1")]
