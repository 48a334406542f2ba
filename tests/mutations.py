"""Reads seeded mutations of small files in a process with little memory: `python -m tests.mutations COUNT [SEED]`.

Each case must end within its ceilings of memory and time, with a result or an error that has a code. A `KIND` behind
the seed chooses the changes: `mutate` (the default) changes what structures the files most, headers and ends, to
impossible values; `damage` flips and cuts bytes anywhere in containers, as bad disks and broken downloads do. Of a
damaged file, whatever a plain decoder shows must be used.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import re
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

MAX_SEC = 20.0
MAX_MB = 600
"""Memory of one case beyond what the process has before it."""
PROCESS_MB = 1500
HEAD = 2048
WORDS = (0, 1, 0x7F, 0xFF, 0xFFFF, 30_000_000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
CONTAINERS = {
    "mp4": ("mp4", "libx264", "aac", {}),
    "fragments": ("mp4", "libx264", "aac", {"movflags": "frag_keyframe+empty_moov"}),
    "mov": ("mov", "mpeg4", "pcm_s16le", {}),
    "mkv": ("matroska", "libx264", "aac", {}),
    "webm": ("webm", "libvpx", "libopus", {}),
    "avi": ("avi", "mpeg4", "libmp3lame", {}),
    "ts": ("mpegts", "libx264", "aac", {}),
    "mpg": ("mpeg", "mpeg2video", "mp2", {}),
    "ogg": ("ogg", None, "libopus", {}),
    "wav": ("wav", None, "pcm_s16le", {}),
    "mp3": ("mp3", None, "libmp3lame", {}),
    "flac": ("flac", None, "flac", {}),
    "aac": ("adts", None, "aac", {}),
    "aiff": ("aiff", None, "pcm_s16be", {}),
    "caf": ("caf", None, "alac", {}),
}
IMAGES = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
CUES = "1\n00:00:00,100 --> 00:00:00,900\nStir <i>well</i>\n\n2\n00:00:01,000 --> 00:00:01,500\nServe\n"
EVENTS = {
    "events": [{"tStartMs": 0, "dDurationMs": 900, "segs": [{"utf8": "Stir"}, {"utf8": " well", "tOffsetMs": 5}]}]
}
TEXTS = {
    "vtt": "WEBVTT\n\n" + CUES.replace(",", "."),
    "srt": CUES,
    "json3": json.dumps(EVENTS),
    "lines": "https://a.example/1.jpg\nhttps://a.example/2.jpg\n",
    "csv": 'url,title\nhttps://a.example/1.jpg,"A, ""dog"""\n',
    "jsonl": '{"url": "https://a.example/1.jpg", "title": "A dog"}\n',
}


@dataclass(frozen=True)
class CaseResult:
    """How one case ended; `outcome` is `read`, a code, or, for a fault, the name of what happened."""

    number: int
    sample: str
    outcome: str
    megabytes: float
    seconds: float
    is_fault: bool


def make_container(name: str, folder: Path) -> bytes:
    """Encode a second of moving gradient, tone and two subtitles."""
    import av
    import numpy as np

    format, video_codec, audio_codec, options = CONTAINERS[name]
    path = folder / name
    with av.open(str(path), "w", format=format, options=options) as output:
        output.metadata.update(title="Stirred", artist="Cook", comment="A gradient and a tone")
        rate = 48000
        video = output.add_stream(video_codec, rate=10) if video_codec else None
        audio = output.add_stream(audio_codec, rate=rate)
        if video:
            video.width, video.height, video.pix_fmt, video.gop_size = 64, 64, "yuv420p", 3
            for number in range(10):
                pixels = np.add.outer(np.arange(64), np.arange(64) * 2 + 9 * number).astype(np.uint8)
                frame = av.VideoFrame.from_ndarray(np.dstack([pixels] * 3), format="bgr24")
                frame.pts, frame.time_base = number, Fraction(1, 10)
                output.mux(video.encode(frame))
            output.mux(video.encode(None))
        wave = (np.sin(np.arange(rate) / 20) * 9000).astype(np.int16)[None]
        sound = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = rate, 0, Fraction(1, rate)
        resampled = av.AudioResampler(audio.format.name, "mono", rate).resample(sound)
        fifo = av.AudioFifo()
        for part in resampled:
            fifo.write(part)
        while part := fifo.read(audio.frame_size or 1024, partial=True):
            output.mux(audio.encode(part))
        output.mux(audio.encode(None))
    return path.read_bytes()


