"""Sample pictures of papers, marked 演示样本 all over.

Nobody could take them for real ones: own layout, no emblem, the mark across. JPEGs of 640 x 404 pixels
and 15-40 KB, the same bytes for the same arguments on one machine. Runs 10-20 ms: call it off the loop.
"""
import io
from dataclasses import dataclass
from datetime import date

from PIL import Image, ImageDraw

from server.demo.lettering import draw_sample_mark, write
from server.demo.people import GeneratedCaregiver

_WIDTH_PX, _HEIGHT_PX = 640, 404  # the proportions of an ID card
_INK, _FAINT = "#26323a", "#6b7a83"


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom the papers speak of; `portrait` is a JPEG."""

    name: str
    name_latin: str
    gender: str
    birth_date: date
    id_number: str
    portrait: bytes


@dataclass(frozen=True, slots=True)
class _Line:
    """A label and a value, each in Chinese and for a machine without Chinese glyphs."""

    label: str
    label_latin: str
    value: str
    value_latin: str


def draw_id_card_front(bearer: Bearer, *, font_path: str | None) -> bytes:
    """The side with name, gender, birth date and number."""
    picture, pen = _sheet("#eef5f8", "#9fc4d4")
    gender = ("女", "Female") if bearer.gender == "female" else ("男", "Male")
    born = bearer.birth_date
    lines = (
        _Line("姓名", "Name", bearer.name, bearer.name_latin),
        _Line("性别", "Sex", *gender),
        _Line("出生", "Born", f"{born.year} 年 {born.month} 月 {born.day} 日", born.isoformat()),
        _Line("住址", "Address", "演示市样本区虚构路 1 号", "1 Invented Road, Sample District"),
        _Line("证件号", "ID no.", bearer.id_number, bearer.id_number),
    )
    _title(pen, "身份信息卡（正面）", "Identity card, front", font_path=font_path)
    _lines(pen, lines, font_path=font_path)
    _portrait(picture, bearer.portrait)
    return _finish(picture)


def draw_id_card_back(bearer: Bearer, *, font_path: str | None) -> bytes:
    """The side with issuer and validity."""
    picture, pen = _sheet("#f3f1ea", "#cbb98c")
    since = bearer.birth_date.replace(year=2019, day=min(bearer.birth_date.day, 28))
    until = since.replace(year=2039)
    lines = (
        _Line("签发机关", "Issued by", "演示市公安局样本分局（虚构）", "Demo City, Sample Branch (invented)"),
        _Line("有效期限", "Valid", f"{since:%Y.%m.%d}-{until:%Y.%m.%d}", f"{since:%Y.%m.%d}-{until:%Y.%m.%d}"),
    )
    _title(pen, "身份信息卡（背面）", "Identity card, back", font_path=font_path)
    _lines(pen, lines, font_path=font_path)
    for row in range(6):
        pen.arc((360 + row * 14, 210 + row * 10, 640 - row * 14, 400), 180, 320, fill="#d9ccab", width=3)
    return _finish(picture)


def draw_certificate(
    bearer: Bearer, *, title: str, title_latin: str, number: str, expires_on: date, font_path: str | None
) -> bytes:
    """A certificate of qualification or of health."""
    health = title.startswith("健康")
    picture, pen = _sheet("#eef7f0" if health else "#fbf6ea", "#86b997" if health else "#d0a85c")
    lines = (
        _Line("持证人", "Holder", bearer.name, bearer.name_latin),
        _Line("编号", "Number", number, number),
        _Line("有效期至", "Valid until", expires_on.isoformat(), expires_on.isoformat()),
        _Line("发证单位", "Issued by", "演示发证中心（虚构）", "Demo Issuing Centre (invented)"),
    )
    _title(pen, title, title_latin, font_path=font_path)
    _lines(pen, lines, font_path=font_path)
    _portrait(picture, bearer.portrait)
    colour = "#4f9a68" if health else "#b5482f"
    pen.ellipse((470, 268, 580, 378), outline=colour, width=5)
    if health:
        pen.rectangle((516, 294, 534, 352), fill=colour)
        pen.rectangle((496, 314, 554, 332), fill=colour)
    else:
        pen.polygon(((525, 286), (536, 314), (566, 316), (543, 335), (551, 364), (525, 348), (499, 364), (507, 335),
                     (484, 316), (514, 314)), fill=colour)
    return _finish(picture)


def _sheet(paper: str, edge: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGB", (_WIDTH_PX, _HEIGHT_PX), paper)
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((8, 8, _WIDTH_PX - 9, _HEIGHT_PX - 9), radius=22, outline=edge, width=4)
    pen.line(((30, 78), (_WIDTH_PX - 30, 78)), fill=edge, width=2)
    return picture, pen


def _title(pen: ImageDraw.ImageDraw, chinese: str, latin: str, *, font_path: str | None) -> None:
    write(pen, (34, 30), chinese=chinese, latin=latin, size_px=32, colour=_INK, font_path=font_path)


def _lines(pen: ImageDraw.ImageDraw, lines: tuple[_Line, ...], *, font_path: str | None) -> None:
    for row, line in enumerate(lines):
        top = 100 + row * 52
        write(pen, (34, top), chinese=line.label, latin=line.label_latin, size_px=20, colour=_FAINT,
              font_path=font_path)
        write(pen, (150, top - 2), chinese=line.value, latin=line.value_latin, size_px=22, colour=_INK,
              font_path=font_path)


def _portrait(picture: Image.Image, portrait: bytes) -> None:
    with Image.open(io.BytesIO(portrait)) as face:
        picture.paste(face.convert("RGB").resize((150, 150), Image.Resampling.LANCZOS), (456, 98))


def _finish(picture: Image.Image) -> bytes:
    draw_sample_mark(picture, place=(_WIDTH_PX // 2 - 40, _HEIGHT_PX // 2 + 20), size_px=92,
                     colour=(196, 40, 40, 96), angle=18)
    draw_sample_mark(picture, place=(_WIDTH_PX - 110, 44), size_px=34, colour=(196, 40, 40, 230), angle=0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=82, optimize=True)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class PaperPictures:
    """The four uploads of a qualification, as JPEGs."""

    id_card_front: bytes
    id_card_back: bytes
    certificate: bytes
    health_certificate: bytes


def draw_papers(person: GeneratedCaregiver, *, portrait: bytes, font_path: str | None) -> PaperPictures:
    """All pictures that a caregiver's qualification needs."""
    bearer = Bearer(
        name=person.name.text, name_latin=person.name.latin, gender=person.gender, birth_date=person.birth_date,
        id_number=person.id_number, portrait=portrait,
    )
    papers = person.papers
    return PaperPictures(
        id_card_front=draw_id_card_front(bearer, font_path=font_path),
        id_card_back=draw_id_card_back(bearer, font_path=font_path),
        certificate=draw_certificate(
            bearer, title=papers.certificate_name, title_latin="Certificate of qualification",
            number=papers.certificate_number, expires_on=papers.certificate_expires_on, font_path=font_path,
        ),
        health_certificate=draw_certificate(
            bearer, title="健康证明", title_latin="Health certificate", number=papers.health_certificate_number,
            expires_on=papers.health_certificate_expires_on, font_path=font_path,
        ),
    )
