"""The server that the demo starts."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from infra.cli.local_server import ServerStartError, run_embedded_server


def test_the_server_answers_and_is_stopped_whatever_happens(tmp_path: Path) -> None:
    """While the demo runs its server answers; when the demo breaks off it is gone."""
    with suppress(KeyboardInterrupt), run_embedded_server(tmp_path / "data", tmp_path / "log") as url:
        with httpx.Client(trust_env=False) as client:
            assert client.get(f"{url}/healthz").status_code == 200
        raise KeyboardInterrupt
    with pytest.raises(httpx.ConnectError), httpx.Client(trust_env=False) as client:
        client.get(f"{url}/healthz")


def test_a_folder_that_is_served_already_is_told(tmp_path: Path) -> None:
    """When `clipwise up` serves the same folder, the demo says so instead of disturbing it."""
    with (
        run_embedded_server(tmp_path / "data", tmp_path / "log"),
        pytest.raises(ServerStartError, match="another Clipwise server uses"),
        run_embedded_server(tmp_path / "data", tmp_path / "other.log"),
    ):
        pass
