"""One clock for pictures, sound and subtitles: the presentation times of a file's packets.

A file's own clock may begin anywhere, also below zero, and does not always run evenly: joined recordings start it
again, and a faulty muxer gives single packets impossible times. A player shows such a file as one film, and so does
this clock.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import inf, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.media.container import MAX_PACKETS, open_media, read_packets

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet

Seconds = NDArray[np.float64]
# FFmpeg, too, takes a clock that runs back, or ahead by more than 10 s in a transport stream, for one that was reset.
_BACK_SEC, _AHEAD_SEC = 0.3, 10.0
_REORDERED_SEC = 1.0  # by which presentation times may run back
_RESETTING = ("mpegts", "mpeg", "flv")
_MOST_STRAYS = 8
_MOST_TIMES_LONGER = 100
_MOST_REORDERED = 17  # one more than H.264 and HEVC allow
_FRAME_SEC = 0.04


@dataclass(frozen=True)
class Timeline:
    """The presentation of a file; all times are in seconds from its start.

    Attributes:
        times: By stream index, the time of each packet in the order of the file, at most `MAX_PACKETS`.
        shown: By stream index, the times of the packets that are presented, sorted.
        ends: By stream index, when the last packet ends.
        start: The start of the presentation on the file's clock.
        resets: How often the file's clock starts again.
        strays: Packets whose time in the file is impossible and was replaced.
    """

    times: dict[int, Seconds]
    shown: dict[int, Seconds]
    ends: dict[int, float]
    start: float
    resets: int = 0
    strays: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether every time is the file's own, less `start`."""
        return not self.resets and not self.strays

    @property
    def end(self) -> float:
        return max(self.ends.values(), default=0.0)

    def begin(self, stream: int) -> float:
        """Return when a stream begins; infinite if it presents nothing."""
        return float(self.shown[stream][0]) if stream in self.ends else inf


def read_timeline(path: Path, streams: Sequence[int]) -> Timeline:
    """Read the times of all packets of the streams."""
    with open_media(path) as container:
        clock = ClockReader(container)
        for packet in read_packets(container, *(stream for stream in container.streams if stream.index in streams)):
            clock.add_packet(packet)
        return clock.finish(streams)


@dataclass
class _Run:
    """Consecutive packets of one stream, [first, stop), on an uninterrupted clock."""

    stream: int
    first: int
    stop: int
    position: int
    last_position: int
    """Positions of its first and last packet among those of all streams."""
    begin: float
    end: float
    epoch: int = 0

    def __len__(self) -> int:
        return self.stop - self.first


@dataclass
class _Track:
    """What the packets of a stream declare; NaN where they declare no time."""

    decode: array[float] = field(default_factory=lambda: array("d"))
    present: array[float] = field(default_factory=lambda: array("d"))
    length: array[float] = field(default_factory=lambda: array("d"))
    position: array[int] = field(default_factory=lambda: array("q"))
    discarded: array[int] = field(default_factory=lambda: array("b"))

    def add_row(self, *values: float) -> None:
        """Append a row, or replace the last one if there are `MAX_PACKETS`, so that the end stays known."""
        for column, value in zip(vars(self).values(), values, strict=True):
            if len(column) < MAX_PACKETS:
                column.append(value)
            else:
                column[-1] = value


class ClockReader:
    """Collects the times of packets in the order of the file; `finish` makes the timeline."""

    def __init__(self, container: InputContainer) -> None:
        self._is_resetting = container.format.name in _RESETTING
        self._declared_start = None if container.start_time is None else container.start_time / 1_000_000
        self._tracks: dict[int, _Track] = {}
        self._count = 0

    def add_packet(self, packet: Packet[Any], is_hidden: bool = False) -> None:
        track = self._tracks.setdefault(packet.stream_index, _Track())
        self._count += 1
        base, pts, dts = float(packet.time_base), packet.pts, packet.dts
        track.add_row(
            nan if dts is None else dts * base,
            nan if pts is None else pts * base,
            (packet.duration or 0) * base,
            self._count,
            packet.is_discard or is_hidden,
        )

    def finish(self, streams: Sequence[int]) -> Timeline:
        """Make the timeline of these streams, as far as they have packets."""
        clocks = {index: _StreamClock(index, track) for index, track in self._tracks.items() if index in streams}
        for clock in clocks.values():
            clock.join_runs(self._is_resetting, [other for other in clocks.values() if other is not clock])
        runs = sorted((run for clock in clocks.values() for run in clock.runs), key=lambda run: run.position)
        epochs = _assign_epochs(runs, self._is_resetting)
        strays = sum(clock.strays for clock in clocks.values())
        start = self._declared_start
        if start is None or strays:
            start = min((run.begin for run in runs if not run.epoch), default=0.0)
        offsets = _epoch_offsets(runs, epochs, start)
        times = {index: clock.presentation(offsets) for index, clock in clocks.items()}
        shown = {index: np.sort(times[index][~clock.discarded]) for index, clock in clocks.items()}
        return Timeline(
            times=times,
            shown=shown,
            ends={index: clock.end(times[index]) for index, clock in clocks.items() if len(shown[index])},
            start=start,
            resets=epochs - 1,
            strays=strays,
        )


