"""Containers and codecs beside what ffprobe says of them: `python -m tests.format_table` prints the table.

Each file has two seconds of a moving test picture, a tone, or both. What differs is said; so is what is refused.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from shared.errors import PermanentError
from shared.media.probe import probe
from tests.media_samples import ffmpeg

PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=176x144:rate=25:duration=2")
TONE = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=2")
X264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p"
X265 = "-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=none"
VP9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8"
AV1 = "-c:v libsvtav1 -preset 13"
VIDEOS = {
    "mp4: H.264, AAC": ("mp4", f"{X264} -c:a aac"),
    "mp4: H.264, MP3": ("mp4", f"{X264} -c:a libmp3lame"),
    "mp4: H.264, AC-3": ("mp4", f"{X264} -c:a ac3"),
    "mp4: H.264, FLAC": ("mp4", f"{X264} -c:a flac"),
    "mp4: H.264, ALAC": ("mp4", f"{X264} -c:a alac"),
    "mp4: H.264, Opus": ("mp4", f"{X264} -c:a libopus"),
    "mp4: H.264, 10 bits": ("mp4", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le -c:a aac"),
    "mp4: H.264, 4:4:4": ("mp4", "-c:v libx264 -preset ultrafast -pix_fmt yuv444p -c:a aac"),
    "mp4: H.264, fragments": ("mp4", f"{X264} -c:a aac -movflags frag_keyframe+empty_moov"),
    "mp4: H.264, 29.97 fps": ("mp4", f"{X264} -r 30000/1001 -c:a aac"),
    "mp4: H.264, 60 fps": ("mp4", f"{X264} -r 60 -c:a aac"),
    "mp4: H.264, wide pixels": ("mp4", f"{X264} -vf setsar=16/11 -c:a aac"),
    "mp4: H.264, stereo 44.1 kHz": ("mp4", f"{X264} -c:a aac -ac 2 -ar 44100"),
    "mp4: HEVC, AAC": ("mp4", f"{X265} -tag:v hvc1 -c:a aac"),
    "mp4: HEVC, 10 bits": ("mp4", f"{X265.replace('yuv420p', 'yuv420p10le')} -c:a aac"),
    "mp4: MPEG-4, AAC": ("mp4", "-c:v mpeg4 -c:a aac"),
    "mp4: VP9, Opus": ("mp4", f"{VP9} -c:a libopus"),
    "mp4: AV1, AAC": ("mp4", f"{AV1} -c:a aac"),
    "mov: H.264, PCM": ("mov", f"{X264} -c:a pcm_s16le"),
    "mov: HEVC, AAC": ("mov", f"{X265} -tag:v hvc1 -c:a aac"),
    "mov: ProRes, PCM 24": ("mov", "-c:v prores_ks -c:a pcm_s24le"),
    "mov: MJPEG, PCM": ("mov", "-c:v mjpeg -c:a pcm_s16le"),
    "mov: PNG": ("mov", "-c:v png -an"),
    "mov: Animation": ("mov", "-c:v qtrle -an"),
    "mkv: H.264, Vorbis": ("mkv", f"{X264} -c:a libvorbis"),
    "mkv: HEVC, FLAC": ("mkv", f"{X265} -c:a flac"),
    "mkv: FFV1, PCM": ("mkv", "-c:v ffv1 -c:a pcm_s16le"),
    "mkv: MPEG-2, MP2": ("mkv", "-c:v mpeg2video -c:a mp2"),
    "mkv: AV1, Opus": ("mkv", f"{AV1} -c:a libopus"),
    "mkv: Theora, Vorbis": ("mkv", "-c:v libtheora -c:a libvorbis"),
    "webm: VP8, Vorbis": ("webm", "-c:v libvpx -deadline realtime -c:a libvorbis"),
    "webm: VP9, Opus": ("webm", f"{VP9} -c:a libopus"),
    "webm: AV1, Opus": ("webm", f"{AV1} -c:a libopus"),
    "avi: MPEG-4, MP3": ("avi", "-c:v mpeg4 -c:a libmp3lame"),
    "avi: MJPEG, PCM": ("avi", "-c:v mjpeg -c:a pcm_s16le"),
    "avi: H.264, AC-3": ("avi", f"{X264} -bf 0 -c:a ac3"),
    "avi: MS MPEG-4 3, MP3": ("avi", "-c:v msmpeg4 -c:a libmp3lame"),
    "ts: H.264, AAC": ("ts", f"{X264} -c:a aac"),
    "ts: HEVC, AAC": ("ts", f"{X265} -c:a aac"),
    "ts: MPEG-2, MP2": ("ts", "-c:v mpeg2video -c:a mp2"),
    "m2ts: H.264, AC-3": ("m2ts", f"{X264} -c:a ac3"),
    "mpg: MPEG-1, MP2": ("mpg", "-c:v mpeg1video -c:a mp2"),
    "mpg: MPEG-2, MP2": ("mpg", "-c:v mpeg2video -f vob -c:a mp2"),
    "ogv: Theora, Vorbis": ("ogv", "-c:v libtheora -c:a libvorbis"),
    "3gp: H.264, AAC": ("3gp", f"{X264} -c:a aac"),
    "flv: H.264, AAC": ("flv", f"{X264} -c:a aac"),
    "wmv: WMV 2, WMA 2": ("wmv", "-c:v wmv2 -c:a wmav2"),
    "mxf: MPEG-2, PCM": ("mxf", "-c:v mpeg2video -c:a pcm_s16le"),
}
SOUNDS = {
    "mp3": ("mp3", "-c:a libmp3lame"),
    "m4a: AAC": ("m4a", "-c:a aac"),
    "m4a: ALAC": ("m4a", "-c:a alac"),
    "flac": ("flac", "-c:a flac"),
    "wav: PCM": ("wav", "-c:a pcm_s16le"),
    "wav: float": ("wav", "-c:a pcm_f32le"),
    "ogg: Opus": ("ogg", "-c:a libopus"),
    "ogg: Vorbis": ("ogg", "-c:a libvorbis"),
    "webm: Opus": ("webm", "-c:a libopus"),
    "mkv: FLAC": ("mka", "-c:a flac"),
    "aac: ADTS": ("aac", "-c:a aac"),
    "aiff: PCM": ("aiff", "-c:a pcm_s16be"),
}
REFUSED = {"flv: H.264, AAC", "wmv: WMV 2, WMA 2", "mxf: MPEG-2, PCM"}
"""What Clipwise does not take: containers of the web's past and of broadcast, whose demuxers stay closed."""
DURATION_SEC = 0.11  # the sound of most codecs ends with the last full packet, and MPEG's clocks begin anywhere


