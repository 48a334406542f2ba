"""Images unlike all others of their dataset, by simple numbers and without a model."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

MIN_IMAGES = 20
"""With fewer images nothing can be said of what is usual."""
_SAMPLE = 1000
_NEIGHBOUR_RANK = 5
_ROW_BATCH = 4096
_NORMAL_SCALE = 1.4826  # a normal distribution's deviation, in its median absolute deviations

Values = NDArray[np.float32]


def outlier_scores(features: Sequence[tuple[str, Sequence[float]]], limit: float) -> dict[str, float]:
    """The images with a score above `limit` (see `Thresholds.max_outlier`), with their scores.

    The distance to the fifth nearest image of a sample (Ramaswamy, Rastogi & Shim, SIGMOD 2000; by samples: Sugiyama &
    Borgwardt, NIPS 2013), so that several kinds of images in a dataset are no outliers to each other. The score is the
    modified z-score of its logarithm: deviations from the median, in median absolute deviations (Iglewicz & Hoaglin,
    1993, who propose 3.5). The sample is chosen by hashes of the ids: the same images get the same scores in any order.

    Args:
        features: Ids, each once, with what `look` gave at level slow, all of one length.
    """
    if len(features) < MIN_IMAGES:
        return {}
    ordered = sorted(features, key=lambda row: sha256(row[0].encode()).digest())
    values = _normalize_features(np.array([row[1] for row in ordered], np.float64))
    distances = np.concatenate(
        [
            _neighbour_distances(values[start : start + _ROW_BATCH], values[:_SAMPLE], start)
            for start in range(0, len(values), _ROW_BATCH)
        ]
    )
    logarithms = np.log(np.maximum(distances, 1.0))
    median, spread = _median_and_spread(logarithms)
    scores = (logarithms - median) / max(float(spread), 0.05)
    return {ordered[index][0]: float(scores[index]) for index in np.flatnonzero(scores > limit)}


def _normalize_features(values: NDArray[np.float64]) -> Values:
    """Each feature by its middle and spread, so that all count alike, but no difference more than one that is seen."""
    median, spread = _median_and_spread(values)
    return ((values - median) / np.maximum(spread, 1.0)).astype(np.float32)


def _median_and_spread(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    median = np.median(values, axis=0)
    return median, _NORMAL_SCALE * np.median(np.abs(values - median), axis=0)


def _neighbour_distances(rows: Values, sample: Values, first: int) -> NDArray[np.float64]:
    """Euclidean, of each row to the fifth nearest of the sample but itself; `first` is where the first row stands."""
    squares = (rows**2).sum(axis=1)[:, None] + (sample**2).sum(axis=1) - 2 * (rows @ sample.T)
    own = np.arange(first, min(first + len(rows), len(sample)))
    squares[own - first, own] = np.inf
    nearest = np.partition(squares, _NEIGHBOUR_RANK - 1, axis=1)[:, _NEIGHBOUR_RANK - 1]
    return np.asarray(np.sqrt(np.maximum(nearest, 0)), np.float64)
