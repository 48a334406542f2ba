"""Beyond what an image is not accepted."""

from __future__ import annotations

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.models.base import Model


class Thresholds(Model):
    """The limits of all checks; None switches a check off. The defaults' reasons: docs/decisions/image-checks.md."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore", allow_inf_nan=False
    )

    min_width: int | None = Field(64, ge=1, description="`too_small` below it, in pixels.")
    min_height: int | None = Field(64, ge=1, description="`too_small` below it, in pixels.")
    max_aspect: float | None = Field(5.0, ge=1, description="`extreme_aspect` above it: longer over shorter side.")
    format_agrees: bool = Field(True, description="`wrong_format` when extension or declared type are another's.")
    min_spread: float | None = Field(
        4.0, ge=0, description="`blank` below it: deviation of the channel that varies most, of 255."
    )
    min_entropy: float | None = Field(0.3, ge=0, le=8, description="`low_information` below it: of the luma, in bits.")
    max_dark: float | None = Field(0.95, ge=0, le=1, description="`underexposed` above it: share of luma below 32.")
    max_light: float | None = Field(0.95, ge=0, le=1, description="`overexposed` above it: share of luma above 245.")
    min_sharpness: float | None = Field(
        25.0, ge=0, description="`blurry` below it: variance of the Laplacian at 512 pixels, in the sharpest tiles."
    )
    max_distance: int | None = Field(
        6, ge=0, le=16, description="`near_duplicate` up to it: bits of 64 in which the perceptual hashes differ."
    )
    max_outlier: float | None = Field(
        3.5, gt=0, description="`outlier` above it: robust deviations from how far apart images usually are."
    )
