"""A web site full of images, good and bad ones, for crawls to meet: what is behind an address follows from its path.

    with ImageSite() as site:
        settings = Settings(allow_hosts=site.address)
        urls = site.mix(300)
        assert Counter(map(site.fate, urls)) == …

`fate` says what must become of an address when it is crawled: a reason for rejection, or None when it is kept.
"""

from __future__ import annotations

import io
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

ROBOTS = "User-agent: *\nDisallow: /robots/\nAllow: /robots/allowed\n\nUser-agent: OtherBot\nDisallow: /\n"
TDMREP = b'[{"location": "/reserved/*", "tdm-reservation": 1, "tdm-policy": "https://example.com/p.json"}]'
COPIES = 20
"""Different images behind all addresses below `/copy/`."""

FATES: dict[str, str | None] = {
    "image": None,
    "moved": None,
    "busy": None,
    "slow": None,
    "missing": "http_404",
    "forbidden": "http_403",
    "broken": "http_500",
    "toobusy": "http_429",
    "page": "not_an_image",
    "lie": "not_an_image",
    "mislabelled": None,
    "svg": "unsupported_svg",
    "ico": "unsupported_ico",
    "bomb": "too_many_pixels",
    "huge": "too_many_bytes",
    "cut": "broken_off",
    "inside": "not_public",
    "robots": "robots",
    "noai": "x_robots_tag",
    "tdm": "tdm_reserved",
    "reserved": "tdm_reserved",
}
# How many of a hundred addresses of a mix are of each sort; the rest are images.
SHARES = {
    "missing": 8,
    "copy": 6,
    "page": 3,
    "lie": 2,
    "bomb": 2,
    "moved": 3,
    "robots": 3,
    "noai": 2,
    "tdm": 1,
    "reserved": 1,
    "inside": 2,
    "forbidden": 2,
    "broken": 2,
    "huge": 1,
}


@lru_cache(maxsize=4096)
def picture(number: int) -> bytes:
    """A small JPEG that no other number has, nor anything like it."""
    from PIL import Image

    noise = Image.frombytes("RGB", (9, 9), random.Random(number).randbytes(243))
    out = io.BytesIO()
    noise.resize((96, 96), Image.Resampling.NEAREST).save(out, "JPEG", quality=70)
    return out.getvalue()


