"""Small pictures for pages."""

from __future__ import annotations

from base64 import b64encode

from shared.images.looking import MAX_PIXELS
from shared.images.opening import ImageFaultError, image_format, open_image, orientation

_THUMBNAIL_SIDE = 160
_JPEG_QUALITY = 70


def thumbnail_data_url(data: bytes, max_pixels: int = MAX_PIXELS) -> str | None:
    """The image as a JPEG of at most 160 × 160 pixels, some 5 kB, in a `data:` URL; None when it cannot be decoded."""
    import cv2

    from shared.images.pixels import decode_pixels
    from shared.media.images import fitted_size, resize

    try:
        with open_image(data, image_format(data), max_pixels) as image:
            pixels = decode_pixels(image, orientation(image))
    except ImageFaultError:
        return None
    thumbnail = resize(pixels, fitted_size(pixels.shape[1], pixels.shape[0], _THUMBNAIL_SIDE))
    _, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(thumbnail, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    return f"data:image/jpeg;base64,{b64encode(jpeg.tobytes()).decode()}"
