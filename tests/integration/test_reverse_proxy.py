"""The embedded place below a path of another server, behind nginx, which removes the path."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from infra.runtimes.emulated.guarded_process import free_port
from tests.accounts import PASSWORD, Mailbox
from tests.patience import PATIENCE_SEC
from tests.server import CLIPWISE, eventually, serving, shows_end

PREFIX = "/tools/clipwise"
CONFIG = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    {location}
  }}
}}
"""
GUIDE = Path(__file__).parents[2] / "docs" / "self-hosting.md"


@dataclass(frozen=True)
class Proxied:
    """A server behind a proxy, and the access token of an account."""

    url: str
    data: Path
    direct: str
    token: str

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=PATIENCE_SEC)


def documented_location(port: int) -> str:
    """The block of nginx's configuration that the guide shows, for this server's port."""
    block = GUIDE.read_text(encoding="utf-8").split("```nginx\n")[1].split("```")[0]
    assert "127.0.0.1:8080" in block
    assert "location /clipwise/" in block
    return block.replace("127.0.0.1:8080", f"127.0.0.1:{port}").replace("location /clipwise/", f"location {PREFIX}/")


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")
    if program is None:
        pytest.skip("nginx is not installed: sudo apt-get install nginx-light, or make program-deps")
    folder = tmp_path_factory.mktemp("proxy")
    port, inner = free_port(), free_port()
    url = f"http://127.0.0.1:{port}{PREFIX}"
    with serving(folder / "data", "--port", str(inner), PUBLIC_URL=url, AUTH_REQUIRED="true", TRUSTED_PROXIES="1"):
        location = documented_location(inner)
        config = folder / "nginx.conf"
        config.write_text(CONFIG.format(folder=folder, port=port, location=location))
        process = subprocess.Popen([program, "-p", str(folder), "-c", str(config)], stderr=subprocess.DEVNULL)
        try:
            eventually(lambda: is_up(f"{url}/healthz"))
            yield Proxied(url, folder / "data", f"http://127.0.0.1:{inner}", sign_up(url, folder / "data"))
        finally:
            process.terminate()
            process.wait(PATIENCE_SEC)


def is_up(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def sign_up(url: str, data: Path) -> str:
    with httpx.Client(base_url=url, timeout=PATIENCE_SEC) as client:
        credentials = {"username": "ann", "password": PASSWORD}
        client.post("/v1/auth/signup", json={**credentials, "email": "ann@example.com"})
        (token,) = Mailbox(data).tokens("verify", "ann@example.com")
        client.post("/v1/auth/verify-email", json={"token": token})
        return str(client.post("/v1/auth/login", json=credentials).json()["access_token"])


@pytest.fixture(scope="module")
def job(proxied: Proxied, small_video: Path) -> dict[str, object]:
    """A job whose file came through a resumable upload, which is followed by its event stream."""
    with proxied.client() as client:
        wish = {
            "kind": "metadata",
            "filename": "a.mp4",
            "content_type": "video/mp4",
            "size": small_video.stat().st_size,
        }
        answer = client.post("/v1/uploads", json=wish)
        assert answer.status_code == 201, answer.text
        ticket = answer.json()
        assert ticket["upload_url"].startswith(f"{proxied.url}/storage/")
        location = urljoin(str(answer.url), answer.headers["location"])
        assert location == f"{proxied.url}/v1/jobs/{ticket['job']['id']}"
        sent = httpx.put(ticket["upload_url"], headers=ticket["headers"], content=small_video.read_bytes())
        assert sent.status_code == 200, sent.text
        with client.stream("GET", f"/v1/jobs/{ticket['job']['id']}/events") as events:
            assert any(shows_end(line) for line in events.iter_lines())
        found: dict[str, object] = client.get(location).json()
        return found


def test_uploads_events_and_media_work_below_the_path(proxied: Proxied, job: dict[str, object]) -> None:
    """A client that knows only the address below the path uploads, follows its job and gets its pictures."""
    with proxied.client() as client:
        link = client.get(f"/v1/jobs/{job['id']}/media/thumbnail.jpg").headers["location"]
        assert link.startswith(f"{proxied.url}/storage/")
        assert httpx.get(link).headers["content-type"] == "image/jpeg"


def test_share_pages_and_mails_name_the_path(proxied: Proxied, job: dict[str, object]) -> None:
    """Whoever opens a shared link or a link in a mail arrives at the server, not beside it."""
    with proxied.client() as client:
        group = client.post("/v1/groups", json={"name": "Soups"}).json()
        client.post(f"/v1/groups/{group['id']}/videos", json={"video_ids": [job["id"]]})
        share = client.post(f"/v1/groups/{group['id']}/share", json={}).json()
        assert share["url"].startswith(f"{proxied.url}/v1/shared/")
        page = httpx.get(share["url"], headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert 'src="/' not in page.text
        assert 'href="/' not in page.text
        client.post("/v1/auth/password-reset", json={"email": "ann@example.com"})
    eventually(lambda: [mail for mail in (proxied.data / "outbox").iterdir() if "reset" in mail.read_text().lower()])
    mails = "".join(mail.read_text() for mail in (proxied.data / "outbox").iterdir()).replace("=\n", "")
    assert f"{proxied.url}/" in mails


def test_the_console_and_the_documentation_load_below_the_path(proxied: Proxied) -> None:
    """A browser at the path gets the console and the documentation with all their files."""
    for address in ("/", "/docs", "/redoc"):
        page = httpx.get(proxied.url + address, headers={"Accept": "text/html"})
        assert page.status_code == 200
        sources = [part.split('"')[0] for mark in ('src="', 'href="') for part in page.text.split(mark)[1:]]
        for source in sources:
            target = urljoin(str(page.url), source)
            if urlsplit(target).netloc == urlsplit(proxied.url).netloc and not source.startswith("#"):
                assert target.startswith(proxied.url), source
                assert httpx.get(target).status_code == 200, target
    document = httpx.get(f"{proxied.url}/openapi.json").json()
    (server,) = document["servers"]
    assert urljoin(f"{proxied.url}/openapi.json", server["url"]).rstrip("/") == proxied.url
    tasks = httpx.get(f"{proxied.url}/tasks")
    assert urljoin(str(tasks.url), tasks.headers["location"]).startswith(f"{proxied.url}/#")


def test_the_command_line_works_below_the_path(proxied: Proxied, job: dict[str, object]) -> None:
    """`clipwise --server URL` accepts the address with its path."""
    shown = subprocess.run(
        [*CLIPWISE, "--token", proxied.token, "show", str(job["id"]), "--json", "--server", proxied.url],
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(job["id"]) in shown.stdout


def test_a_caller_behind_the_proxy_is_not_the_machine_itself(proxied: Proxied) -> None:
    """The metrics, and whatever else only this machine may see, stay hidden from the proxy's callers."""
    assert httpx.get(f"{proxied.url}/metrics").status_code == 401
    assert httpx.get(f"{proxied.direct}/metrics").status_code == 200
