"""Builds the pages below `web/`, and stamps what came out.

Built pages are committed, so that a machine without Node serves them. `web/dist/BUILD.json` has a hash of what each
was built from and of what came out; tests/web compares both with the files, in pure Python.
"""
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

# Where a folder's build goes below web/dist, if not under its own name: the address says what people type.
_TARGETS = {"mobile": "m"}
# What a build does not read. `index.html` of a developer's editor and the like would be found by the hash.
_UNREAD = {"node_modules", "dist", "tests", "scripts", "unpackage", "README.md", ".gitignore"}


class CannotBuild(Exception):
    """In one sentence."""


def apps(web: Path) -> list[Path]:
    """Every folder of `web` whose package.json has a build script, in order of their names."""
    return [folder for folder in sorted(web.iterdir()) if "build" in _scripts(folder / "package.json")]


def _scripts(package: Path) -> dict[str, str]:
    return json.loads(package.read_text(encoding="utf-8")).get("scripts", {}) if package.is_file() else {}


def target(app: Path) -> Path:
    return app.parent / "dist" / _TARGETS.get(app.name, app.name)


def source_hash(app: Path) -> str:
    """sha256 over the paths and bytes of all that the build reads, the lock file among them."""
    return _hash(app, (path for path in _files(app) if not _UNREAD & set(path.relative_to(app).parts)))


def output_hash(app: Path) -> str:
    return _hash(target(app), _files(target(app)))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir(), key=lambda one: one.name) if folder.is_dir() else ():
        if path.is_dir() and path.name != "node_modules":
            yield from _files(path)
        elif path.is_file():
            yield path


def _hash(root: Path, files: Iterator[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        name = path.relative_to(root).as_posix().encode()
        content = path.read_bytes()
        digest.update(b"%d %s %d " % (len(name), name, len(content)) + content)
    return digest.hexdigest()


def stamp(web: Path) -> dict[str, Any]:
    """What BUILD.json should say of the files that are there."""
    return {app.name: {"sources": source_hash(app), "output": output_hash(app)} for app in apps(web)}


def build(web: Path, *, console: Console) -> None:
    """Build every app and write BUILD.json. Raises CannotBuild."""
    npm = shutil.which("npm")
    if npm is None:
        raise CannotBuild("building the pages needs Node.js 20 or newer with npm; what is in web/dist is served without it")
    for app in apps(web):
        console.print(f"{app.name}: installing what its lock file names …")
        _run(npm, "ci", app=app)
        console.print(f"{app.name}: building …")
        shutil.rmtree(target(app), ignore_errors=True)
        _run(npm, "run", "build", app=app)
        size_bytes = sum(path.stat().st_size for path in _files(target(app)))
        console.print(f"{app.name}: {target(app).relative_to(web.parent)}, {size_bytes:,} bytes")
    text = json.dumps(stamp(web), indent=2, sort_keys=True) + "\n"
    (web / "dist" / "BUILD.json").write_text(text, encoding="utf-8")


def _run(npm: str, *arguments: str, app: Path) -> None:
    done = subprocess.run([npm, *arguments], cwd=app, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise CannotBuild(f"npm {' '.join(arguments)} failed in {app}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
