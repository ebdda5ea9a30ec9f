"""The floors of the house, checked on the code as it is.

Each contract is also shown to fail: on a copy of the code into which one forbidden import was written.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shape.source import ROOT

# What somebody might write, and the contract that says no.
FORBIDDEN = {
    "server/booking/rules/states.py": ("server.bridge.events", "Every import goes down"),
    "server/handlers/http/edge.py": ("server.jobs.orders", "Every import goes down"),
    "server/handlers/http/base.py": (
        "server.handlers.subjects.files",
        "In handlers, http knows no subject and no page",
    ),
    "server/booking/orders/viewing.py": (
        "server.booking.offers.matching",
        "In booking, desk stands on steps, these on offers, orders and rules",
    ),
    "server/storage/columns.py": ("server.identity.facts", "Every import goes down"),
    "server/billing/facts.py": ("server.booking.rules.states", "Areas do not know each other; bridge joins them"),
    "server/roster/facts.py": ("server.booking.rules.states", "Areas do not know each other; bridge joins them"),
    "server/ws/rules.py": ("server.identity.facts", "Areas do not know each other; bridge joins them"),
    "server/payment/port.py": ("config.settings", "Storage and payment stand on core alone"),
    "server/core/ids.py": ("config.settings", "Core knows nothing of ours"),
    "config/policy.py": ("server.storage.columns", "Settings and request fields stand on core alone"),
}


def check_contracts(root: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", code, "--config", str(ROOT / ".importlinter"), "--cache-dir", str(cache)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, env={"PYTHONPATH": str(root)})


@pytest.fixture(scope="module")
def copied_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One copy for all samples, because the linter's cache makes every run after the first a short one."""
    tree = tmp_path_factory.mktemp("tree")
    for package in ("server", "config"):
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tree


def test_the_code_keeps_the_floors(tmp_path: Path) -> None:
    result = check_contracts(ROOT, tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize("path", FORBIDDEN)
def test_an_import_that_goes_up_or_across_breaks_its_contract(copied_tree: Path, path: str) -> None:
    module, contract = FORBIDDEN[path]
    file = copied_tree / path
    honest = file.read_text(encoding="utf-8")
    file.write_text(f"{honest}\n\ndef sneak() -> None:\n    import {module}  # noqa\n", encoding="utf-8")
    result = check_contracts(copied_tree, copied_tree / "cache")
    file.write_text(honest, encoding="utf-8")
    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{contract} BROKEN" in result.stdout


def test_a_new_room_without_a_floor_is_refused(copied_tree: Path) -> None:
    annex = copied_tree / "server" / "annex"
    annex.mkdir()
    (annex / "__init__.py").touch()
    result = check_contracts(copied_tree, copied_tree / "cache")
    shutil.rmtree(annex)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "annex" in result.stdout
