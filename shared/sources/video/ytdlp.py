"""Platform videos fetched by yt-dlp: without a key, as long as the platform does not block it.

yt-dlp is used as a library, for its extractors of the three platforms (never the generic one) and its HTTP downloader.
It reads and writes no other file, and starts no program but Deno for YouTube's scripts; ffmpeg gets no URL. Separate
video and audio are muxed here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from yt_dlp import YoutubeDL
from yt_dlp.extractor.instagram import InstagramIE
from yt_dlp.extractor.tiktok import TikTokIE
from yt_dlp.extractor.youtube import YoutubeIE
from yt_dlp.globals import all_plugins_loaded
from yt_dlp.networking import RequestDirector
from yt_dlp.utils import YoutubeDLError

from shared.errors import PermanentError
from shared.languages import is_same_language
from shared.media.file_type import HEAD_BYTES
from shared.models.video import Origin, Transcript
from shared.progress import Tick, tick_within
from shared.security.filenames import safe_filename
from shared.settings import Settings
from shared.sources.video.carousel import MAX_PICTURES, fetch_carousel
from shared.sources.video.http import check_media_type
from shared.sources.video.links import PlatformPage
from shared.sources.video.mux import mux_streams
from shared.sources.video.post import (
    MAX_NAME,
    MAX_TAGS,
    CaptionFile,
    CaptionFormat,
    PlatformPost,
    clean_text,
    parse_count,
    parse_duration,
    parse_time,
    read_captions,
)
from shared.sources.video.source import FetchedFile, FetchRequest, video_live
from shared.sources.video.ytdlp_errors import translate_error
from shared.sources.video.ytdlp_network import ExtractionBudget, GuardedRH, too_large_error
from shared.sources.video.ytdlp_scripts import script_runtimes, use_bounded_runtime

# JSON is the best form of automatic captions: lines do not roll, and each word has its time.
_CAPTION_FORMATS: list[CaptionFormat] = ["json3", "vtt", "srt"]
_ORIGINAL_SUFFIX = "-orig"
EXTRACTORS: list[type[Any]] = [TikTokIE, InstagramIE, YoutubeIE]
LARGEST_SIDE = 1080  # limit of the shorter side, in pixels: more helps no analysis and costs time
SUFFIXES = {"video/mp4": ".mp4", "video/webm": ".webm", "video/x-matroska": ".mkv", "audio/mp4": ".m4a"}
PICTURES = "clipwise_pictures"
log = logging.getLogger(__name__)


def fetch_with_ytdlp(request: FetchRequest, folder: Path, tick: Tick) -> FetchedFile:
    """Fetch a post with yt-dlp; a VideoSource.

    Raises:
        PermanentError: As `translate_error`; `video_live`, `too_long`, `too_large`, `source_no_video`,
            `source_changed` (the platform changed, and this version of yt-dlp cannot read it).
        TransientError: `source_blocked`, `source_unavailable`, `source_slow`.
    """
    page_tick, download_tick = tick_within(tick, 0, 0.1), tick_within(tick, 0.1, 1)
    budget = ExtractionBudget(
        request.settings, lambda received: page_tick(0.5, f"Reading the page on {request.page.site}")
    )
    with GuardedYoutubeDL(request.settings, budget) as reader:
        try:
            info = _extract_info(reader, budget, request.page)
            if info.get(PICTURES):
                return _fetch_pictures(info, request, folder, tick_within(tick, 0.1, 1))
            _check_info(info, request)
            max_bytes = request.settings.max_file_bytes
            budget.begin_download(
                lambda byte_count: download_tick(
                    min(1, byte_count / max_bytes), f"{byte_count / 1e6:.1f} MB downloaded"
                )
            )
            files = [
                reader.download_format(media_format, folder / f"part{n}")
                for n, media_format in enumerate(_download_formats(info))
            ]
        except YoutubeDLError as error:
            raise budget.stop_error or translate_error(error, budget.request_error, request.page.site) from error
        post = parse_ytdlp_info(info, request.page)
        transcript, notes = read_captions(post, request.settings, budget.pulse)
    path = files[0]
    if len(files) > 1:
        path = mux_streams(files[0], files[1], folder)
    with path.open("rb") as file:
        content_type = check_media_type(file.read(HEAD_BYTES), path.name)
    return FetchedFile(
        path=path,
        size=path.stat().st_size,
        content_type=content_type,
        final_url=request.page.url,
        filename=safe_filename(f"{request.page.platform}-{request.page.id}{SUFFIXES.get(content_type, '')}"),
        **post.metadata_fields(transcript, notes),
    )


def _fetch_pictures(info: Mapping[str, Any], request: FetchRequest, folder: Path, tick: Tick) -> FetchedFile:
    """Fetch the pictures of a post as a video; raises as `fetch_carousel`."""
    post, notes = parse_ytdlp_info(info, request.page), list[str]()
    fetched = fetch_carousel(post, folder, request.settings, tick, request.max_duration_sec, lambda _: {}, notes)
    name = safe_filename(f"{request.page.platform}-{request.page.id}{Path(fetched.filename or '').suffix}")
    return replace(fetched, filename=name, final_url=request.page.url, **post.metadata_fields(None, notes))


def read_page(
    page: PlatformPage, settings: Settings, tick: Tick
) -> tuple[dict[str, Any], PlatformPost, Transcript | None, list[str]]:
    """Read a page without downloading its video: yt-dlp's info, the post, its captions and notes about them.

    Raises as `fetch_with_ytdlp`.
    """
    budget = ExtractionBudget(settings, lambda _: tick(0.5, f"Reading the page on {page.site}"))
    with GuardedYoutubeDL(settings, budget) as reader:
        try:
            info = _extract_info(reader, budget, page)
        except YoutubeDLError as error:
            raise budget.stop_error or translate_error(error, budget.request_error, page.site) from error
        post = parse_ytdlp_info(info, page)
        captions, notes = read_captions(post, settings, budget.pulse)
    return info, post, captions, notes


def _extract_info(reader: GuardedYoutubeDL, budget: ExtractionBudget, page: PlatformPage) -> dict[str, Any]:
    """Return yt-dlp's info about the post's first video, or about its pictures, whose links are in `PICTURES`."""
    # Pictures have no formats. Elsewhere this would hide the reason why a video has none.
    reader.params["ignore_no_formats_error"] = page.platform == "instagram"
    info = reader.extract_info(_extractor_url(page), download=False) or {}
    if budget.stop_error is not None:  # an extractor may continue with partial data
        raise budget.stop_error
    entries = [dict(entry) for entry in (info["entries"] if info.get("_type") == "playlist" else [info]) if entry]
    video = next((entry for entry in entries if entry.get("formats") or entry.get("url")), None)
    if video:
        return video
    # yt-dlp sorts thumbnails by size.
    pictures = [entry["thumbnails"][-1]["url"] for entry in entries if entry.get("thumbnails")]
    if not pictures:
        raise PermanentError("source_no_video", "The post has no video that could be fetched. Check the link.")
    return entries[0] | {PICTURES: pictures}


class GuardedYoutubeDL(YoutubeDL):  # type: ignore[misc]  # yt-dlp has no types
    """yt-dlp with the three extractors, guarded HTTP, and no other feature.

    Args:
        extractors: Those to use instead of the three.
        options: Options of yt-dlp that differ.
    """

    def __init__(
        self,
        settings: Settings,
        budget: ExtractionBudget,
        extractors: Sequence[type[Any]] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        all_plugins_loaded.value = True  # do not load plugins installed on this machine
        use_bounded_runtime()
        self._budget = budget
        super().__init__(
            {
                "format": "/".join(
                    "bv*{0}+ba{0}/b{0}/bv*{0}/ba{0}".format(rf"[protocol~='^https?$']{size}")
                    for size in (f"[filesize<?{settings.max_file_bytes}]", "")
                ),
                "format_sort": [f"res:{LARGEST_SIDE}", "vcodec:h264", "acodec:aac", "ext:mp4:m4a"],
                "writesubtitles": True,  # looks for subtitles, but writes none
                "writeautomaticsub": True,
                "playlist_items": f"1:{MAX_PICTURES}",
                "noplaylist": True,
                "cachedir": False,
                "js_runtimes": script_runtimes(),
                "proxy": "",
                "geo_bypass": False,
                "extractor_retries": 1,
                "retries": 2,
                "nopart": True,
                "continuedl": False,
                "updatetime": False,
                "noprogress": True,
                "quiet": True,
                "no_warnings": True,
                "color": "no_color",
                "logger": _YtdlpLogger(),
                **(options or {}),
            },
            auto_init=False,
        )
        for extractor in extractors or EXTRACTORS:
            self.add_info_extractor(extractor())

    @cached_property
    def _request_director(self) -> RequestDirector:
        return self.build_request_director([lambda **options: GuardedRH(budget=self._budget, **options)])

    def download_format(self, media_format: dict[str, Any], target: Path) -> Path:
        """Download one format; raises YoutubeDLError and what stops the requests."""
        success, _ = self.dl(str(target), media_format)
        if not success:
            raise YoutubeDLError("the download did not succeed")
        return target


class _YtdlpLogger:
    """Logs yt-dlp's messages at debug level only, because they may contain links."""

    def debug(self, message: str) -> None:
        log.debug("yt-dlp: %s", message)

    info = warning = error = debug


