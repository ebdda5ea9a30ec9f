"""Makes a harmless picture of whatever was uploaded.

What is kept is never what was sent: the pixels are decoded and written anew as JPEG, so that positions,
scripts behind the last byte and everything else that is not a pixel stay behind (reliability.md §4C).
"""
import asyncio
import io
import struct
import zlib
from concurrent.futures import Executor
from dataclasses import dataclass

from PIL import Image

from server.core.errors import Refused, Unavailable, invalid

MAX_PIXELS = 40_000_000  # the best phones have 50, but send 12; decoded this is 120 MB
MAX_EDGE_PX = 8_000
_KEPT_EDGE_PX = 4_096  # the small print of a certificate is readable, and a file stays below 5 MB
_QUALITY = 88
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's decoders raise on crafted input, besides their own OSError and DecompressionBombError.
_BROKEN = (
    OSError, SyntaxError, ValueError, ArithmeticError, EOFError, LookupError, TypeError, struct.error, zlib.error,
)
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError)


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """A picture that we wrote ourselves."""

    content: bytes
    media_type: str
    width: int
    height: int


def reencode_image(content: bytes, *, field: str = "file", max_pixels: int = MAX_PIXELS) -> EncodedImage:
    """The first frame of a JPEG, PNG or WebP, upright and without metadata, as RGB JPEG.

    Raises `unsupported_type` for anything else by content, `invalid` about `field` for a picture that is
    broken or has too many pixels; the latter is seen in the header, before anything is decoded.
    """
    if not _is_picture(content):
        raise Refused("unsupported_type", "仅支持 JPEG、PNG、WebP 格式的图片")
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG", "PNG", "WEBP"]) as image:
            _refuse_huge(image, field=field, max_pixels=max_pixels)
            return _encode(_plain(image))
    except _BOMBS:
        raise _too_many_pixels(field) from None
    except _BROKEN:
        raise invalid(field, "图片已损坏，无法读取", code="broken") from None


def _is_picture(content: bytes) -> bool:
    webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    return webp or content.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))


def _refuse_huge(image: Image.Image, *, field: str, max_pixels: int) -> None:
    if max(image.size) > MAX_EDGE_PX or image.width * image.height > max_pixels:
        raise _too_many_pixels(field)


def _too_many_pixels(field: str) -> Refused:
    return invalid(field, "图片尺寸过大", code="too_many_pixels")


def _plain(image: Image.Image) -> Image.Image:
    orientation = _orientation(image)
    image.thumbnail((_KEPT_EDGE_PX, _KEPT_EDGE_PX))  # a large JPEG is decoded small to begin with
    upright = image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image
    if upright.mode.startswith("I;16"):
        upright = upright.point(lambda value: value / 256).convert("L")
    if upright.has_transparency_data:
        ground = Image.new("RGBA", upright.size, "white")
        ground.alpha_composite(upright.convert("RGBA"))
        upright = ground
    plain = upright.convert("RGB")
    plain.info.clear()  # a JPEG's comment would be written again
    return plain


def _orientation(image: Image.Image) -> object:
    try:
        return image.getexif().get(_ORIENTATION_TAG)
    except _BROKEN:
        return None  # broken metadata is thrown away like all metadata


def _encode(image: Image.Image) -> EncodedImage:
    written = io.BytesIO()
    image.save(written, "JPEG", quality=_QUALITY, optimize=True)
    return EncodedImage(written.getvalue(), "image/jpeg", image.width, image.height)


class ImageWorkshop:
    """Re-encodes beside the loop; more than `places` pictures at once are asked to come again."""

    def __init__(self, *, executor: Executor, places: int = 8) -> None:
        self._executor = executor
        self._free = places

    async def reencode(self, content: bytes, *, field: str = "file") -> EncodedImage:
        """As `reencode_image`; raises Unavailable too."""
        if self._free == 0:
            raise Unavailable(retry_after_s=2)
        self._free -= 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, lambda: reencode_image(content, field=field))
        finally:
            self._free += 1