def make_samples(folder: Path) -> dict[str, bytes]:
    """Return the files to mutate, by name."""
    from PIL import Image
    from pillow_heif import register_heif_opener

    register_heif_opener()
    samples = {name: make_container(name, folder) for name in CONTAINERS}
    picture = Image.linear_gradient("L").resize((64, 48)).convert("RGB")
    for format in IMAGES:
        file = io.BytesIO()
        picture.save(file, format)
        samples[format.lower()] = file.getvalue()
    return samples | {name: text.encode() for name, text in TEXTS.items()}


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Return the data with one to six changes, most of them in its first or last bytes."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        if not changed:
            break
        size = len(changed)
        at = rng.choice(
            [rng.randrange(min(size, HEAD)), size - 1 - rng.randrange(min(size, HEAD)), rng.randrange(size)]
        )
        end = min(size, at + rng.choice((1, 2, 4, 8, 64, 1024)))
        change = rng.randrange(7)
        if change == 0:
            changed[at] ^= 1 << rng.randrange(8)
        elif change == 1:
            changed[at : at + 4] = rng.choice(WORDS).to_bytes(4, rng.choice(("big", "little")))
        elif change == 2:
            changed[at:end] = changed[at:end] * rng.choice((2, 10, 1000))
        elif change == 3:
            del changed[at:end]
        elif change == 4:
            changed[at:at] = rng.randbytes(end - at)
        elif change == 5:
            changed[at:end] = changed[rng.randrange(size) :][: end - at]
        elif rng.random() < 0.3:
            del changed[at:]
    return bytes(changed)


