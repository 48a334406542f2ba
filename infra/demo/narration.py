"""The demo's narration as a recording, and how well a transcript repeats it.

`python -m infra.demo.narration` makes the recording again. It requires the program flite, a speech synthesizer under a
BSD-like licence (`apt-get install flite`).
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from infra.demo.recipe import SCRIPT

NARRATION = Path(__file__).with_name("narration.opus")
BIT_RATE = 32_000
SOURCE_RATE, OPUS_RATE = 16_000, 48_000
"""Samples per second of flite and of Opus."""
GAP = 0.05
"""Seconds between a cut and the words of its shot."""
QUIET = 0.01
VOICE = ("-voice", "slt", "--setf", "int_f0_target_stddev=20")
"""A woman's voice with more melody than by default, which recognizers understand better."""
SPELLINGS = {"°C": "degrees", "penne": "pen nay"}
"""How flite is told to say what it would mispronounce."""
NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "ten": "10", "thirty": "30"}
"""Number words that a recognizer may write as digits."""
Samples = NDArray[np.float32]
"""Mono, -1 to 1."""


def script_starts() -> list[float]:
    """Return the start of each shot in seconds, and the end of the last one."""
    return list(accumulate((line.seconds for line in SCRIPT), initial=0.0))


def narration_text() -> str:
    return " ".join(line.text for line in SCRIPT)


def read_narration(rate: int) -> Samples:
    """Return the recording at this number of samples per second."""
    resampler = av.AudioResampler("flt", "mono", rate)
    with av.open(str(NARRATION)) as file:
        frames = [part for frame in file.decode(audio=0) for part in resampler.resample(frame)]
    samples: Samples = np.concatenate([frame.to_ndarray()[0] for frame in (*frames, *resampler.resample(None))])
    return samples


def record_narration(path: Path) -> None:
    """Speak the script with flite, each line in its shot, and write it as Ogg Opus."""
    *starts, end = script_starts()
    track = np.zeros(round(end * SOURCE_RATE), np.float32)
    for start, line in zip(starts, SCRIPT, strict=True):
        speech = speak(line.text)
        at = round((start + GAP) * SOURCE_RATE)
        if at + speech.size > round((start + line.seconds) * SOURCE_RATE):
            raise ValueError(f"{line.text!r} takes longer than its shot")
        track[at : at + speech.size] = speech
    write_opus(path, track)


def speak(text: str) -> Samples:
    """Return the speech of a text, without the silence around it."""
    for written, said in SPELLINGS.items():
        text = text.replace(written, said)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "speech.wav"
        subprocess.run(["flite", *VOICE, "-t", text, "-o", str(out)], check=True, timeout=60)
        resampler = av.AudioResampler("flt", "mono", SOURCE_RATE)
        with av.open(str(out)) as file:
            samples = np.concatenate(
                [part.to_ndarray()[0] for frame in file.decode(audio=0) for part in resampler.resample(frame)]
            )
    audible = np.flatnonzero(np.abs(samples) > QUIET)
    speech: Samples = samples[audible[0] : audible[-1]]
    return speech


def write_opus(path: Path, samples: Samples) -> None:
    with av.open(str(path), "w", format="ogg", options={"fflags": "bitexact"}) as file:
        stream = file.add_stream("libopus", rate=OPUS_RATE, layout="mono")
        stream.bit_rate = BIT_RATE
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="fltp", layout="mono")
        frame.sample_rate = SOURCE_RATE
        for part in av.AudioResampler("flt", "mono", OPUS_RATE).resample(frame):
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))


def word_error_rate(reference: str, transcript: str) -> float:
    """Return the share of wrong, missing and added words, as the field defines it; numbers may be words or digits."""
    expected, actual = list(spoken_words(reference)), list(spoken_words(transcript))
    return edit_distance(expected, actual) / max(1, len(expected))


def spoken_words(text: str) -> Iterator[str]:
    for word in re.findall(r"[\w']+", text.casefold().replace("°c", "degrees")):
        yield NUMBERS.get(word, word)


def edit_distance(expected: Sequence[str], actual: Sequence[str]) -> int:
    """Return the fewest substitutions, deletions and insertions that make one of the other (Levenshtein)."""
    row = list(range(len(actual) + 1))
    for number, word in enumerate(expected, 1):
        diagonal, row[0] = row[0], number
        for index, other in enumerate(actual, 1):
            diagonal, row[index] = row[index], min(row[index] + 1, row[index - 1] + 1, diagonal + (word != other))
    return row[-1]


if __name__ == "__main__":
    record_narration(NARRATION)
    print(f"{NARRATION}: {NARRATION.stat().st_size / 1000:.0f} kB")
