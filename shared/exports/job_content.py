"""The exportable content of a job, loaded only when a format needs it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from shared.analyses.recipe import Recipe
from shared.errors import NotFound, PermanentError
from shared.exports.quantities import scale_recipe
from shared.models import Model
from shared.models.job import Job, JobStatus
from shared.models.video import Segment, Transcript
from shared.pipeline.job_storage import MEDIA, load_transcript, media_name
from shared.platform.ports import Objects
from shared.settings import settings

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class JobContent:
    """The content of one job.

    Attributes:
        servings: Number of servings to scale the recipe to; None = as in the video.
    """

    objects: Objects
    job: Job
    servings: float | None = None

    def result_json(self) -> str:
        """Return the result as JSON; raises PermanentError `not_done`, `servings_unknown`."""
        if self.servings is None:
            result = self._result()
        elif self.job.kind == "recipe":
            result = scale_recipe(Recipe.read(self._result()), self.servings).to_json()
        else:
            raise _not_scalable_error()
        return _to_json(result)

    def read_result(self, model: type[M]) -> M:
        """Parse the result as `model`; raises PermanentError `not_done`, `servings_unknown`."""
        return model.read(self._original_result())

    def transcript_json(self) -> str:
        """Return the transcript with all words and times as JSON; raises PermanentError as `read_result`."""
        self._original_result()
        return _to_json(load_transcript(self.objects, self.job.id).to_json())

    def load_recipe(self) -> Recipe:
        """Return the recipe, scaled; raises PermanentError `not_done`, `no_recipe`, `servings_unknown`."""
        recipe = Recipe.read(self._result())
        if not recipe.ingredients and not recipe.steps:
            raise PermanentError("no_recipe", "This video contains no recipe. Try another one.")
        return recipe if self.servings is None else scale_recipe(recipe, self.servings)

    def transcript_segments(self) -> list[Segment]:
        """Return the segments; raises PermanentError as `full_transcript`, and `servings_unknown`."""
        if self.servings is not None:
            raise _not_scalable_error()
        return self.full_transcript().segments

    def full_transcript(self) -> Transcript:
        """Return the transcript, available once it is extracted, even if the job fails later.

        Raises PermanentError `not_done`, `no_transcript`.
        """
        with suppress(NotFound):
            transcript = load_transcript(self.objects, self.job.id)
            if transcript.segments:
                return transcript
        if not self.job.status.is_final:
            raise self._not_done_error()
        raise PermanentError(
            "no_transcript",
            "This job has no transcript: its video has no readable subtitles and no recognized speech. "
            "Submit another video, or configure a speech model.",
        )

    def picture_bytes(self) -> bytes | None:
        """Return the recipe's picture as JPEG, or None."""
        name = self._picture_name()
        if name is None:
            return None
        try:
            with self.objects.open(MEDIA, name) as stream:
                return stream.read()
        except NotFound:
            return None

    def picture_link(self) -> str | None:
        """Return a signed link to the recipe's picture that expires after `signed_link_ttl_sec`, or None."""
        name = self._picture_name()
        if name is None or self.objects.stat(MEDIA, name) is None:
            return None
        return self.objects.signed_url(MEDIA, name, settings().signed_link_ttl_sec)

    def _picture_name(self) -> str | None:
        name = Recipe.read(self._result()).thumbnail
        return media_name(self.job.id, name) if name else None

    def _original_result(self) -> dict[str, object]:
        if self.servings is not None:
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
    return PermanentError("servings_unknown", "Only a recipe can be scaled. Omit servings.")


def _to_json(value: dict[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
