"""`clipwise dataset …` as a user runs it, against a real API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infra.api_client import ApiClient
from infra.cli.main import app
from tests.api_site import Site
from tests.image_site import ImageSite


@pytest.fixture
def images(site: Site) -> Iterator[ImageSite]:
    with ImageSite() as serving:
        site.configure(ALLOW_HOSTS=serving.address, CRAWL_HOST_DELAY_SEC="0", CRAWL_HOST_CONNECTIONS="8")
        yield serving


@contextmanager
def working(site: Site) -> Iterator[None]:
    """Somebody does what is to be done, meanwhile."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.05):
            site.work()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()


def run(site: Site, *words: str) -> Result:
    return CliRunner().invoke(app, ["dataset", *words, "--server", site.url])


def done(site: Site, *words: str) -> str:
    result = run(site, *words)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def test_from_a_list_to_files(site: Site, images: ImageSite, tmp_path: Path) -> None:
    """A list is made a dataset, started, followed to its end, written into a file here, and deleted."""
    lines = tmp_path / "urls.txt"
    lines.write_text("\n".join(images.mix(40)), encoding="utf-8")
    id = done(site, "create", "Pictures", "--list", str(lines), "--max-images", "40")
    assert "Started 1 chunk." in run(site, "start", id).output
    site.work()
    report = done(site, "watch", id)
    assert "40 found" in report
    assert "rejected: http_404" in report
    assert json.loads(done(site, "watch", id, "--json"))["status"] == "completed"

    with working(site):
        (path,) = done(site, "export", id, "--format", "parquet", "--output", str(tmp_path / "out")).split()
    assert Path(path).read_bytes().startswith(b"PAR1")
    assert run(site, "delete", id).exit_code == 0
    assert run(site, "watch", id).exit_code == 2


def test_a_dataset_is_followed_by_its_events(
    site: Site, images: ImageSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command listens to the server until the dataset has ended, instead of asking for it again and again."""
    lines = tmp_path / "urls.txt"
    lines.write_text("\n".join(images.mix(3)), encoding="utf-8")
    id = done(site, "create", "Pictures", "--list", str(lines))
    run(site, "start", id)
    monkeypatch.setattr(ApiClient, "request_json", lambda *_, **__: pytest.fail("asked again"))
    with working(site):
        assert "3 found" in done(site, "watch", id)


def test_a_server_does_not_choose_the_folder(
    site: Site, images: ImageSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose export has a file with a path for a name cannot write outside the folder of the command."""
    names = ["../../above.zip", "/tmp/absolute.zip", "..", "C:\\drive.zip"]
    reply = {"id": "1", "status": "done", "files": [{"name": name, "url": ""} for name in names]}
    monkeypatch.setattr(ApiClient, "request_json", lambda *_, **__: reply)
    written: list[Path] = []
    monkeypatch.setattr(ApiClient, "download_file", lambda self, url, path: written.append(path))
    done(site, "export", "abc", "--output", str(tmp_path))
    assert written == [tmp_path / name for name in ("above.zip", "absolute.zip", "abc", "drive.zip")]


def test_a_mistyped_list_creates_no_dataset(site: Site, images: ImageSite, tmp_path: Path) -> None:
    """The error names the file, and no empty dataset stays behind."""
    for source in (str(tmp_path / "missing.csv"), str(tmp_path)):
        result = run(site, "create", "Pictures", "--list", source)
        assert (result.exit_code, source in result.stderr) == (2, True), result.output
    assert "No datasets found." in run(site, "list").stderr


def test_the_id_of_a_dataset_can_be_looked_up(site: Site, images: ImageSite) -> None:
    """A user who lost the id that `create` printed lists all datasets, the newest first."""
    ids = [done(site, "create", name) for name in ("Dogs", "Cats")]
    rows = done(site, "list").splitlines()[1:]
    assert [row.split()[0] for row in rows] == ids[::-1]
    assert [row.split()[-1] for row in rows] == ["Cats", "Dogs"]
    assert done(site, "list", "--limit", "1").count("pending") == 1


def test_a_dataset_that_fails_is_told(site: Site, images: ImageSite) -> None:
    """When nothing could be had, the command says why and ends with 1."""
    id = done(site, "create", "Dogs", "-k", "dog", "--source", "google")
    run(site, "start", id)
    site.work()
    result = run(site, "watch", id)
    assert result.exit_code == 1
    assert "APIFY_TOKEN" in result.stdout


def test_what_cannot_be_done_is_told(site: Site, images: ImageSite) -> None:
    """Starting a dataset of nothing, or stopping one that does not run, ends with 2 and a sentence."""
    id = done(site, "create", "Nothing")
    for command in ("start", "stop", "retry"):
        result = run(site, command, id)
        assert result.exit_code == 2, result.output
