"""Objects: atomic writes, preconditions, names, streaming, links."""

from __future__ import annotations

import hashlib
import io
import threading
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cloudevents.http import CloudEvent

from shared import clock
from shared.errors import Conflict, NotFound
from shared.platform.ports import NewObject, Objects
from tests.contract.adapters import Adapter

MEDIA = "media"
MEBIBYTE = 1 << 20

UNUSUAL_NAMES = [
    "plain.mp4",
    "two words/ümläut.mp4",
    "рецепт/борщ.mp4",
    "😀/🍲.jpg",
    "e\u0301 is not \u00e9",
    "100%25?a=b&c#d",
    "a+b c%20d",
    "back\\slash",
    "C:drive",
    "...",
    "..a/b..",
    " leading and trailing ",
    "quote\"'`$(x);|<>*",
    "CON/nul",
    "tab\there",
    "x" * 500 + "/" + "ü" * 240,
]
BAD_NAMES = [
    "",
    "/",
    "/etc/passwd",
    "a/",
    "a//b",
    ".",
    "..",
    "../a",
    "a/../b",
    "a/./b",
    "a/..",
    "nul\0",
    "line\nbreak",
    "line\rbreak",
    "lone\ud800",
    "x" * 1025,
    "ü" * 513,
]


class Endless(io.RawIOBase):
    """A stream of so many bytes that never exist all at once; may fail at the end."""

    def __init__(self, size: int, error: Exception | None = None) -> None:
        self._left = size
        self._error = error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        count = min(self._left, len(view))
        if not count and self._error:
            raise self._error
        view[:count] = b"v" * count
        self._left -= count
        return count


def stream(size: int, error: Exception | None = None) -> BinaryIO:
    return io.BufferedReader(Endless(size, error))  # type: ignore[return-value]


def read(objects: Objects, bucket: str, name: str) -> bytes:
    with objects.open(bucket, name) as source:
        return source.read()


def test_many_objects_take_the_free_names(objects: Objects, fresh: str) -> None:
    """Of several new objects each name is stored once, whole and with its own data; names that were taken are told."""
    objects.put(MEDIA, f"{fresh}/taken", b"old", "text/plain")
    stream = io.BytesIO(b"read already, " + b"x" * MEBIBYTE)
    stream.seek(len(b"read already, "))
    new = [
        NewObject(f"{fresh}/taken", b"new", "image/png"),
        NewObject(f"{fresh}/stream", stream, "image/webp", {"image": "s"}),
        *(NewObject(f"{fresh}/same", content, "image/png", {"image": content.decode()}) for content in (b"1", b"2")),
        NewObject(f"{fresh}/empty", b"", "image/png"),
    ]
    assert sorted(objects.create_many(MEDIA, new)) == [f"{fresh}/same", f"{fresh}/taken"]
    contents = {}
    for info in objects.list(MEDIA, fresh):
        with objects.open(MEDIA, info.name) as opened:
            contents[info.name.removeprefix(f"{fresh}/")] = opened.read()
        assert info.size == len(contents[info.name.removeprefix(f"{fresh}/")])
    same = contents.pop("same")
    assert contents == {"taken": b"old", "stream": b"x" * MEBIBYTE, "empty": b""}
    stored = objects.stat(MEDIA, f"{fresh}/same")
    assert stored is not None
    assert (same, stored.content_type) == (stored.metadata["image"].encode(), "image/png")
    assert objects.create_many(MEDIA, []) == []
    with pytest.raises(ValueError, match="part"):
        objects.create_many(MEDIA, [NewObject(f"{fresh}/a", b"", ""), NewObject(f"{fresh}/../b", b"", "")])


