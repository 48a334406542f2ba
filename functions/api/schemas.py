"""What requests must look like and what answers look like."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, create_model, field_validator
from pydantic_core import from_json

from shared.media.sniff import ACCEPTED
from shared.models.base import Model
from shared.models.job import HIDDEN, Job, StageState
from shared.security.filenames import safe_filename
from shared.settings import settings

# RFC 5646, 2.1, without the grandfathered tags.
_LANGUAGE_TAG = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
)
MAX_LANGUAGE_LENGTH = 35  # RFC 5646, 4.4.1
MAX_OPTION_LENGTH = 2000

# Names that browsers and systems give to types that `sniff` knows by another one.
_OTHER_NAMES = {
    "application/mp4": "video/mp4",
    "application/ogg": "audio/ogg",
    "audio/3gpp": "video/mp4",
    "audio/m4a": "audio/mp4",
    "audio/matroska": "video/x-matroska",
    "audio/mp3": "audio/mpeg",
    "audio/mp4a-latm": "audio/mp4",
    "audio/opus": "audio/ogg",
    "audio/vnd.wave": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/webm": "video/webm",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/mp4",
    "audio/x-matroska": "video/x-matroska",
    "audio/x-wav": "audio/wav",
    "video/3gpp": "video/mp4",
    "video/avi": "video/x-msvideo",
    "video/matroska": "video/x-matroska",
    "video/msvideo": "video/x-msvideo",
    "video/vnd.avi": "video/x-msvideo",
    "video/x-m4v": "video/mp4",
}
UNKNOWN_TYPE = "application/octet-stream"


def language_tag(text: str) -> str:
    """A BCP-47 tag in the usual case, e.g. `zh-Hant-TW`; raises ValueError when it does not have that shape."""
    match = _LANGUAGE_TAG.fullmatch(text.lower())
    if not match or len(text) > MAX_LANGUAGE_LENGTH:
        raise ValueError("it must be a BCP-47 language tag such as en, de or pt-BR")
    tag = match[0]
    for part, cased in (("script", str.title), ("region", str.upper)):
        if match[part]:
            start, end = match.span(part)
            tag = tag[:start] + cased(tag[start:end]) + tag[end:]
    return tag


LanguageTag = Annotated[str, AfterValidator(language_tag)]


def accepted_type(declared: str) -> str | None:
    """The media type that a client declares, under the name that we use; None when such files are not taken.

    Who declares nothing in particular is believed too: the content decides.
    """
    plain = declared.partition(";")[0].strip().lower()
    name = _OTHER_NAMES.get(plain, plain)
    return name if name in ACCEPTED or name == UNKNOWN_TYPE else None


def plain_value(value: Any) -> Any:
    """What every place can store in a document; raises ValueError."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= MAX_OPTION_LENGTH:
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise ValueError(f"it must be a text of at most {MAX_OPTION_LENGTH} characters, a number, true, false or null")


Plain = Annotated[Any, AfterValidator(plain_value), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})]


def _one_line(text: str) -> str | None:
    return " ".join(text.split()) or None


def _some_line(text: str) -> str:
    line = _one_line(text)
    if line is None:
        raise ValueError("it must not be blank")
    return line


Title = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
Name = Annotated[str, Field(max_length=200), AfterValidator(_some_line)]
Description = Annotated[str, Field(max_length=5000)]
Tags = Annotated[list[Annotated[str, Field(max_length=50), AfterValidator(_some_line)]], Field(max_length=30)]


class AnalysisWish(BaseModel):
    """What is to be made of a video."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(max_length=100, description="One of GET /v1/kinds.", examples=["recipe"])
    language: LanguageTag = Field(
        default_factory=lambda: settings().default_language,
        description="Language of the result, a BCP-47 tag; by default the server's DEFAULT_LANGUAGE.",
        examples=["de"],
    )
    options: dict[Annotated[str, Field(max_length=100)], Plain] = Field(
        {}, max_length=20, description="Settings of the kind; plain values only."
    )


class Wish(AnalysisWish):
    """The same of a new video, wherever it comes from."""

    keep_source: bool | None = Field(None, description=Job.model_fields["keep_source"].description)
    title: Title | None = Field(None, description="What you call the video.", examples=["Grandma's soup"])
    description: Description | None = None
    tags: Tags = Field([], description="Words to find it by.", examples=[["soup", "winter"]])


class UrlWish(Wish):
    """A video behind a link."""

    url: str = Field(description="http or https.", examples=["https://example.com/soup.mp4"])
    fresh: bool = Field(False, description="Do it anew, even when a job of yours has done the same before.")


class FileWish(Wish):
    """The fields that stand beside the file in a form."""

    @field_validator("options", "tags", mode="before")
    @classmethod
    def from_text(cls, value: Any) -> Any:
        """Form fields are texts: these hold JSON."""
        return from_json(value) if isinstance(value, str) else value


class UploadWish(Wish):
    """A file that will be sent straight to storage."""

    filename: Annotated[str | None, AfterValidator(safe_filename)] = Field(
        None, description="Only shown, never used as a path.", examples=["soup.mp4"]
    )
    content_type: str = Field(description="An accepted media type.", examples=["video/mp4"])
    size: int = Field(gt=0, description="Bytes; exactly so many must follow.", examples=[7340032])


def public_model(name: str, model: type[BaseModel], hidden: set[str], **changed: Any) -> type[Model]:
    fields: dict[str, Any] = {
        key: (field.annotation, field) for key, field in model.model_fields.items() if key not in hidden
    }
    return create_model(name, __base__=Model, __doc__=model.__doc__, **(fields | changed))


# What `Job.public` gives, for the OpenAPI document; a test holds the two together.
PublicStage = public_model("Stage", StageState, {"lease"})
PublicJob = public_model(
    "Job",
    Job,
    set(HIDDEN),
    stages=(dict[str, PublicStage], Field({}, description=Job.model_fields["stages"].description)),  # type: ignore[valid-type]
)


class JobPage(BaseModel):
    jobs: list[PublicJob] = Field(description="Newest first.")  # type: ignore[valid-type]
    cursor: str | None = Field(description="Give it back to get the next page; null on the last one.")


class UploadTicket(BaseModel):
    """Where the bytes go: PUT them to `upload_url`, whole or in ranges (Cloud Storage's resumable protocol)."""

    job: PublicJob  # type: ignore[valid-type]
    upload_url: str
    method: str = Field(examples=["PUT"])
    headers: dict[str, str] = Field(description="To be sent with the bytes.")
    expires_at: datetime


class KindInfo(Model):
    name: str
    does: str
    stages: list[str] = Field(
        description="What a job of this kind goes through once its video is there; `download` comes before for a link."
    )
    needs_video: bool = Field(description="Files without pictures are refused.")
    result: dict[str, Any] = Field(description="JSON Schema of the result.")


class KindList(BaseModel):
    kinds: list[KindInfo]


class Message(BaseModel):
    message: str


class Health(BaseModel):
    status: str
