"""What holds for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import httpx
import pytest


@pytest.fixture(scope="session", autouse=True)
def authorities_read_once() -> Iterator[None]:
    """Tests open thousands of HTTP clients, each of which would read all certificate authorities for itself."""
    transport = httpx._transports.default
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "create_ssl_context", cache(httpx.create_ssl_context))
        yield
