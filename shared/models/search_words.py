"""Words to find a video by."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.models.job import Job

MAX_WORDS = 100
_WORD = re.compile(r"\w+")


def words_in(text: str) -> list[str]:
    """The words of a text in the order they come, each once, without case, accents and marks."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return list(dict.fromkeys(_WORD.findall(letters)))


def search_words(job: Job) -> list[str]:
    """What its owner, its source and its result call the video; at most MAX_WORDS words, the owner's first."""
    names = [job.title, *job.tags, (job.result or {}).get("title"), job.video.title, job.filename]
    texts = [job.video.author, job.description, job.video.caption]
    return words_in(" ".join(str(text) for text in [*names, *texts] if text))[:MAX_WORDS]
