"""The console: the web app that browsers get at `/`, its files below `/web`, and what it can offer on this server.

Its files lie in `web/` and are served as they are. The page names them below `/web/VERSION/`, where a browser keeps
them for good: a changed file changes the version.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse

from functions.api.routes.service import html_response
from functions.api.schemas import MessageResponse
from shared.ai.fallback import PROVIDERS, configured_service, provider_order
from shared.chat.search import CHAT_KIND
from shared.models import Model
from shared.platform.video_limits import native_settings
from shared.settings import Settings, settings

router = APIRouter()

FOLDER = Path(__file__).parents[3] / "web"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}
PAGE = "index.html"
VERSION_LENGTH = 12
LOOPBACK = ("127.0.0.1", "localhost", "::1")
FOREVER = "public, max-age=31536000, immutable"
REVALIDATED = "no-cache"
OFFLINE = "offline"


@dataclass(frozen=True)
class WebFile:
    """A file of the console, in both forms in which it is sent."""

    media_type: str
    content: bytes
    compressed: bytes
    etag: str


class Capabilities(Model):
    """What this server offers, apart from what every server does."""

    sign_in: bool = Field(description="Whether requests require a token.")
    local_accounts: bool = Field(
        description="Whether Clipwise keeps the accounts: then POST /v1/auth/login returns a token. Otherwise, Firebase"
        " Authentication does."
    )
    speech: str | None = Field(description="What recognizes speech. Null if nothing does.")
    ai: str | None = Field(description="The AI provider that understands pictures. Null if none is configured.")
    max_file_size_mb: int = Field(description="Size of the largest video, in MB (1 MB = 1 000 000 bytes).")
    max_video_duration_sec: float = Field(description="Duration of the longest video, in seconds.")
    max_speech_duration_sec: float = Field(
        description="Duration of the longest file for kinds that need only its speech, in seconds."
    )
    chat: str | None = Field(
        description="The AI provider that answers questions. Null if none is configured: then answers are quotes."
    )


@router.get(
    "/",
    tags=["service"],
    summary="Get a welcome message",
    description=(
        "Returns a message that the service is running. Browsers, which prefer `text/html`, get the console instead."
    ),
    response_model=MessageResponse,
)
def greet(request: Request) -> Response:
    if not prefers_html(request.headers.get("accept", "")):
        message = MessageResponse(message="Clipwise is running. See /docs for the API.")
        return JSONResponse(message.model_dump(), headers={"Vary": "Accept"})
    address = loopback_address(request.headers.get("host", ""))
    response = RedirectResponse(address) if address else console_page()
    response.headers["Vary"] = "Accept"
    return response


@router.get("/web/{path:path}", include_in_schema=False)
def web_file(request: Request, path: str) -> Response:
    version, files = console_files()
    name = path.removeprefix(f"{version}/")
    file = files.get(name)
    if file is None:
        raise HTTPException(404)
    headers = {
        "Cache-Control": REVALIDATED if name == path else FOREVER,
        "ETag": file.etag,
        "Vary": "Accept-Encoding",
    }
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.compressed, media_type=file.media_type, headers=headers | {"Content-Encoding": "gzip"})
    return Response(file.content, media_type=file.media_type, headers=headers)


@router.get(
    "/v1/capabilities",
    tags=["service"],
    summary="Get the server's capabilities",
    description="Returns whether this server requires sign-in, what it uses for speech, pictures and answers, and how"
    " large and how long a video may be.",
)
def get_capabilities() -> Capabilities:
    limits = native_settings(settings())
    return Capabilities(
        sign_in=settings().auth_required,
        local_accounts=settings().has_local_accounts,
        speech=speech_recognizer(settings()),
        ai=configured_service("recipe", settings()),
        max_file_size_mb=limits.max_file_size_mb,
        max_video_duration_sec=limits.max_video_duration_sec,
        max_speech_duration_sec=limits.max_speech_duration_sec,
        chat=configured_service(CHAT_KIND, settings()),
    )


def speech_recognizer(settings: Settings) -> str | None:
    """Return the name of the provider, or of the model on this machine, that transcribes speech; None without one."""
    for name in provider_order("transcript", settings):
        if name != OFFLINE and PROVIDERS[name].is_configured(settings):
            return name
        # In the cloud, the package of this function lacks the module.
        if name == OFFLINE and settings.clipwise_place == "embedded":
            from shared.ai.offline.speech import speech_model

            model = speech_model(settings)
            return model.name if model else None
    return None


def prefers_html(accept: str) -> bool:
    """Return True if the first media type of an Accept header is HTML, as in every browser's page requests."""
    return accept.partition(",")[0].partition(";")[0].strip().lower() == "text/html"


def loopback_address(host: str) -> str | None:
    """Return PUBLIC_URL if `host` is another loopback name of it: signed links work under that one name only."""
    own, other = urlsplit(settings().public_url), urlsplit(f"//{host}")
    try:
        is_other_name = own.port == other.port and own.hostname != other.hostname
    except ValueError:
        return None
    return f"{own.geturl().rstrip('/')}/" if is_other_name and {own.hostname, other.hostname} <= {*LOOPBACK} else None


def console_page() -> Response:
    """Return the console's page, with a policy that admits its own files only."""
    return html_response(console_html(), console_policy(storage_origin()))


def console_html(root: str = "./") -> str:
    """Return the console's page, with versioned addresses of its files below `root`."""
    version, _ = console_files()
    return (FOLDER / PAGE).read_text(encoding="utf-8").replace('"./', f'"{root}web/{version}/')


def console_policy(storage: str) -> dict[str, str]:
    """Return the directives of the console's Content-Security-Policy.

    Args:
        storage: Origin of media links and uploads.
    """
    return {
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": f"'self' {storage} blob:",
        "media-src": f"'self' {storage} blob:",
        "connect-src": f"'self' {storage}",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def storage_origin() -> str:
    """Return the origin of signed links: Cloud Storage, its emulator, or this server."""
    cloud = os.environ.get("STORAGE_EMULATOR_HOST") or "https://storage.googleapis.com"
    address = urlsplit(settings().public_url if settings().clipwise_place == "embedded" else cloud)
    return f"{address.scheme}://{address.netloc}"


@cache
def console_files() -> tuple[str, dict[str, WebFile]]:
    """Return the version of the console, and its files by their path below `web/`."""
    files = {path.relative_to(FOLDER).as_posix(): read_file(path) for path in console_paths() if path.name != PAGE}
    digest = hashlib.sha256()
    for name, file in sorted(files.items()):
        digest.update(f"{name}\0{file.etag}\0".encode())
    return digest.hexdigest()[:VERSION_LENGTH], files


def console_paths() -> list[Path]:
    """Return the files that are served: not the list of libraries, nor what npm installs."""
    paths = (path for path in sorted(FOLDER.rglob("*")) if path.suffix in MEDIA_TYPES or path == FOLDER / PAGE)
    return [path for path in paths if "node_modules" not in path.parts]


def read_file(path: Path) -> WebFile:
    content = path.read_bytes()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return WebFile(MEDIA_TYPES[path.suffix], content, gzip.compress(content, mtime=0), etag)
