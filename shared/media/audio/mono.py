"""Mix stereo to mono without losing what the channels have in opposite phase."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.media.audio.decoder import SAMPLE_RATE

_HOP = SAMPLE_RATE // 10
_SMOOTH_HOPS = 4  # 0.4 s, the window of momentary loudness (EBU R 128)
# Correlation of the channels, from −1 to 1: independent channels have 0, those that cancel each other −1.
_CANCELLED, _KEPT = -0.5, -0.3


def mix_to_mono(pcm: bytes) -> NDArray[np.int16]:
    """Mix interleaved stereo (16 bits, little-endian, 16 kHz) to mono.

    The mean of the channels loses a voice that one of them has with the opposite sign, as from a microphone that is
    wired the wrong way. Where the channels correlate negatively, the louder one is taken alone instead: it has all that
    one ear hears, also what both have in common. Decisions last for tenths of a second and fade into each other.
    """
    stereo = np.frombuffer(pcm, "<i2").reshape(-1, 2).astype(np.float32)
    mono = stereo.mean(axis=1)
    if len(stereo) and not np.array_equal(stereo[:, 0], stereo[:, 1]):
        share, is_left = _shares_of_louder(stereo)
        if share.any():
            centers = (np.arange(len(share)) + 0.5) * _HOP
            samples = np.arange(len(stereo))
            louder, left = np.interp(samples, centers, share), np.interp(samples, centers, is_left)
            alone = left * stereo[:, 0] + (1 - left) * stereo[:, 1]
            mono = (1 - louder) * mono + louder * alone
    return np.asarray(np.clip(np.rint(mono), -32768, 32767), np.int16)


def _shares_of_louder(stereo: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, for each tenth of a second, how much of the louder channel to take, and whether it is the left one."""
    padded = np.pad(stereo, ((0, -len(stereo) % _HOP), (0, 0)))
    hops = padded.reshape(-1, _HOP, 2)
    left, right = hops[..., 0], hops[..., 1]
    sums = np.stack([(left * left).sum(1), (right * right).sum(1), (left * right).sum(1)]).astype(np.float64)
    window = np.ones(min(_SMOOTH_HOPS, sums.shape[1]))
    left_power, right_power, product = (np.convolve(row, window, "same")[: sums.shape[1]] for row in sums)
    correlation = 2 * product / np.maximum(left_power + right_power, 1.0)
    return np.clip((_KEPT - correlation) / (_KEPT - _CANCELLED), 0, 1), (left_power >= right_power).astype(np.float64)
