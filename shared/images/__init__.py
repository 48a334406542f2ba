"""Single images and sets of them: looked at safely, judged, grouped. Importing this loads nothing heavy."""

from shared.images.judging import judge
from shared.images.looked import Looked, Measures
from shared.images.looking import look
from shared.images.thresholds import Thresholds

__all__ = ["Looked", "Measures", "Thresholds", "judge", "look"]
