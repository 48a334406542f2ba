"""What `probe` says of good files and of odd ones."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shared.errors import PermanentError
from shared.media.probe import check_limits, probe
from shared.models.media import MediaInfo
from shared.settings import Settings
from tests import media_samples
from tests.media_samples import FPS


def test_a_plain_video_is_described(spoken: Path) -> None:
    """A user sees the length, size, rate and codecs of what was sent."""
    info = probe(spoken)
    assert (info.width, info.height, info.rotation, info.fps) == (216, 384, 0, 30)
    assert (info.video_codec, info.audio_codec, info.sample_rate, info.channels) == ("h264", "aac", 44_100, 1)
    assert info.duration_sec == pytest.approx(2, abs=0.05)
    assert info.bit_rate == pytest.approx(spoken.stat().st_size * 4, rel=0.05)
    assert (info.has_video, info.has_audio, info.hdr, info.bit_depth) == (True, True, False, 8)
    assert not info.variable_frame_rate
    assert not info.warnings


@pytest.mark.parametrize(
    ("suffix", "codec", "options"),
    [
        ("mov", "libx264", None),
        ("mkv", "libx264", None),
        ("ts", "libx264", None),
        ("webm", "libvpx", {"deadline": "realtime"}),
        ("webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
        ("mpg", "mpeg2video", {}),
        ("avi", "mpeg4", {}),
    ],
)
def test_every_accepted_container_tells_size_and_length(
    tmp_path: Path, suffix: str, codec: str, options: dict[str, str] | None
) -> None:
    """A user may send any of the common containers and gets the same facts."""
    info = probe(media_samples.small_video(tmp_path / f"video.{suffix}", 1, codec=codec, options=options))
    assert (info.width, info.height) == (216, 384)
    assert info.duration_sec == pytest.approx(1, abs=0.07)
    assert info.fps == pytest.approx(30, abs=0.6)
    assert not info.variable_frame_rate


@pytest.mark.parametrize("clockwise", [90, 180, 270])
def test_rotation_turns_the_size(tmp_path: Path, silent: Path, clockwise: int) -> None:
    """A phone's upright video, stored lying, is described as people see it."""
    info = probe(media_samples.rotated(tmp_path / "turned.mp4", silent, clockwise))
    assert info.rotation == clockwise
    assert (info.width, info.height) == ((216, 384) if clockwise == 180 else (384, 216))


def test_pixels_that_are_not_square_count_in_the_size(tmp_path: Path, silent: Path) -> None:
    """An anamorphic video is described with the width it is shown in."""
    wide = media_samples.ffmpeg(tmp_path / "wide.mp4", "-i", silent, "-c", "copy", "-aspect", "1:1")
    assert (probe(wide).width, probe(wide).height) == (384, 384)


def test_variable_frame_rate_is_noticed(tmp_path: Path) -> None:
    """A screen recording with an uneven rate is flagged, with its mean rate and true length."""
    info = probe(media_samples.variable_rate(tmp_path / "vfr.mp4"))
    assert info.variable_frame_rate
    assert info.fps == pytest.approx(79 / 3.9, rel=0.01)
    assert info.duration_sec == pytest.approx(4, abs=0.1)


def test_a_missing_duration_is_measured(tmp_path: Path) -> None:
    """A browser's recording, whose header gives no length, has its real one."""
    assert probe(media_samples.without_duration(tmp_path / "live.webm")).duration_sec == pytest.approx(2, abs=0.05)


def test_a_header_that_promises_too_much_is_not_believed(tmp_path: Path, spoken: Path) -> None:
    """A file cut off behind its index has the length of what is there, and says so."""
    whole = media_samples.index_first(tmp_path / "whole.mp4", spoken)
    info = probe(media_samples.truncated(tmp_path / "cut.mp4", whole))
    assert 0.5 < info.duration_sec < 1.7
    assert any(warning.startswith("truncated") for warning in info.warnings)


def test_trimmed_beginnings_do_not_count(tmp_path: Path, silent: Path) -> None:
    """A video trimmed on a phone, which keeps the cut part in the file, is as long as people see it."""
    trimmed = media_samples.ffmpeg(tmp_path / "trimmed.mp4", "-ss", "0.5", "-i", silent, "-c", "copy")
    assert probe(trimmed).duration_sec == pytest.approx(1.5, abs=0.05)


def test_sound_alone_is_no_error(tmp_path: Path) -> None:
    """A voice message can be probed; whether it is of use is for the kind of job to say."""
    info = probe(media_samples.audio_only(tmp_path / "voice.m4a"))
    assert (info.has_video, info.has_audio, info.width) == (False, True, 0)
    assert info.duration_sec == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("suffix", ["mp3", "m4a"])
