"""Limits of the image validation checks."""

from __future__ import annotations

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.models.base import Model


class Thresholds(Model):
    """Limits of all validation checks. Null disables a check. docs/decisions/image-checks.md explains the defaults."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore", allow_inf_nan=False
    )

    min_width: int | None = Field(64, ge=1, description="Minimum width in pixels; below it, `too_small`.")
    min_height: int | None = Field(64, ge=1, description="Minimum height in pixels; below it, `too_small`.")
    max_aspect: float | None = Field(
        5.0, ge=1, description="Maximum ratio of the longer to the shorter side; above it, `extreme_aspect`."
    )
    format_agrees: bool = Field(
        True, description="Whether file extension and declared type must match the content; if not, `wrong_format`."
    )
    min_spread: float | None = Field(
        4.0,
        ge=0,
        description="Minimum standard deviation of the channel that varies most, on a scale of 255; below it, `blank`.",
    )
    min_entropy: float | None = Field(
        0.3, ge=0, le=8, description="Minimum entropy of the luma in bits; below it, `low_information`."
    )
    max_dark: float | None = Field(
        0.95, ge=0, le=1, description="Maximum share of pixels with a luma below 32; above it, `underexposed`."
    )
    max_light: float | None = Field(
        0.95, ge=0, le=1, description="Maximum share of pixels with a luma above 245; above it, `overexposed`."
    )
    min_sharpness: float | None = Field(
        25.0,
        ge=0,
        description="Minimum variance of the Laplacian in the sharpest tiles, at 512 pixels; below it, `blurry`.",
    )
    max_distance: int | None = Field(
        6,
        ge=0,
        le=16,
        description="Maximum number of differing bits, of 64, between the perceptual hashes of a `near_duplicate`.",
    )
    max_outlier: float | None = Field(
        3.5,
        gt=0,
        description="Maximum distance from the other images, in robust standard deviations; above it, `outlier`.",
    )
