"""Request and response models of jobs, uploads and kinds."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Union

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, create_model, field_validator
from pydantic_core import from_json

from functions.api.request_models import MAX_INTEGER, MIN_INTEGER, Description, LinkText, RequestModel, Tags, Title
from shared.analyses.kinds import kinds
from shared.languages import language_tag
from shared.media.declared_index import MAX_TRACKS
from shared.media.file_type import ACCEPTED, ANIMATIONS
from shared.models import Model
from shared.models.job import AUDIO_TRACK, HIDDEN, NO_TRACK, SUBTITLE_TRACK, Job, StageState
from shared.security.filenames import safe_filename
from shared.settings import settings

# RFC 5646, 2.1, without the grandfathered tags.
_LANGUAGE_TAG = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
)
NEXT_PAGE = "Pass it as `cursor` to get the next page. Null on the last page."
"""Description of the `cursor` field of every list."""
MAX_LANGUAGE_LENGTH = 35  # RFC 5646, 4.4.1
MAX_OPTION_LENGTH = 2000

# Aliases of media types, used by browsers and systems, to the names that `require_media_type` returns.
_MEDIA_TYPE_ALIASES = {
    "application/mp4": "video/mp4",
    "application/ogg": "audio/ogg",
    "audio/3gpp": "video/mp4",
    "audio/3gpp2": "video/mp4",
    "audio/aacp": "audio/aac",
    "audio/amr-wb": "audio/amr",
    "audio/m4a": "audio/mp4",
    "audio/matroska": "video/x-matroska",
    "audio/mp3": "audio/mpeg",
    "audio/mp4a-latm": "audio/mp4",
    "audio/opus": "audio/ogg",
    "audio/vnd.wave": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/webm": "video/webm",
    "audio/x-aac": "audio/aac",
    "audio/x-aiff": "audio/aiff",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/mp4",
    "audio/x-matroska": "video/x-matroska",
    "audio/x-wav": "audio/wav",
    "image/png": "image/apng",
    "image/vnd.mozilla.apng": "image/apng",
    "video/3gpp": "video/mp4",
    "video/3gpp2": "video/mp4",
    "video/avi": "video/x-msvideo",
    "video/matroska": "video/x-matroska",
    "video/msvideo": "video/x-msvideo",
    "video/vnd.avi": "video/x-msvideo",
    "video/x-m4v": "video/mp4",
}
UNKNOWN_TYPE = "application/octet-stream"


def check_language_tag(text: str) -> str:
    """Return a BCP-47 tag in the usual case, e.g. `zh-Hant-TW`; raises ValueError when it does not have that shape."""
    match = _LANGUAGE_TAG.fullmatch(text.lower())
    if not match or len(text) > MAX_LANGUAGE_LENGTH:
        raise ValueError("it must be a BCP-47 language tag such as en, de or pt-BR")
    tag = match[0]
    for part, cased in (("script", str.title), ("region", str.upper)):
        if match[part]:
            start, end = match.span(part)
            tag = tag[:start] + cased(tag[start:end]) + tag[end:]
    return tag


LanguageTag = Annotated[str, AfterValidator(check_language_tag)]


def canonical_media_type(declared: str) -> str | None:
    """Return a declared media type under its canonical name; None if files of this type are not accepted.

    `application/octet-stream` is accepted too: the content decides.
    """
    plain = declared.partition(";")[0].strip().lower()
    name = _MEDIA_TYPE_ALIASES.get(plain, plain)
    return name if name in ACCEPTED | ANIMATIONS or name == UNKNOWN_TYPE else None


def check_option_value(value: Any) -> Any:
    """Return `value` if every place can store it in a document; raises ValueError otherwise."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= MAX_OPTION_LENGTH:
        return value
    if isinstance(value, int) and MIN_INTEGER <= value <= MAX_INTEGER:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise ValueError(f"it must be a text of at most {MAX_OPTION_LENGTH} characters, a number, true, false or null")


def check_track_name(option: str, value: Any, words: Sequence[str]) -> None:
    """Raise ValueError unless `value` is a stream index, a language tag or one of `words`."""
    is_index = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_TRACKS
    is_name = isinstance(value, str) and (value in words or language_tag(value) is not None)
    if not is_index and not is_name:
        other = "".join(f", or `{word}`" for word in words)
        raise ValueError(f"{option} must be the index of a track or its language, such as 1 or de{other}")


OptionValue = Annotated[
    Any, AfterValidator(check_option_value), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})
]


class AnalysisRequest(RequestModel):
    """An analysis of a video."""

    kind: str = Field(max_length=100, description="Kind of analysis: a `name` from GET /v1/kinds.", examples=["recipe"])
    language: LanguageTag = Field(
        default_factory=lambda: settings().default_language,
        description="Language of the result, as a BCP-47 tag. Defaults to the server's DEFAULT_LANGUAGE.",
        examples=["de"],
    )
    options: dict[Annotated[str, Field(max_length=100)], OptionValue] = Field(
        {},
        max_length=20,
        description=(
            f"Options of the analysis. Values are strings of at most {MAX_OPTION_LENGTH:,} characters, numbers, "
            "booleans or null. Every kind accepts `audio_track` and `subtitle_track`: the `index` or the language of a "
            "track listed in `video.info` of a job. `subtitle_track` may also be `none`, so that the audio is "
            "transcribed. "
            "Without them, Clipwise uses the tracks that a player would, and subtitles only if they are a transcript. "
            "If the option `location` is true, `video.info.tags` contains where the video was recorded."
        ),
        examples=[{"audio_track": "de"}],
    )

    @field_validator("options")
    @classmethod
    def check_tracks(cls, options: dict[str, Any]) -> dict[str, Any]:
        """Require that the options that name tracks can name one."""
        for name, words in ((AUDIO_TRACK, ()), (SUBTITLE_TRACK, (NO_TRACK,))):
            if options.get(name) is not None:
                check_track_name(name, options[name], words)
        return options

    @property
    def requested_language(self) -> str | None:
        """The language, unless it is the server's default."""
        return self.language if "language" in self.model_fields_set else None