def test_cover_art_is_no_video(tmp_path: Path, suffix: str) -> None:
    """A song with a cover is not taken for a video of one frame."""
    info = probe(media_samples.with_cover(tmp_path / f"song.{suffix}"))
    assert (info.has_video, info.has_audio) == (False, True)


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_hdr_is_noticed(tmp_path: Path, transfer: Any) -> None:
    """A phone's HDR video is known for what it is."""
    info = probe(media_samples.hdr10(tmp_path / "hdr.mp4", transfer))
    assert (info.hdr, info.bit_depth, info.pixel_format, info.video_codec) == (True, 10, "yuv420p10le", "hevc")


def test_one_pixel_and_one_frame_are_videos(tmp_path: Path) -> None:
    """The smallest videos there can be are described, not refused."""
    pixel, frame = (
        probe(media_samples.one_pixel(tmp_path / "1.mkv")),
        probe(media_samples.one_frame(tmp_path / "1.mp4")),
    )
    assert (pixel.width, pixel.height, pixel.duration_sec) == (1, 1, pytest.approx(1, abs=0.05))
    assert (frame.duration_sec, frame.fps) == (pytest.approx(1 / FPS, abs=0.01), None)


@contextmanager
def suppress_codes(*codes: str) -> Iterator[None]:
    """Let a refusal pass if it gives one of these reasons."""
    try:
        yield
    except PermanentError as refused:
        if refused.code not in codes:
            raise


Make = Callable[[Path], Path]

