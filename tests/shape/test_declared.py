"""Codes are registered, and every address is declared once."""

from tests.shape.declared import keys_of, operations, refused_codes, repeated
from tests.shape.source import ROOT, Module, modules

CODE = modules(ROOT, "server")
REGISTRY = Module("server/core/errors.py", (ROOT / "server/core/errors.py").read_text(encoding="utf-8"))
WORDS = Module("server/handlers/http/sentences.py", (ROOT / "server/handlers/http/sentences.py").read_text(encoding="utf-8"))


def test_every_code_that_may_be_answered_is_in_the_registry() -> None:
    codes = refused_codes(CODE)
    assert len(codes) > 20, "the reader of codes has gone blind"
    known = keys_of(REGISTRY, "STATUS_OF_CODE")
    assert [f"{place}: {code}" for code, place in codes.items() if code not in known] == []


def test_every_registered_code_has_a_chinese_sentence() -> None:
    assert sorted(keys_of(REGISTRY, "STATUS_OF_CODE") - keys_of(WORDS, "SENTENCES")) == []


def test_every_registered_code_can_be_answered_by_something() -> None:
    """A code that nothing answers is a promise without a keeper."""
    source = "\n".join(module.text for module in CODE if module.path not in (REGISTRY.path, WORDS.path))
    dead = [code for code in sorted(keys_of(REGISTRY, "STATUS_OF_CODE")) if f'"{code}"' not in source]
    assert dead == []


def test_every_address_is_declared_once() -> None:
    declared = operations(CODE)
    assert len(declared) > 40, "the reader of operations has gone blind"
    assert list(repeated(declared)) == []


def test_an_unregistered_code_is_found() -> None:
    text = """
_STALE = ("too_old", "wrong_state")
def f(named):
    raise Refused("made_up" if named else "not_found")
Operation("GET", "/api/a", C, run, ANYONE, "x", refusals=("taken", *_STALE))
"""
    assert set(refused_codes([Module("a.py", text)])) == {"made_up", "not_found", "taken", "too_old", "wrong_state"}


def test_an_address_that_is_declared_twice_is_found() -> None:
    one = 'Operation("GET", "/api/a", C, run, ANYONE, "x")\nUpload("/api/b", C, run, ANYONE, "x")\n'
    two = 'Operation("POST", "/api/a", C, run, ANYONE, "x")\nDownload("/api/b", C, run, ANYONE, "x")\n'
    again = 'x = [Operation("POST", "/api/b", C, run, ANYONE, "x")]\n'
    found = list(repeated(operations([Module("1.py", one), Module("2.py", two), Module("3.py", again)])))
    assert found == ["3.py:1: POST /api/b stands at 1.py:2 already"]
