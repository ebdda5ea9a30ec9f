"""Friendly flat portraits of people who do not exist.

Drawn with Pillow from a handful of shapes, at three times the size and reduced, so that edges are soft.
The bytes depend on (seed text, gender, age) and the Pillow release only. Runs 5-15 ms: call it off the loop.
"""
import io
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageDraw

_EDGE_PX = 320
_SCALE = 3
_BACKGROUNDS = ("#cfe8e0", "#d8e4f5", "#f6e3cf", "#e9ddf2", "#f3d9dc", "#dcecd0", "#f5ebc4", "#d3eaf0")
_SKINS = ("#f6d3b3", "#f2c9a5", "#e9bb94", "#dda87d")
_HAIRS = ("#2b2320", "#3a2c26", "#4a352b", "#1f1c1e")
_GREYS = ("#8d8a88", "#a9a6a3", "#6d6a68")
_COATS = ("#5aa9a0", "#5b8fc7", "#e08a8a", "#7d8fb3", "#7fae74", "#c98ab0")


@dataclass(frozen=True, slots=True)
class _Look:
    """The choices of one portrait."""

    background: str
    skin: str
    hair: str
    coat: str
    style: str
    glasses: bool


def draw_portrait(seed_text: str, *, gender: str, age: int) -> bytes:
    """A JPEG of 320 x 320 pixels, about 10 KB; the same arguments give the same bytes."""
    look = _choose_look(Random(f"portrait:{seed_text}"), gender=gender, age=age)
    edge = _EDGE_PX * _SCALE
    picture = Image.new("RGB", (edge, edge), look.background)
    pen = ImageDraw.Draw(picture)
    _draw_hair_behind(pen, look)
    _draw_shoulders(pen, look)
    _draw_head(pen, look)
    _draw_hair_front(pen, look)
    _draw_face(pen, look, gender=gender, age=age)
    small = picture.resize((_EDGE_PX, _EDGE_PX), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=86, optimize=True)
    return buffer.getvalue()


def _choose_look(rng: Random, *, gender: str, age: int) -> _Look:
    styles = ("bob", "bun", "long", "short") if gender == "female" else ("crop", "side", "short")
    grey = age >= 50 and rng.random() < (age - 45) / 30
    return _Look(
        background=rng.choice(_BACKGROUNDS),
        skin=rng.choice(_SKINS),
        hair=rng.choice(_GREYS if grey else _HAIRS),
        coat=rng.choice(_COATS),
        style=rng.choice(styles),
        glasses=rng.random() < 0.3,
    )


def _box(left: float, top: float, right: float, bottom: float) -> tuple[int, int, int, int]:
    return (round(left * _SCALE), round(top * _SCALE), round(right * _SCALE), round(bottom * _SCALE))


def _darker(colour: str, share: float) -> str:
    parts = (int(colour[place:place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(part * (1 - share)):02x}" for part in parts)


def _draw_hair_behind(pen: ImageDraw.ImageDraw, look: _Look) -> None:
    if look.style == "long":
        pen.rounded_rectangle(_box(88, 76, 232, 262), radius=70 * _SCALE, fill=look.hair)
    elif look.style == "bob":
        pen.rounded_rectangle(_box(84, 70, 236, 208), radius=62 * _SCALE, fill=look.hair)
    elif look.style == "bun":
        pen.ellipse(_box(128, 22, 192, 86), fill=look.hair)


def _draw_shoulders(pen: ImageDraw.ImageDraw, look: _Look) -> None:
    pen.rounded_rectangle(_box(58, 232, 262, 400), radius=72 * _SCALE, fill=look.coat)
    pen.rounded_rectangle(_box(136, 190, 184, 262), radius=22 * _SCALE, fill=_darker(look.skin, 0.08))
    white = "#fbfbfb"
    pen.polygon([_at(128, 236), _at(160, 282), _at(192, 236), _at(214, 246), _at(160, 320), _at(106, 246)], fill=white)
    pen.rounded_rectangle(_box(206, 274, 234, 310), radius=5 * _SCALE, fill=white)  # the name badge
    pen.rectangle(_box(211, 282, 229, 285), fill=look.coat)
    pen.rectangle(_box(211, 292, 224, 295), fill=look.coat)


def _at(x: float, y: float) -> tuple[int, int]:
    return (round(x * _SCALE), round(y * _SCALE))


def _draw_head(pen: ImageDraw.ImageDraw, look: _Look) -> None:
    shade = _darker(look.skin, 0.06)
    pen.ellipse(_box(86, 134, 112, 172), fill=shade)
    pen.ellipse(_box(208, 134, 234, 172), fill=shade)
    pen.rounded_rectangle(_box(98, 70, 222, 222), radius=60 * _SCALE, fill=look.skin)


def _draw_hair_front(pen: ImageDraw.ImageDraw, look: _Look) -> None:
    if look.style in ("crop", "short"):
        pen.pieslice(_box(92, 56, 228, 190), 180, 360, fill=look.hair)
        pen.rounded_rectangle(_box(92, 108, 108, 150), radius=8 * _SCALE, fill=look.hair)
        pen.rounded_rectangle(_box(212, 108, 228, 150), radius=8 * _SCALE, fill=look.hair)
    elif look.style == "side":
        pen.chord(_box(90, 54, 230, 200), 176, 330, fill=look.hair)
        pen.ellipse(_box(150, 56, 226, 110), fill=look.hair)
    elif look.style == "bun":
        pen.pieslice(_box(92, 56, 228, 176), 180, 360, fill=look.hair)
        pen.ellipse(_box(92, 96, 112, 142), fill=look.hair)
        pen.ellipse(_box(208, 96, 228, 142), fill=look.hair)
    else:
        pen.chord(_box(92, 58, 228, 196), 190, 350, fill=look.hair)
        pen.pieslice(_box(88, 62, 176, 190), 180, 285, fill=look.hair)


def _draw_face(pen: ImageDraw.ImageDraw, look: _Look, *, gender: str, age: int) -> None:
    ink = "#2f2622"
    for centre in (134, 186):
        pen.ellipse(_box(centre - 5, 148, centre + 5, 159), fill=ink)
        pen.arc(_box(centre - 16, 132, centre + 16, 156), 225, 315, fill=_darker(look.hair, 0.1),
                 width=(4 if gender == "female" else 6) * _SCALE)
        pen.ellipse(_box(centre - 18, 168, centre + 18, 188), fill=_blush(look.skin))
        if look.glasses:
            pen.ellipse(_box(centre - 20, 136, centre + 20, 172), outline="#4d4a52", width=3 * _SCALE)
    if look.glasses:
        pen.line([_at(154, 152), _at(166, 152)], fill="#4d4a52", width=3 * _SCALE)
    pen.arc(_box(152, 160, 168, 176), 30, 150, fill=_darker(look.skin, 0.22), width=3 * _SCALE)
    pen.chord(_box(138, 170, 182, 202), 20, 160, fill="#c4574f")
    if age >= 50:
        for centre, start in ((116, 100), (204, 20)):
            pen.arc(_box(centre - 12, 172, centre + 12, 204), start, start + 60, fill=_darker(look.skin, 0.14),
                    width=2 * _SCALE)


def _blush(skin: str) -> str:
    red, green, blue = (int(skin[place:place + 2], 16) for place in (1, 3, 5))
    return f"#{red:02x}{round(green * 0.92):02x}{round(blue * 0.9):02x}"
