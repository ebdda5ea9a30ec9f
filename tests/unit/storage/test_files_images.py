"""Pictures that strangers send (reliability.md §4C)."""
import asyncio
import io
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from server.core.errors import Refused, Unavailable
from server.storage.files.images import ImageWorkshop, reencode_image


def _picture(format_name, *, mode="RGB", size=(40, 20), color=None, **options):
    written = io.BytesIO()
    Image.new(mode, size, color if color is not None else 0).save(written, format_name, **options)
    return written.getvalue()


def _png_header(width, height, *chunks):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunk(*c) for c in chunks) + chunk(b"IEND", b"")


def _opened(encoded):
    return Image.open(io.BytesIO(encoded.content))


def _code(content, **options):
    with pytest.raises(Refused) as caught:
        reencode_image(content, **options)
    return caught.value.status, caught.value.errors[0].code if caught.value.errors else caught.value.code


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
def test_a_picture_becomes_a_jpeg_of_the_same_size(format_name):
    encoded = reencode_image(_picture(format_name))
    assert (encoded.media_type, encoded.width, encoded.height) == ("image/jpeg", 40, 20)
    assert (_opened(encoded).format, _opened(encoded).size) == ("JPEG", (40, 20))


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"MZ\x90\x00" + bytes(200),
        b"\x7fELF" + bytes(200),
        b"PK\x03\x04" + bytes(200),
        b"%PDF-1.7\n/JS",
        b"SIMPLE  =                    T" + bytes(200),
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"8BPS\x00\x01" + bytes(200),
        b"#!AMR\n" + bytes(200),
        b"",
        b"\xff\xd8",
    ],
)
def test_what_is_no_picture_by_content_is_an_unsupported_type(content):
    assert _code(content) == (415, "unsupported_type")


@pytest.mark.parametrize("format_name", ["GIF", "TIFF", "BMP", "ICO"])
def test_other_picture_formats_are_unsupported(format_name):
    assert _code(_picture(format_name)) == (415, "unsupported_type")


def test_a_script_behind_the_last_byte_does_not_survive():
    encoded = reencode_image(_picture("JPEG") + b"<?php system($_GET[0]); ?>")
    assert b"php" not in encoded.content


def test_a_comment_with_a_script_does_not_survive():
    encoded = reencode_image(_picture("JPEG", comment=b"<script>alert(1)</script>"))
    assert b"script" not in encoded.content


def test_the_place_where_a_picture_was_taken_is_stripped():
    exif = Image.Exif()
    exif[0x010F] = "CanaryMaker"
    exif.get_ifd(0x8825)[1] = "N"
    sent = _picture("JPEG", exif=exif)
    assert b"CanaryMaker" in sent
    encoded = reencode_image(sent)
    assert b"CanaryMaker" not in encoded.content
    assert dict(_opened(encoded).getexif()) == {}


def _turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.new("RGB", (40, 20), "white")
    image.paste("black", (0, 0, 20, 10))
    written = io.BytesIO()
    image.save(written, "JPEG", exif=exif, quality=95)
    return _opened(reencode_image(written.getvalue())).convert("L")


