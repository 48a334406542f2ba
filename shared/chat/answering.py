"""A question about videos, answered from what is said in them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, cast

from shared import clock
from shared.ai.budget import meter_for
from shared.ai.offline.embedding import MODEL
from shared.ai.provider import Turn
from shared.ai.providers import InOrder, order_for
from shared.chat import history
from shared.chat.excerpts import Excerpt, excerpts
from shared.chat.markers import Marks
from shared.chat.meanings import CHAT, meanings_of
from shared.chat.prompt import question_text, rules
from shared.chat.quoting import quoted, quotes
from shared.chat.search import search
from shared.chat.wording import Wording, wording
from shared.error_codes.api import ChatCode
from shared.errors import ClipwiseError, TransientError
from shared.models.chat import Citation, Message
from shared.models.job import Usage
from shared.pipeline.lifecycle import new_id
from shared.pipeline.videos import video_titles
from shared.platform.ports import Platform
from shared.progress import Tick
from shared.settings import settings

OFFLINE = "offline"
PASSAGES = 8
"""That an answer is made from, before those that overlap are put together."""
COVERED_WHEN_JUDGED, COVERED_WHEN_QUOTED = 0.15, 0.35
"""How much of a question's words a passage must have when a model reads it before people do, and when not."""


@dataclass(frozen=True)
class Question:
    """What is asked about which videos.

    Attributes:
        owner: Whose videos they are, and whose budget pays.
        language: BCP-47 tag of the answer; None = as the question.
        kept: Whether question and answer are stored, as the owner's.
    """

    text: str
    owner: str
    video_ids: Sequence[str]
    group_id: str | None = None
    video_id: str | None = None
    language: str | None = None
    kept: bool = True


@dataclass(frozen=True)
class Cited:
    """Comes before the piece that has its marker for the first time."""

    citation: Citation


@dataclass(frozen=True)
class Said:
    text: str


@dataclass(frozen=True)
class Done:
    """The end: the whole answer."""

    message: Message


Event = Cited | Said | Done
Titles = Mapping[str, str | None]


class Answer:
    """One that is being made.

    Attributes:
        message: The answer so far.
    """

    def __init__(self, place: Platform, question: Question) -> None:
        self._documents, self._question = place.documents, question
        self._asked = self._message("user", question.text)
        self._meter = meter_for(place.documents, question.owner, settings().monthly_budget_usd, Usage())
        self.message = self._message("assistant", "")
        self.message.answers = self._asked.id

    def events(self, tick: Tick) -> Generator[Event, None, None]:
        """The answer as it comes. However it ends, by closing it too, the AI stops, and what was said is kept.

        Raises:
            PermanentError: `budget_exceeded`, `refused`, `answer_too_long` and whatever else a provider raises.
            TransientError: A provider is down, and none stands in.
            Cancelled: By `tick`.
        """
        try:
            for event in self._events(tick):
                if isinstance(event, Cited):
                    self.message.citations.append(event.citation)
                else:
                    self.message.content += event.text
                yield event
        except ClipwiseError as error:
            self._keep(error.code)
            raise
        except BaseException:
            self._keep(ChatCode.LEFT.value)
            raise
        self._keep(None)
        yield Done(self.message)

    def _events(self, tick: Tick) -> Iterator[Cited | Said]:
        question = self._question
        order = order_for(CHAT, settings())
        speakers = list(takewhile(lambda name: name != OFFLINE, order))
        words = wording(question.text, question.language)
        meanings, missing = meanings_of(question.text, self._meter, tick)
        covered = COVERED_WHEN_JUDGED if speakers else COVERED_WHEN_QUOTED
        hits = search(self._documents, question.owner, question.video_ids, question.text, meanings, covered, PASSAGES)
        titles = video_titles(self._documents, {hit.passage.video_id for hit in hits}, question.owner)
        found = excerpts(hit.passage for hit in hits if hit.passage.video_id in titles)
        if not found:
            if missing:
                # What it would have found by meaning is not known.
                raise missing
            yield Said(words.nothing)
        elif not speakers:
            yield from self._quoted(found, titles, words)
        else:
            try:
                yield from self._spoken(speakers, found, titles, tick)
            except TransientError:
                if self.message.content or OFFLINE not in order:
                    raise
                yield from self._quoted(found, titles, words)

    def _spoken(
        self, speakers: list[str], found: Sequence[Excerpt], titles: Titles, tick: Tick
    ) -> Iterator[Cited | Said]:
        """As a model says it, with citations that are ours."""
        question, marks, cited = self._question, Marks(len(found)), 0
        provider = InOrder(speakers, settings(), self._meter)
        turns = [Turn("user", question_text(question.text, found, titles))]
        answer = cast(Generator[str, None, None], provider.chat(rules(question.language), turns, tick))
        with closing(answer) as pieces:
            for text in marks.read(pieces):
                for number in marks.passages[cited:]:
                    cited += 1
                    one = found[number - 1]
                    yield Cited(one.citation(cited, titles[one.video_id]))
                yield Said(text)

    def _quoted(self, found: Sequence[Excerpt], titles: Titles, words: Wording) -> Iterator[Cited | Said]:
        chosen = quotes(self._question.text, found)
        citations = [one.citation(number, titles[one.video_id]) for number, one in enumerate(chosen, start=1)]
        for citation in citations:
            yield Cited(citation)
        for text in quoted(words.quoted, citations):
            yield Said(text)
        self._meter.usage = self._meter.total(OFFLINE, MODEL)

    def _message(self, role: Literal["user", "assistant"], content: str) -> Message:
        question = self._question
        return Message(
            id=new_id(),
            owner=question.owner,
            group_id=question.group_id,
            video_id=question.video_id,
            role=role,
            content=content,
            created_at=clock.now(),
        )

    def _keep(self, error: str | None) -> None:
        """What failed before a word was said leaves nothing."""
        self.message.usage = self._meter.usage
        self.message.error = error
        self.message.created_at = clock.now()
        if self._question.kept and self.message.content:
            history.keep(self._documents, self._asked)
            history.keep(self._documents, self.message)