@dataclass(frozen=True)
class Row:
    """One file: what differs between Clipwise and ffprobe, or the code with which it was refused."""

    name: str
    differences: tuple[str, ...] = ()
    refusal: str = ""


def ffprobe_program() -> str | None:
    return shutil.which("ffprobe")


def make_file(name: str, folder: Path) -> Path:
    suffix, coding = (VIDEOS | SOUNDS)[name]
    sources = (*PICTURE, *TONE) if name in VIDEOS else TONE
    return ffmpeg(folder / f"file.{suffix}", *sources, *coding.split())


def compare(name: str, folder: Path) -> Row:
    """Make the file of a row, and compare what Clipwise and ffprobe say of it."""
    path = make_file(name, folder)
    try:
        info = probe(path)
    except PermanentError as error:
        return Row(name, refusal=error.code)
    stated = read_ffprobe(path)
    streams = stated["streams"]
    picture = next((stream for stream in streams if stream["codec_type"] == "video"), None)
    sound = next((stream for stream in streams if stream["codec_type"] == "audio"), None)
    pairs: list[tuple[str, Any, Any]] = [
        ("bytes", path.stat().st_size, int(stated["format"]["size"])),
        ("video", info.has_video, picture is not None),
        ("audio", info.has_audio, sound is not None),
    ]
    if picture:
        wide = Fraction(picture.get("sample_aspect_ratio", "1:1").replace(":", "/"))
        pairs += [
            ("width", info.width, round(picture["width"] * wide)),
            ("height", info.height, picture["height"]),
            ("fps", round(info.fps or 0, 1), round(float(Fraction(picture["avg_frame_rate"])), 1)),
            ("video codec", info.video_codec, picture["codec_name"]),
        ]
    if sound:
        pairs += [
            ("audio codec", info.audio_codec, sound["codec_name"]),
            ("rate", info.sample_rate, int(sound["sample_rate"])),
            ("channels", info.channels, sound["channels"]),
        ]
    different = [f"{what} {ours}, ffprobe {theirs}" for what, ours, theirs in pairs if ours != theirs]
    length = float(stated["format"].get("duration", 2))
    if abs(info.duration_sec - length) > DURATION_SEC:
        different.append(f"duration {info.duration_sec:.2f}, ffprobe {length:.2f}")
    return Row(name, tuple(different))


def read_ffprobe(path: Path) -> dict[str, Any]:
    program = ffprobe_program()
    assert program
    command = [program, "-v", "error", "-of", "json", "-show_format", "-show_streams", str(path)]
    answer: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return answer


def main() -> int:
    if not ffprobe_program():
        print("tests.format_table: skipped, there is no ffprobe: apt-get install ffmpeg")
        return 0
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in (*VIDEOS, *SOUNDS):
            try:
                rows.append(compare(name, Path(folder)))
            except subprocess.CalledProcessError:
                print(f"{name:30} this ffmpeg cannot make it")
                continue
            row = rows[-1]
            print(f"{name:30} {f'refused: {row.refusal}' if row.refusal else '; '.join(row.differences) or 'agrees'}")
    wrong = [row for row in rows if row.differences or bool(row.refusal) != (row.name in REFUSED)]
    print(
        f"{len(rows)} files, {sum(not row.differences and not row.refusal for row in rows)} agree, {len(wrong)} wrong"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
