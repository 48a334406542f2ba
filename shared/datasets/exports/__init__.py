"""Datasets as files: written while they are read, to streams that cannot be rewound, in memory that does not grow.

Importing this loads nothing heavy.
"""

from shared.datasets.exports.card import dataset_card
from shared.datasets.exports.coco import write_coco
from shared.datasets.exports.ordering import ExportSpec, ExportSummary, is_accepted
from shared.datasets.exports.parquet import write_parquet
from shared.datasets.exports.shards import write_webdataset
from shared.datasets.exports.sheet import SHEET_POLICY, contact_sheet
from shared.datasets.exports.splits import SPLITS, Split, SplitShares, assign_splits
from shared.datasets.exports.zipped import write_zip

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
