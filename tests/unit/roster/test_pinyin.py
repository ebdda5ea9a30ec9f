"""Names are found by how they are typed."""
from random import Random

import pytest

from server.demo.words.names import draw_name
from server.roster.pinyin import name_pinyin, typed_pinyin
from server.roster.pinyin_table import READINGS


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        ("李秀兰", "lixiulan lxl"),
        ("单雄信", "shanxiongxin sxx"),
        ("王单", "wangdan wd"),
        ("吕布", "lvbu lb"),
        ("陈玥婷", "chenyueting cyt"),
        ("Anna 李", "annali annal"),
        ("阿依·古丽", "ayi·guli ay·gl"),
        ("", " "),
    ],
)
def test_a_name_is_read_whole_and_by_its_initials(name, reading):
    assert name_pinyin(name) == reading


def test_only_latin_letters_are_taken_for_pinyin():
    assert [typed_pinyin(text) for text in ("Li Xiu", "lxl")] == ["lixiu", "lxl"]
    assert [typed_pinyin(text) for text in ("李", "l%", "l1", "é")] == [None] * 4


def test_every_character_is_read_once():
    characters = [character for character in READINGS if not character.isascii()]
    assert len(characters) == len(set(characters)) > 6_700


def test_the_demos_own_spelling_agrees():
    rng = Random(3)
    names = [draw_name(rng, gender="female", birth_year=1980) for _ in range(300)]
    read = {name_pinyin(name.text).split()[0] for name in names}
    written = {name.latin.lower().replace(" ", "") for name in names}
    assert {one for one in read - written if "v" not in one} == set(), "passports write ü otherwise"
