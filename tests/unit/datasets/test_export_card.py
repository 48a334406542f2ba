"""The card of a dataset, and its splits."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets.export_card import dataset_card, licence_ids
from shared.datasets.export_selection import ExportSpec, ExportSummary, SplitShares, assign_splits
from tests.unit.datasets.collection import HOSTILE, NOW, ORDER, collection, record


def card(order: ExportSpec, records: list[Any]) -> tuple[dict[str, Any], str]:
    summary = ExportSummary()
    list(order.select_records(records, summary))
    _, head, body = dataset_card(order, summary, {"val": "val/**"}).split("---\n", 2)
    return yaml.safe_load(head), body


def test_the_head_is_what_the_hub_reads() -> None:
    """Title, licences, size and files stand in the head under the names that Hugging Face gives them."""
    head, _ = card(ORDER, collection())
    assert head == {
        "pretty_name": 'Cats & "dogs" | <b>all</b>',
        "license": ["cc-by-4.0", "cc-by-sa-4.0", "cc0-1.0", "unknown"],
        "size_categories": ["n<1K"],
        "tags": ["image"],
        "configs": [{"config_name": "default", "data_files": [{"split": "validation", "path": "val/**"}]}],
    }


def test_the_body_accounts_for_every_image() -> None:
    """What is exported and what is left out, by reason, add up to what was found."""
    _, body = card(ORDER, collection())
    assert "40 of 45 images" in body
    assert "| blurry | 2 |" in body.replace("\\", "")
    assert "| http_404 | 1 |" in body.replace("\\", "")
    assert "| not_checked | 1 |" in body.replace("\\", "")
    assert "| openverse | 20 |" in body


def test_foreign_words_stay_words() -> None:
    """Titles, keywords and sources from outside cannot end the head, a table or a line, or bring HTML."""
    order = ExportSpec(f"---\n{HOSTILE}", NOW, (HOSTILE,))
    head, body = card(order, [record(1, source=HOSTILE, licence=HOSTILE, keyword=HOSTILE)])
    assert head["pretty_name"].startswith("--- ../../<script>")
    assert "<script>" not in body
    assert head["license"] == ["other"]
    assert all(line.count("|") - line.count("\\|") in (0, 3) for line in body.splitlines())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("by-sa 4.0", "cc-by-sa-4.0"),
        ("CC BY 2.0", "cc-by-2.0"),
        ("cc0", "cc0-1.0"),
        ("cc0 1.0", "cc0-1.0"),
        ("by-nc-nd 2.0", "other"),
        ("pdm 1.0", "other"),
        ("unknown", "unknown"),
    ],
)
def test_licences_have_their_identifiers(name: str, expected: str) -> None:
    """Creative Commons licences get the hub's identifiers; what has none there is called other, not guessed."""
    assert licence_ids({name: 1}) == [expected]


def test_near_duplicates_are_on_one_side() -> None:
    """Images of a group share their split, and so do equal bytes."""
    records = [record(number, group=f"g{number % 50}") for number in range(400)]
    sides = assign_splits(records, SplitShares())
    assert all(len({sides[one.id] for one in records if one.group == f"g{group}"}) == 1 for group in range(50))
    assert (
        len({assign_splits([record(number, sha256="same")], SplitShares())[f"{number:05}"] for number in range(20)})
        == 1
    )


def test_shares_are_met_on_average() -> None:
    """Of thousands of images, each split gets about what was asked for; none gets some that was asked to get none."""
    records = [record(number, sha256=None) for number in range(4000)]
    counts = Counter(assign_splits(records, SplitShares(0.7, 0.2, 0.1)).values())
    assert counts["train"] == pytest.approx(2800, abs=150)
    assert counts["val"] == pytest.approx(800, abs=120)
    assert set(assign_splits(records, SplitShares(0.5, 0.5, 0)).values()) == {"train", "val"}
    assert set(assign_splits(records, SplitShares(0, 0, 1)).values()) == {"test"}


@given(st.lists(st.integers(0, 9999), unique=True, max_size=30), st.integers(0, 9999))
def test_who_is_where_depends_on_nobody_else(numbers: list[int], more: int) -> None:
    """An image stays in its split whatever else is in the dataset."""
    alone = assign_splits([record(more)], SplitShares())
    assert (
        assign_splits([record(number) for number in {*numbers, more}], SplitShares())[f"{more:05}"]
        == alone[f"{more:05}"]
    )


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (1.2, -0.2, 0), (0, 0, 0)])
def test_shares_must_be_shares(shares: tuple[float, float, float]) -> None:
    """Shares that do not add up are refused."""
    with pytest.raises(ValueError, match="shares"):
        SplitShares(*shares)
