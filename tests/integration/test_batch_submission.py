"""`clipwise submit` with many sources, over a real server."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.api_site import MP4
from tests.clip_folders import write_clips
from tests.patience import PATIENCE_SEC
from tests.server import BEHIND_PROXY, CLIPWISE, Server, eventually

CLIPS = int(os.environ.get("BATCH_CLIPS", "8"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("batch") / "data", BATCH_ACTIVE_JOBS="4")
    server.start()
    yield server
    server.stop()


def command(server: Server, *arguments: str | Path, home: Path) -> list[str]:
    return [*CLIPWISE, "submit", *map(str, arguments), "--kind", "metadata", "--server", server.url]


def environment(home: Path) -> dict[str, str]:
    return os.environ | BEHIND_PROXY | {"HOME": str(home), "XDG_CONFIG_HOME": str(home)}


def submit(server: Server, *arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(server, *arguments, home=home),
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SEC,
    )


def all_jobs(server: Server) -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = []
    cursor: str | None = None
    with server.client() as client:
        while True:
            page = client.get("/v1/jobs", params={"limit": 100} | ({"cursor": cursor} if cursor else {})).json()
            jobs += page["jobs"]
            cursor = page["cursor"]
            if cursor is None:
                return jobs


def test_a_folder_becomes_results_by_one_command_that_survives_a_kill(server: Server, tmp_path: Path) -> None:
    """Killed in the middle and run again, the command ends with one job and one result for each clip."""
    clips = write_clips(tmp_path / "clips", CLIPS)
    (tmp_path / "clips" / "notes.txt").write_text("no media")
    (tmp_path / "clips" / ".hidden.mp4").write_bytes(clips[0].read_bytes() + b"\0\0\0\x08free")
    (tmp_path / "clips" / "link.mp4").symlink_to(tmp_path / "clip.mp4")
    with subprocess.Popen(
        command(server, tmp_path / "clips", home=tmp_path), env=environment(tmp_path), stderr=subprocess.DEVNULL
    ) as first:
        eventually(lambda: len(all_jobs(server)) >= 3)
        first.send_signal(signal.SIGKILL)
    again = submit(server, tmp_path / "clips", home=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    jobs = all_jobs(server)
    assert sorted(job["filename"] for job in jobs) == [clip.name for clip in clips]
    assert {job["status"] for job in jobs} == {"done"}
    assert all(clip.name in again.stdout for clip in clips)
    with server.client() as client:
        assert len(client.get("/v1/batches").json()["batches"]) == 1


def test_a_changed_folder_uploads_only_what_is_new(server: Server, tmp_path: Path) -> None:
    """A clip that joins the folder is the only one that is submitted, and a renamed one is known by its content."""
    clips = write_clips(tmp_path / "more", 3)
    for number, clip in enumerate(clips):
        clip.write_bytes(clip.read_bytes() + b"\0\0\0\x0cfreemore" + bytes([number]))
    assert submit(server, tmp_path / "more", home=tmp_path).returncode == 0
    before = len(all_jobs(server))
    clips[0].rename(clips[0].with_name("renamed.mp4"))
    clips[1].with_name("new.mp4").write_bytes(clips[1].read_bytes() + b"\0\0\0\x08free")
    again = submit(server, str(tmp_path / "more" / "*.mp4"), home=tmp_path)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("done, known") == 3
    assert len(all_jobs(server)) == before + 1


def test_a_failed_video_gives_exit_code_1_and_is_tried_again(server: Server, tmp_path: Path) -> None:
    """The table names what failed; the next run submits only that again."""
    clips = write_clips(tmp_path / "some", 1)
    clips[0].write_bytes(clips[0].read_bytes() + b"\0\0\0\x08free\0\0\0\x08free")
    (tmp_path / "some" / "broken.mp4").write_bytes(MP4)
    for _ in range(2):
        run = submit(server, tmp_path / "some", home=tmp_path)
        assert run.returncode == 1, run.stderr
        assert "broken.mp4" in run.stdout
    failed = [job for job in all_jobs(server) if job["filename"] == "broken.mp4"]
    assert len(failed) == 2
    assert len([job for job in all_jobs(server) if job["filename"] == clips[0].name and job["status"] == "done"]) >= 1


def test_a_watched_folder_gets_results_beside_its_videos(server: Server, tmp_path: Path) -> None:
    """A video that arrives in two halves is submitted once, whole; copies, hidden files and links are not taken."""
    (clip,) = write_clips(tmp_path / "made", 1)
    content = clip.read_bytes() + b"\0\0\0\x0dfreewatch"
    folder = tmp_path / "watched"
    folder.mkdir()
    (folder / ".hidden.mp4").write_bytes(content + b"\0\0\0\x08free")
    (folder / "link.mp4").symlink_to(clip)
    (folder / "soup.md").write_text("my own notes")
    before = len(all_jobs(server))
    arguments = [*CLIPWISE, "watch", str(folder), "--kind", "metadata", "--format", "md", "--format", "json"]
    for run in range(2):
        with subprocess.Popen(
            [*arguments, "--server", server.url], env=environment(tmp_path), stderr=subprocess.DEVNULL
        ) as watch:
            if run == 0:
                with (folder / "soup.mp4").open("wb", buffering=0) as file:
                    file.write(content[:3000])
                    file.write(content[3000:])
            else:
                (folder / "copy.mp4").write_bytes(content)
                (folder / "new.mp4").write_bytes(content + b"\0\0\0\x09free1")
            expected = folder / ("soup.json" if run == 0 else "new.json")
            eventually(expected.exists)
            watch.send_signal(signal.SIGKILL if run == 0 else signal.SIGINT)
            assert watch.wait(PATIENCE_SEC) == (-signal.SIGKILL if run == 0 else 130)
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    results = {"soup.mp4.md", "soup.json", "new.md", "new.json"}
    assert names == {"soup.mp4", "copy.mp4", "new.mp4", "link.mp4", "soup.md"} | results
    assert (folder / "soup.md").read_text() == "my own notes"
    properties = yaml.safe_load((folder / "soup.mp4.md").read_text().split("---\n")[1])
    assert (properties["title"], properties["source"], properties["kind"]) == ("soup", "soup.mp4", "metadata")
    assert len(all_jobs(server)) == before + 2
