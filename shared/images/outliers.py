"""Images unlike all others of their dataset, by simple numbers and without a model."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

FEWEST = 20
"""With fewer images nothing can be said of what is usual."""
_SAMPLE = 1000
_NEIGHBOUR = 5
_AT_ONCE = 4096
_NORMAL = 1.4826  # a normal distribution's deviation, in its median absolute deviations

Values = NDArray[np.float32]


def outliers(features: Sequence[tuple[str, Sequence[float]]], limit: float) -> dict[str, float]:
    """The images with a score above `limit` (see `Thresholds.max_outlier`), with their scores.

    The distance to the fifth nearest image of a sample (Ramaswamy, Rastogi & Shim, SIGMOD 2000; by samples: Sugiyama &
    Borgwardt, NIPS 2013), so that several kinds of images in a dataset are no outliers to each other. The score is the
    modified z-score of its logarithm: deviations from the median, in median absolute deviations (Iglewicz & Hoaglin,
    1993, who propose 3.5). The sample is chosen by hashes of the ids: the same images get the same scores in any order.

    Args:
        features: Ids, each once, with what `look` gave at level slow, all of one length.
    """
    if len(features) < FEWEST:
        return {}
    ordered = sorted(features, key=lambda row: sha256(row[0].encode()).digest())
    values = _comparable(np.array([row[1] for row in ordered], np.float64))
    apart = np.concatenate(
        [_distances(values[at : at + _AT_ONCE], values[:_SAMPLE], at) for at in range(0, len(values), _AT_ONCE)]
    )
    logarithms = np.log(np.maximum(apart, 1.0))
    middle, spread = _middle(logarithms)
    scores = (logarithms - middle) / max(float(spread), 0.05)
    return {ordered[index][0]: float(scores[index]) for index in np.flatnonzero(scores > limit)}


def _comparable(values: NDArray[np.float64]) -> Values:
    """Each feature by its middle and spread, so that all count alike, but no difference more than one that is seen."""
    middle, spread = _middle(values)
    return ((values - middle) / np.maximum(spread, 1.0)).astype(np.float32)


def _middle(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    middle = np.median(values, axis=0)
    return middle, _NORMAL * np.median(np.abs(values - middle), axis=0)


def _distances(rows: Values, sample: Values, first: int) -> NDArray[np.float64]:
    """Euclidean, of each row to the fifth nearest of the sample but itself; `first` is where the first row stands."""
    squares = (rows**2).sum(axis=1)[:, None] + (sample**2).sum(axis=1) - 2 * (rows @ sample.T)
    own = np.arange(first, min(first + len(rows), len(sample)))
    squares[own - first, own] = np.inf
    nearest = np.partition(squares, _NEIGHBOUR - 1, axis=1)[:, _NEIGHBOUR - 1]
    return np.asarray(np.sqrt(np.maximum(nearest, 0)), np.float64)
