"""What the tests of providers share."""

from __future__ import annotations

import pytest

from tests.vendors import make_loopback_a_vendor


@pytest.fixture(autouse=True)
def vendors(monkeypatch: pytest.MonkeyPatch) -> None:
    make_loopback_a_vendor(monkeypatch)
