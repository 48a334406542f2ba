"""Downloads from plain links, against servers that behave well and badly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import Cancelled, ClipwiseError, PermanentError, TransientError
from shared.models.video import Origin
from shared.security import guarded_http
from shared.settings import Settings
from shared.sources.images.source import fetch_search_response
from shared.sources.video.http import fetch_file
from shared.sources.video.post import CaptionFile, PlatformPost, read_captions
from shared.sources.video.source import FetchedFile
from tests.hostile_routes import video
from tests.hostile_server import HostileServer


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with HostileServer() as running:
        yield running


@pytest.fixture
def settings(server: HostileServer) -> Settings:
    return Settings(allow_hosts=server.address, max_file_size_mb=1, download_timeout_sec=10)


def silent(fraction: float, message: str) -> None:
    return None


def refusal(url: str, folder: Path, settings: Settings) -> tuple[type[ClipwiseError], str]:
    """Kind and code of the error that `url` ends in, once it is certain that nothing is left of it."""
    with pytest.raises(ClipwiseError) as caught:
        fetch_file(url, folder / "source", settings, silent)
    assert list(folder.iterdir()) == []
    assert caught.value.message[0].isupper() or caught.value.message.startswith("“")
    assert caught.value.message.endswith(".")
    return type(caught.value), caught.value.code


def test_a_video_arrives_whole(server: HostileServer, settings: Settings, tmp_path: Path) -> None:
    """A plain link gives the file, what it is, where it was, and progress up to the end."""
    ticks: list[float] = []
    fetched = fetch_file(server.url("/ok.mp4"), tmp_path / "source", settings, lambda done, _: ticks.append(done))
    assert fetched == FetchedFile(tmp_path / "source", 100_000, "video/mp4", server.url("/ok.mp4"), "ok.mp4")
    assert fetched.path.read_bytes() == video()
    assert ticks == sorted(ticks)
    assert ticks[-1] == 1


def test_a_length_that_nobody_named_is_no_obstacle(server: HostileServer, settings: Settings, tmp_path: Path) -> None:
    """A chunked body arrives whole, with progress that never says more than is known."""
    ticks: list[float] = []
    fetched = fetch_file(server.url("/chunked"), tmp_path / "source", settings, lambda done, _: ticks.append(done))
    assert fetched.path.read_bytes() == video()
    assert ticks[-1] == pytest.approx(0.1)


def test_redirects_lead_to_the_file(server: HostileServer, settings: Settings, tmp_path: Path) -> None:
    """A short link gives the file it leads to, under the file's own address and name."""
    fetched = fetch_file(server.url("/redirect?to=/ok.mp4"), tmp_path / "source", settings, silent)
    assert (fetched.final_url, fetched.filename) == (server.url("/ok.mp4"), "ok.mp4")


def test_the_type_is_read_from_the_bytes(server: HostileServer, settings: Settings, tmp_path: Path) -> None:
    """A video that its server calls text is taken for the video it is."""
    assert fetch_file(server.url("/modest-type"), tmp_path / "source", settings, silent).content_type == "video/mp4"


