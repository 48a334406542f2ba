"""Subtitles from before UTF-8: read as they were written."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from shared.media.probe import probe
from shared.media.subtitles import read_subtitles
from shared.media.text_encoding import decode_text, find_encoding
from tests.media_samples import with_subtitles, written

TEXTS = {
    "ru": ("cp1251", "Сегодня мы испечём хлеб. Нам понадобится две чашки муки и немного тёплой воды."),
    "uk": ("cp1251", "Сьогодні ми спечемо хліб. Нам знадобиться дві чашки борошна та дрібка солі."),
    "rus": ("koi8_r", "Сегодня мы испечём хлеб. Нам понадобится щепотка соли."),
    "de": ("cp1252", "Heute backen wir Brot. Dafür brauchen wir eine Prise Salz. Schön umrühren!"),
    "sv": ("cp1252", "I dag bakar vi bröd på gården. Så här gör du."),
    "pl": ("cp1250", "Dziś upieczemy chleb. Potrzebujemy dwóch szklanek mąki i trochę ciepłej wody."),
    "el": ("cp1253", "Σήμερα θα ψήσουμε ψωμί. Χρειαζόμαστε δύο φλιτζάνια αλεύρι."),
    "tr": ("cp1254", "Bugün ekmek yapacağız. Bir tutam tuz ve biraz ılık su gerekiyor."),
    "he": ("cp1255", "היום נאפה לחם. אנחנו צריכים שתי כוסות קמח."),
    "ar": ("cp1256", "اليوم سنخبز الخبز. نحتاج إلى كوبين من الدقيق."),
    "ja": ("cp932", "今日はパンを焼きます。塩をひとつまみ、ぬるま湯を少し用意してください。"),
    "jpn": ("euc_jp", "今日はパンを焼きます。塩をひとつまみ用意してください。"),
    "zh-TW": ("big5", "今天我們來烤麵包。需要兩杯麵粉、一小撮鹽和一些溫水。"),
    "zh": ("gbk", "今天我们来烤面包。需要两杯面粉、一小撮盐和一些温水。"),
    "ko": ("cp949", "오늘은 빵을 굽겠습니다. 밀가루 두 컵과 소금 한 꼬집이 필요합니다."),
}
UNAMBIGUOUS = ("ru", "de", "sv", "ja", "zh-TW", "zh", "ko")


def script(text: str) -> str:
    cues = enumerate(text.split(". "), start=1)
    return "\n".join(f"{n}\n00:00:{n:02},000 --> 00:00:{n:02},900\n{line}\n" for n, line in cues)


@pytest.mark.parametrize("language", TEXTS)
def test_the_language_tells_how_a_text_is_encoded(language: str) -> None:
    """A subtitle in its language's old encoding is read letter by letter, even a short one."""
    encoding, text = TEXTS[language]
    for written_text in (text, script(text)):
        assert decode_text(written_text.encode(encoding), language) == written_text


@pytest.mark.parametrize("hint", [None, "en"])
@pytest.mark.parametrize("language", UNAMBIGUOUS)
def test_a_missing_or_wrong_language_is_no_obstacle(language: str, hint: str | None) -> None:
    """Tracks without a tag, or tagged as English by habit, are detected from their letters."""
    encoding, text = TEXTS[language]
    assert decode_text(script(text).encode(encoding), hint) == script(text)


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_recognized_with_and_without_a_mark(language: str, encoding: str) -> None:
    """Unicode in each of its forms needs no detection."""
    text = script(TEXTS[language][1])
    assert decode_text(text.encode(encoding), None) == text


def test_big_endian_text_with_a_mark_is_read() -> None:
    """A mark decides, whatever the machine's own byte order."""
    assert decode_text(codecs.BOM_UTF16_BE + "ö".encode("utf-16-be"), None) == "ö"


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x81\x8d\x8f", bytes(range(256)), b"\xe4" * 300_000])
def test_any_bytes_become_a_text(data: bytes) -> None:
    """Bytes of no encoding become a text of some kind, not an error."""
    assert isinstance(decode_text(data, "ja"), str)
    assert find_encoding(b"plain") == "utf-8"


def test_a_track_in_an_old_encoding_is_read(tmp_path: Path, silent: Path) -> None:
    """Matroska files whose subtitles were never converted give the words that are in them."""
    encoding, text = TEXTS["ru"]
    unicode_text = "x" * len(text.encode(encoding))
    path = with_subtitles(
        tmp_path / "v.mkv", silent, "srt", f"1\n00:00:00,500 --> 00:00:01,500\n{unicode_text}\n", language="rus"
    )
    path.write_bytes(path.read_bytes().replace(unicode_text.encode(), text.encode(encoding)))
    (track,) = probe(path).subtitles
    assert [segment.text for segment in read_subtitles(path, track)] == [text]


def test_both_forms_of_webvtt_in_matroska_are_read(tmp_path: Path, silent: Path) -> None:
    """WebVTT is read as FFmpeg writes it, and as Matroska's specification names it."""
    lines = "1\n00:00:00,500 --> 00:00:01,500\nStir & wait\n"
    own = with_subtitles(tmp_path / "own.mkv", silent, "webvtt", lines)
    specified = own.read_bytes().replace(b"D_WEBVTT/SUBTITLES", b"S_TEXT/WEBVTT\0\0\0\0\0")
    for path in (own, written(tmp_path / "specified.mkv", specified)):
        (track,) = probe(path).subtitles
        assert (track.codec, [segment.text for segment in read_subtitles(path, track)]) == ("webvtt", ["Stir & wait"])


def test_subtitles_that_are_pictures_are_named(tmp_path: Path, silent: Path) -> None:
    """Subtitles as pictures are not read: the job says so, instead of leaving the impression that there are none."""
    path = with_subtitles(tmp_path / "v.mkv", silent, "srt", "1\n00:00:00,500 --> 00:00:01,500\nStir\n")
    data = path.read_bytes().replace(b"S_TEXT/UTF8", b"S_HDMV/PGS\0")
    info = probe(written(tmp_path / "pictures.mkv", data))
    assert (info.subtitles, info.warnings) == ([], ["unread subtitles: hdmv_pgs_subtitle"])
