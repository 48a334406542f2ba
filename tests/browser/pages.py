"""A web server on loopback that has the code of docs/listening.md and the Firebase SDK, and nothing else."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parents[1] / "docs" / "listening.md"
WEB = FOLDER.parents[1] / "web"
SDK = WEB / "node_modules" / "firebase"
MODULES = ("firebase-app.js", "firebase-auth.js", "firebase-firestore.js")
CDN = re.compile(r"https://www\.gstatic\.com/firebasejs/[\d.]+/")


def example(name: str) -> str:
    """The fenced block of the document whose first line is a comment with this name."""
    blocks = re.findall(r"^```\w+\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (found,) = (block for block in blocks if block.partition("\n")[0].strip("/<!-> ") == name)
    return str(found)


@contextmanager
def served_pages() -> Iterator[str]:
    """Serve while the context lasts; gives the origin. Raises FileNotFoundError without the SDK."""
    page = example("importmap.html") + (FOLDER / "page.html").read_text(encoding="utf-8")
    files = {"/": ("text/html", page)}
    for name in ("clipwise.js", "events.js"):
        files[f"/{name}"] = ("text/javascript", example(name))
    for name in MODULES:
        files[f"/sdk/{name}"] = ("text/javascript", (SDK / name).read_text(encoding="utf-8"))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path not in files:
                self.send_error(404)
                return
            kind, text = files[self.path]
            # The SDK's modules import each other from where Google serves them; the page must get the same ones.
            body = CDN.sub("/sdk/", text).encode()
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Requests are no news."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
