from collections.abc import Iterator

import pytest

from tests.api_site import api_server, empty_data, site
from tests.webhook_receiver import Receiver, receiving

__all__ = ["api_server", "empty_data", "site"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened
