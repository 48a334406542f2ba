"""Media types from the first bytes of a file; its name and HTTP headers are not trusted.

The tables make distinctions that general libraries lack: M4A from MP4, playlists and ffconcat scripts from text, and
transport streams. Streams that players resynchronize with (MP3, AAC, MPEG) are recognized after tags and zeros, and
from the middle of a packet: `shared.media.packet_streams`.
"""

from __future__ import annotations

import codecs
import re

from shared.errors import PermanentError
from shared.media.packet_streams import sniff_packet_stream
from shared.security.filenames import safe_filename

HEAD_BYTES = 65_536
ACCEPTED = frozenset(
    {
        "audio/aac",
        "audio/aiff",
        "audio/amr",
        "audio/flac",
        "audio/mp4",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "audio/x-caf",
        "video/mp2t",
        "video/mp4",
        "video/mpeg",
        "video/quicktime",
        "video/webm",  # audio/webm starts with the same bytes
        "video/x-matroska",
        "video/x-msvideo",
    }
)
ANIMATIONS = frozenset({"image/apng", "image/gif", "image/webp"})
"""Media types of pictures that are accepted if they move."""
ACCEPTED_NAMES = "MP4, MOV, WebM, MKV, AVI, MPEG, TS, 3GP, MP3, M4A, AAC, OGG, WAV, FLAC, AIFF, CAF or AMR"
"""The accepted types, for error messages."""
_NAMES = {
    "application/dash+xml": "a DASH playlist",
    "application/gzip": "a gzip archive",
    "application/json": "a JSON document",
    "application/pdf": "a PDF document",
    "application/vnd.apple.mpegurl": "an HLS playlist",
    "application/xml": "an XML document",
    "application/zip": "a ZIP archive",
    "image/svg+xml": "an SVG picture",
    "text/html": "an HTML page",
    "text/plain": "plain text",
    "text/vtt": "a subtitle file",
    "text/x-ffconcat": "an ffmpeg script",
    "video/ogg": "an Ogg Theora video",
    "video/x-flv": "a Flash video",
    "video/x-ms-asf": "a Windows Media file",
}
_SIGNATURES = (
    (b"fLaC", "audio/flac"),
    (b"#!AMR\n", "audio/amr"),
    (b"#!AMR-WB\n", "audio/amr"),
    (b"caff\0\1", "audio/x-caf"),
    (b"FLV\x01", "video/x-flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
)
# Too short to tell an image from any other file.
_IMAGE_SIGNATURES = (
    (b"BM", "bmp"),
    (b"\0\0\1\0", "ico"),
    (b"8BPS", "psd"),
    (b"\0\0\0\x0cjP  ", "jp2"),
    (b"\0\0\0\x0cJXL ", "jxl"),
    (b"\xff\x0a", "jxl"),
)
_APNG_CHUNK = b"acTL"
_RIFF = {b"AVI ": "video/x-msvideo", b"WAVE": "audio/wav", b"WEBP": "image/webp"}
# Major brands (mp4ra.org) that are not plain MP4.
_BRANDS = {
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"M4P ": "audio/mp4",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"hevc": "image/heic",
    b"hevx": "image/heic",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
    b"avif": "image/avif",
    b"avis": "image/avif",
}
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_BINARY = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # WHATWG MIME Sniffing, «binary data byte»
_COMMENTS = re.compile(r"(?:\s|<!--.*?-->|<\?.*?\?>|<!doctype (?!html)[^>]*>)*", re.DOTALL)
# Matched in order, on lower-case text without leading whitespace.
_OPENINGS = (
    (re.compile(r"#extm3u|\[playlist\]"), "application/vnd.apple.mpegurl"),
    (re.compile(r"ffconcat\b"), "text/x-ffconcat"),
    (re.compile(r"webvtt\b"), "text/vtt"),
    (re.compile(r"\d+\s+\d\d:\d\d:\d\d,\d{3} -->"), "text/vtt"),
    (re.compile(r"[{\[]"), "application/json"),
)
_TAGS = (
    (re.compile(r"<mpd\b"), "application/dash+xml"),
    (re.compile(r"<svg\b"), "image/svg+xml"),
    (
        re.compile(
            r"<!doctype html|<(?:html|head|body|title|meta|link|script|style|iframe|table|div|font|h1|img|br|p|a|b)\b"
        ),
        "text/html",
    ),
)


def require_media_type(head: bytes, filename: str | None) -> str:
    """Return the media type by content, if Clipwise accepts it; `filename` only appears in the error message.

    Raises:
        PermanentError: `empty_file`, `unsupported_media`.
    """
    name = safe_filename(filename)
    subject = f"“{name}”" if name else "The file"
    if not head:
        raise PermanentError("empty_file", f"{subject} is empty. Send it again.")
    media_type = sniff_media_type(head)
    if media_type in ACCEPTED:
        return media_type
    if media_type == "image/gif" or (media_type == "image/webp" and is_animated_webp(head)):
        return media_type
    if media_type == "image/png" and _APNG_CHUNK in head:
        return "image/apng"
    raise PermanentError(
        "unsupported_media",
        f"{subject} is {_describe_type(media_type)}, not an accepted video or audio type. Send {ACCEPTED_NAMES}.",
    )


def is_animated_webp(head: bytes) -> bool:
    """Return True if a file that begins with `head` is a WebP with more than one frame (RFC 9649, 2.7)."""
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and len(head) > 20 and bool(head[20] & 2)


def _describe_type(media_type: str | None) -> str:
    if media_type is None:
        return "of an unknown kind"
    if media_type.startswith("image/"):
        return "a picture"
    return _NAMES[media_type]


def sniff_media_type(head: bytes) -> str | None:
    """Return the media type of a file that begins with `head` (at most HEAD_BYTES count); None if unknown or empty."""
    head = head[:HEAD_BYTES]
    for signature, media_type in _SIGNATURES:
        if head.startswith(signature):
            return media_type
    if head[:4] in (b"RIFF", b"RF64"):
        return _RIFF.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "audio/aiff"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if _ebml_doctype(head) == b"webm" else "video/x-matroska"
    if head.startswith(b"OggS"):
        return "video/ogg" if b"\x80theora" in head else "audio/ogg"
    return _iso_media_type(head) or sniff_packet_stream(head) or sniff_text(head)


def sniff_image_format(head: bytes) -> str | None:
    """Return the format, such as `jpeg` or `svg`, of a file that begins with `head`; None if it is not an image."""
    kind, _, name = (sniff_media_type(head) or "").partition("/")
    if kind == "image":
        return name.removesuffix("+xml")
    is_known = kind in ("audio", "video")  # an MP4 file may begin like an icon
    return next((name for start, name in _IMAGE_SIGNATURES if head.startswith(start) and not is_known), None)


def _ebml_doctype(head: bytes) -> bytes:
    """Return the DocType element (RFC 8794, id 0x4282; its size fits one byte) of the EBML header."""
    at = head.find(b"\x42\x82")
    return b"" if at < 0 else head[at + 3 : at + 3 + (head[at + 2] & 0x7F)].rstrip(b"\0")


def _iso_media_type(head: bytes) -> str | None:
    box = head[4:8]
    if box == b"ftyp":
        media_type = _BRANDS.get(head[8:12], "video/mp4")
        return _coded_image_type(head) if media_type == "image/heif" else media_type
    # QuickTime files before 2003 have no `ftyp`. Text can spell these names too, but hardly after a zero byte.
    if box in (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot") and head[0] == 0:
        return "video/quicktime"
    return None


def _coded_image_type(head: bytes) -> str:
    """Return the type of the first compatible brand that names a codec; the major brand names only the container."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    types = (_BRANDS.get(head[position : position + 4]) for position in range(16, end, 4))
    return next((media_type for media_type in types if media_type in ("image/avif", "image/heic")), "image/heif")


def sniff_text(head: bytes) -> str | None:
    """Return the media type of a text that begins with `head`; None if it is not text."""
    text = _decode(head)
    if text is None or not text.strip():
        return None
    text = text.lstrip().lower()
    for opening, media_type in _OPENINGS:
        if opening.match(text):
            return media_type
    markup = _COMMENTS.sub("", text, count=1)
    for tag, media_type in _TAGS:
        if tag.match(markup):
            return media_type
    if text.startswith("<?xml"):
        return "application/xml"
    return "text/html" if text.startswith("<!--") else "text/plain"


def _decode(head: bytes) -> str | None:
    bom, encoding = next((pair for pair in _BOMS if head.startswith(pair[0])), (b"", "utf-8"))
    text = head[len(bom) :].decode(encoding, errors="replace")
    return None if _BINARY.search(text) else text