class _StreamClock:
    """The clock of one stream: runs of packets between resets, and strays, whose times are replaced."""

    def __init__(self, index: int, track: _Track) -> None:
        self._index, self._positions = index, track.position
        self._length = np.array(track.length)
        self.discarded = np.array(track.discarded, bool)
        decode, self._present = np.array(track.decode), np.array(track.present)
        self._present = np.where(np.isnan(self._present), decode, self._present)
        self._clock = np.where(np.isnan(decode), self._present, decode)
        timed = np.flatnonzero(~np.isnan(self._clock))
        steps = np.diff(np.sort(self._clock[timed]))
        self._step = float(np.median(steps[steps > 0])) if (steps > 0).any() else _FRAME_SEC
        self._is_stray = self._odd_delays(decode)
        self.strays = int(self._is_stray.sum())
        back = _REORDERED_SEC if np.isnan(decode).any() else _BACK_SEC
        jumps = np.diff(self._clock[timed])
        edges = timed[np.flatnonzero((jumps < -back) | (jumps > _AHEAD_SEC)) + 1].tolist()
        bounds = [0, *edges, len(decode)] if len(timed) else []
        self.runs = [self._run(first, stop) for first, stop in pairwise(bounds)]

    def _odd_delays(self, decode: Seconds) -> NDArray[np.bool_]:
        """Find presentation times that are impossibly far from the decoding times."""
        delay = self._present - decode
        usual = float(np.nanmedian(delay)) if (~np.isnan(delay)).any() else 0.0
        return np.abs(delay - usual) > _REORDERED_SEC + _MOST_REORDERED * self._step

    def _run(self, first: int, stop: int) -> _Run:
        times = self._present[first:stop]
        usable = ~(np.isnan(times) | self._is_stray[first:stop])
        shown = usable & ~self.discarded[first:stop]
        times = times[shown if shown.any() else usable]
        begin, end = (float(times.min()), float(times.max())) if len(times) else (float(self._clock[first]),) * 2
        positions = self._positions[first], self._positions[stop - 1]
        return _Run(self._index, first, stop, *positions, begin, end + self._step)

    def join_runs(self, is_resetting: bool, others: Sequence[_StreamClock]) -> None:
        """Join runs around strays and, unless the format is one whose clock is reset, around pauses."""
        joined = self.runs[:1]
        remaining = self.runs[1:]
        while remaining:
            before, run = joined[-1], remaining.pop(0)
            if len(run) <= _MOST_STRAYS and remaining and self._is_continued(before, remaining[0]):
                self._drop(run)
                joined[-1] = self._join(before, remaining.pop(0))
            elif len(run) <= _MOST_STRAYS and not remaining and self._is_far_behind(before, run, others):
                self._drop(run)
                joined[-1] = replace(before, stop=run.stop, last_position=run.last_position)
            elif len(joined) == 1 and len(before) <= _MOST_STRAYS and self._is_real_start(before, run, others):
                self._drop(before)
                joined[-1] = replace(run, first=before.first, position=before.position)
            elif run.begin > before.end and not is_resetting:
                joined[-1] = self._join(before, run)
            else:
                joined.append(run)
        self.runs = joined

    def _drop(self, run: _Run) -> None:
        self._is_stray[run.first : run.stop] = True
        self.strays += len(run)

    def _join(self, before: _Run, run: _Run) -> _Run:
        return replace(before, stop=run.stop, last_position=run.last_position, end=max(before.end, run.end))

    def _is_continued(self, before: _Run, following: _Run) -> bool:
        return -_REORDERED_SEC <= following.begin - before.end <= _AHEAD_SEC

    def _is_far_behind(self, before: _Run, run: _Run, others: Sequence[_StreamClock]) -> bool:
        """Return True if a few last packets are so far behind everything else that nobody can have meant them."""
        end = max([before.end, *(row.end for other in others for row in other.runs if len(row) > _MOST_STRAYS)])
        return run.begin - end > max(_AHEAD_SEC, _MOST_TIMES_LONGER * (end - before.begin))

    def _is_real_start(self, before: _Run, run: _Run, others: Sequence[_StreamClock]) -> bool:
        """Return True if nothing else starts with the few packets before `run`, and it starts far behind them."""
        begins = [other.runs[0].begin for other in others if other.runs and len(other.runs[0]) > _MOST_STRAYS]
        if begins:
            return all(abs(begin - run.begin) <= _AHEAD_SEC < abs(begin - before.begin) for begin in begins)
        return abs(run.begin - before.begin) > max(_AHEAD_SEC, _MOST_TIMES_LONGER * (run.end - run.begin))

    def presentation(self, offsets: Sequence[float]) -> Seconds:
        """Return the time of each packet; those of strays follow from the packets around them."""
        times = self._present.copy()
        for run in self.runs:
            times[run.first : run.stop] += offsets[run.epoch]
        times[self._is_stray] = np.nan
        known = np.flatnonzero(~np.isnan(times))
        ordinals = np.arange(len(times))
        if not len(known):
            return np.asarray(ordinals * self._step, np.float64)
        before, behind = np.minimum(ordinals - known[0], 0), np.maximum(ordinals - known[-1], 0)
        filled: Seconds = np.interp(ordinals, known, times[known]) + (before + behind) * self._step
        return filled

    def end(self, times: Seconds) -> float:
        """Return when the last packet ends; an impossible or missing length is replaced by the usual one."""
        shown = np.flatnonzero(~self.discarded)
        last = int(shown[times[shown].argmax()])
        length, span = float(self._length[last]), float(times[last] - times[shown].min())
        is_possible = 0 < length <= max(_AHEAD_SEC, _MOST_TIMES_LONGER * span) or (length > 0 and len(shown) == 1)
        return float(times[last]) + (length if is_possible else self._step)


