"""Cards of text that lie over the pictures."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from infra.demo.drawing import ACCENT, CREAM, INK, Picture, font

PANEL_LEFT, PANEL_TOP, PANEL_WIDTH = 40, 110, 640
PADDING, FONT_SIZE = 44, 46


def text_panel(lines: Sequence[str], heading: str | None = None) -> Picture:
    """A light card with a line of text in each row, and a heading in the middle of the first if there is one."""
    gap = round(FONT_SIZE * 1.62)
    above = 130 if heading else PADDING
    height = above + gap * len(lines) + PADDING // 2
    panel = Image.new("RGBA", (PANEL_WIDTH, height))
    on = ImageDraw.Draw(panel)
    on.rounded_rectangle((0, 0, PANEL_WIDTH - 1, height - 1), radius=36, fill=CREAM + "f4")
    if heading:
        on.text((PANEL_WIDTH / 2, 72), heading, font=font(56, bold=True), fill=ACCENT, anchor="mm")
    for number, line in enumerate(lines):
        on.text((PADDING, above + gap * (number + 0.5)), line, font=font(FONT_SIZE), fill=INK, anchor="lm")
    return panel


def paragraph_panel(text: str) -> Picture:
    """A card with `text` broken between words into as few lines as fit it, of about the same length."""
    width = PANEL_WIDTH - 2 * PADDING
    lines = wrap_text(text, width)
    while len(narrower := wrap_text(text, width := width - 10)) == len(lines):
        lines = narrower
    return text_panel(lines)


def wrap_text(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font(FONT_SIZE).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
