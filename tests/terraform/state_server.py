"""Keeps Terraform's states in files, behind its `http` backend.

Terraform writes a local state again after each resource, in quadratic time; what it sends to a backend, it sends at the
end, as it does in the cloud.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

from tests.file_server import QuietHandler


@dataclass(frozen=True)
class StateServer:
    folder: Path
    url: str

    def address(self, state: Path) -> str:
        """URL of a state's file, which lies below the folder."""
        return f"{self.url}/{state.relative_to(self.folder)}"


class StateHandler(QuietHandler):
    """Serves files below a folder, and takes new contents of them."""

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        Path(self.translate_path(self.path)).write_bytes(content)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def served_states(folder: Path) -> Iterator[StateServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(StateHandler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield StateServer(folder, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()
