"""What a file is, told from its first bytes."""

from __future__ import annotations

import io
import wave
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import PermanentError
from shared.media.file_type import ACCEPTED, ANIMATIONS, require_media_type, sniff_media_type

SAMPLE_TYPES = {"s16": np.int16, "s32": np.int32, "flt": np.float32}


def encode(container: str, codec: str) -> bytes:
    """Half a second of grey, or of silence, as a real muxer writes it."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        if av.Codec(codec, "w").type == "video":
            video = output.add_stream(codec, rate=25)
            video.width, video.height, video.pix_fmt = 64, 48, "yuvj420p" if codec == "mjpeg" else "yuv420p"
            for number in range(12):
                frame = av.VideoFrame.from_ndarray(np.full((72, 64), 128, np.uint8), format="yuv420p")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                output.mux(video.encode(frame))
            output.mux(video.encode(None))
        else:
            audio = output.add_stream(codec, rate=48_000, layout="mono")
            audio_format = audio.codec_context.format.name
            samples = np.zeros((1, 1024), SAMPLE_TYPES[audio_format.rstrip("p")])
            for number in range(24):
                sound = av.AudioFrame.from_ndarray(samples, format=audio_format, layout="mono")
                sound.sample_rate, sound.pts = 48_000, number * 1024
                output.mux(audio.encode(sound))
            output.mux(audio.encode(None))
    return file.getvalue()


def wav() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setparams((1, 2, 16_000, 0, "NONE", "NONE"))
        output.writeframes(bytes(1000))
    return file.getvalue()


@pytest.mark.parametrize(
    ("container", "codec", "media_type"),
    [
        ("mp4", "mpeg4", "video/mp4"),
        ("3gp", "mpeg4", "video/mp4"),
        ("mov", "mpeg4", "video/quicktime"),
        ("ipod", "aac", "audio/mp4"),
        ("webm", "libvpx", "video/webm"),
        ("webm", "libopus", "video/webm"),
        ("matroska", "mpeg4", "video/x-matroska"),
        ("avi", "mpeg4", "video/x-msvideo"),
        ("mpegts", "mpeg2video", "video/mp2t"),
        ("mpeg", "mpeg1video", "video/mpeg"),
        ("mpeg2video", "mpeg2video", "video/mpeg"),
        ("flv", "flv", "video/x-flv"),
        ("asf", "mpeg4", "video/x-ms-asf"),
        ("mp3", "libmp3lame", "audio/mpeg"),
        ("mp2", "mp2", "audio/mpeg"),
        ("adts", "aac", "audio/aac"),
        ("flac", "flac", "audio/flac"),
        ("ogg", "libopus", "audio/ogg"),
        ("mjpeg", "mjpeg", "image/jpeg"),
    ],
)
def test_real_files_are_known(container: str, codec: str, media_type: str) -> None:
    """What real muxers write is recognised, from the whole file and from its first bytes alone."""
    data = encode(container, codec)
    assert sniff_media_type(data) == media_type
    assert sniff_media_type(data[:4096]) == media_type


SAMPLES = {
    "wav": (wav(), "audio/wav"),
    "mp3 without tag": (b"\xff\xfb\x90\x64" + bytes(413), "audio/mpeg"),
    "mp4 of another brand": (b"\0\0\0\x18ftypdash\0\0\0\0iso6mp41", "video/mp4"),
    "quicktime before ftyp": (b"\0\0\0\x08wide\0\1\0\0mdat", "video/quicktime"),
    "blu-ray stream": ((b"\0\1\2\3G" + bytes(187)) * 4, "video/mp2t"),
    "ogg theora": (b"OggS" + bytes(24) + b"\x80theora", "video/ogg"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heic"),
    "avif": (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "image/avif"),
    "webp": (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
    "png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
    "gif": (b"GIF89a\1\0\1\0", "image/gif"),
    "pdf": (b"%PDF-1.7\n", "application/pdf"),
    "zip": (b"PK\x03\x04\x14\0", "application/zip"),
    "gzip": (b"\x1f\x8b\x08\0", "application/gzip"),
    "html": (b"<!DOCTYPE html><html>", "text/html"),
    "html, shouted": (b"\r\n\t <HTML LANG=en>", "text/html"),
    "html after a mark": (b"\xef\xbb\xbf<html>", "text/html"),
    "html in UTF-16": ("<html>".encode("utf-16"), "text/html"),
    "html after a comment": (b"<!-- saved from -->\n<!-- x --><head>", "text/html"),
    "html with a long comment": (b"<!-- " + b"x" * 5000, "text/html"),
    "xhtml": (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD">\n<html>', "text/html"),
    "dash": (b'<?xml version="1.0"?>\n<!-- x -->\n<MPD xmlns="urn:mpeg:dash">', "application/dash+xml"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg">', "image/svg+xml"),
    "xml": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "application/xml"),
    "hls": (b"#EXTM3U\n#EXT-X-VERSION:3\n", "application/vnd.apple.mpegurl"),
    "hls after blanks": (b"\xef\xbb\xbf \n#extm3u\n", "application/vnd.apple.mpegurl"),
    "pls": (b"[playlist]\nFile1=x\n", "application/vnd.apple.mpegurl"),
    "ffconcat": (b"ffconcat version 1.0\nfile x\n", "text/x-ffconcat"),
    "webvtt": (b"WEBVTT\n\n", "text/vtt"),
    "subrip": (b"1\n00:00:01,000 --> 00:00:02,000\nHi\n", "text/vtt"),
    "json": (b'{"error": "gone"}', "application/json"),
    "text": (b"Fat-free cooking for everyone", "text/plain"),
    "text in Latin-1": ("Käse".encode("latin-1"), "text/plain"),
    "text like a stream": (b"G" + b"x" * 187 + b"G" + b"x" * 10, "text/plain"),
    "noise": (bytes(range(7, 256)), None),
    "zeros": (bytes(4096), None),
    "blanks": (b" \n" * 100, None),
    "nothing": (b"", None),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_other_files_are_named(name: str) -> None:
    """Pages, playlists, pictures and archives are told apart, so that an error can say what came instead."""
    head, media_type = SAMPLES[name]
    assert sniff_media_type(head) == media_type


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_taken_is_media(name: str) -> None:
    """Only video, audio and GIFs pass, by content and not by name; all else gets a code and a sentence naming it."""
    head, media_type = SAMPLES[name]
    if media_type in ACCEPTED | {"image/gif"}:
        assert require_media_type(head, "clip.txt") == media_type
        return
    with pytest.raises(PermanentError) as caught:
        require_media_type(head, "a/clip.mp4")
    assert caught.value.code == ("unsupported_media" if head else "empty_file")
    assert caught.value.message.startswith("“clip.mp4” is ")


def test_the_sentence_says_what_it_is() -> None:
    """The user learns what was sent instead of a video and what to send."""
    with pytest.raises(PermanentError, match=r"^The file is an HTML page, not an accepted video .* Send MP4, MOV"):
        require_media_type(b"<html>", None)


@given(st.binary(max_size=5000), st.sampled_from([head for head, _ in SAMPLES.values()]), st.integers(0, 64))
def test_any_bytes_get_an_answer(tail: bytes, head: bytes, cut: int) -> None:
    """Damaged and made-up files are accepted or refused; nothing else is raised."""
    for data in (tail, head[:cut] + tail):
        try:
            assert require_media_type(data, None) in ACCEPTED | ANIMATIONS
        except PermanentError:
            assert sniff_media_type(data) not in ACCEPTED
