#!/usr/bin/env python3
"""Peihu's command line: sets itself up, then runs one verb.

    python3 run.py              serve the product on http://127.0.0.1:8000
    python3 run.py --help       all verbs
"""
import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
NEEDED = {
    "requirements.txt": ("tornado", "sqlalchemy", "alembic", "aiosqlite", "pydantic", "typer", "argon2", "PIL", "jwt"),
    "requirements-dev.txt": ("pytest", "hypothesis", "pytest_tornasync", "importlinter", "xdist", "nx_27017", "playwright"),
}


def fail(sentence: str) -> None:
    print(f"\n{sentence}", file=sys.stderr)
    raise SystemExit(1)


def set_up(requirements: str) -> None:
    """Make sure that what `requirements` lists can be imported, in `.venv` if need be."""
    if sys.version_info < (3, 11):
        fail(f"Peihu needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: python3.11 run.py")
    files = ["requirements.txt", requirements] if requirements != "requirements.txt" else [requirements]
    if all(importlib.util.find_spec(module) for file in files for module in NEEDED[file]):
        return
    if sys.prefix != sys.base_prefix and Path(sys.prefix).resolve() != VENV.resolve():
        fail(f"This virtual environment lacks packages. Run: {sys.executable} -m pip install -r {requirements}")
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        if importlib.util.find_spec("ensurepip") is None:
            fail("Python's venv module is missing. On Debian or Ubuntu: sudo apt install python3-venv")
        print("first start: making .venv …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    wanted = hashlib.sha256(b"".join((ROOT / file).read_bytes() for file in files)).hexdigest()
    stamp = VENV / f".{requirements}.sha256"
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"installing {requirements} into .venv (about a minute, only now) …", flush=True)
        command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "on"]
        if subprocess.run([*command, "-q", "-r", str(ROOT / requirements)]).returncode != 0:
            fail("The packages could not be installed; the lines above say why. Check the network and try again.")
        stamp.write_text(wanted)
    elif Path(sys.prefix).resolve() == VENV.resolve():
        fail("The virtual environment .venv is damaged. Delete it and start again.")
    os.execv(python, [str(python), str(ROOT / "run.py"), *sys.argv[1:]])


def main() -> None:
    arguments = sys.argv[1:]
    for_developers = arguments[:1] == ["test"] or arguments[:2] == ["web", "screens"]
    set_up("requirements-dev.txt" if for_developers else "requirements.txt")
    sys.path.insert(0, str(ROOT))
    from server.verbs import app

    app(arguments if arguments else ["serve"], prog_name="run.py")


if __name__ == "__main__":
    main()
