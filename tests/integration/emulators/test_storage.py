"""The storage emulator under Google's own client: what the adapters do not ask of it, but users of the client might."""

from __future__ import annotations

import base64
import io
import uuid
from datetime import timedelta

import google_crc32c
import httpx
import pytest
from google.api_core import exceptions
from google.cloud.storage import Blob, Bucket

from infra.runtimes.emulated.emulators import EmulatorHosts, run_emulators
from shared.platform.gcp.place import emulator_signer
from tests.contract.emulated import connect
from tests.integration.emulators.conftest import FRONTEND

CHUNK = 256 * 1024


@pytest.fixture
def blob(bucket: Bucket) -> Blob:
    return bucket.blob(uuid.uuid4().hex)


def test_a_resumable_upload_carries_metadata_and_precondition(bucket: Bucket, blob: Blob) -> None:
    """A file sent in parts is stored with all that was said of it, and not at all when another was first."""
    content = bytes(range(256)) * 4096
    blob.chunk_size = CHUNK
    blob.metadata = {"k": "ü"}
    blob.upload_from_file(io.BytesIO(content), content_type="video/mp4", if_generation_match=0)
    stored = bucket.get_blob(blob.name)
    assert (stored.size, stored.content_type, stored.metadata) == (len(content), "video/mp4", {"k": "ü"})
    assert stored.crc32c == base64.b64encode(google_crc32c.Checksum(content).digest()).decode()
    with pytest.raises(exceptions.PreconditionFailed):
        blob.upload_from_file(io.BytesIO(b"other" * CHUNK), content_type="video/mp4", if_generation_match=0)
    assert blob.download_as_bytes(checksum="md5") == content


def test_a_size_that_is_a_multiple_of_the_part_is_completed(bucket: Bucket, blob: Blob) -> None:
    """A stream of unknown size that ends just where a part does is stored whole."""
    blob.chunk_size = CHUNK
    blob.upload_from_file(io.BytesIO(b"x" * 2 * CHUNK), content_type="text/plain")
    assert bucket.get_blob(blob.name).size == 2 * CHUNK


def test_data_that_does_not_fit_its_checksum_is_refused(hosts: EmulatorHosts, bucket: Bucket, blob: Blob) -> None:
    """What was damaged on its way is not stored."""
    answer = httpx.post(
        f"{hosts.storage}/upload/storage/v1/b/{bucket.name}/o?uploadType=multipart",
        headers={"Content-Type": "multipart/related; boundary=B"},
        content=f'--B\r\n\r\n{{"name": "{blob.name}", "crc32c": "AAAAAA=="}}\r\n--B\r\n\r\nx\r\n--B--',
    )
    assert answer.status_code == 400
    assert not blob.exists()


def test_conditions_on_reading_and_deleting_hold(bucket: Bucket, blob: Blob) -> None:
    """A reader that wants one generation gets no other, and nobody deletes what they have not seen."""
    blob.upload_from_string("one")
    first = blob.generation
    blob.upload_from_string("two")
    with pytest.raises(exceptions.NotFound):
        bucket.blob(blob.name, generation=first).download_as_bytes()
    with pytest.raises(exceptions.PreconditionFailed):
        blob.delete(if_generation_match=first)
    assert blob.download_as_bytes(start=1, end=1) == b"w"


def test_a_list_comes_in_pages(bucket: Bucket) -> None:
    """A folder of any size is listed whole and in order."""
    folder = uuid.uuid4().hex
    names = [f"{folder}/{n:02}" for n in range(7)]
    for name in names:
        bucket.blob(name).upload_from_string("x")
    pages = bucket.list_blobs(prefix=f"{folder}/", page_size=3).pages
    assert [[blob.name for blob in page] for page in pages] == [names[:3], names[3:6], names[6:]]


def test_a_copy_keeps_what_was_said_of_it(bucket: Bucket, blob: Blob) -> None:
    """Copying is done by the storage; type and metadata go along, and a copy onto itself is a new generation."""
    blob.metadata = {"k": "v"}
    blob.upload_from_string("content", content_type="image/jpeg")
    copy = bucket.blob(f"{blob.name}-copy")
    copy.rewrite(blob)
    assert (copy.content_type, copy.metadata, copy.download_as_bytes()) == ("image/jpeg", {"k": "v"}, b"content")
    before = blob.generation
    blob.rewrite(blob)
    assert blob.generation > before
    assert (blob.content_type, blob.metadata) == ("image/jpeg", {"k": "v"})


def test_an_unknown_bucket_is_not_found(bucket: Bucket, hosts: EmulatorHosts) -> None:
    """Only the wiring table's buckets are there, under their full names."""
    for name in ("media", f"{hosts.bucket_prefix}nothing"):
        with pytest.raises(exceptions.NotFound):
            bucket.client.bucket(name).blob("x").upload_from_string("x")


def test_a_frontend_may_show_a_picture_by_its_link(bucket: Bucket, blob: Blob) -> None:
    """A web page of the configured origin reads signed links; others do not, and nobody reads without one."""
    blob.upload_from_string("picture", content_type="image/jpeg")
    link = blob.generate_signed_url(version="v4", expiration=timedelta(minutes=1), credentials=emulator_signer())
    response = httpx.get(link, headers={"Origin": FRONTEND})
    assert (response.content, response.headers["access-control-allow-origin"]) == (b"picture", FRONTEND)
    assert "access-control-allow-origin" not in httpx.get(link, headers={"Origin": "https://evil.example"}).headers
    assert httpx.get(link.partition("?")[0]).status_code == 403


def test_an_upload_goes_on_after_a_restart(tmp_path_factory: pytest.TempPathFactory, hosts: EmulatorHosts) -> None:
    """A phone that was half done when the emulated place was restarted goes on with the other half."""
    folder = tmp_path_factory.mktemp("restarted")
    content = b"a" * CHUNK + b"b" * 5
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("FIRESTORE_EMULATOR_HOST", hosts.firestore)
        environ.setenv("PUBSUB_EMULATOR_HOST", hosts.pubsub)
        with run_emulators(folder) as first:
            session = connect(first).objects.start_upload("media", "video", "video/mp4", len(content), 60)
            part = {"Content-Range": f"bytes 0-{CHUNK - 1}/{len(content)}"}
            assert httpx.put(session.url, content=content[:CHUNK], headers=part).status_code == 308
        with run_emulators(folder) as second:
            url = session.url.replace(first.storage, second.storage)
            rest = {"Content-Range": f"bytes {CHUNK}-{len(content) - 1}/{len(content)}"}
            assert httpx.put(url, content=content[CHUNK:], headers=rest).status_code == 200
            with connect(second).objects.open("media", "video") as stored:
                assert stored.read() == content
