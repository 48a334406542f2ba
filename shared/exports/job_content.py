"""The exportable content of a job, loaded only when a format needs it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from shared.analyses.recipe import Recipe
from shared.analyses.transcript import GAP_ADVICE, GAP_SENTENCES
from shared.errors import NotFound, PermanentError
from shared.exports.quantities import scale_recipe
from shared.exports.recipe import RecipeLinks, embed_url
from shared.exports.subtitle_cues import Cue, SubtitleLayout, make_cues
from shared.exports.units import UnitSystem, convert_recipe
from shared.media.speakers import drop_sole_speaker, name_speakers
from shared.models import Model
from shared.models.job import Job, JobStatus
from shared.models.video import Transcript, TranscriptGap
from shared.pipeline.job_storage import MEDIA, load_transcript, media_name
from shared.pipeline.sample_archive import publish_media
from shared.platform.ports import Objects
from shared.settings import settings
from shared.wiring import TRANSCRIBE

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class SharedMedia:
    """The media of a job's video behind a share link.

    Attributes:
        url: Address of the video behind the link, such as `https://…/v1/shared/TOKEN/videos/ID`.
        created_at: When the link was created.
        video: The job that stored the video.
    """

    url: str
    created_at: datetime
    video: Job


@dataclass(frozen=True)
class JobContent:
    """The content of one job.

    Attributes:
        servings: Number of servings to scale the recipe to; None = as in the video.
        units: System of units to convert the recipe to; None = as in the video.
        share: The share link through which a document links to its media; None = by short-lived links.
        layout: Limits of subtitles.
    """

    objects: Objects
    job: Job
    servings: float | None = None
    units: UnitSystem | None = None
    share: SharedMedia | None = None
    layout: SubtitleLayout = field(default_factory=SubtitleLayout)

    def result_json(self) -> str:
        """Return the result as JSON; raises PermanentError `not_done`, `servings_unknown`."""
        if self.job.kind == "recipe" and self._is_changed():
            return _to_json(self._change(Recipe.read(self._result())).to_json())
        return _to_json(self._original_result())

    def read_result(self, model: type[M]) -> M:
        """Parse the result as `model`; raises PermanentError `not_done`, `servings_unknown`."""
        return model.read(self._original_result())

    def transcript_json(self) -> str:
        """Return the transcript with all words and times as JSON; raises PermanentError as `read_result`."""
        self._original_result()
        return _to_json(self._load_transcript().to_json())

    def load_recipe(self) -> Recipe:
        """Return the changed recipe; raises PermanentError `not_done`, `no_recipe`, `servings_unknown`."""
        recipe = Recipe.read(self._result())
        if not recipe.ingredients and not recipe.steps:
            empty = self.job.result_empty
            reason = f"{empty.message} {empty.advice}" if empty else "This video contains no recipe. Try another one."
            raise PermanentError("no_recipe", reason)
        return self._change(recipe)

    def transcript(self) -> Transcript:
        """Return the transcript; raises PermanentError as `full_transcript`, and `servings_unknown`."""
        if self._is_changed():
            raise _not_scalable_error()
        return self.full_transcript()

    def subtitles(self) -> list[Cue]:
        """Return the transcript as subtitles; raises PermanentError as `transcript`."""
        transcript = self.transcript()
        return make_cues(drop_sole_speaker(transcript.segments), self.layout, transcript.language)

    def full_transcript(self) -> Transcript:
        """Return the transcript, available once it is extracted, even if the job fails later.

        Raises PermanentError `not_done`, `no_transcript`.
        """
        gap: TranscriptGap | None = None
        with suppress(NotFound):
            transcript = self._load_transcript()
            if transcript.segments:
                return transcript
            gap = transcript.gap
        if not self.job.status.is_final:
            raise self._not_done_error()
        if gap is None and TRANSCRIBE not in self.job.stages and self.job.of_video is None:
            reason = f"A {self.job.kind} job does not transcribe speech, and the file has no subtitles."
            advice = "Analyze the video as another kind, such as transcript."
        else:
            reason, advice = GAP_SENTENCES[gap], GAP_ADVICE.get(gap, GAP_ADVICE[None])
        raise PermanentError("no_transcript", f"This job has no transcript. {reason} {advice}")

    def _load_transcript(self) -> Transcript:
        """Return the transcript with the names that the owner gave the speakers; raises NotFound."""
        transcript = load_transcript(self.objects, self.job.id)
        return transcript.model_copy(update={"segments": name_speakers(transcript.segments, self.job.speakers)})

    def picture_bytes(self) -> bytes | None:
        """Return the recipe's picture as JPEG, or None."""
        name = self._picture_name()
        if name is None:
            return None
        try:
            return self.objects.read(MEDIA, name)
        except NotFound:
            return None

    def recipe_links(self) -> RecipeLinks:
        """Return what is known of the recipe's picture and video.

        With a share link they work as long as the link; the video file is linked if it is kept.
        """
        video, share, origin = self.job.video, self.share, self.job.video.origin
        published = origin.published_at if origin else None
        return RecipeLinks(
            image=self.picture_link() if share is None else self._shared_picture_link(share),
            content_url=f"{share.url}/source" if share and share.video.keep_source else None,
            embed_url=embed_url(origin.page_url if origin and origin.page_url else self.job.url),
            published=published or (share.created_at if share else None),
            # A file was uploaded here; when a link's video was is only for its platform to say.
            uploaded=published or (share.video.created_at if share and share.video.url is None else None),
            duration_sec=video.info.duration_sec if video.info else None,
            caption=self.job.description or video.caption,
        )

    def _shared_picture_link(self, share: SharedMedia) -> str | None:
        thumbnail = share.video.video.thumbnail
        for name in (Recipe.read(self._result()).thumbnail, thumbnail.name if thumbnail else None):
            if name and publish_media(self.objects, share.video.id, name):
                return f"{share.url}/media/{name}"
        return None

    def picture_link(self) -> str | None:
        """Return a signed link to the recipe's picture that expires after `signed_link_ttl_sec`, or None."""
        name = self._picture_name()
        return name and self.objects.signed_url(MEDIA, name, settings().signed_link_ttl_sec)

    def _picture_name(self) -> str | None:
        """Return the name of the object that is the recipe's picture; None if there is none."""
        name = Recipe.read(self._result()).thumbnail
        return media_name(self.job.id, name) if name and publish_media(self.objects, self.job.id, name) else None

    def _is_changed(self) -> bool:
        return self.servings is not None or self.units is not None

    def _change(self, recipe: Recipe) -> Recipe:
        scaled = recipe if self.servings is None else scale_recipe(recipe, self.servings)
        return scaled if self.units is None else convert_recipe(scaled, self.units)

    def _original_result(self) -> dict[str, object]:
        if self._is_changed():
            raise _not_scalable_error()
        return self._result()

    def _result(self) -> dict[str, object]:
        if self.job.status is not JobStatus.DONE or self.job.result is None:
            raise self._not_done_error()
        return self.job.result

    def _not_done_error(self) -> PermanentError:
        action = "Submit the video again" if self.job.status.is_final else "Wait until it is done"
        return PermanentError("not_done", f"This job is {self.job.status} and has no result. {action}.")


def _not_scalable_error() -> PermanentError:
    return PermanentError("servings_unknown", "Only a recipe can be scaled or converted. Omit servings and units.")


def _to_json(value: dict[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