@pytest.mark.parametrize("form", ["bytes", "stream", "path"])
def test_an_object_comes_back_as_it_was_stored(objects: Objects, fresh: str, tmp_path: Path, form: str) -> None:
    """A picture stored from memory, a stream or a file is read back byte for byte, with its type and metadata."""
    content = bytes(range(256)) * 5000
    path = tmp_path / "source"
    path.write_bytes(content)
    data: dict[str, bytes | BinaryIO | Path] = {"bytes": content, "stream": io.BytesIO(content), "path": path}
    before = datetime.now(UTC) - timedelta(seconds=2)
    info = objects.put(MEDIA, f"{fresh}/a", data[form], "image/jpeg", {"k": "v ü"})
    assert (info.bucket, info.name, info.size) == (MEDIA, f"{fresh}/a", len(content))
    assert (info.content_type, info.metadata) == ("image/jpeg", {"k": "v ü"})
    assert before <= info.updated <= datetime.now(UTC) + timedelta(seconds=2)
    assert objects.stat(MEDIA, f"{fresh}/a") == info
    assert read(objects, MEDIA, f"{fresh}/a") == objects.read(MEDIA, f"{fresh}/a") == content
    objects.download(MEDIA, f"{fresh}/a", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content


def test_an_empty_object_is_an_object(objects: Objects, fresh: str) -> None:
    """Zero bytes are there, and are not the same as nothing."""
    objects.put(MEDIA, fresh, b"", "text/plain")
    info = objects.stat(MEDIA, fresh)
    assert info is not None
    assert info.size == 0
    assert read(objects, MEDIA, fresh) == objects.read(MEDIA, fresh) == b""


def test_what_is_missing_is_not_found(objects: Objects, fresh: str, tmp_path: Path) -> None:
    """Reading a deleted picture is a clear error, and leaves no empty file."""
    assert objects.stat(MEDIA, fresh) is None
    with pytest.raises(NotFound), objects.open(MEDIA, fresh):
        pass
    with pytest.raises(NotFound):
        objects.read(MEDIA, fresh)
    with pytest.raises(NotFound):
        objects.download(MEDIA, fresh, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    objects.delete(MEDIA, fresh)


def test_generations_grow_over_writes_and_deletions(objects: Objects, fresh: str) -> None:
    """A later write is always told from an earlier one."""
    generations = [objects.put(MEDIA, fresh, b"1", "text/plain").generation]
    generations.append(objects.put(MEDIA, fresh, b"2", "text/plain").generation)
    objects.delete(MEDIA, fresh)
    generations.append(objects.put(MEDIA, fresh, b"3", "text/plain").generation)
    assert generations == sorted(set(generations))
    assert generations[0] > 0


def test_a_precondition_that_does_not_hold_changes_nothing(objects: Objects, fresh: str) -> None:
    """Two writers that both believe to be first do not overwrite each other."""
    first = objects.put(MEDIA, fresh, b"first", "text/plain", if_generation=0)
    with pytest.raises(Conflict):
        objects.put(MEDIA, fresh, b"second", "text/plain", if_generation=0)
    assert read(objects, MEDIA, fresh) == b"first"
    second = objects.put(MEDIA, fresh, b"second", "text/plain", if_generation=first.generation)
    with pytest.raises(Conflict):
        objects.put(MEDIA, fresh, b"third", "text/plain", if_generation=first.generation)
    assert objects.stat(MEDIA, fresh) == second
    objects.delete(MEDIA, fresh)
    with pytest.raises(Conflict):
        objects.put(MEDIA, fresh, b"fourth", "text/plain", if_generation=second.generation)


def test_a_write_that_fails_leaves_what_was_there(objects: Objects, fresh: str) -> None:
    """A download that breaks off half way never shows as a video."""
    objects.put(MEDIA, f"{fresh}/old", b"old", "text/plain")
    for name in ("old", "new"):
        with pytest.raises(ConnectionError):
            objects.put(MEDIA, f"{fresh}/{name}", stream(3 * MEBIBYTE, ConnectionError("gone")), "text/plain")
    assert read(objects, MEDIA, f"{fresh}/old") == b"old"
    assert objects.stat(MEDIA, f"{fresh}/new") is None


def test_a_reader_sees_one_whole_version(objects: Objects, fresh: str) -> None:
    """While a thumbnail is written again and again, whoever reads it gets the old or the new one, never a mixture."""
    versions = [bytes([n]) * 300_000 for n in range(6)]
    objects.put(MEDIA, fresh, versions[0], "text/plain")
    over = threading.Event()
    wrong: list[bytes] = []

    def keep_reading() -> None:
        while not over.is_set():
            content = read(objects, MEDIA, fresh)
            if content not in versions:
                wrong.append(content)

    readers = [threading.Thread(target=keep_reading) for _ in range(3)]
    for reader in readers:
        reader.start()
    for content in versions * 3:
        objects.put(MEDIA, fresh, content, "text/plain")
    over.set()
    for reader in readers:
        reader.join()
    assert wrong == []


@pytest.mark.parametrize("name", UNUSUAL_NAMES, ids=range(len(UNUSUAL_NAMES)))
def test_any_honest_name_works(objects: Objects, fresh: str, name: str) -> None:
    """A file may be called what its owner likes, in any script, and its link works."""
    full = f"{fresh}/{name}"
    objects.put(MEDIA, full, name.encode(), "text/plain")
    assert read(objects, MEDIA, full) == name.encode()
    assert [info.name for info in objects.list(MEDIA, f"{fresh}/")] == [full]
    answer = httpx.get(objects.signed_url(MEDIA, full, 60))
    assert (answer.status_code, answer.content) == (200, name.encode())
    objects.delete(MEDIA, full)
    assert objects.stat(MEDIA, full) is None


@pytest.mark.parametrize("name", BAD_NAMES, ids=range(len(BAD_NAMES)))
def test_a_name_that_plays_tricks_is_refused_everywhere(objects: Objects, name: str, tmp_path: Path) -> None:
    """No name reaches outside its bucket, in whichever call it is given."""
    calls = [
        lambda: objects.put(MEDIA, name, b"x", "text/plain"),
        lambda: objects.stat(MEDIA, name),
        lambda: objects.open(MEDIA, name).__enter__(),
        lambda: objects.download(MEDIA, name, tmp_path / "copy"),
        lambda: objects.delete(MEDIA, name),
        lambda: objects.finalize_again(MEDIA, name),
        lambda: objects.signed_url(MEDIA, name, 60),
        lambda: objects.start_upload(MEDIA, name, "video/mp4", 1, 60),
    ]
    for call in calls:
        with pytest.raises(ValueError):  # noqa: PT011
            call()


def test_many_objects_are_deleted_at_once(objects: Objects, fresh: str) -> None:
    """The sources of a page of jobs go together, whatever their names; one that is gone already does no harm."""
    names = [f"{fresh}/{name}" for name in UNUSUAL_NAMES[:6]] + [f"{fresh}/{number}" for number in range(100)]
    for name in (*names[:8], f"{fresh}/other"):
        objects.put(MEDIA, name, b"x", "image/jpeg")
    objects.delete_many(MEDIA, names)
    assert [info.name for info in objects.list(MEDIA, f"{fresh}/")] == [f"{fresh}/other"]
    objects.delete_many(MEDIA, [])


def test_list_gives_the_names_under_a_prefix_in_order(objects: Objects, fresh: str) -> None:
    """The frames of one job are listed without those of a job whose id begins alike."""
    names = [f"{fresh}/frames/{n:02}.jpg" for n in range(12)] + [f"{fresh}/frames/ü.jpg", f"{fresh}/frames/😀.jpg"]
    for name in [*reversed(names), f"{fresh}/frame", f"{fresh}/framesx", f"{fresh}0/frames/1"]:
        objects.put(MEDIA, name, b"x", "text/plain")
    assert [info.name for info in objects.list(MEDIA, f"{fresh}/frames/")] == names
    assert [info.name for info in objects.list(MEDIA, f"{fresh}/nothing")] == []


def test_delete_prefix_removes_just_what_starts_with_it(objects: Objects, fresh: str) -> None:
    """Deleting a job removes all its media and nobody else's."""
    for name in ("a/1", "a/2", "a/b/3", "a", "ab", "á/1"):
        objects.put(MEDIA, f"{fresh}/{name}", b"x", "text/plain")
    assert objects.delete_prefix(MEDIA, f"{fresh}/a/") == 3
    assert [info.name for info in objects.list(MEDIA, f"{fresh}/")] == [f"{fresh}/a", f"{fresh}/ab", f"{fresh}/á/1"]
    assert objects.delete_prefix(MEDIA, f"{fresh}/a/") == 0


def test_an_unknown_bucket_is_refused(objects: Objects, fresh: str) -> None:
    """A mistyped bucket is an error at once."""
    with pytest.raises(ValueError):  # noqa: PT011
        objects.put("nowhere", fresh, b"x", "text/plain")


@pytest.fixture
def memory() -> Iterator[None]:
    """Fails when more than 24 MiB were in use at once: a fraction of what the test moves."""
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 * MEBIBYTE, f"{peak / MEBIBYTE:.0f} MiB"


@pytest.mark.usefixtures("memory")
def test_a_large_object_passes_through_in_small_pieces(objects: Objects, fresh: str, tmp_path: Path) -> None:
    """A long video is stored, copied and read over its link without ever being in memory."""
    size = 64 * MEBIBYTE
    expected = hashlib.sha256(b"v" * MEBIBYTE)
    for _ in range(63):
        expected.update(b"v" * MEBIBYTE)
    assert objects.put(MEDIA, fresh, stream(size), "video/mp4").size == size
    objects.download(MEDIA, fresh, tmp_path / "copy")
    with (tmp_path / "copy").open("rb") as copy:
        assert hashlib.file_digest(copy, "sha256").digest() == expected.digest()
    seen = hashlib.sha256()
    with httpx.stream("GET", objects.signed_url(MEDIA, fresh, 60)) as answer:
        for piece in answer.iter_bytes():
            seen.update(piece)
    assert seen.digest() == expected.digest()


def test_a_link_gives_the_bytes_with_their_type(objects: Objects, fresh: str) -> None:
    """A browser shows a thumbnail from its link, without guessing what it is."""
    objects.put(MEDIA, fresh, b"picture", "image/jpeg")
    answer = httpx.get(objects.signed_url(MEDIA, fresh, 60))
    assert (answer.status_code, answer.content) == (200, b"picture")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-length"] == "7"


def test_a_link_can_ask_for_a_name_to_save_under(objects: Objects, fresh: str) -> None:
    """A download lands under the name its owner knows, in any script."""
    objects.put(MEDIA, fresh, b"x", "video/mp4")
    answer = httpx.get(objects.signed_url(MEDIA, fresh, 60, filename='Борщ "neu".mp4'))
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment;")
    assert "%D0%91%D0%BE%D1%80%D1%89" in disposition


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=4-", 206, b"456789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=8-99", 206, b"89"),
        ("bytes=10-", 416, None),
    ],
)
def test_a_player_can_seek(objects: Objects, fresh: str, asked: str, status: int, content: bytes | None) -> None:
    """A video element reads the part it needs."""
    objects.put(MEDIA, fresh, b"0123456789", "video/mp4")
    answer = httpx.get(objects.signed_url(MEDIA, fresh, 60), headers={"Range": asked})
    assert answer.status_code == status
    if content is not None:
        assert answer.content == content
        start = b"0123456789".index(content)
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(content) - 1}/10"


