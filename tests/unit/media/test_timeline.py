"""Times of pictures, sound and subtitles in files whose own clock is odd."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from shared.media.audio.extraction import extract_audio
from shared.media.header_duration import header_duration
from shared.media.hidden_frames import is_hidden_frame
from shared.media.probe import probe
from shared.media.video.extraction import extract_frames
from shared.models.media import MediaInfo
from tests.media_samples import FPS, Shot, film, small_video, video, with_sound, written
from tests.media_samples import ffmpeg as render

BASE = 90_000  # ticks of MPEG's clock in a second
TURN = (1 << 33) / BASE


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with a cut in the middle and a tone."""
    folder = tmp_path_factory.mktemp("clip")
    return with_sound(folder / "clip.mp4", small_video(folder / "silent.mp4"), "-t", "2")


def stream(path: Path, source: Path, *, at: float = 0, options: tuple[str, ...] = ("-c", "copy")) -> Path:
    """A transport stream whose clock begins at `at` seconds."""
    return render(path, "-i", source, *options, "-muxdelay", "0", "-output_ts_offset", str(at), "-f", "mpegts")


def join(path: Path, *parts: Path) -> Path:
    return written(path, b"".join(part.read_bytes() for part in parts))


def assert_whole(path: Path, out: Path, seconds: float, cuts: int | None = None) -> MediaInfo:
    """Duration, rate, shots and sound are those of the film that a player shows."""
    info = probe(path)
    assert info.duration_sec == pytest.approx(seconds, rel=0.04)
    assert info.fps == pytest.approx(FPS, rel=0.01)
    frames = extract_frames(path, info, out, samples=True, tick=lambda done: None)
    assert frames.shots[-1].end == info.duration_sec
    assert cuts is None or len(frames.shots) == cuts + 1
    assert all(0 <= frame.time < info.duration_sec for frame in (*frames.frames, *frames.samples))
    extraction = extract_audio(path, out / "audio.flac", info)
    assert extraction is not None
    assert extraction[0].duration_sec == pytest.approx(info.duration_sec, abs=0.2)
    assert all(silence.end - silence.start < 0.4 for silence in extraction[1])
    return info


@pytest.mark.parametrize("start", [0, 10, 50_000, TURN - 1, TURN - 0.5])
def test_a_clock_may_begin_anywhere_and_run_over(tmp_path: Path, clip: Path, start: float) -> None:
    """A recording keeps all of itself where the clock of 33 bits begins late, or begins again at zero."""
    info = assert_whole(stream(tmp_path / "wrapped.ts", clip, at=start), tmp_path, 2, cuts=1)
    assert (info.clock_resets, info.warnings) == (0, [])


@pytest.mark.parametrize("first", [0, 30_000])
@pytest.mark.parametrize("second", [0, 40_000, TURN - 1])
def test_joined_recordings_are_one_film(tmp_path: Path, clip: Path, first: float, second: float) -> None:
    """Recordings joined byte by byte follow each other, wherever the second one's clock begins."""
    parts = [stream(tmp_path / f"{number}.ts", clip, at=at) for number, at in enumerate((first, second))]
    info = assert_whole(join(tmp_path / "joined.ts", *parts), tmp_path, 4)
    assert info.clock_resets >= 1  # once more if the second one's clock runs over


def test_many_joins_and_program_streams(tmp_path: Path, clip: Path) -> None:
    """Five parts in a row, in a transport stream and in a program stream, take five times as long as one."""
    part = stream(tmp_path / "part.ts", clip)
    assert assert_whole(join(tmp_path / "joined.ts", *[part] * 5), tmp_path, 10).clock_resets == 4
    program = render(tmp_path / "part.mpg", "-i", clip, "-c:v", "mpeg2video", "-c:a", "mp2")
    assert assert_whole(join(tmp_path / "joined.mpg", *[program] * 5), tmp_path, 10).clock_resets == 4


def test_chained_ogg_is_one_recording(tmp_path: Path) -> None:
    """Ogg files joined byte by byte play one after the other."""
    part = render(tmp_path / "part.ogg", "-f", "lavfi", "-i", "sine=440:duration=2", "-c:a", "libvorbis")
    info = probe(join(tmp_path / "chained.ogg", part, part))
    assert (info.duration_sec, info.clock_resets) == (pytest.approx(4, abs=0.05), 1)


