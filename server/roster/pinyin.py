"""A name as one types it on a keyboard without Chinese.

`李秀兰` is found by `lixiulan`, a part of it, or `lxl`. Pure; a character that the table lacks stands for
itself, and a surname is read as a surname.
"""

from itertools import groupby

from server.roster.pinyin_table import READINGS

# Characters that are read otherwise when they begin a name.
_SURNAMES = {
    "单": "shan",
    "曾": "zeng",
    "仇": "qiu",
    "解": "xie",
    "查": "zha",
    "区": "ou",
    "朴": "piao",
    "任": "ren",
    "翟": "zhai",
    "盖": "ge",
    "乐": "yue",
    "覃": "qin",
    "华": "hua",
    "缪": "miao",
    "冼": "xian",
    "尉": "wei",
    "折": "she",
    "万": "wan",
    "召": "shao",
}


def _reading_of() -> dict[str, str]:
    found: dict[str, str] = {}
    for word in READINGS.split():
        parts = ["".join(part) for _, part in groupby(word, key=str.isascii)]
        syllable, characters = parts
        found.update(dict.fromkeys(characters, syllable))
    return found


_READING_OF = _reading_of()


def name_pinyin(name: str) -> str:
    """The whole reading, a blank, the initials: `lixiulan lxl`; lower case, without blanks inside."""
    syllables = [_READING_OF.get(character, character.lower()) for character in name if not character.isspace()]
    if name[:1] in _SURNAMES:
        syllables[0] = _SURNAMES[name[0]]
    return f"{''.join(syllables)} {''.join(syllable[0] for syllable in syllables)}"


def typed_pinyin(keyword: str) -> str | None:
    """The keyword in the form of `name_pinyin`, or None when it is not Latin letters."""
    plain = "".join(keyword.split()).lower()
    return plain if plain.isascii() and plain.isalpha() else None
