"""Sizes, sharpness and colours of single pictures."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.media.images import HLG, PQ, fit_size, sharpness, shrink, thumbnail_size, to_standard_range
from tests.media_samples import texture

SIDES = st.integers(1, 8192)


@given(SIDES, SIDES)
def test_thumbnails_are_320_wide_and_keep_the_aspect(width: int, height: int) -> None:
    """Whatever a video's shape, its thumbnail is exactly 320 wide and not distorted, short of absurd shapes."""
    wide, high = thumbnail_size(width, height)
    assert wide == 320
    assert 1 <= high <= 3200
    if height < 10 * width:
        assert abs(high - 320 * height / width) <= 1


@given(SIDES, SIDES, st.integers(1, 2048))
def test_fitted_pictures_keep_the_aspect_and_never_grow(width: int, height: int, limit: int) -> None:
    """A key frame's long side is at most the limit, and at most the source's."""
    wide, high = fit_size(width, height, limit)
    assert 1 <= wide <= width
    assert 1 <= high <= height
    assert max(wide, high) == min(limit, max(width, height))
    scale = max(wide, high) / max(width, height)
    assert abs(wide - width * scale) <= 1
    assert abs(high - height * scale) <= 1


@pytest.mark.parametrize("bits", [8, 10])
def test_blur_lowers_the_sharpness(bits: int) -> None:
    """The more a picture is blurred, the less sharp it is measured, whatever its depth."""
    luma = cv2.cvtColor(texture(np.random.default_rng(1), 640, 360), cv2.COLOR_BGR2GRAY)
    values = []
    for sigma in (0.3, 1, 2, 4):
        blurred: Any = cv2.GaussianBlur(luma, (0, 0), sigma)
        deep = blurred.astype(np.uint16) << (bits - 8) if bits > 8 else blurred
        values.append(sharpness(deep, bits))
    assert values == sorted(values, reverse=True)
    assert values[0] > 5 * values[-1]


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    """The number means what its description says."""
    luma = cv2.cvtColor(texture(np.random.default_rng(1), 200, 100), cv2.COLOR_BGR2GRAY)
    assert sharpness(luma, 8) == pytest.approx(cv2.Laplacian(luma, cv2.CV_64F).var())


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 2), (640, 360)])
def test_shrinking_keeps_the_brightness(width: int, height: int) -> None:
    """The cells by which frames are compared have the mean of the picture, however small it is."""
    plane = np.full((height, width), 600, np.uint16)
    assert (shrink(plane, 10, 64, 36) == 150).all()


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_hdr_becomes_a_decent_picture(transfer: int) -> None:
    """Greys stay grey and in order, black stays black, diffuse white is bright, highlights keep some drawing."""
    codes = np.linspace(0, 65_535, 256).round().astype(np.uint16)[None, :, None].repeat(3, 2)
    bgr = to_standard_range(codes, transfer)[0].astype(int)
    assert (np.abs(bgr - bgr[:, :1]) <= 1).all()
    grey = bgr[:, 0]
    assert (np.diff(grey) >= 0).all()
    assert grey[0] == 0
    white = {PQ: 0.58, HLG: 0.75}[transfer]
    assert 200 <= grey[round(white * 255)] <= 245
    assert grey[-1] == 255
    assert grey[round(white * 255)] < grey[round((white + 0.1) * 255)]


def test_hdr_colours_keep_their_hue() -> None:
    """A red is a red afterwards, and stronger than in the wide gamut's own numbers."""
    red = np.array([[[36_000, 20_000, 20_000]]], np.uint16)
    blue, green, strong = to_standard_range(red, PQ)[0, 0].tolist()
    assert strong > 2 * max(blue, green)