def damage(data: bytes, rng: random.Random) -> bytes:
    """Return the data with bits flipped, stretches cut out or zeroed, or the end cut off."""
    changed = bytearray(data)
    change = rng.randrange(4)
    if change == 0:
        for _ in range(rng.choice((1, 10, 100))):
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    elif change == 3:
        del changed[int(len(changed) * rng.uniform(0.2, 0.98)) :]
    else:
        for _ in range(rng.randint(1, 3)):
            size = rng.randint(1, max(1, len(changed) // 10))
            at = rng.randrange(max(1, len(changed) - size))
            changed[at : at + size] = b"" if change == 1 else bytes(size)
    return bytes(changed)


CHANGES: dict[str, Callable[[bytes, random.Random], bytes]] = {"mutate": mutate, "damage": damage}


def count_decodable(path: Path) -> int:
    """Return how many pictures a plain decoder shows, however damaged."""
    import av

    count = 0
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            for packet in container.demux(*container.streams.video[:1]):
                with contextlib.suppress(av.FFmpegError):
                    count += len(packet.decode())
    except (av.FFmpegError, ValueError):
        pass
    return count


def read_media(path: Path) -> str:
    """Read all that a job reads; return `read`, or `read with a remark` if the job says that the file is damaged."""
    from shared.media.audio.extraction import extract_audio
    from shared.media.probe import check_limits, probe
    from shared.media.subtitles import read_subtitles
    from shared.media.video.extraction import extract_frames
    from shared.models.video import TextLimit
    from shared.settings import read_settings

    info = probe(path)
    check_limits(info, read_settings({}), needs_video=False)
    for track in info.subtitles:
        read_subtitles(path, track, TextLimit(info.duration_sec))
    remarks = [*info.warnings]
    with tempfile.TemporaryDirectory() as folder:
        if info.duration_sec <= 60:
            frame_set = extract_frames(path, info, Path(folder), samples=True, tick=lambda done, message=None: None)
            remarks += frame_set.notes
        if info.duration_sec <= 5 and path.stat().st_size % 8 == 0:
            extract_audio(path, Path(folder) / "audio.flac", info)
    return "read with a remark" if remarks else "read"


def read_image(path: Path) -> str:
    from shared.images.inspection import inspect_image
    from shared.sources.video.carousel import decode_picture

    inspect_image(path.read_bytes(), level="slow")
    decode_picture(path)
    return "read"


def read_text(name: str) -> Callable[[Path], str]:
    def read(path: Path) -> str:
        from shared.datasets.url_lists import read_pages
        from shared.media.subtitles import parse_captions

        if name in ("vtt", "srt", "json3"):
            parse_captions(path.read_text("utf-8", "replace"), name)  # type: ignore[arg-type]  # one of the formats
        else:
            with path.open("rb") as file:
                for _ in read_pages(file):
                    pass
        return "read"

    return read


def run_cases(count: int, seed: int, kind: str, first: int) -> None:
    """Run the cases from `first` on, and print a line before and after each."""
    from shared.errors import ClipwiseError
    from shared.platform.memory import limit_memory

    with tempfile.TemporaryDirectory() as folder:
        samples = make_samples(Path(folder))
        path = Path(folder) / "case"
        for name, read in [("mp4", read_media), ("jpeg", read_image)]:  # imports count for no case
            path.write_bytes(samples[name])
            read(path)
        limit_memory(PROCESS_MB)
        if kind == "damage":
            samples = {name: samples[name] for name in CONTAINERS}
        for number in range(first, count):
            rng = random.Random(f"{seed}-{number}")
            name = sorted(samples)[number % len(samples)]
            path.write_bytes(CHANGES[kind](samples[name], rng))
            reader = read_media if name in CONTAINERS else read_text(name) if name in TEXTS else read_image
            print(json.dumps([number, name]), flush=True)
            before, begin = reset_peak(), time.monotonic()
            outcome, is_fault = "read", False
            try:
                outcome = reader(path)
            except ClipwiseError as error:
                outcome = error.code
                if kind == "damage" and outcome in ("truncated", "not_media") and (pictures := count_decodable(path)):
                    outcome, is_fault = f"refused as {outcome} although {pictures} pictures can be decoded", True
            except Exception as error:
                outcome, is_fault = f"{type(error).__name__}: {error}"[:200], True
            print(json.dumps([outcome, is_fault, peak_mb() - before, time.monotonic() - begin]), flush=True)


def reset_peak() -> float:
    """Set the process's peak of resident memory to its present value, and return that in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_mb()


def peak_mb() -> float:
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) / 1000 if found else 0.0


def run_mutations(count: int, seed: int, kind: str = "mutate") -> Iterator[CaseResult]:
    """Run cases in child processes; one that dies or takes too long is replaced after its case."""
    first = 0
    while first < count:
        command = [sys.executable, "-m", "tests.mutations", str(count), str(seed), kind, str(first)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1
        ) as child:
            assert child.stdout
            while line := child.stdout.readline():
                number, name = json.loads(line)
                first = number + 1
                is_ready = bool(select.select([child.stdout], [], [], MAX_SEC)[0])
                answer = child.stdout.readline() if is_ready else ""
                if not answer:
                    child.kill()
                    child.wait()
                    yield CaseResult(number, name, "died" if is_ready else "timeout", 0, MAX_SEC, True)
                    break
                outcome, is_fault, megabytes, seconds = json.loads(answer)
                yield CaseResult(number, name, outcome, megabytes, seconds, is_fault or megabytes > MAX_MB)
            else:
                if first < count and child.wait() != 0:
                    raise RuntimeError(f"the reader of mutations does not start: exit code {child.returncode}")


def main(count: int, seed: int = 1, kind: str = "mutate") -> int:
    results = list(run_mutations(count, seed, kind))
    faults = [result for result in results if result.is_fault]
    for fault in faults:
        print(fault)
    outcomes = Counter("fault" if result.is_fault else result.outcome for result in results)
    print(
        f"{len(results)} cases of {len({result.sample for result in results})} files by {kind}, seed {seed}: "
        f"{', '.join(f'{number} {outcome}' for outcome, number in outcomes.most_common())}; at most "
        f"{max(result.megabytes for result in results):.0f} MB and {max(result.seconds for result in results):.1f} s"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    count, seed, kind, first = [*sys.argv[1:], *["1", "1", "mutate", ""][len(sys.argv) - 1 :]]
    if first:
        run_cases(int(count), int(seed), kind, int(first))
    else:
        sys.exit(main(int(count), int(seed), kind))
