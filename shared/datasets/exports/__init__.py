"""Datasets as files: written while they are read, to streams that cannot be rewound, in memory that does not grow.

Importing this loads nothing heavy.
"""

from __future__ import annotations

from shared.datasets.exports.archives import write_webdataset, write_zip
from shared.datasets.exports.card import dataset_card
from shared.datasets.exports.selection import (
    SPLITS,
    ExportSpec,
    ExportSummary,
    Split,
    SplitShares,
    assign_splits,
    is_accepted,
)
from shared.datasets.exports.sheet import SHEET_POLICY, contact_sheet
from shared.datasets.exports.tables import write_coco, write_parquet

__all__ = [
    "SHEET_POLICY",
    "SPLITS",
    "ExportSpec",
    "ExportSummary",
    "Split",
    "SplitShares",
    "assign_splits",
    "contact_sheet",
    "dataset_card",
    "is_accepted",
    "write_coco",
    "write_parquet",
    "write_webdataset",
    "write_zip",
]