REFUSED: dict[str, tuple[str, Make]] = {
    "text": ("not_media", media_samples.text),
    "HTML page": ("not_media", media_samples.page),
    "PNG": ("not_media", lambda path: media_samples.still(path, ".png")),
    "JPEG": ("not_media", lambda path: media_samples.still(path, ".jpg")),
    "WebP": ("not_media", lambda path: media_samples.still(path, ".webp")),
    "AVIF": ("not_media", lambda path: media_samples.still(path, ".avif")),
    "zeros": ("not_media", lambda path: media_samples.written(path, bytes(100_000))),
    "noise": ("not_media", lambda path: media_samples.noise(path)),
    "HLS playlist": ("not_media", lambda path: media_samples.playlist(path, "hls", "file:///etc/passwd")),
    "ffconcat script": ("not_media", lambda path: media_samples.playlist(path, "ffconcat", "/etc/passwd")),
    "DASH playlist": ("not_media", lambda path: media_samples.playlist(path, "dash", "file:///etc/passwd")),
    "nothing": ("empty_file", lambda path: media_samples.written(path, b"")),
    "forged size": ("too_large_picture", lambda path: media_samples.forged_size(path.with_suffix(".mov"))),
    "just over the pixel cap": (
        "too_large_picture",
        lambda path: media_samples.forged_size(path.with_suffix(".mov"), 8000),
    ),
    "only the head": ("truncated", lambda path: media_samples.written(path, b"\x00\x00\x00\x18ftypisom" + bytes(12))),
    "half an EBML header": ("truncated", lambda path: media_samples.written(path, b"\x1aE\xdf\xa3\x9fB\x86\x81\x01")),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("suffix", [".mp4", ".mp3", ""])
def test_what_cannot_be_used_is_refused_with_its_reason(tmp_path: Path, name: str, suffix: str) -> None:
    """Whatever a file is called, a user learns why it is of no use."""
    code, make = REFUSED[name]
    with pytest.raises(PermanentError) as refused:
        probe(make(tmp_path / f"file{suffix}"))
    assert refused.value.code == code


@pytest.mark.parametrize("kind", ["hls", "ffconcat", "dash"])
@pytest.mark.parametrize("suffix", ["mp4", "m3u8", "mpd", "txt"])
def test_playlists_open_nothing(tmp_path: Path, silent: Path, kind: Any, suffix: str) -> None:
    """Neither a file of the server nor a URL is opened by what a user sent, although both are there to be opened."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        for target in (str(silent), f"file://{silent}", f"http://127.0.0.1:{server.getsockname()[1]}/video.mp4"):
            with pytest.raises(PermanentError) as refused:
                probe(media_samples.playlist(tmp_path / f"list.{suffix}", kind, target))
            assert refused.value.code == "not_media"
        with pytest.raises(BlockingIOError):
            server.accept()


def test_what_one_file_is_refused_for_does_not_stick_to_the_next(tmp_path: Path, spoken: Path) -> None:
    """After a forged size, a file that is only damaged is called damaged."""
    damaged = bytearray(spoken.read_bytes())
    start, stop = damaged.index(b"mdat") + 4, damaged.index(b"moov") - 4
    damaged[start:stop] = bytes(stop - start)
    files = {
        "too_large_picture": media_samples.forged_size(tmp_path / "forged.mov"),
        "truncated": media_samples.written(tmp_path / "damaged.mp4", bytes(damaged)),
    }
    for _ in range(2):
        for code, path in files.items():
            with pytest.raises(PermanentError) as refused:
                probe(path)
            assert refused.value.code == code


def test_a_video_without_frames_has_zero_length(tmp_path: Path, silent: Path) -> None:
    """A recording that was stopped at once is called empty, not broken."""
    with pytest.raises(PermanentError) as refused:
        probe(media_samples.zero_length(tmp_path / "zero.mp4", silent))
    assert refused.value.code == "zero_length"


def test_an_index_that_is_missing_is_called_truncated(tmp_path: Path, spoken: Path) -> None:
    """An upload that broke off, of a file with its index at the end, is to be sent again."""
    with pytest.raises(PermanentError) as refused:
        probe(media_samples.truncated(tmp_path / "cut.mp4", spoken))
    assert refused.value.code == "truncated"


def test_subtitles_alone_are_no_media(tmp_path: Path, silent: Path) -> None:
    """A container with neither pictures nor sound is refused as such."""
    both = media_samples.with_subtitles(
        tmp_path / "both.mkv", silent, "srt", "1\n00:00:00,000 --> 00:00:01,000\nEggs\n"
    )
    words = media_samples.ffmpeg(tmp_path / "words.mkv", "-i", both, "-map", "0:s", "-c", "copy")
    with pytest.raises(PermanentError) as refused:
        probe(words)
    assert refused.value.code == "no_streams"


def test_a_wrong_size_in_the_header_alone_is_corrected(tmp_path: Path, silent: Path) -> None:
    """The size comes from the pictures, so a forged header cannot make anyone reserve memory for it."""
    data = bytearray(silent.read_bytes())
    entry = data.index(b"avc1", data.index(b"stsd"))
    data[entry + 28 : entry + 32] = b"\x4e\x20\x4e\x20"  # 20 000 × 20 000
    info = probe(media_samples.written(tmp_path / "forged.mp4", bytes(data)))
    assert info.height == 384
    assert info.width < 1000


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("count", [3, 60, 1000])
def test_wrong_bits_never_surprise(tmp_path: Path, spoken: Path, count: int, seed: int) -> None:
    """A damaged file is either described, within reason, or refused with a reason."""
    damaged = media_samples.flipped_bits(tmp_path / "damaged.mp4", spoken, count, seed)
    with suppress_codes("truncated", "not_media", "no_streams", "too_large_picture", "zero_length"):
        info = probe(damaged)
        assert info.has_video or info.has_audio
        assert info.duration_sec > 0


LIMITS = Settings(max_file_size_mb=1, max_video_duration_sec=10, max_speech_duration_sec=1200)


def info_of(**facts: Any) -> MediaInfo:
    good = {"container": "mov", "size_bytes": 1_000_000, "duration_sec": 10.0, "has_video": True, "has_audio": False}
    return MediaInfo(**(good | facts))


def test_what_is_within_the_limits_passes() -> None:
    """Exactly the allowed size and length are allowed, rounding of containers included."""
    check_limits(info_of(duration_sec=10.04), LIMITS, needs_video=True)
    check_limits(info_of(has_video=False, has_audio=True), LIMITS, needs_video=False)


def test_what_is_only_listened_to_may_be_longer() -> None:
    """A lecture is taken for its words, though not for its pictures; beyond its own limit that limit is named."""
    check_limits(info_of(duration_sec=1200.0), LIMITS, needs_video=False)
    for has_video, subject in ((True, "video"), (False, "recording")):
        with pytest.raises(PermanentError, match=f"The {subject} is longer than 20 minutes") as refused:
            check_limits(info_of(duration_sec=1201.0, has_video=has_video), LIMITS, needs_video=False)
        assert refused.value.code == "too_long"
    with pytest.raises(PermanentError, match="The video is longer than 10 seconds"):
        check_limits(info_of(duration_sec=1200.0), LIMITS, needs_video=True)


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("too_large", {"size_bytes": 1_000_001}),
        ("too_long", {"duration_sec": 10.5}),
        ("too_many_frames", {"fps": 1001}),
        ("no_video_stream", {"has_video": False, "has_audio": True}),
    ],
)
def test_each_limit_has_its_own_answer(code: str, facts: dict[str, Any]) -> None:
    """A user learns which limit was passed."""
    with pytest.raises(PermanentError) as refused:
        check_limits(info_of(**facts), LIMITS, needs_video=True)
    assert refused.value.code == code
