"""The laws by which key frames and samples are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.media.video.fingerprints import compute_fingerprint, shifted_differences
from shared.media.video.frame_choice import choose_key_frames, choose_samples, farthest_first, has_same_text
from shared.media.video.frames import Picture
from shared.media.video.packets import PacketIndex
from shared.media.video.picture_plan import plan_pictures
from shared.models.video import Shot


def picture(time: float, look: int, sharpness: float = 100.0) -> Picture:
    """Looks with different numbers are different pictures, those with the same are alike but for noise."""
    rng = np.random.default_rng(look)
    cells = rng.integers(0, 240, (9, 16), np.uint8).repeat(4, 0).repeat(4, 1)
    noise = np.random.default_rng(int(time * 1000)).integers(0, 3, cells.shape, np.uint8)
    chroma = [rng.integers(60, 200, (12, 12), np.uint8) for _ in range(2)]
    luma = cells + noise
    return Picture(time, compute_fingerprint(luma, *chroma), int(time * 1000), sharpness, luma, (640, 360))


def captioned(plain: Picture) -> Picture:
    """The same with a line of text on it."""
    luma = plain.luma.copy()
    luma[30:32, 20:40] = 255 - luma[30:32, 20:40]
    return Picture(plain.time + 1, plain.fingerprint, plain.ordinal + 1000, plain.sharpness, luma, plain.size)


def pictures(looks: Sequence[int]) -> list[Picture]:
    return [picture(float(time), look) for time, look in enumerate(looks)]


POINTS = st.lists(st.integers(0, 300), min_size=1, max_size=30)


@given(POINTS, st.integers(1, 12), st.integers(1, 50))
def test_farthest_first_spreads(points: list[int], most: int, least: int) -> None:
    """No two chosen are closer than allowed, and nothing that is far from all of them was left out."""
    chosen = farthest_first(points, distance=lambda a, b: abs(a - b), weight=lambda _: 1, least=least, most=most)
    assert 1 <= len(chosen) <= most
    assert chosen[0] == points[0]
    assert all(abs(a - b) >= least for n, a in enumerate(chosen) for b in chosen[:n])
    if len(chosen) < most:
        assert all(min(abs(point - taken) for taken in chosen) < least for point in points)
    if len(chosen) > 1:
        assert abs(chosen[1] - chosen[0]) == max(abs(point - chosen[0]) for point in points)


@given(POINTS, st.integers(1, 12))
def test_more_may_only_add(points: list[int], most: int) -> None:
    """Asking for one key frame more keeps those chosen before."""

    def choose(count: int) -> list[int]:
        return farthest_first(points, distance=lambda a, b: abs(a - b), weight=lambda p: p + 1, least=5, most=count)

    assert choose(most + 1)[:most] == choose(most)


@given(st.integers(0, 5), st.integers(0, 5), st.integers(-3, 3), st.integers(-3, 3))
@settings(max_examples=30)
def test_shifts_are_compared_as_one_by_one(look: int, other: int, dy: int, dx: int) -> None:
    """A camera that shakes is recognized by the same numbers as if each shift were cut out and compared alone."""
    rows = [picture(0.0, number).fingerprint for number in (look, other)]
    one, two = (row[:576].reshape(24, 24).astype(int) for row in rows)
    overlap = [slice(max(0, shift), 24 + min(0, shift)) for shift in (dy, dx, -dy, -dx)]
    expected = np.sort(np.abs(one[overlap[0], overlap[1]] - two[overlap[2], overlap[3]]).ravel())
    apart, counts = shifted_differences(*rows)
    number = (dy + 3) * 7 + dx + 3
    assert counts[number] == len(expected)
    assert apart[number, : counts[number]].tolist() == expected.tolist()


@given(st.lists(st.integers(0, 5), max_size=40))
def test_every_look_that_lasts_is_sampled_twice(looks: list[int]) -> None:
    """Text that is seen at two moments running is among the samples twice, and no look is there three times running."""
    kept = choose_samples(pictures(looks), 1000)
    times = [int(sample.time) for sample in kept]
    assert times == sorted(set(times))
    runs = [(look, len(list(run))) for look, run in groupby(looks)]
    sampled = [(look, len(list(run))) for look, run in groupby(looks[time] for time in times)]
    assert sampled == [(look, min(length, 2)) for look, length in runs]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 100), min_size=61, max_size=150))
def test_samples_are_at_most_so_many_and_spread(looks: list[int]) -> None:
    """A video in which everything changes has no more samples than allowed, from its start to its end."""
    everything = choose_samples(pictures(looks), 1000)
    everything_at = [sample.time for sample in everything]
    kept = choose_samples(pictures(looks), 60)
    assert len(kept) == min(60, len(everything))
    assert (kept[0].time, kept[-1].time) == (everything[0].time, everything[-1].time)
    places = [everything_at.index(sample.time) for sample in kept]
    gaps = [later - earlier for earlier, later in pairwise(places)]
    assert max(gaps) - min(gaps) <= 1


def test_a_caption_makes_another_look() -> None:
    """Noise is not worth reading again, a line of text is."""
    plain = picture(0, 1)
    assert has_same_text(plain.luma, picture(1, 1).luma)
    assert not has_same_text(plain.luma, captioned(plain).luma)


def test_the_sharpest_of_a_shot_is_its_key_frame() -> None:
    """Between blurred frames of the same thing the sharp one is shown."""
    frames = [picture(time, 1, sharpness) for time, sharpness in enumerate([20, 30, 90, 25, 10])]
    (chosen,) = choose_key_frames(frames, [Shot(start=0, end=5)], most=1)
    assert chosen.time == 2


def test_a_stray_picture_does_not_stand_for_its_shot() -> None:
    """A flash or a hand before the lens, however sharp, is not what a shot shows."""
    frames = [picture(0, 1), picture(1, 1), picture(2, 7, sharpness=900), picture(3, 1), picture(4, 1)]
    (chosen,) = choose_key_frames(frames, [Shot(start=0, end=5)], most=1)
    assert chosen.time != 2


def test_key_frames_are_no_duplicates() -> None:
    """A video that goes back and forth between two pictures has two key frames."""
    shots = [Shot(start=n, end=n + 1) for n in range(10)]
    frames = [picture(n + 0.5, n % 2) for n in range(10)]
    assert len(choose_key_frames(frames, shots, most=12)) == 2


def test_captions_on_a_still_picture_are_different_key_frames() -> None:
    """Slides with one background and different words are told apart."""
    plain = picture(0.5, 1)
    shots = [Shot(start=0, end=1), Shot(start=1, end=2)]
    assert len(choose_key_frames([plain, captioned(plain)], shots, most=12)) == 2


@pytest.mark.parametrize("most", [1, 5, 12])
def test_many_shots_give_as_many_as_asked_for(most: int) -> None:
    """From forty different shots the number that was asked for is chosen, in order of time."""
    shots = [Shot(start=n, end=n + 1) for n in range(40)]
    chosen = choose_key_frames([picture(n + 0.5, n) for n in range(40)], shots, most)
    assert len(chosen) == most
    assert [frame.time for frame in chosen] == sorted(frame.time for frame in chosen)


def test_black_is_not_chosen_if_there_is_anything_else() -> None:
    """A fade's black frame is no key frame; of a black video one is better than none."""
    black = Picture(0.5, np.zeros(864, np.uint8), 1, 0.0, np.zeros((36, 64), np.uint8), (640, 360))
    shots = [Shot(start=0, end=1), Shot(start=1, end=2)]
    assert [frame.time for frame in choose_key_frames([black, picture(1.5, 1)], shots, most=12)] == [1.5]
    assert choose_key_frames([black], shots, most=12) == [black]
    assert choose_key_frames([], shots, most=12) == []


def test_the_sharpest_frame_is_taken_at_the_start_of_a_shot_whose_time_was_rounded_up() -> None:
    """Frames after the first of a shot compete with it, though the shot's time is rounded to milliseconds."""
    times = np.arange(90) / 30
    packets = PacketIndex(times, np.full(90, 1000.0), np.arange(90) == 0)
    frames = [replace(picture(0.0, 1), time=float(time), ordinal=number) for number, time in enumerate(times)]
    cut = frames[50]  # at 1.666…, rounded to 1.667
    shots = [Shot(start=0, end=round(cut.time, 3)), Shot(start=round(cut.time, 3), end=3)]
    (target,) = plan_pictures(packets, [cut], [cut], shots, scan={})
    assert target == set(range(50, 63))
