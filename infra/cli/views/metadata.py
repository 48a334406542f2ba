"""Terminal view of a file's metadata."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from infra.cli import words
from infra.cli.words import clean_text
from shared.analyses.metadata import Metadata


def metadata_view(metadata: Metadata) -> RenderableType:
    info = metadata.info
    picture = [f"{info.width}×{info.height}", f"{info.fps:.4g} fps" if info.fps else "", info.video_codec or ""]
    if info.hdr:
        picture.append("HDR")
    audio = [info.audio_codec or "", f"{info.sample_rate} Hz" if info.sample_rate else ""]
    tracks = ", ".join(f"{track.language or 'unknown language'} ({track.codec})" for track in info.subtitles)
    rows = {
        "Duration": metadata.duration,
        "Video": ", ".join(filter(None, picture)) if info.has_video else "none",
        "Audio": ", ".join(filter(None, audio)) if info.has_audio else "none",
        "Subtitles": tracks or "none",
        "File": f"{info.container}, {words.format_megabytes(info.size_bytes)}",
        "Shots": str(metadata.shots),
        "Key frames": ", ".join(words.format_clock(frame.time) for frame in metadata.frames) or "none",
        "Thumbnail": f"at {words.format_clock(metadata.thumbnail.time)}" if metadata.thumbnail else "none",
        "Warnings": ", ".join(info.warnings),
    }
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold cyan", no_wrap=True)
    table.add_column()
    for name, value in rows.items():
        if value:
            table.add_row(name, Text(clean_text(value)))
    return table
