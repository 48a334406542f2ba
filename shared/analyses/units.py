"""Kitchen units that measure a volume, a weight or a length."""

from __future__ import annotations

from typing import Literal

Dimension = Literal["volume", "weight", "length"]
SIZES: dict[str, tuple[Dimension, float]] = {
    "ml": ("volume", 1), "cl": ("volume", 10), "dl": ("volume", 100), "l": ("volume", 1000),
    "tsp": ("volume", 5), "dessertspoon": ("volume", 10), "tbsp": ("volume", 15), "fl oz": ("volume", 30),
    "cup": ("volume", 240), "pint": ("volume", 480), "quart": ("volume", 960), "gallon": ("volume", 3840),
    "mg": ("weight", 0.001), "g": ("weight", 1), "kg": ("weight", 1000), "oz": ("weight", 28.35),
    "lb": ("weight", 453.6), "cm": ("length", 1), "inch": ("length", 2.54),
}  # fmt: skip
"""Unit → what it measures, and how much of it in ml, g or cm.

Volumes are the household measures of US nutrition labels, 21 CFR 101.9(b)(5)(viii); ounces and pounds are those of NIST
Handbook 44, appendix C, to a tenth of a gram.
"""