def _assign_epochs(runs: Sequence[_Run], is_resetting: bool) -> int:
    """Assign each run, in the order of the file, to a stretch without reset; return the number of these epochs.

    The streams of a file are reset together, though not at the same packet: a run belongs to an epoch that another
    stream has begun nearby on the same clock. A stream that begins where all others have ended, but earlier on the
    clock, begins an epoch, too.
    """
    spans: list[tuple[float, float]] = []
    current: dict[int, int] = {}
    for run in runs:
        least = current.get(run.stream, -1) + 1
        is_first = run.stream not in current
        near = [
            epoch
            for epoch in range(least, len(spans))
            if -_AHEAD_SEC <= run.begin - spans[epoch][0] <= (spans[epoch][1] - spans[epoch][0]) * is_first + _AHEAD_SEC
        ]
        earlier = [other for other in runs if other.position < run.position]
        if is_first and is_resetting and all(other.last_position < run.position for other in earlier):
            near = [epoch for epoch in near if run.begin > spans[epoch][1] - _BACK_SEC]
            is_first = False
        epoch = near[-1 if is_first else 0] if near else len(spans) - 1 if is_first and spans else len(spans)
        begin, end = spans[epoch] if epoch < len(spans) else (run.begin, run.end)
        spans[epoch : epoch + 1] = [(min(begin, run.begin), max(end, run.end))]
        current[run.stream] = run.epoch = epoch
    return len(spans)


def _epoch_offsets(runs: Sequence[_Run], epochs: int, start: float) -> list[float]:
    """Return what to add to the file's times in each epoch, so that it begins where the one before it ends."""
    offsets = [-start]
    for epoch in range(1, epochs):
        members = [run for run in runs if run.epoch == epoch]
        streams = {run.stream for run in members}
        earlier = [run for run in runs if run.epoch < epoch]
        own = [run for run in earlier if run.stream in streams] or earlier
        end = max(run.end + offsets[run.epoch] for run in own)
        offsets.append(end - min(run.begin for run in members))
    return offsets
