import pytest

from tests.api_site import api_server, empty_data, site
from tests.vendors import make_loopback_a_vendor

__all__ = ["api_server", "empty_data", "site"]


@pytest.fixture(autouse=True)
def vendors(monkeypatch: pytest.MonkeyPatch) -> None:
    make_loopback_a_vendor(monkeypatch)