@pytest.mark.parametrize(
    ("path", "kind", "code"),
    [
        ("/404", PermanentError, "source_not_found"),
        ("/410", PermanentError, "source_not_found"),
        ("/no-such-route", PermanentError, "source_not_found"),
        ("/401", PermanentError, "source_forbidden"),
        ("/403", PermanentError, "source_forbidden"),
        ("/451", PermanentError, "source_forbidden"),
        ("/400", PermanentError, "source_refused"),
        ("/405", PermanentError, "source_refused"),
        ("/304", PermanentError, "source_refused"),
        ("/unasked-range", PermanentError, "source_refused"),
        ("/408", TransientError, "source_unavailable"),
        ("/429", TransientError, "source_unavailable"),
        ("/500", TransientError, "source_unavailable"),
        ("/503", TransientError, "source_unavailable"),
        ("/reset-at-once", TransientError, "source_unavailable"),
        ("/closed-at-once", TransientError, "source_unavailable"),
        ("/not-http", TransientError, "source_unavailable"),
        ("/huge-headers", TransientError, "source_unavailable"),
        ("/two-lengths", TransientError, "source_unavailable"),
        ("/redirect-loop", PermanentError, "source_redirects"),
        ("/redirect?to=http://169.254.169.254/", PermanentError, "url_not_allowed"),
        ("/html", PermanentError, "not_media"),
        ("/html-as-mp4.mp4", PermanentError, "not_media"),
        ("/wrong-type", PermanentError, "unsupported_media"),
        ("/playlist.m3u8", PermanentError, "unsupported_media"),
        ("/concat.mp4", PermanentError, "unsupported_media"),
        ("/empty", PermanentError, "empty_file"),
        ("/gzip-bomb", PermanentError, "source_encoded"),
        ("/html-gzipped", PermanentError, "source_encoded"),
        ("/two-encodings", PermanentError, "source_encoded"),
        ("/huge", PermanentError, "too_large"),
        ("/endless", PermanentError, "too_large"),
        ("/chunked-endless", PermanentError, "too_large"),
        ("/range-elsewhere", TransientError, "source_incomplete"),
        ("/range-less", TransientError, "source_incomplete"),
        ("/range-endless-number", TransientError, "source_incomplete"),
    ],
)
def test_each_misbehaviour_has_its_error(
    server: HostileServer, settings: Settings, tmp_path: Path, path: str, kind: type[ClipwiseError], code: str
) -> None:
    """Whatever a server does: one sentence for the user, a yes or no to trying again, and no file left behind."""
    assert refusal(server.url(path), tmp_path, settings) == (kind, code)


def test_a_busy_server_is_quoted(server: HostileServer, settings: Settings, tmp_path: Path) -> None:
    """A server that asks for patience has its wish passed on to the user."""
    with pytest.raises(TransientError, match="Try again in 3600 seconds"):
        fetch_file(server.url("/429"), tmp_path / "source", settings, silent)


@pytest.mark.parametrize("path", ["/short", "/reset", "/chunked-short"])
def test_half_a_video_is_none(server: HostileServer, settings: Settings, tmp_path: Path, path: str) -> None:
    """A transfer that breaks off is tried again later when the server cannot go on where it stopped."""
    kind, code = refusal(server.url(path), tmp_path, settings)
    assert (issubclass(kind, TransientError), code) == (True, "source_incomplete")
    assert len(server.asked(path)) == 1


@pytest.mark.parametrize("path", ["/silent", "/slow-headers", "/slow"])
def test_the_total_time_is_bounded(server: HostileServer, tmp_path: Path, path: str) -> None:
    """A server that keeps us waiting, drop by drop or in silence, is left when the time is up."""
    settings = Settings(allow_hosts=server.address, download_timeout_sec=0.3)
    assert refusal(server.url(path), tmp_path, settings) == (TransientError, "source_slow")


