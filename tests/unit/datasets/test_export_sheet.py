"""The contact sheet."""

from __future__ import annotations

import base64
import io
from html.parser import HTMLParser

import numpy as np
from PIL import Image, ImageChops, ImageOps

from shared.datasets.export_selection import ExportSpec
from shared.datasets.export_sheet import SHEET_POLICY, contact_sheet
from shared.images.thumbnail import thumbnail_data_url
from shared.models.image import ImageRecord
from tests.picture_samples import encoded, scene
from tests.unit.datasets.collection import HOSTILE, NOW, ORDER, collection, picture, record


class Page(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.headings: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend((name, value or "") for name, value in attrs)

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] in ("h2", "small") and data.strip():
            self.headings.append(data.strip())


def thumbnail(image: ImageRecord) -> str | None:
    return thumbnail_data_url(picture(int(image.id)))


def test_accepted_first_then_by_reason() -> None:
    """Every image is counted under what came of it, with its picture."""
    page = Page(contact_sheet(collection(), thumbnail, ORDER))
    assert page.headings == ["accepted", "40", "blurry", "2", "http 404", "1", "not checked", "1", "robots", "1"]
    assert page.tags.count("img") == page.tags.count("figure") == 45


def test_foreign_words_stay_words() -> None:
    """Titles, reasons, authors and addresses from outside bring no element, no script and no address but of the web."""
    hostile = record(1, title=HOSTILE, source=HOSTILE, licence=HOSTILE, page_url="javascript:alert(1)", verdict=None)
    text = contact_sheet([hostile], lambda image: 'x" onerror="alert(1)', ExportSpec(HOSTILE, NOW))
    page = Page(text)
    assert not {"script", "img", "b", "iframe"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not [value for name, value in page.attributes if name in ("href", "src")]
    assert "\u202e" not in text
    assert "script-src" not in SHEET_POLICY
    assert "default-src 'none'" in SHEET_POLICY


def test_links_are_possible_pictures() -> None:
    """A picture may be a link; a document in a data URL is none."""
    thumbnails = {"00001": "https://x.example/t.jpg?a=1&b=2", "00002": "data:text/html;base64,PGI+", "00003": None}
    page = Page(contact_sheet([record(number) for number in (1, 2, 3)], lambda image: thumbnails[image.id], ORDER))
    assert [value for name, value in page.attributes if name == "src"] == ["https://x.example/t.jpg?a=1&b=2"]


def test_the_page_has_an_end() -> None:
    """However many images there are, the page stays below its size, and says how many it does not show."""
    requested = []

    def counted(image: ImageRecord) -> str | None:
        requested.append(image.id)
        return thumbnail(image)

    text = contact_sheet(
        (record(number) for number in range(500)), counted, ORDER, images_per_section=100, max_bytes=50_000
    )
    assert len(text) < 50_000 + 100 * 700
    assert 5 < text.count("<img") < 40
    assert len(requested) <= 100
    assert "500, the first 100 shown" in text


def test_thumbnails_are_small_and_upright() -> None:
    """Any image that can be decoded becomes a small JPEG in a data URL; anything else nothing."""
    exif = Image.Exif()
    exif[0x0112] = 6
    url = thumbnail_data_url(encoded(scene(1, (1200, 800)), exif=exif)) or ""
    kind, _, data = url.partition(",")
    small = Image.open(io.BytesIO(base64.b64decode(data)))
    assert kind == "data:image/jpeg;base64"
    assert small.size == (107, 160)
    assert len(url) < 20_000
    assert thumbnail_data_url(b"<svg/>") is None
    assert thumbnail_data_url(encoded(scene(1))[:5000]) is None


def test_thumbnails_show_what_the_image_shows() -> None:
    """Sixteen bits, transparency and animation change nothing of what a person sees; an animation shows its photo."""
    photo = scene(1, (320, 240))
    luma = photo.convert("L")
    grey = np.asarray(luma)
    clear = photo.copy()
    clear.putalpha(0)
    blank = Image.new("RGB", photo.size, "red")
    expected = {
        "bytes": (encoded(photo, "PNG"), photo),
        "16 bits": (encoded(Image.fromarray(grey.astype(np.uint16) * 256), "PNG"), luma),
        "floats": (
            encoded(Image.fromarray(grey.astype(np.float32)), "TIFF"),
            ImageOps.autocontrast(luma),
        ),
        "transparent": (encoded(clear, "PNG"), Image.new("RGB", photo.size, "white")),
        "animated": (encoded(blank, "GIF", save_all=True, append_images=[photo, blank]), photo),
    }
    for name, (data, shown) in expected.items():
        _, _, url = (thumbnail_data_url(data) or "").partition(",")
        small = Image.open(io.BytesIO(base64.b64decode(url)))
        difference = ImageChops.difference(small, shown.convert("RGB").resize(small.size, Image.Resampling.BOX))
        assert np.mean(difference) < 12, name
