"""Beyond what an image is not accepted. Kept with the models, so that to take limits loads no reader of images."""

from shared.models.thresholds import Thresholds

__all__ = ["Thresholds"]