def test_a_link_works_for_one_object_until_it_expires(
    objects: Objects, fresh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has a link to one thumbnail gets nothing else with it, and nothing after its time."""
    for name in ("mine", "other"):
        objects.put(MEDIA, f"{fresh}/{name}", name.encode(), "text/plain")
    link = objects.signed_url(MEDIA, f"{fresh}/mine", 60)
    assert httpx.get(link.replace("mine", "other")).status_code in (400, 401, 403)
    assert httpx.get(link.split("?", maxsplit=1)[0]).status_code in (400, 401, 403)
    assert httpx.put(link, content=b"x").status_code in (400, 401, 403, 405)
    assert httpx.delete(link).status_code in (400, 401, 403, 405)
    long_ago = clock.now() - timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: long_ago)
    expired = objects.signed_url(MEDIA, f"{fresh}/mine", 60)
    monkeypatch.undo()
    assert httpx.get(expired).status_code in (400, 403, 410)
    assert read(objects, MEDIA, f"{fresh}/mine") == b"mine"


def test_google_reads_no_object_outside_its_cloud(objects: Objects, fresh: str) -> None:
    """On one machine and on the emulators, no address is passed to a service that could not read it."""
    objects.put(MEDIA, fresh, b"x", "video/mp4")
    assert objects.google_uri(MEDIA, fresh) is None


def test_every_part_of_a_link_is_signed(objects: Objects, fresh: str) -> None:
    """Changing any parameter of a link breaks it."""
    objects.put(MEDIA, fresh, b"x", "text/plain")
    link = urlsplit(objects.signed_url(MEDIA, fresh, 60, filename="a.txt"))
    parameters = {name: values[0] for name, values in parse_qs(link.query).items()}
    base = link._replace(query="").geturl()
    assert httpx.get(base, params=parameters).status_code == 200
    for name, value in parameters.items():
        changed = value[:-1] + ("0" if value[-1] != "0" else "1")
        assert httpx.get(base, params=parameters | {name: changed}).status_code in (400, 401, 403, 410), name


def test_a_deleted_objects_link_is_not_found(objects: Objects, fresh: str) -> None:
    """After its job was deleted a picture is gone, whoever still has the link."""
    objects.put(MEDIA, fresh, b"x", "text/plain")
    link = objects.signed_url(MEDIA, fresh, 60)
    objects.delete(MEDIA, fresh)
    assert httpx.get(link).status_code == 404


def test_storing_in_uploads_sends_the_finalized_event(adapter: Adapter, objects: Objects, fresh: str) -> None:
    """A stored video sets off its extraction, told in the cloud's own words; once more on request."""
    info = objects.put("uploads", f"{fresh}/ü video.mp4", b"12345", "video/mp4", {"k": "v"})
    first = next(event for event in received(adapter) if event.data["name"] == info.name)
    assert first["type"] == "google.cloud.storage.object.v1.finalized"
    assert first["source"].startswith("//storage.googleapis.com/projects/_/buckets/")
    assert first["subject"] == f"objects/{info.name}"
    assert {key: first.data[key] for key in ("size", "contentType", "generation", "metadata")} == {
        "size": "5",
        "contentType": "video/mp4",
        "generation": str(info.generation),
        "metadata": {"k": "v"},
    }
    assert objects.finalize_again("uploads", info.name)
    again = next(event for event in received(adapter) if event.data["name"] == info.name)
    assert int(again.data["size"]) == 5
    assert read(objects, "uploads", info.name) == b"12345"


def test_finalize_again_of_nothing_says_so(objects: Objects, fresh: str) -> None:
    """An upload that never came sets nothing off."""
    assert not objects.finalize_again("uploads", fresh)


def test_a_copy_is_an_object_of_its_own(adapter: Adapter, objects: Objects, fresh: str) -> None:
    """A video can be looked at again under another name; deleting either leaves the other, and its event comes."""
    put = objects.put("uploads", fresh, b"video" * 1000, "video/mp4", {"a": "b"})
    objects.copy("uploads", fresh, f"{fresh}-2")
    told = next(event for event in received(adapter) if event.data["name"] == f"{fresh}-2")
    assert int(told.data["size"]) == put.size
    objects.delete("uploads", fresh)
    copied = objects.stat("uploads", f"{fresh}-2")
    assert copied is not None
    assert (copied.size, copied.content_type, copied.metadata) == (put.size, "video/mp4", {"a": "b"})
    with objects.open("uploads", f"{fresh}-2") as stream:
        assert stream.read() == b"video" * 1000


def test_a_copy_of_nothing_says_so(objects: Objects, fresh: str) -> None:
    """What is not there cannot be copied."""
    with pytest.raises(NotFound):
        objects.copy("media", fresh, f"{fresh}-2")


def test_a_copy_in_another_bucket_takes_one_generation_and_replaces_nothing(
    adapter: Adapter, objects: Objects, fresh: str
) -> None:
    """An object of the drop bucket becomes a source with its type, once, and only if it is still the same one."""
    old = objects.put("drop", fresh, b"old", "video/mp4")
    new = objects.put("drop", fresh, b"video" * 1000, "video/mp4", {"a": "b"})
    with pytest.raises(NotFound):
        objects.copy_to_bucket("drop", fresh, old.generation, "uploads", f"{fresh}/source")
    objects.copy_to_bucket("drop", fresh, new.generation, "uploads", f"{fresh}/source")
    told = next(event for event in received(adapter) if event.data["name"] == f"{fresh}/source")
    assert told.data["bucket"] == objects.bucket_name("uploads")
    copied = objects.stat("uploads", f"{fresh}/source")
    assert copied is not None
    assert (copied.size, copied.content_type, copied.metadata) == (new.size, "video/mp4", {"a": "b"})
    with pytest.raises(Conflict):
        objects.copy_to_bucket("drop", fresh, new.generation, "uploads", f"{fresh}/source")
    assert read(objects, "drop", fresh) == read(objects, "uploads", f"{fresh}/source")
    objects.delete("drop", fresh)
    with pytest.raises(NotFound):
        objects.copy_to_bucket("drop", fresh, new.generation, "uploads", f"{fresh}/other")
    assert read(objects, "uploads", f"{fresh}/source") == b"video" * 1000


def received(adapter: Adapter) -> Iterator[CloudEvent]:
    while True:
        yield adapter.receive("extract")
