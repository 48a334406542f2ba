"""Single images and sets of them: looked at safely, judged, grouped. Importing this loads nothing heavy."""

from __future__ import annotations

from shared.images.image_file import ImageInspection, ImageMeasures
from shared.images.inspection import check_image, inspect_image
from shared.models.image import Thresholds

__all__ = ["Thresholds"]
__all__ = ["ImageInspection", "ImageMeasures", "Thresholds", "check_image", "inspect_image"]