def bomb() -> bytes:
    """A PNG that says it has 2.5 thousand million pixels."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (1, 1)).save(out, "PNG")
    data = bytearray(out.getvalue())
    data[16:24] = (50_000).to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


class ImageSite:
    """Serves on a free loopback port while its context is open.

    Attributes:
        address: `host:port`, as ALLOW_HOSTS wants it.
        asked: How often each path was asked for.
        agents: The user agents that asked.
        most_at_once: The most requests that were under way together.
    """

    def __init__(self, latency_sec: float = 0.0) -> None:
        self.latency_sec = latency_sec
        self.asked: Counter[str] = Counter()
        self.agents: set[str] = set()
        self.most_at_once = 0
        self._lists: list[bytes] = []
        self._at_once = 0
        self._guard = threading.Lock()
        self._over = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            site: ImageSite

            def do_GET(self) -> None:
                with site._guard:
                    site._at_once += 1
                    site.most_at_once = max(site.most_at_once, site._at_once)
                    site.asked[urlsplit(self.path).path] += 1
                    site.agents.add(self.headers.get("user-agent", ""))
                site._over.wait(site.latency_sec)
                # Before the answer: who has it may ask for more before this thread gets any further.
                with site._guard:
                    site._at_once -= 1
                site.answer(self)

            def log_message(self, *_: object) -> None:
                """Requests are counted, not printed."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_: object) -> None:
                """Clients go away, as they may."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.address = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, sort: str, number: int = 0) -> str:
        return f"http://{self.address}/{sort}/{number}.jpg"

    def mix(self, count: int, **shares: int) -> list[str]:
        """`count` addresses of all sorts, always the same; one in fifty is named twice."""
        wanted = SHARES | shares
        sorts = [sort for sort, share in wanted.items() for _ in range(share)]
        sorts += ["image"] * (100 - len(sorts))
        urls = [self.url(sorts[number % 100], number) for number in range(count)]
        urls[49::50] = [urls[at - 49] for at in range(49, count, 50)]
        random.Random(6).shuffle(urls)
        return urls

    def listed(self, content: bytes) -> str:
        """Address of a list that lies here beside the images."""
        self._lists.append(content)
        return f"http://{self.address}/list/{len(self._lists) - 1}.csv"

    def found(self, keyword: str, page: int) -> list[str]:
        """What a search engine names: three pages of ten images of its own for each keyword, which is a number."""
        first = int(keyword) * 1000 + page * 10
        return [self.url("image", number) for number in range(first, first + 10)] if page <= 3 else []

    def fate(self, url: str) -> str | None:
        return FATES[urlsplit(url).path.split("/")[1]]

    def tally(self, urls: Iterable[str]) -> Counter[str | None]:
        """How many of these addresses must come to what; None is kept. Of the same bytes only the first is."""
        seen: set[str] = set()
        fates: Counter[str | None] = Counter()
        copies: set[int] = set()
        for url in urls:
            sort, name = urlsplit(url).path.split("/")[1:]
            if url in seen:
                fates["duplicate_url"] += 1
            elif sort == "copy":
                which = int(name.split(".")[0]) % COPIES
                fates["duplicate" if which in copies else None] += 1
                copies.add(which)
            else:
                fates[FATES[sort]] += 1
            seen.add(url)
        return fates

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = urlsplit(request.path).path
        if path == "/robots.txt":
            return send(request, ROBOTS.encode(), "text/plain")
        if path == "/.well-known/tdmrep.json":
            return send(request, TDMREP, "application/tdmrep+json")
        _, sort, name = path.split("/", 2)
        number = int(name.split(".")[0])
        match sort:
            case "list":
                return send(request, self._lists[number], "text/csv")
            case "missing" | "forbidden" | "broken":
                return send(request, b"", status=int((FATES[sort] or "").removeprefix("http_")))
            case "busy" if self.asked[path] == 1:
                return send(request, b"", status=429, **{"Retry-After": "1"})
            case "toobusy":
                return send(request, b"", status=429, **{"Retry-After": "3600"})
            case "page":
                return send(request, b"<html>Buy pictures</html>", "text/html")
            case "lie":
                return send(request, b"This is no picture." * 20)
            case "mislabelled":
                return send(request, picture(number), "text/html; charset=utf-8")
            case "svg":
                return send(request, b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "image/svg+xml")
            case "ico":
                return send(request, b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0" + bytes(8), "image/x-icon")
            case "bomb":
                return send(request, bomb(), "image/png")
            case "huge":
                return send(request, b"", length=10**9)
            case "cut":
                return send(request, picture(number)[:200], length=5000)
            case "moved":
                return send(request, b"", status=302, Location=f"/image/{10**6 + number}.jpg")
            case "inside":
                return send(request, b"", status=302, Location="http://169.254.169.254/latest/meta-data.jpg")
            case "noai":
                return send(
                    request, picture(number), also=("X-Robots-Tag", "noai"), **{"X-Robots-Tag": "otherbot: all"}
                )
            case "tdm":
                return send(request, picture(number), **{"tdm-reservation": "1"})
            case "slow":
                time.sleep(1)
            case "copy":
                number = 2 * 10**6 + number % COPIES
        return send(request, picture(number))


def send(
    request: BaseHTTPRequestHandler,
    content: bytes,
    content_type: str = "image/jpeg",
    status: int = 200,
    length: int | None = None,
    also: tuple[str, str] | None = None,
    **headers: str,
) -> None:
    request.send_response(status)
    request.send_header("Content-Type", content_type)
    request.send_header("Content-Length", str(len(content) if length is None else length))
    for name, value in [*([also] if also else []), *headers.items()]:
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(content)
    if length is not None:
        request.close_connection = True
