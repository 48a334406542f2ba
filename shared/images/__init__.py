"""Single images and sets of them: looked at safely, judged, grouped. Importing this loads nothing heavy."""

from shared.images.judging import check_image
from shared.images.looked import ImageInspection, ImageMeasures
from shared.images.looking import inspect_image
from shared.images.thresholds import Thresholds

__all__ = ["ImageInspection", "ImageMeasures", "Thresholds", "check_image", "inspect_image"]
