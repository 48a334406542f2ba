"""A site of JPEGs for downloads, served by nginx over http and https, so that the server is no bottleneck.

Its certificate is from an authority made for the run, in the file `authority`.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sizes import skip
from tests.certificates import make_certificates
from tests.image_site import picture

CONFIG = """
daemon off; pid {folder}/pid; error_log {folder}/errors; worker_processes 1; user root;
events {{ worker_connections 1024; }}
http {{
  log_format line '.';
  access_log {folder}/requests line;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  ssl_certificate {folder}/site.pem; ssl_certificate_key {folder}/site.key;
  default_type image/jpeg; keepalive_requests 100000; sendfile on;
  server {{
    listen 127.0.0.1:{http}; listen 127.0.0.1:{https} ssl;
    root {folder}/images;
    location = /robots.txt {{ access_log off; }}
    location /.well-known/ {{ access_log off; }}
  }}
}}
"""
LINE_BYTES = 2
"""Of one request in the log."""
START_SEC = 30


@dataclass(frozen=True)
class ImageServer:
    folder: Path
    ports: dict[str, int]

    @property
    def authority(self) -> Path:
        return self.folder / "authority.pem"

    def address(self, scheme: str) -> str:
        return f"127.0.0.1:{self.ports[scheme]}"

    def urls(self, scheme: str, count: int) -> list[str]:
        return [f"{scheme}://{self.address(scheme)}/{number}.jpg" for number in range(count)]

    def requests(self) -> int:
        """Return how many images were requested so far."""
        return (self.folder / "requests").stat().st_size // LINE_BYTES

    def offer(self, size: str, count: int) -> None:
        """Serve so many different JPEGs of about a size instead of those before."""
        images = self.folder / "images"
        shutil.rmtree(images, ignore_errors=True)
        images.mkdir()
        for number in range(count):
            (images / f"{number}.jpg").write_bytes(jpeg(size, number))


def jpeg(size: str, number: int) -> bytes:
    """Return a JPEG of 3 kB, 100 kB or 1 MB; those of one size differ in their comment only."""
    if size == "3 kB":
        return picture(number)
    comment = f"number {number}".encode()
    base = noise({"100 kB": 236, "1 MB": 748}[size])
    return base[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + base[2:]


def noise(side: int) -> bytes:
    """Return a square JPEG without anything to compress."""
    from PIL import Image

    file = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(3 * side * side)).save(file, "jpeg", quality=90)
    return file.getvalue()


@contextmanager
def image_server(folder: Path) -> Iterator[ImageServer]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")
    if program is None:
        skip("nginx is not installed: sudo apt-get install nginx-light, or make program-deps")
    make_certificates(folder)
    server = ImageServer(folder, {scheme: free_port() for scheme in ("http", "https")})
    (folder / "images").mkdir()
    (folder / "nginx.conf").write_text(CONFIG.format(folder=folder, **server.ports))
    process = subprocess.Popen([program, "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        wait_until_open(server.ports["http"])
        yield server
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_until_open(port: int) -> None:
    deadline = time.monotonic() + START_SEC
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