def move_packet(path: Path, source: Path, number: int, seconds: float) -> Path:
    """The MP4 with one video packet whose presentation time lies `seconds` too late; the header agrees with it."""
    shift = f"setts=pts=if(eq(N\\,{number})\\,PTS+{seconds}/TB\\,PTS)"
    return render(path, "-i", source, "-c", "copy", "-bsf:v", shift)


@pytest.mark.parametrize("number", [1, 30, 59])
@pytest.mark.parametrize("has_sound", [True, False])
def test_one_impossible_time_does_not_count(tmp_path: Path, clip: Path, number: int, has_sound: bool) -> None:
    """A single packet that claims to come hours later neither makes a film long nor refuses it."""
    source = clip if has_sound else render(tmp_path / "silent.mp4", "-i", clip, "-c", "copy", "-an")
    path = move_packet(tmp_path / "stray.mp4", source, number, 9569)
    info = probe(path)
    assert info.duration_sec == pytest.approx(2, abs=0.1)
    assert (info.fps, info.stray_packets) == (pytest.approx(FPS, rel=0.01), 1)
    assert [warning.split(":")[0] for warning in info.warnings] == ["impossible times"]
    with path.open("rb") as file:
        assert header_duration(file) == pytest.approx(2, abs=0.1)
    assert len(extract_frames(path, info, tmp_path, samples=False, tick=lambda done: None).shots) == 2


def test_an_impossible_block_time_in_matroska_does_not_count(tmp_path: Path, clip: Path) -> None:
    """The same where only presentation times are stored: one block claims a time half a minute away."""
    path = render(tmp_path / "clip.mkv", "-i", clip, "-c", "copy", "-an", "-bsf:v", "setts=dts=PTS", "-bf", "0")
    data = bytearray(path.read_bytes())
    block = _block_offsets(data)[20]
    data[block : block + 2] = struct.pack(">h", 32_000)
    info = probe(written(path, bytes(data)))
    assert (info.duration_sec, info.stray_packets) == (pytest.approx(2, abs=0.1), 1)


def _block_offsets(data: bytearray) -> list[int]:
    """Offsets of the times of the simple blocks of track 1, with sizes of up to four bytes."""
    found, at = [], data.index(b"\x1f\x43\xb6\x75")
    while (at := data.find(b"\xa3", at + 1)) >= 0:
        length = 9 - data[at + 1].bit_length() if data[at + 1] else 0
        if 0 < length <= 4 and data[at + 1 + length] == 0x81:
            found.append(at + 2 + length)
    return found


def test_a_pause_of_the_screen_is_kept(tmp_path: Path) -> None:
    """A screen recording on which nothing moves for a minute has this minute, and no packet of it is called faulty."""
    from fractions import Fraction

    times = [Fraction(n, 30) for n in range(30)] + [61 + Fraction(n, 30) for n in range(30)]
    info = probe(video(tmp_path / "still.mp4", film([Shot(30), Shot(30)]), times=times))
    assert (info.duration_sec, info.stray_packets, info.clock_resets) == (pytest.approx(62, abs=0.1), 0, 0)


@pytest.mark.parametrize(("suffix", "offset"), [("mkv", "100"), ("mkv", "-0.5"), ("mp4", "50")])
def test_files_that_do_not_start_at_zero(tmp_path: Path, clip: Path, suffix: str, offset: str) -> None:
    """Where a container's clock starts late or before zero, everything still starts at zero and nothing is lost."""
    moved = ("-output_ts_offset", offset, "-avoid_negative_ts", "disabled")
    path = render(tmp_path / f"moved.{suffix}", "-i", clip, "-c", "copy", *moved)
    info = probe(path)
    assert info.duration_sec == pytest.approx(2, abs=0.15)
    assert extract_frames(path, info, tmp_path, samples=False, tick=lambda done: None).shots[1].start == pytest.approx(
        1, abs=0.1
    )


