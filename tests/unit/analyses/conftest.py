from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.analyses.asking import Asked, service_of


@pytest.fixture(params=["openai", "gemini"])
def asked(request: pytest.FixtureRequest) -> Iterator[Asked]:
    """Each service in turn."""
    with service_of(request.param) as service:
        yield service
