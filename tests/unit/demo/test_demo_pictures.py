"""Portraits and papers are small, repeatable and marked."""
import io

import pytest
from PIL import Image

from server.demo.certificates import draw_papers
from server.demo.lettering import draw_sample_mark, find_cjk_font
from server.demo.people import generate_caregiver
from server.demo.portraits import draw_portrait


def opened(picture: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(picture))
    image.load()
    return image


@pytest.mark.parametrize(("gender", "age"), [("female", 24), ("male", 57)])
def test_a_portrait_is_a_small_jpeg_and_always_the_same(gender, age):
    first = draw_portrait("someone", gender=gender, age=age)
    assert first == draw_portrait("someone", gender=gender, age=age)
    assert first != draw_portrait("someone else", gender=gender, age=age)
    assert len(first) < 20_000
    image = opened(first)
    assert (image.format, image.size) == ("JPEG", (320, 320))


@pytest.mark.parametrize("font_path", [None, find_cjk_font()])
def test_all_papers_are_drawn_with_and_without_a_chinese_font(market, today, font_path):
    person = generate_caregiver(0, seed=1, today=today, market=market)
    portrait = draw_portrait(person.phone, gender=person.gender, age=30)
    papers = draw_papers(person, portrait=portrait, font_path=font_path)
    assert papers == draw_papers(person, portrait=portrait, font_path=font_path)
    pictures = (papers.id_card_front, papers.id_card_back, papers.certificate, papers.health_certificate)
    assert len(set(pictures)) == 4
    for picture in pictures:
        assert len(picture) < 80_000
        assert opened(picture).format == "JPEG"


def test_the_sample_mark_covers_the_paper_with_red():
    paper = Image.new("RGB", (640, 404), "#ffffff")
    draw_sample_mark(paper, place=(320, 202), size_px=90, colour=(200, 0, 0, 255), angle=18)
    red = sum(count for count, colour in paper.getcolors(1_000_000) if colour[0] > 180 and colour[1] < 90)
    assert red > 5_000
