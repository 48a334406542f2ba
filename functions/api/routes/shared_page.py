"""A shared group as a page: for whoever has the link, without an account and without JavaScript.

Scripts add what a document cannot do: to play a line without loading the page again, and to ask questions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from starlette.responses import HTMLResponse

from functions.api.event_streams import format_seconds
from functions.api.routes.console import console_files, console_html, console_policy, storage_origin
from functions.api.routes.service import html_response
from shared.chat.history import clock_time
from shared.errors import PermanentError
from shared.exports.markup import escape_html
from shared.library.groups import Group
from shared.library.videos import read_transcript, thumbnail_link
from shared.models.job import Job
from shared.models.video import Segment
from shared.pipeline.jobs import video_title
from shared.platform.ports import Place

TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "shared": "Shared with you",
        "until": "until {time} UTC",
        "videos": "Videos",
        "transcript": "Transcript",
        "noTranscript": "This video has no transcript.",
        "gone": "The video is no longer stored.",
        "pending": "The video is still being processed. Reload this page later.",
        "empty": "There are no videos in this group.",
        "ask": "Ask about these videos",
        "askScript": "Questions require JavaScript.",
        "endedTitle": "This link does not work",
        "ended": "It has expired, was revoked or is incomplete. Ask the person who sent it to you for a new one.",
        "untitled": "Untitled",
    },
    "de": {
        "shared": "Mit dir geteilt",
        "until": "bis {time} UTC",
        "videos": "Videos",
        "transcript": "Transkript",
        "noTranscript": "Dieses Video hat kein Transkript.",
        "gone": "Das Video ist nicht mehr gespeichert.",
        "pending": "Das Video wird noch verarbeitet. Lade diese Seite später neu.",
        "empty": "In dieser Gruppe sind keine Videos.",
        "ask": "Zu diesen Videos fragen",
        "askScript": "Fragen erfordern JavaScript.",
        "endedTitle": "Dieser Link funktioniert nicht",
        "ended": "Er ist abgelaufen, wurde widerrufen oder ist unvollständig. Bitte den Absender um einen neuen.",
        "untitled": "Ohne Titel",
    },
    "ru": {
        "shared": "С вами поделились",
        "until": "до {time} UTC",
        "videos": "Видео",
        "transcript": "Расшифровка",
        "noTranscript": "У этого видео нет расшифровки.",
        "gone": "Видео больше не хранится.",
        "pending": "Видео ещё обрабатывается. Обновите страницу позже.",
        "empty": "В этой группе нет видео.",
        "ask": "Вопросы к этим видео",
        "askScript": "Для вопросов нужен JavaScript.",
        "endedTitle": "Эта ссылка не работает",
        "ended": "Её срок истёк, она отозвана или неполна. Попросите новую у того, кто её прислал.",
        "untitled": "Без названия",
    },
}
IMPORT_MAP = re.compile(r'<script type="importmap">.*?</script>', re.DOTALL)
ROOT = "../../"
NO_INDEX = {"X-Robots-Tag": "noindex", "Vary": "Accept, Accept-Language"}


def preferred_language(accept_language: str) -> str:
    """Return the language of TEXTS that an Accept-Language header (RFC 9110, 12.5.4) prefers; English without one."""
    weights: dict[str, float] = {}
    for entry in accept_language.split(","):
        tag, _, quality = entry.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        try:
            weight = float(quality.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if primary in TEXTS and weight > 0:
            weights[primary] = max(weight, weights.get(primary, 0))
    return max(weights, key=lambda tag: weights[tag], default="en")


def ended_page(language: str) -> HTMLResponse:
    """Return the page of a link that is unknown, revoked or expired."""
    texts = TEXTS[language]
    body = f'<div class="narrow"><h1>{texts["endedTitle"]}</h1><p class="lead">{texts["ended"]}</p></div>'
    return page_response(texts["endedTitle"], language, [body], status=404)


def shared_group_page(
    place: Place, group: Group, jobs: Sequence[Job], token: str, start: tuple[Job, float] | None, language: str
) -> HTMLResponse:
    """Return the page of a shared group.

    Args:
        jobs: The videos, in the order of the group.
        start: The video to show and the second to begin at; None for the first video from its start.
    """
    texts = TEXTS[language]
    video, seconds = start or (jobs[0] if jobs else None, 0)
    body = [
        f'<p class="eyebrow">{texts["shared"]}{expiry(group, texts)}</p>',
        f'<h1 dir="auto">{escape_html(group.name)}</h1>',
        paragraphs(group.description, "lead"),
        '<div class="shared">',
        *(shown_video(place, video, token, seconds, texts) if video else [f"<p>{texts['empty']}</p>"]),
        '<div class="shared-side">',
        *(video_list(place, jobs, video, texts) if len(jobs) > 1 else []),
        question_section(token, texts) if jobs and group.share and group.share.chat else "",
        "</div></div>",
    ]
    return page_response(group.name, language, body, has_script=True)


def page_response(
    title: str, language: str, body: Iterable[str], status: int = 200, has_script: bool = False
) -> HTMLResponse:
    """Return a page in the look of the console, whose files it uses."""
    # Relative to the page, since not every host serves the API at its root.
    version, _ = console_files()
    folder = f"{ROOT}web/{version}/"
    imports = IMPORT_MAP.findall(console_html(ROOT)) if has_script else []
    head = [
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="robots" content="noindex"><meta name="color-scheme" content="light dark">',
        f"<title>{escape_html(title)} · Clipwise</title>",
        f'<link rel="icon" href="{folder}icon.svg" type="image/svg+xml">',
        f'<link rel="stylesheet" href="{folder}style.css">',
        *(f'{text}<script type="module" src="{folder}shared.js"></script>' for text in imports),
    ]
    logo = f'<span class="logo"><img src="{folder}icon.svg" alt="" width="32" height="32"><span>Clipwise</span></span>'
    html = "\n".join(
        [
            f'<!doctype html>\n<html lang="{language}">\n<head>',
            *head,
            f'</head>\n<body>\n<div id="app">\n<header class="bar no-print">{logo}</header>',
            '<main id="main" tabindex="-1">',
            *body,
            '</main>\n<p id="announcement" class="unseen" role="status"></p>\n</div>\n</body>\n</html>\n',
        ]
    )
    response = html_response(html, console_policy(storage_origin()))
    response.status_code = status
    response.headers.update(NO_INDEX)
    return response


def shown_video(place: Place, video: Job, token: str, seconds: float, texts: dict[str, str]) -> list[str]:
    """Return the player, and the transcript whose lines lead to their second."""
    try:
        transcript = read_transcript(place, video)
        language, lines = transcript.language, transcript.segments
        missing = ""
    except PermanentError:
        language, lines = None, []
        missing = texts["noTranscript" if video.status.is_final else "pending"]
    tag = f' lang="{escape(language)}"' if language else ""
    return [
        '<section class="shared-video" aria-labelledby="video">',
        player(place, video, token, seconds, texts),
        f'<h2 id="video" dir="auto">{escape_html(title_of(video, texts))}</h2>',
        paragraphs(video.description, "prose"),
        f"<h3>{texts['transcript']}</h3>" if lines else f'<p class="hint">{missing}</p>',
        f'<ol class="lines" tabindex="0" aria-label="{texts["transcript"]}"{tag}>' if lines else "",
        *(transcript_line(line, video) for line in lines),
        "</ol>" if lines else "",
        "</section>",
    ]


def player(place: Place, video: Job, token: str, seconds: float, texts: dict[str, str]) -> str:
    info = video.video.info
    if info is None or video.source_deleted:
        return f'<p class="notice bad">{texts["gone"]}</p>' if video.status.is_final else ""
    size = f' width="{info.width}" height="{info.height}"' if info.width and info.height else ""
    poster = thumbnail_link(place, video)
    image = f' poster="{escape(poster)}"' if poster else ""
    moment = f"#t={format_seconds(seconds)}" if seconds else ""
    source = f"{token}/videos/{video.id}/source{moment}"
    return (
        f'<video id="player" controls playsinline preload="metadata" data-video="{video.id}"{size}{image} '
        f'src="{escape(source)}" aria-label="{escape(title_of(video, texts))}"></video>'
    )


def transcript_line(line: Segment, video: Job) -> str:
    # Where scripts run, a line plays without loading the page again.
    start = format_seconds(line.start)
    return (
        f'<li><a href="?video={video.id}&amp;t={start}" data-start="{start}" data-end="{format_seconds(line.end)}">'
        f'<span class="at">{clock_time(line.start)}</span> <span dir="auto">{escape_html(line.text)}</span></a></li>'
    )


def video_list(place: Place, jobs: Iterable[Job], shown: Job | None, texts: dict[str, str]) -> Iterable[str]:
    yield f'<nav aria-label="{texts["videos"]}"><h2>{texts["videos"]}</h2><ol class="shared-list">'
    for job in jobs:
        current = ' aria-current="page"' if shown and job.id == shown.id else ""
        link = thumbnail_link(place, job)
        picture = f'<img src="{escape(link)}" alt="" loading="lazy">' if link else ""
        info = job.video.info
        length = f'<span class="hint">{clock_time(info.duration_sec)}</span>' if info and info.duration_sec else ""
        yield (
            f'<li><a href="?video={job.id}"{current}><span class="picture">{picture}</span>'
            f'<span><b dir="auto">{escape_html(title_of(job, texts))}</b> {length}</span></a></li>'
        )
    yield "</ol></nav>"


def question_section(token: str, texts: dict[str, str]) -> str:
    return (
        f'<section class="shared-chat" aria-labelledby="ask"><h2 id="ask">{texts["ask"]}</h2>'
        f'<div id="chat" data-token="{escape(token)}"><p class="hint">{texts["askScript"]}</p></div></section>'
    )


def expiry(group: Group, texts: dict[str, str]) -> str:
    end: datetime | None = group.share.expires_at if group.share else None
    if end is None:
        return ""
    time = f'<time datetime="{end.isoformat()}">{end:%Y-%m-%d %H:%M}</time>'
    # On a line of its own, which a script may write in the reader's time without moving anything.
    return f"<span>{texts['until'].format(time=time)}</span>"


def title_of(video: Job, texts: dict[str, str]) -> str:
    return video_title(video) or video.filename or texts["untitled"]


def paragraphs(text: str | None, name: str) -> str:
    lines = "<br>".join(map(escape_html, (text or "").splitlines()))
    return f'<p class="{name}" dir="auto">{lines}</p>' if lines else ""
