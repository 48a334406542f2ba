from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.analyses.served_provider import ServedProvider, service_of


@pytest.fixture(params=["openai", "gemini"])
def served(request: pytest.FixtureRequest) -> Iterator[ServedProvider]:
    """Each service in turn."""
    with service_of(request.param) as service:
        yield service
