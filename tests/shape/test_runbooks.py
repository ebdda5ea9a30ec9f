"""For every word that /readyz may say the operators' page has a runbook."""

import ast
import re

from tests.shape.source import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SOURCE = (ROOT / "server" / "readiness.py").read_text(encoding="utf-8")


def reasons(source):
    """Texts in the probe's methods: whole ones, and what stands before the colon of `job:…`."""
    probe = next(
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef) and node.name == "ReadinessProbe"
    )
    docstrings = {
        node.body[0].value
        for node in ast.walk(probe)
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and isinstance(node.body[0], ast.Expr)
    }
    texts = {
        node.value
        for node in ast.walk(probe)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings
    }
    return {text.partition(":")[0] for text in texts}


def runbooks(page):
    """Headings of the third level below the runbooks."""
    _, _, rest = page.partition("\n## Runbooks\n")
    section = rest.split("\n## ")[0]
    return set(re.findall(r"^### `([a-z_]+)`", section, re.MULTILINE))


def test_every_word_of_readyz_has_a_runbook():
    found = reasons(SOURCE)
    assert {"database", "outbox", "clock", "job", "step"} <= found
    assert sorted(found - runbooks(PAGE)) == []


def test_every_runbook_is_for_a_word_that_is_said():
    assert sorted(runbooks(PAGE) - reasons(SOURCE)) == []


def test_a_word_without_a_runbook_is_found():
    source = '''
class ReadinessProbe:
    """What it says."""
    async def look(self):
        """Not a reason."""
        failing.append("stars")
        return [f"moon:{name}" for name in late]
'''
    assert reasons(source) == {"stars", "moon"}
    assert runbooks("x\n## Runbooks\n\n### `moon`\n\n## More\n\n### `stars`\n") == {"moon"}
