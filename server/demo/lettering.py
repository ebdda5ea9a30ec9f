"""Letters on pictures, with or without a Chinese font.

Where the machine has a CJK font, Chinese is written with it. Where it has none, pinyin and English are
written with Pillow's own font, and the mark 演示样本 ("demo sample"), which must never be missing, is
drawn from the strokes below.
"""
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

# Looked at in this order; the first that exists is used.
_CJK_FONTS: tuple[str, ...] = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/STHeiti Medium.ttc",
    "C:/Windows/Fonts/msyh.ttc",
)

# Strokes of the four characters on a square of 100 x 100, each a line of points.
_STROKES: dict[str, tuple[tuple[tuple[int, int], ...], ...]] = {
    "演": (
        ((9, 14), (20, 22)), ((5, 38), (16, 46)), ((5, 92), (14, 76), (22, 56)),
        ((61, 3), (65, 12)), ((34, 28), (34, 17), (95, 17), (92, 28)), ((45, 31), (84, 31)),
        ((42, 43), (42, 77)), ((42, 43), (87, 43), (87, 77)), ((42, 60), (87, 60)), ((42, 77), (87, 77)),
        ((64, 31), (64, 77)), ((50, 80), (32, 95)), ((77, 80), (95, 94)),
    ),
    "示": (
        ((22, 16), (80, 16)), ((7, 42), (94, 42)), ((51, 42), (51, 90), (38, 84)), ((30, 56), (10, 84)),
        ((70, 56), (92, 82)),
    ),
    "样": (
        ((5, 30), (42, 30)), ((24, 6), (24, 96)), ((23, 34), (6, 68)), ((26, 42), (40, 56)),
        ((52, 6), (59, 18)), ((87, 5), (79, 18)), ((48, 26), (93, 26)), ((51, 45), (90, 45)),
        ((43, 66), (97, 66)), ((70, 26), (70, 97)),
    ),
    "本": (
        ((7, 30), (94, 30)), ((50, 5), (50, 96)), ((47, 32), (30, 58), (7, 76)), ((53, 32), (70, 56), (95, 76)),
        ((32, 74), (68, 74)),
    ),
}
SAMPLE_MARK = "演示样本"
_SMOOTH = 3  # drawn so many times larger and reduced


def find_cjk_font() -> str | None:
    """The path of a font with Chinese glyphs, or None."""
    return next((path for path in _CJK_FONTS if Path(path).is_file()), None)


@lru_cache(maxsize=32)
def _font(path: str | None, size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.truetype(path, size_px) if path else ImageFont.load_default(size_px)


def write(
    pen: ImageDraw.ImageDraw, place: tuple[int, int], *, chinese: str, latin: str, size_px: int, colour: str,
    font_path: str | None,
) -> None:
    """Write `chinese` with the font at `font_path`, or `latin` with Pillow's own when there is none."""
    pen.text(place, chinese if font_path else latin, fill=colour, font=_font(font_path, size_px))


def draw_sample_mark(
    picture: Image.Image, *, place: tuple[int, int], size_px: int, colour: tuple[int, int, int, int], angle: float
) -> None:
    """Lay 演示样本 over an RGB picture, turned by `angle` degrees around its own middle at `place`."""
    edge = size_px * _SMOOTH
    gap = edge // 6
    layer = Image.new("RGBA", ((edge + gap) * len(SAMPLE_MARK), edge + gap), (*colour[:3], 0))
    pen = ImageDraw.Draw(layer)
    for column, character in enumerate(SAMPLE_MARK):
        left = column * (edge + gap) + gap // 2
        for stroke in _STROKES[character]:
            points = [(left + x * edge // 100, gap // 2 + y * edge // 100) for x, y in stroke]
            _draw_stroke(pen, points, width=edge // 12, colour=colour)
    layer = layer.rotate(angle, resample=Image.Resampling.BICUBIC, expand=True)
    layer = layer.resize((layer.width // _SMOOTH, layer.height // _SMOOTH), Image.Resampling.LANCZOS)
    picture.paste(layer, (place[0] - layer.width // 2, place[1] - layer.height // 2), layer)


def _draw_stroke(
    pen: ImageDraw.ImageDraw, points: list[tuple[int, int]], *, width: int, colour: tuple[int, int, int, int]
) -> None:
    """A line with round ends and joints."""
    pen.line(points, fill=colour, width=width)
    radius = width / 2
    for x, y in points:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
