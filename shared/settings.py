"""Configuration: read once from an injectable mapping; an error names its key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic.dataclasses import dataclass

Place = Literal["embedded", "gcp"]


class SettingsError(ValueError):
    """An environment variable has a value that cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One field per environment variable, upper-cased. The README's table is checked against this class."""

    clipwise_place: Place = Field("embedded", description="Which adapters serve the ports: `embedded` or `gcp`.")
    clipwise_data: Path = Field(Path(".clipwise"), description="Embedded only: the folder that holds everything.")
    google_cloud_project: str = Field(
        "", description="`gcp` only: the project; by default the one the process's identity belongs to."
    )
    bucket_prefix: str = Field(
        "", description="`gcp` only: buckets are named this + `uploads`, this + `media`; default: the project and `-`."
    )
    public_url: str = Field("http://127.0.0.1:8080", description="Where clients reach the API; links are made from it.")
    max_file_size_mb: int = Field(100, gt=0, description="Largest accepted video, in MB (1 MB = 1 000 000 bytes).")
    max_video_duration_sec: float = Field(180, gt=0, description="Longest accepted video, in seconds.")
    default_language: str = Field("en", description="Language of results when a job names none (BCP-47).")
    auth_required: bool = Field(True, description="`false` only by default where `clipwise up` binds to loopback.")
    signing_key: str = Field("", description="Secret behind signed links; embedded makes its own in the data folder.")
    signed_link_ttl_sec: int = Field(900, gt=0, description="How long a media link works, in seconds.")
    upload_ttl_sec: int = Field(86_400, gt=0, description="How long a started upload is waited for, in seconds.")
    source_retention_hours: float = Field(
        24,
        ge=0,
        description="Hours after a job's end, good or bad, until its source is deleted; 0 = with the next sweep.",
    )
    lease_sec: float = Field(30, gt=0, description="How long a silent stage keeps its claim, in seconds.")
    download_timeout_sec: float = Field(120, gt=0, description="Longest a download may take, in seconds.")
    frontend_url: str = Field("", description="Comma-separated origins that browsers may call the API from (CORS).")
    allow_hosts: str = Field(
        "", description="Comma-separated host:port pairs that the URL guard lets through although they are private."
    )

    @property
    def max_file_bytes(self) -> int:
        return self.max_file_size_mb * 1_000_000


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Build settings from `environ`; unset or empty keys take their defaults.

    Raises:
        SettingsError: A value is of the wrong type or out of range; the message names the key.
    """
    names = Settings.__dataclass_fields__
    given = {name: environ[name.upper()] for name in names if environ.get(name.upper(), "") != ""}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic converts the strings
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]).upper()
        raise SettingsError(f"{key}: {first['msg']} (got {environ.get(key)!r})") from None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings, read from its environment at first use."""
    return read_settings(os.environ)
