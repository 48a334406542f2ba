"""An OpenAI that keeps what it was given to listen to, and what comes of it in a transcript."""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx

from infra.stand_ins.auto_replies import AutoReplyOpenAI
from infra.stand_ins.openai_server import TRANSCRIPTIONS
from infra.stand_ins.server import RecordedRequest, Reply, parse_multipart
from infra.stand_ins.synthesis import audio_digest, make_speech_segments
from shared.models.video import Transcript


class Listener(AutoReplyOpenAI):
    """Attributes:
    listened: Names of the sounds that it was asked to listen to, in order.
    sounds: All of them by their names.
    """

    def __init__(self) -> None:
        super().__init__()
        self.listened: list[str] = []
        self.sounds: dict[str, bytes] = {}

    def make_reply(self, asked: RecordedRequest) -> Reply:
        if asked.path != TRANSCRIPTIONS:
            return super().make_reply(asked)
        sound = parse_multipart(asked).files["file"][0].data
        self.listened.append(audio_digest(sound))
        self.sounds[audio_digest(sound)] = sound
        return self.listen(audio_digest(sound)) or super().make_reply(asked)

    def listen(self, name: str) -> Reply | None:
        """Another answer than what is made up for the sound."""


def assert_said_once(client: httpx.Client, job_id: str, sounds: Mapping[str, bytes]) -> None:
    """The transcript of the job is what was heard of each of these sounds, once."""
    told = client.get(f"/v1/jobs/{job_id}/export", params={"format": "json"}).json()
    whole = "\n".join(segment.text for segment in Transcript.read(told).segments)
    order = re.findall(r"sound (\w{8}),", whole)
    assert sorted(order) == sorted(sounds)
    assert whole == "\n".join(segment.text for name in order for segment in make_speech_segments(sounds[name]))