@pytest.mark.parametrize(
    ("orientation", "size", "dark_corner"),
    [
        (1, (40, 20), (2, 2)), (2, (40, 20), (37, 2)), (3, (40, 20), (37, 17)), (4, (40, 20), (2, 17)),
        (5, (20, 40), (2, 2)), (6, (20, 40), (17, 2)), (7, (20, 40), (17, 37)), (8, (20, 40), (2, 37)),
        (9, (40, 20), (2, 2)), (65535, (40, 20), (2, 2)),
    ],
)
def test_a_picture_is_turned_upright_and_an_unknown_turn_is_ignored(orientation, size, dark_corner):
    image = _turned(orientation)
    assert image.size == size
    assert image.getpixel(dark_corner) < 60


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
def test_broken_metadata_is_thrown_away_with_the_rest():
    sent = _picture("JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert reencode_image(sent).width == 40


@pytest.mark.parametrize("size", [(50_000, 50_000), (1, 2**31 - 1), (8_001, 1), (9_000, 15_000), (7_000, 7_000)])
def test_a_picture_with_too_many_pixels_is_refused_by_its_header(size):
    assert _code(_png_header(*size)) == (422, "too_many_pixels")


def test_the_bound_on_pixels_is_the_callers():
    assert _code(_picture("PNG", size=(100, 100)), max_pixels=9_999) == (422, "too_many_pixels")
    assert reencode_image(_picture("PNG", size=(100, 100)), max_pixels=10_000).width == 100


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_picture_is_refused(format_name):
    whole = _picture(format_name, size=(300, 300), color=(200, 10, 10))
    assert _code(whole[: len(whole) // 2]) == (422, "broken")


def test_a_chunk_that_inflates_without_end_is_refused():
    bomb = zlib.compress(bytes(80_000_000), 9)
    for kind, prefix in ((b"zTXt", b"k\x00\x00"), (b"iCCP", b"p\x00\x00"), (b"iTXt", b"k\x00\x01\x00\x00\x00")):
        assert _code(_png_header(40, 20, (kind, prefix + bomb)))[0] == 422


def test_only_the_first_frame_of_a_moving_picture_is_kept():
    frames = [Image.new("RGB", (30, 30), color) for color in ("red", "blue", "green")]
    for format_name in ("PNG", "WEBP"):
        written = io.BytesIO()
        frames[0].save(written, format_name, save_all=True, append_images=frames[1:], loop=0)
        image = _opened(reencode_image(written.getvalue()))
        red, green, blue = image.getpixel((15, 15))
        assert red > 200 and green < 60 and blue < 60
        assert getattr(image, "n_frames", 1) == 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_kind_of_pixel_becomes_rgb(mode):
    sent = _picture("JPEG" if mode == "CMYK" else "PNG", mode=mode)
    assert _opened(reencode_image(sent)).mode == "RGB"


def test_sixteen_bit_grey_keeps_its_brightness():
    encoded = reencode_image(_picture("PNG", mode="I;16", color=32_768))
    assert 120 <= _opened(encoded).getpixel((5, 5))[0] <= 136


def test_what_was_transparent_becomes_white():
    encoded = reencode_image(_picture("PNG", mode="RGBA", color=(0, 0, 0, 0)))
    assert _opened(encoded).getpixel((5, 5)) == (255, 255, 255)


def test_a_colour_profile_that_is_broken_is_dropped():
    encoded = reencode_image(_picture("JPEG", icc_profile=b"not a profile" * 100))
    assert "icc_profile" not in _opened(encoded).info


def test_a_large_picture_is_kept_smaller():
    encoded = reencode_image(_picture("JPEG", size=(6_000, 3_000)))
    assert (encoded.width, encoded.height) == (4_096, 2_048)


def test_a_refusal_names_the_field():
    with pytest.raises(Refused) as caught:
        reencode_image(_png_header(50_000, 50_000), field="certificate")
    assert caught.value.errors[0].field == "certificate"


async def test_a_workshop_works_beside_the_loop():
    with ThreadPoolExecutor(1) as executor:
        encoded = await ImageWorkshop(executor=executor).reencode(_picture("PNG"))
    assert encoded.media_type == "image/jpeg"


async def test_a_full_workshop_asks_to_come_again_and_frees_its_places():
    gate = threading.Event()
    with ThreadPoolExecutor(1) as executor:
        executor.submit(gate.wait)
        workshop = ImageWorkshop(executor=executor, places=1)
        waiting = asyncio.ensure_future(workshop.reencode(_picture("PNG")))
        await asyncio.wait([waiting], timeout=0)
        try:
            with pytest.raises(Unavailable):
                await workshop.reencode(_picture("PNG"))
        finally:
            gate.set()
        assert (await waiting).width == 40
        assert (await workshop.reencode(_picture("PNG"))).width == 40