def test_sound_and_pictures_keep_together_at_a_join(tmp_path: Path) -> None:
    """A flash and a beep at the same moment are at the same moment after a join, too."""
    flash = "color=gray:s=64x64:r=25:d=2,drawbox=color=white:t=fill:enable='between(t,1,2)'"
    beep = "aevalsrc='sin(2*PI*1000*t)*between(t,1,1.2)':d=2:s=48000"
    coded = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac")
    source = render(tmp_path / "flash.mp4", "-f", "lavfi", "-i", flash, "-f", "lavfi", "-i", beep, *coded)
    part = stream(tmp_path / "part.ts", source)
    path = join(tmp_path / "joined.ts", part, part)
    info = probe(path)
    cuts = [shot.start for shot in extract_frames(path, info, tmp_path, samples=False, tick=lambda done: None).shots]
    extract_audio(path, tmp_path / "audio.flac", info)
    with av.open(str(tmp_path / "audio.flac")) as audio:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in audio.decode(audio=0)])
    start = 3.0
    began = np.flatnonzero(np.abs(heard[int((start - 0.5) * 16_000) :]) > 3000)[0] / 16_000 + start - 0.5
    assert began == pytest.approx(start, abs=0.1)
    assert min(abs(cut - began) for cut in cuts) < 0.05


def test_hidden_frames_do_not_count(tmp_path: Path, silent: Path) -> None:
    """Frames that AV1 only refers to are not shown, and do not raise the frame rate."""
    coded = ("-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "lp=2")
    whole = render(tmp_path / "whole.mkv", "-i", silent, *coded)
    path = render(tmp_path / "split.mkv", "-i", whole, "-c", "copy", "-bsf:v", "av1_frame_split")
    with av.open(str(path)) as container:
        assert sum(packet.size > 0 for packet in container.demux(video=0)) > 2 * FPS
    assert (probe(path).fps, probe(whole).fps) == (pytest.approx(FPS, rel=0.01),) * 2


@pytest.mark.parametrize(
    ("codec", "head", "is_hidden"),
    [
        ("vp8", b"\x10\x02\x00", False),
        ("vp8", b"\x00\x02\x00", True),
        ("vp9", b"\x82\x49\x83", False),  # a shown key frame
        ("vp9", b"\x84\x00\x00", True),  # an alternate reference
        ("vp9", b"\x88\x00\x00", False),  # shows an existing frame
        ("vp9", b"\xb1\x49\x83", False),  # profile 3
        ("vp9", b"\x84\x00\xc0", False),  # a superframe
        ("av1", b"\x12\x00\x32\x02\x20\x00", True),
        ("av1", b"\x12\x00\x32\x02\x30\x00", False),
        ("av1", b"\x12\x00\x32\x02\x20\x00\x1a\x01\x88", False),  # with a header that shows an existing frame
        ("h264", b"\x00\x00\x00\x01", False),
    ],
)
def test_hidden_frames_are_known_by_their_first_bits(codec: str, head: bytes, is_hidden: bool) -> None:
    """What a packet's header says of being shown decides, in each codec that has such frames."""
    assert is_hidden_frame(codec, memoryview(head)) is is_hidden


def test_dropped_frames_of_avi_are_repeated(tmp_path: Path) -> None:
    """A capture that dropped two frames of five has the rate and the length that players show."""
    source = small_video(tmp_path / "whole.avi", codec="mpeg4", options={}, gop=30)
    info = probe(written(tmp_path / "dropped.avi", _drop_frames(source.read_bytes())))
    assert (info.fps, info.variable_frame_rate) == (FPS, False)
    assert info.duration_sec == pytest.approx(2, abs=0.1)


def _drop_frames(data: bytes) -> bytes:
    """Empty the chunks of two frames of five, except key frames."""
    index, movie = data.index(b"idx1"), data.index(b"movi")
    made, entries = bytearray(data[: movie + 4]), b""
    for number in range(struct.unpack_from("<I", data, index + 4)[0] // 16):
        name, flags, offset, size = struct.unpack_from("<4sIII", data, index + 8 + 16 * number)
        is_dropped = number % 5 in (3, 4) and not flags & 0x10
        entries += struct.pack("<4sIII", name, flags, len(made) - movie, 0 if is_dropped else size)
        chunk = data[movie + offset : movie + offset + 8 + size + size % 2]
        made += name + bytes(4) if is_dropped else chunk
    struct.pack_into("<I", made, movie - 4, len(made) - movie)
    made += b"idx1" + struct.pack("<I", len(entries)) + entries
    struct.pack_into("<I", made, 4, len(made) - 8)
    return bytes(made)