class JobRequest(AnalysisRequest):
    """An analysis of a new video."""

    keep_source: bool | None = Field(None, description=Job.model_fields["keep_source"].description)
    title: Title | None = Field(None, description="Title of the video.", examples=["Grandma's soup"])
    description: Description | None = Field(None, description="Description of the video.")
    tags: Tags = Field([], description="Tags of the video, used by search.", examples=[["soup", "winter"]])


class UrlJobRequest(JobRequest):
    """A video to download from a URL."""

    url: LinkText = Field(description="URL of the video: http or https.", examples=["https://example.com/soup.mp4"])
    fresh: bool = Field(
        False, description="Always create a new job, even if a job of yours has already finished the same analysis."
    )


class FileJobRequest(JobRequest):
    """A video sent as a file in a form."""

    @field_validator("options", "tags", mode="before")
    @classmethod
    def parse_json_field(cls, value: Any) -> Any:
        """Parse the JSON that these form fields contain."""
        return from_json(value) if isinstance(value, str) else value


class UploadRequest(JobRequest):
    """A file to upload straight to storage."""

    filename: Annotated[str | None, AfterValidator(safe_filename)] = Field(
        None, description="Name of the file. It is displayed and never used as a path.", examples=["soup.mp4"]
    )
    content_type: str = Field(
        description="Media type of the file. An unsupported type returns 415.", examples=["video/mp4"]
    )
    # More bytes than can be stored are as many as can: the answer is `too_large`.
    size: Annotated[int, AfterValidator(lambda size: min(size, MAX_INTEGER))] = Field(
        gt=0, description="Size of the file in bytes. The upload must have exactly this size.", examples=[7340032]
    )


class PublicModel(Model):
    """A response that always has all of its fields, which the OpenAPI document says by requiring them."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


def public_model(name: str, model: type[BaseModel], hidden: set[str], **changed: Any) -> type[Model]:
    """Create a response model with the fields of `model`, without `hidden` ones and with `changed` ones."""
    fields: dict[str, Any] = {
        key: (field.annotation, field) for key, field in model.model_fields.items() if key not in hidden
    }
    return create_model(name, __base__=PublicModel, __doc__=model.__doc__, **(fields | changed))


# A generated client takes the first form whose required fields are there, so the one that requires most comes first.
_RESULTS = dict(
    sorted(
        ((kind.name, kind.schema) for kind in kinds().values()),
        key=lambda item: -sum(field.is_required() for field in item[1].model_fields.values()),
    )
)
_RESULT_NAMES = ", ".join(f"`{name}`: {schema.__name__}" for name, schema in _RESULTS.items())
# The form of `Job.to_public` for the OpenAPI document; a test compares the two.
PublicStage = public_model("Stage", StageState, {"lease"})
PublicJob = public_model(
    "Job",
    Job,
    set(HIDDEN),
    stages=(dict[str, PublicStage], Field({}, description=Job.model_fields["stages"].description)),  # type: ignore[valid-type]
    options=(dict[str, OptionValue], Field({}, description=Job.model_fields["options"].description)),
    result=(
        Union[*_RESULTS.values(), None],
        Field(None, description=f"{Job.model_fields['result'].description} By `kind`: {_RESULT_NAMES}."),
    ),
)


class JobPage(BaseModel):
    jobs: list[PublicJob] = Field(description="Jobs, newest first.")  # type: ignore[valid-type]
    cursor: str | None = Field(description=NEXT_PAGE)


class UploadTicket(Model):
    """A job that waits for its file, and the upload session for the file."""

    job: PublicJob = Field(description="The job.")  # type: ignore[valid-type]
    upload_url: str = Field(description="URL to send the bytes to. It needs no token; keep it secret.")
    method: str = Field(description="HTTP method of the upload.", examples=["PUT"])
    headers: dict[str, str] = Field(description="Headers to send with the bytes.")
    expires_at: datetime = Field(description="When the upload session expires.")


class KindInfo(Model):
    """A kind of analysis."""

    name: str = Field(description="Name of the kind, to be used as `kind`.")
    does: str = Field(description="What the kind extracts from a video, in one sentence.")
    stages: list[str] = Field(
        description="The stages of a job of this kind, in order. A job for a URL starts with `download` in addition."
    )
    needs_video: bool = Field(description="Whether files without a video track are rejected.")
    result: dict[str, Any] = Field(description="JSON Schema of the result.")


class KindList(BaseModel):
    kinds: list[KindInfo] = Field(description="All kinds of analysis.")


class MessageResponse(BaseModel):
    message: str = Field(description="A message for people.")


class Health(BaseModel):
    status: str = Field(description="Always `ok`.", examples=["ok"])
