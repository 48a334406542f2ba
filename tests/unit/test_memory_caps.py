"""The memory of each function in the wiring table holds the most that its largest allowed input takes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from shared.media.audio.decoder import SAMPLE_RATE
from shared.platform.memory import function_limit_mb
from shared.platform.video_limits import cloud_file_mb
from shared.settings import read_settings
from shared.wiring import wiring

SETTINGS = read_settings({})
SOURCE_MB, IMAGE_MB = max(cloud_file_mb(), SETTINGS.max_file_size_mb), SETTINGS.max_image_size_mb
SPEECH_MB = 1.01 * 2 * SAMPLE_RATE * SETTINGS.max_speech_duration_sec / 1e6
"""FLAC of the longest audio, if it is noise."""
PART_MB = 20
KEEPER_MB = 95
"""The process that renews leases, with Google's clients."""
WEBP_MB = 1133
"""A WebP image of 64 megapixels, the most of all formats: AVIF 768, PNG with transparency 1006, JPEG 45."""
FRAMES_MB = 1248
"""Frames of 8192 × 4320 pixels, of which the decoder keeps 16."""


@dataclass(frozen=True)
class Need:
    """Megabytes, measured on Linux except where they follow from the settings.

    Attributes:
        base: Resident, with its libraries and clients, before the first event.
        private: What the limit of the process counts of that.
        work: Beyond that, for each event at once.
        files: In /tmp, which is memory in the cloud.
    """

    base: int
    private: int
    work: float
    files: float


NEEDS = {
    "api": [Need(114, 133, 40 * 0.2, 0)],  # JSON bodies of 65 kB; files stream
    "download": [Need(95, 114, 0, 3 * SOURCE_MB)],  # sound, pictures, and both joined
    "extract": [Need(139, 362, FRAMES_MB, SOURCE_MB + 30), Need(139, 362, 60, SOURCE_MB + 2 * SPEECH_MB)],
    "transcribe": [Need(146, 164, 3 * PART_MB, PART_MB)],
    "analyze": [Need(187, 408, 0, SOURCE_MB + 72)],  # reads one picture at a time; its work was not measured
    "persist": [Need(146, 164, 0, 0)],
    "crawl": [Need(96, 115, SETTINGS.crawl_connections * IMAGE_MB, SETTINGS.crawl_connections * IMAGE_MB)],
    "validate": [Need(131, 355, WEBP_MB + IMAGE_MB, IMAGE_MB)],
    "export": [Need(134, 351, WEBP_MB + 2 * IMAGE_MB, 3 * IMAGE_MB)],
    "notify": [Need(95, 114, 0, 0)],
    "release": [Need(96, 115, 8, 0)],  # the items of 8 batches
    "ingest": [Need(102, 116, 0, 0)],  # bytes are copied by the storage
    "sweep": [Need(96, 115, 0, 0)],
}


def test_every_function_has_its_need() -> None:
    """A new function gets its row here."""
    assert set(NEEDS) == set(wiring().functions)


@pytest.mark.parametrize(("name", "need"), [(name, need) for name, needs in NEEDS.items() for need in needs])
def test_the_largest_input_fits(name: str, need: Need) -> None:
    """No allowed input ends an instance in the cloud: process, lease keeper and files fit into the function's memory,
    and what the process needs is below the limit at which its job fails."""
    memory_mb = wiring().functions[name].memory_mb
    keeper_mb = KEEPER_MB if wiring().functions[name].weight else 0
    assert need.base + need.work + need.files + keeper_mb <= memory_mb
    limit_mb = function_limit_mb(name)
    if limit_mb is not None:
        assert need.private + need.work <= limit_mb < memory_mb


SERVED = """
import resource
from shared.platform.place import current_place
try:
    current_place()
except Exception:
    pass
print(resource.getrlimit(resource.RLIMIT_DATA)[0] // 1_000_000)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not enforce the limit")
@pytest.mark.parametrize(("name", "limited"), [("validate", True), ("api", False), ("notify", False)])
def test_a_function_in_the_cloud_limits_its_process(name: str, limited: bool) -> None:
    """Where a large file would end the instance, its job ends with an error; functions that share stay unlimited."""
    environ = os.environ | {"CLIPWISE_PLACE": "gcp", "FUNCTION_TARGET": name, "GOOGLE_CLOUD_PROJECT": "demo"}
    environ |= {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1", "STORAGE_EMULATOR_HOST": "http://127.0.0.1:1"}
    environ |= {"PUBSUB_EMULATOR_HOST": "127.0.0.1:1"}
    run = subprocess.run([sys.executable, "-c", SERVED], env=environ, capture_output=True, text=True, check=True)
    expected = int(function_limit_mb(name) or 0)
    assert (int(run.stdout) == expected) is limited