def _extractor_url(page: PlatformPage) -> str:
    """Return the form of the link that the extractor accepts."""
    return page.url.replace("/photo/", "/video/") if page.platform == "tiktok" else page.url


def _check_info(info: dict[str, Any], request: FetchRequest) -> None:
    if info.get("live_status") in ("is_live", "is_upcoming", "post_live"):
        raise video_live()
    duration = info.get("duration")
    request.check_duration(float(duration) if isinstance(duration, int | float) else None)
    if any(
        (media_format.get("filesize") or 0) >= request.settings.max_file_bytes
        for media_format in _download_formats(info)
    ):
        raise too_large_error(request.settings)
    if request.needs_video and all(media_format.get("vcodec") == "none" for media_format in _download_formats(info)):
        raise PermanentError(
            "source_no_video", "The post has photos instead of a video. Set APIFY_TOKEN to fetch them."
        )


def _download_formats(info: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the formats to download: one, or separate video and audio."""
    return [{**info, **media_format} for media_format in info.get("requested_formats") or [info]]


def parse_ytdlp_info(info: Mapping[str, Any], page: PlatformPage) -> PlatformPost:
    """Convert yt-dlp's info dictionary to a post."""
    author = clean_text(info.get("uploader"), MAX_NAME) or clean_text(info.get("channel"), MAX_NAME)
    title, caption = clean_text(info.get("title"), MAX_NAME), clean_text(info.get("description"))
    return PlatformPost(
        origin=Origin(
            source="yt-dlp",
            page_url=page.url,
            music=_music_title(info),
            views=parse_count(info.get("view_count")),
            likes=parse_count(info.get("like_count")),
            comments=parse_count(info.get("comment_count")),
            shares=parse_count(info.get("repost_count")),
            tags=[tag for tag in (clean_text(tag, MAX_NAME) for tag in (info.get("tags") or [])[:MAX_TAGS]) if tag],
            published_at=parse_time(info.get("timestamp")),
        ),
        # TikTok and Instagram have no titles: yt-dlp derives them from the caption.
        title=title if page.platform == "youtube" else None,
        author=author,
        caption=caption or title,
        duration_sec=parse_duration(info.get("duration")),
        pictures=tuple(info.get(PICTURES) or ()),
        captions=_choose_captions(info),
    )


def _music_title(info: Mapping[str, Any]) -> str | None:
    track = clean_text(info.get("track"), MAX_NAME)
    artist = clean_text(", ".join(map(str, info.get("artists") or [])) or info.get("artist"), MAX_NAME)
    return f"{track} – {artist}" if track and artist else track


def _choose_captions(info: Mapping[str, Any]) -> CaptionFile | None:
    """Choose captions in the video's own language: written ones before automatic ones, never a translation."""
    spoken_language = info.get("language") or _spoken_language(info.get("automatic_captions") or {})
    for offered, names in (
        (info.get("subtitles") or {}, _caption_languages(info.get("subtitles") or {}, spoken_language)),
        (
            info.get("automatic_captions") or {},
            [f"{spoken_language}{_ORIGINAL_SUFFIX}", spoken_language] if spoken_language else [],
        ),
    ):
        for name in names:
            for caption_format in _CAPTION_FORMATS:
                for file in offered.get(name) or []:
                    if file.get("ext") == caption_format and (file.get("url") or file.get("data")):
                        language = name.removesuffix(_ORIGINAL_SUFFIX)
                        return CaptionFile(caption_format, language, file.get("url"), file.get("data"))
    return None


def _spoken_language(automatic: Mapping[str, Any]) -> str | None:
    return next((name.removesuffix(_ORIGINAL_SUFFIX) for name in automatic if name.endswith(_ORIGINAL_SUFFIX)), None)


def _caption_languages(offered: Mapping[str, Any], spoken_language: str | None) -> list[str]:
    languages = [name for name in offered if name != "live_chat"]
    if spoken_language is None:
        return languages if len(languages) == 1 else []
    return [name for name in languages if is_same_language(name, spoken_language)]
