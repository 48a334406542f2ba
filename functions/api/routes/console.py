"""The console: the web app that browsers get at `/`, its files below `/web`, and what it can offer on this server.

Its files lie in `web/` and are served as they are. The page names them below `/web/VERSION/`, where a browser keeps
them for good: a changed file changes the version.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse

from functions.api.pages import html_response, prefers_html
from functions.api.schemas import MessageResponse
from shared.ai.fallback import configured_service
from shared.ai.speech_recognizer import find_speech_recognizer
from shared.chat.search import CHAT_KIND
from shared.models import Model
from shared.platform.video_limits import native_settings
from shared.settings import Settings, settings

router = APIRouter()

FOLDER = Path(__file__).parents[3] / "web"
TEXT_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
}
MEDIA_TYPES = TEXT_TYPES | {".mp4": "video/mp4", ".png": "image/png", ".webp": "image/webp"}
PAGE = "index.html"
VERSION_LENGTH = 12
LOOPBACK = ("127.0.0.1", "localhost", "::1")
FOREVER = "public, max-age=31536000, immutable"
REVALIDATED = "no-cache"
WEB_LINK = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
TRAILING = ".,;:!?'»”"
"""What follows a link in a sentence."""
MAX_SHARED_LINKS = 20
MAX_LINK_LENGTH = 2000
FIRESTORE = "https://firestore.googleapis.com"


@dataclass(frozen=True)
class WebFile:
    """A file of the console, in the forms in which it is sent; `compressed` is None where that saves nothing."""

    media_type: str
    content: bytes
    compressed: bytes | None
    etag: str


class FirestoreConfig(Model):
    """What Firebase's SDK needs to listen to a user's documents. None of it is secret."""

    project_id: str = Field(description="The Google Cloud project.")
    api_key: str = Field(description="The project's web API key. Empty on the emulator.")
    database: str = Field(description="The Firestore database.")
    emulator: str | None = Field(description="Host and port of the Firestore emulator. Null in the cloud.")


class Capabilities(Model):
    """What this server offers, apart from what every server does."""

    sign_in: bool = Field(description="Whether requests require a token.")
    local_accounts: bool = Field(
        description="Whether Clipwise keeps the accounts: then POST /v1/auth/login returns a token. Otherwise, Firebase"
        " Authentication does."
    )
    speech: str | None = Field(description="What recognizes speech. Null if nothing does.")
    ai: str | None = Field(description="The AI provider that understands pictures. Null if none is configured.")
    firestore: FirestoreConfig | None = Field(
        description="Configuration for live listeners on Firestore. Null where users can listen only to server-sent"
        " events."
    )
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


@router.get("/favicon.ico", include_in_schema=False)
def favicon(request: Request) -> Response:
    """What browsers ask for beside pages without an icon, such as JSON."""
    return web_file(request, "icon.svg")


@router.get("/manifest.webmanifest", include_in_schema=False)
def manifest(request: Request) -> Response:
    """The web app manifest, beside the page: its addresses are relative to its own."""
    return web_file(request, "manifest.webmanifest")


@router.get("/share", include_in_schema=False)
def share(
    url: Annotated[str, Query()] = "", text: Annotated[str, Query()] = "", title: Annotated[str, Query()] = ""
) -> Response:
    """The manifest's share target: moves shared links behind the `#`, where neither servers nor pages see them."""
    links = [link.rstrip(TRAILING) for part in (url, text, title) for link in WEB_LINK.findall(part)]
    kept = [link for link in dict.fromkeys(links) if len(link) <= MAX_LINK_LENGTH][:MAX_SHARED_LINKS]
    shared = quote("\n".join(kept), safe="")
    return RedirectResponse(f"./#/new?link={shared}" if shared else "./#/new", 303)


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
    if file.compressed and "gzip" in request.headers.get("accept-encoding", ""):
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
    recognizer = find_speech_recognizer(settings())
    limits = native_settings(settings())
    return Capabilities(
        sign_in=settings().auth_required,
        local_accounts=settings().has_local_accounts,
        speech=recognizer.name if recognizer else None,
        ai=configured_service("recipe", settings()),
        max_file_size_mb=limits.max_file_size_mb,
        max_video_duration_sec=limits.max_video_duration_sec,
        max_speech_duration_sec=limits.max_speech_duration_sec,
        chat=configured_service(CHAT_KIND, settings()),
        firestore=firestore_config(settings()),
    )


def firestore_config(settings: Settings) -> FirestoreConfig | None:
    """Return what a browser needs to listen to Firestore; None where its rules know no user of this server."""
    emulator = os.environ.get("FIRESTORE_EMULATOR_HOST")
    has_users = emulator or (settings.firebase_api_key and not settings.has_local_accounts)
    if settings.clipwise_place != "gcp" or not settings.google_cloud_project or not has_users:
        return None
    return FirestoreConfig(
        project_id=settings.google_cloud_project,
        api_key=settings.firebase_api_key,
        database="(default)",
        emulator=emulator,
    )


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
    return html_response(console_html(), console_policy(storage_origin(), firestore_origin()))


def console_html(root: str = "./") -> str:
    """Return the console's page, with versioned addresses of its files below `root`."""
    version, _ = console_files()
    return (FOLDER / PAGE).read_text(encoding="utf-8").replace('"./', f'"{root}web/{version}/')


def console_policy(storage: str, firestore: str = "") -> dict[str, str]:
    """Return the directives of the console's Content-Security-Policy.

    Args:
        storage: Origin of media links and uploads.
        firestore: Origin of live documents; empty without any.
    """
    return {
        "script-src": "'self'",
        "style-src": "'self'",
        "manifest-src": "'self'",
        "img-src": f"'self' {storage} blob:",
        "media-src": f"'self' {storage} blob:",
        "connect-src": f"'self' {storage} {firestore}".rstrip(),
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def firestore_origin() -> str:
    """Return the origin to which Firebase's SDK connects; empty where it is not used."""
    config = firestore_config(settings())
    if config is None:
        return ""
    return f"http://{config.emulator}" if config.emulator else FIRESTORE


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
    compressed = gzip.compress(content, mtime=0) if path.suffix in TEXT_TYPES else None
    return WebFile(MEDIA_TYPES[path.suffix], content, compressed, etag)
