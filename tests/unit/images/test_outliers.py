"""Images unlike all others of a dataset."""

from __future__ import annotations

import random
from functools import cache

from PIL import Image, ImageDraw

from shared.images.comparison import MIN_IMAGES, outlier_scores
from shared.images.inspection import inspect_image
from tests.picture_samples import encoded, scene

Rows = list[tuple[str, tuple[float, ...]]]
LIMIT = 3.5


def image_features(pictures: dict[str, Image.Image]) -> Rows:
    return [(name, inspect_image(encoded(one, "PNG"), level="slow").features or ()) for name, one in pictures.items()]


def screenshot() -> Image.Image:
    """Lines of black on white."""
    picture = Image.new("RGB", (320, 240), "white")
    draw = ImageDraw.Draw(picture)
    for row in range(10, 230, 12):
        for column in range(10, 250 - row % 50, 7):
            draw.rectangle((column, row, column + 4, row + 6), fill="black")
    return picture


@cache
def scenes() -> Rows:
    return image_features({f"{seed:03}": scene(seed, (320, 240)) for seed in range(80)})


@cache
def page() -> Rows:
    return image_features({"page": screenshot()})


def test_what_is_unlike_all_others_is_found() -> None:
    """A page of text among pictures is an outlier, and hardly any picture is."""
    scores = outlier_scores(scenes() + page(), LIMIT)
    assert max(scores, key=lambda name: scores[name]) == "page"
    assert len(scores) <= 3


def test_two_kinds_of_images_are_no_outliers_to_each_other() -> None:
    """A dataset of several keywords has none only because its images are of two kinds."""
    pages = [(f"page{number}", page()[0][1]) for number in range(30)]
    assert not set(outlier_scores(scenes() + pages, LIMIT)) & {name for name, _ in pages}


def test_scores_do_not_depend_on_order() -> None:
    """The same images get the same scores however they come in."""
    rows = scenes() + page()
    mixed = random.Random(1).sample(rows, len(rows))
    assert outlier_scores(mixed, 0.5) == outlier_scores(rows, 0.5)


def test_all_alike_or_too_few_have_none() -> None:
    """Copies of one image, and sets too small to say what is usual, have no outliers."""
    assert outlier_scores([(str(number), scenes()[0][1]) for number in range(50)], LIMIT) == {}
    assert outlier_scores((scenes() + page())[-MIN_IMAGES + 1 :], LIMIT) == {}


def test_one_in_colour_among_grey() -> None:
    """What never varies but in one image makes that image an outlier, though a median cannot see it."""
    grey = image_features({f"{seed:03}": scene(seed, (320, 240)).convert("L") for seed in range(60)})
    red = image_features(
        {"red": Image.merge("RGB", [scene(99, (320, 240)).getchannel(0), *[Image.new("L", (320, 240))] * 2])}
    )
    scores = outlier_scores(grey + red, LIMIT)
    assert max(scores, key=lambda name: scores[name]) == "red"