@pytest.mark.parametrize("path", ["/silent", "/stalled"])
def test_silence_is_bounded(
    server: HostileServer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A connection on which nothing arrives any more is given up long before the total time."""
    monkeypatch.setattr(guarded_http, "IDLE_SEC", 0.2)
    assert refusal(server.url(path), tmp_path, settings) == (TransientError, "source_slow")


def test_a_handshake_that_stalls_is_bounded(
    server: HostileServer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that accepts the connection and then says nothing of TLS is given up like any silent one."""
    monkeypatch.setattr(guarded_http, "CONNECT_SEC", 0.2)
    assert refusal(f"https://{server.address}/", tmp_path, settings) == (TransientError, "source_slow")


@pytest.mark.parametrize("path", ["/silent", "/stalled", "/endless", "/endless-hints"])
def test_a_download_can_be_cancelled(
    server: HostileServer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Cancelling ends a download even while its server is silent, and removes what had arrived."""
    monkeypatch.setattr(guarded_http, "PULSE_SEC", 0.01)
    ticks: list[float] = []

    def cancel(done: float, message: str) -> None:
        ticks.append(done)
        if len(ticks) == 3:
            raise Cancelled

    monkeypatch.setattr("shared.sources.video.http.TICK_SEC", 0)
    with pytest.raises(Cancelled):
        fetch_file(server.url(path), tmp_path / "source", settings, cancel)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_transfer_goes_on(server: HostileServer, settings: Settings, tmp_path: Path) -> None:
    """A download that breaks off twice is completed from where it stopped, byte for byte."""
    fetched = fetch_file(server.url("/range"), tmp_path / "source", settings, silent)
    assert fetched.path.read_bytes() == video()
    assert [request.headers.get("range") for request in server.asked("/range")] == [
        None,
        "bytes=40000-",
        "bytes=80000-",
    ]
    assert all(request.headers["if-range"] == '"one"' for request in server.asked("/range")[1:])


def test_a_validator_with_odd_letters_is_sent_back(server: HostileServer, settings: Settings, tmp_path: Path) -> None:
    """A transfer that breaks off is resumed even if the server's validator has letters that headers should not have."""
    fetched = fetch_file(server.url("/range-odd-etag"), tmp_path / "source", settings, silent)
    assert fetched.path.read_bytes() == video()
    assert server.asked("/range-odd-etag")[-1].headers["range"] == "bytes=60000-"


def test_resuming_ends(server: HostileServer, settings: Settings, tmp_path: Path) -> None:
    """A server that breaks off each time is not asked for ever."""
    assert refusal(server.url("/range-broken"), tmp_path, settings)[1] == "source_incomplete"
    assert len(server.asked("/range-broken")) == 3


def test_two_versions_are_never_mixed(server: HostileServer, settings: Settings, tmp_path: Path) -> None:
    """When the file changed on the server in between, the download begins anew."""
    fetched = fetch_file(server.url("/range-changed"), tmp_path / "source", settings, silent)
    assert fetched.path.read_bytes() == video(50_000)


def test_a_refused_link_is_never_asked_for(server: HostileServer, tmp_path: Path) -> None:
    """Without leave, a loopback address gets no connection at all, and no file is made."""
    before = len(server.requests)
    assert refusal(server.url("/ok.mp4"), tmp_path, Settings()) == (PermanentError, "url_not_allowed")
    assert len(server.requests) == before


def test_downloads_share_nothing(server: HostileServer, settings: Settings, tmp_path: Path) -> None:
    """Downloads at the same time each end as they would alone."""
    ends: dict[str, str | int] = {}

    def download(number: int, path: str) -> None:
        try:
            ends[f"{number}{path}"] = fetch_file(server.url(path), tmp_path / f"{number}", settings, silent).size
        except ClipwiseError as error:
            ends[f"{number}{path}"] = error.code

    paths = ["/ok.mp4", "/404", "/short", "/ok.mp4", "/html", "/chunked"]
    threads = [threading.Thread(target=download, args=(number, path)) for number, path in enumerate(paths)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == {
        "0/ok.mp4": 100_000,
        "1/404": "source_not_found",
        "2/short": "source_incomplete",
        "3/ok.mp4": 100_000,
        "4/html": "not_media",
        "5/chunked": 100_000,
    }


def test_names_from_links(server: HostileServer, settings: Settings, tmp_path: Path) -> None:
    """The server's name for the file goes before the link's last part; a bare host gives none."""
    for path, name in (
        ("/ok.mp4?x=/y.mp4", "ok.mp4"),
        ("/named?disposition=attachment", "named"),
        ("/named?disposition=attachment;filename=..%2Fclip.mov", "clip.mov"),
        ("/named?disposition=attachment;filename*=UTF-8%27%27%25d0%25b1.mp4", "б.mp4"),
    ):
        assert fetch_file(server.url(path), tmp_path / "source", settings, silent).filename == name


def test_compressed_texts_are_not_taken_for_empty_ones(server: HostileServer, settings: Settings) -> None:
    """Captions and search results that come compressed are reported as unreadable, not as none."""
    captions = CaptionFile("vtt", "en", server.url("/two-encodings"))
    post = PlatformPost(Origin(source="test", page_url=server.url("/")), captions=captions)
    transcript, notes = read_captions(post, settings, lambda: None)
    assert (transcript, len(notes)) == (None, 1)
    assert "only compressed" in notes[0]
    with pytest.raises(PermanentError) as caught:
        fetch_search_response(server.url("/gzip-bomb"), settings, lambda: None)
    assert caught.value.code == "engine_unreadable"
