"""Answers to questions about videos, by a model or as quotes, from the passages of their transcripts."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, cast

from shared import clock
from shared.ai.fallback import FallbackProvider, provider_order
from shared.ai.links import LinkFilter
from shared.ai.offline.embedding import MODEL
from shared.ai.provider import Turn
from shared.ai.usage import meter_for
from shared.chat import history
from shared.chat.excerpts import Excerpt, merge_passages
from shared.chat.prompt import MarkerParser, question_text, rules
from shared.chat.quotes import AnswerPhrases, answer_phrases, format_quotes, quote_excerpts, similarities_by_line
from shared.chat.search import CHAT_KIND, SearchResult, embed_question, has_passages, search
from shared.error_codes.api import ChatCode, RequestCode
from shared.errors import Cancelled, ClipwiseError, TransientError
from shared.media.speakers import name_speakers
from shared.models.chat import ChatMessage, Citation
from shared.models.job import Usage
from shared.pipeline.jobs import read_videos, video_title
from shared.pipeline.lifecycle import new_id
from shared.platform.ports import Place
from shared.progress import Tick
from shared.settings import settings

OFFLINE = "offline"
MAX_PASSAGES = 8
"""Maximum number of passages for an answer, before overlapping ones are merged."""
MIN_COVERAGE_ANSWERED, MIN_COVERAGE_QUOTED = 0.15, 0.35
"""Minimum share of a question's words in a relevant passage: for a model's answer, and for quotes."""
Titles = Mapping[str, str | None]


@dataclass(frozen=True)
class Question:
    """A question about videos of an owner.

    Attributes:
        owner: Owner of the videos, whose budget pays for the answer.
        video_ids: The videos to answer from; None for all of the owner's.
        language: BCP-47 tag of the answer; None = language of the question.
        is_stored: Whether question and answer are stored in the owner's history.
        earlier: The conversation before the question, which the model may use to understand it.
    """

    text: str
    owner: str
    video_ids: Sequence[str] | None
    group_id: str | None = None
    video_id: str | None = None
    language: str | None = None
    is_stored: bool = True
    earlier: Sequence[Turn] = ()


@dataclass(frozen=True)
class CitationEvent:
    """A citation; it precedes the first text that contains its marker."""

    citation: Citation


@dataclass(frozen=True)
class TextEvent:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True)
class AnswerDone:
    """The end of the stream, with the whole answer."""

    message: ChatMessage


AnswerEvent = CitationEvent | TextEvent | AnswerDone


class AnswerStream:
    """The answer to one question, as a stream of events.

    Attributes:
        message: The answer so far.
    """

    def __init__(self, place: Place, question: Question) -> None:
        self._documents, self._question = place.documents, question
        self._question_message = self._new_message("user", question.text)
        self._meter = meter_for(place.documents, question.owner, settings().monthly_budget_usd, Usage())
        self.message = self._new_message("assistant", "")
        self.message.answers = self._question_message.id

    def events(self, tick: Tick) -> Generator[AnswerEvent, None, None]:
        """Yield the answer as it arrives. When it ends or is closed, the AI call stops and the text so far is stored.

        Raises:
            PermanentError: `budget_exceeded`, `refused`, `answer_too_long` or another error of a provider.
            TransientError: A provider is down and there is no fallback.
            Cancelled: By `tick`.
        """
        try:
            for event in self._answer_events(tick):
                if isinstance(event, CitationEvent):
                    self.message.citations.append(event.citation)
                else:
                    self.message.content += event.text
                yield event
        except ClipwiseError as error:
            self._store(error.code)
            raise
        except (Cancelled, GeneratorExit):
            self._store(ChatCode.LEFT.value)
            raise
        except BaseException:
            self._store(RequestCode.INTERNAL.value)
            raise
        self._store(None)
        yield AnswerDone(self.message)

    def _answer_events(self, tick: Tick) -> Iterator[CitationEvent | TextEvent]:
        question = self._question
        order = provider_order(CHAT_KIND, settings(), "chat")
        provider_names = list(takewhile(lambda name: name != OFFLINE, order))
        phrases = answer_phrases(question.text, question.language)
        query_embeddings, embedding_error = embed_question(question.text, self._meter, tick)
        min_coverage = MIN_COVERAGE_ANSWERED if provider_names else MIN_COVERAGE_QUOTED
        results = search(
            self._documents,
            question.owner,
            question.video_ids,
            question.text,
            query_embeddings,
            min_coverage,
            MAX_PASSAGES,
            self._meter.note,
        )
        videos = read_videos(self._documents, {result.passage.video_id for result in results}, question.owner)
        titles = {id: video_title(job) or job.filename for id, job in videos.items()}
        matches = merge_passages(
            result.passage.model_copy(update={"lines": name_speakers(result.passage.lines, video.speakers)})
            for result in results
            if (video := videos.get(result.passage.video_id))
        )
        if not matches:
            if isinstance(embedding_error, TransientError):
                # Embeddings may soon find passages, so “no match” would be wrong.
                raise embedding_error
            is_searchable = has_passages(self._documents, question.owner, question.video_ids)
            yield TextEvent(phrases.no_match if is_searchable else phrases.no_transcript)
        elif not provider_names:
            yield from self._quoted_answer(matches, titles, phrases, results)
        else:
            try:
                yield from self._model_answer(provider_names, matches, titles, tick)
            except TransientError:
                if self.message.content or OFFLINE not in order:
                    raise
                yield from self._quoted_answer(matches, titles, phrases, results)

    def _model_answer(
        self, provider_names: list[str], matches: Sequence[Excerpt], titles: Titles, tick: Tick
    ) -> Iterator[CitationEvent | TextEvent]:
        """Yield a model's answer, with citations from the stored passages."""
        question, markers, cited_count = self._question, MarkerParser(len(matches)), 0
        provider = FallbackProvider(provider_names, settings(), self._meter)
        material = question_text(question.text, matches, titles, question.earlier)
        turns = [Turn("user", material)]
        links = LinkFilter([material])
        answer = cast(Generator[str, None, None], provider.chat(rules(question.language), turns, tick))
        with closing(answer) as pieces:
            for text in links.filter_stream(markers.read(pieces)):
                for number in markers.passages[cited_count:]:
                    cited_count += 1
                    excerpt = matches[number - 1]
                    yield CitationEvent(excerpt.citation(cited_count, titles[excerpt.video_id]))
                yield TextEvent(text)

    def _quoted_answer(
        self, matches: Sequence[Excerpt], titles: Titles, phrases: AnswerPhrases, results: Sequence[SearchResult]
    ) -> Iterator[CitationEvent | TextEvent]:
        """Yield quotes of the passages, for an answer without AI."""
        quoted_excerpts = quote_excerpts(self._question.text, matches, similarities_by_line(results))
        citations = [
            excerpt.citation(number, titles[excerpt.video_id])
            for number, excerpt in enumerate(quoted_excerpts, start=1)
        ]
        for citation in citations:
            yield CitationEvent(citation)
        for text in format_quotes(phrases.quote_intro, citations):
            yield TextEvent(text)
        self._meter.usage = self._meter.total(OFFLINE, MODEL)

    def _new_message(self, role: Literal["user", "assistant"], content: str) -> ChatMessage:
        question = self._question
        return ChatMessage(
            id=new_id(),
            owner=question.owner,
            group_id=question.group_id,
            video_id=question.video_id,
            role=role,
            content=content,
            created_at=clock.now(),
        )

    def _store(self, error: str | None) -> None:
        """Store question and answer; an answer without text is not stored."""
        self.message.usage = self._meter.usage
        self.message.error = error
        self.message.created_at = clock.now()
        if self._question.is_stored and self.message.content:
            history.store_message(self._documents, self._question_message)
            history.store_message(self._documents, self.message)
