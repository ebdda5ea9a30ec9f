"""Which rooms may name which library, and why.

A vendor's library is known in its adapter only; then a new version, or another vendor, is one room's
business. Patterns are those of `fnmatch`: `*` also crosses folders.
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from tests.shape.source import Module

OURS = ("server", "config")
# Import name -> the places that may use it. The reason for the library itself: docs/adr/0009-libraries.md.
ROOMS: Mapping[str, tuple[str, ...]] = {
    "tornado": (
        "server/app.py",
        "server/serving.py",
        "server/listening.py",
        "server/worker.py",
        "server/processes.py",
        "server/handlers/*",
        "server/ws/handler.py",
        "server/ws/stream.py",
        "server/ws/fallback/handlers.py",  # the same channels for clients that cannot open a socket
        "server/ws/fallback/handlers.py",
        "server/demo/story*",
        "server/demo/tale/*",  # the story's players speak HTTP to a running server
        "server/push/senders/posting.py",  # what providers of messages are asked over
    ),
    "sqlalchemy": (
        "server/storage/*",
        "server/*/store.py",
        "server/*/store_*.py",
        "server/*/queries.py",
        "server/*/queries_*.py",
        "server/upkeep/*",  # works on whole stores, whatever their tables
    ),
    "alembic": ("server/storage/migrate.py", "server/upkeep/*", "server/storage/resuming.py", "server/storage/migrations/*"),
    "pydantic": ("config/*", "server/*/commands.py", "server/*/commands_*.py"),
    "pydantic_core": ("config/*", "server/*/commands.py", "server/*/commands_*.py"),
    "cryptography": ("server/storage/sealed.py", "server/payment/*", "server/upkeep/archive/cipher.py"),
    "argon2": ("server/identity/passwords.py",),
    "jwt": ("server/identity/tokens.py",),
    "PIL": ("server/storage/files/images.py", "server/demo/*"),
    "prometheus_client": ("server/handlers/*", "server/app.py", "server/readiness.py"),
    "centrifuge": ("server/demo/tale/*",),  # the official client plays the story's people
    "typer": ("server/verbs.py", "server/upkeep_verbs.py", "server/command_line.py"),
    "rich": ("server/command_line.py", "server/building.py", "server/chores.py", "server/showing.py", "server/serving.py", "server/processes.py", "server/demo/story*", "server/demo/tale/*"),
    "msgpack": ("server/ws/wire/*", "server/upkeep/*", "server/storage/pubsub/envelope.py"),
    "google": ("server/ws/wire/*",),  # protobuf's own package
    "redis": ("server/storage/*",),
    "motor": ("server/storage/documents/mongo.py",),
    "pymongo": ("server/storage/*",),
    "gridfs": ("server/storage/*",),  # a part of pymongo
    "aiomysql": ("server/storage/*",),
    "pymysql": ("server/storage/*", "server/upkeep/sql/*"),
    "aiosqlite": ("server/storage/*",),
    "wechatpy": ("server/wechat/*",),
    "requests": ("server/wechat/*",),  # what wechatpy speaks through, with bounds of ours
    "urllib3": ("server/wechat/*",),
    "xmltodict": ("server/wechat/*",),
    "structlog": ("server/logs.py",),
}
# Rooms where tables may be named: whoever builds conditions on columns writes SQL.
TABLES = "server.storage.tables"
TABLE_ROOMS = (
    *ROOMS["sqlalchemy"],
    "server/demo/rows*.py",  # the demo world is made as rows and streamed into a store
    "server/demo/planting.py",
)
# What is not in order yet, or is out of the ordinary for good; an entry that is needed no more fails too.
EXCEPTIONS: Mapping[tuple[str, str], str] = {
    ("pydantic", "server/handlers/pages/openapi.py"): "for good: the API page is made of the commands' own schemas",
    ("sqlalchemy", "server/outside.py"): "for good: opens the database from its URL and says what is wrong with it",
    ("bench", "server/verbs.py"): "for good: the verb calls our own bench, which the server itself never imports",
    ("pydantic", "server/handlers/subjects/sandbox.py"): "holds its two commands itself; a type of config/fields.py would do",
}


def strange_imports(sources: Iterable[Module]) -> Iterator[tuple[str, str, int]]:
    """(library, path, line) of every import of a library outside its rooms, exceptions included."""
    for module in sources:
        for name, line in imports_of(module):
            top = name.split(".")[0]
            if top in sys.stdlib_module_names or top in OURS or top == "__future__":
                continue
            if not _admits(ROOMS.get(top, ()), module.path):
                yield top, module.path, line


def strange_tables(sources: Iterable[Module]) -> Iterator[tuple[str, str, int]]:
    for module in sources:
        for name, line in imports_of(module):
            if name.startswith(TABLES) and not _admits(TABLE_ROOMS, module.path):
                yield "tables", module.path, line


def foreign_to_core(sources: Iterable[Module]) -> Iterator[str]:
    """Imports of `server/core` that are neither the standard library nor core itself."""
    for module in sources:
        if module.path.startswith("server/core/"):
            for name, line in imports_of(module):
                if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("server.core"):
                    yield f"{module.path}:{line}: {name}"


def imports_of(module: Module) -> Iterator[tuple[str, int]]:
    """(dotted name, line) of all imports, those inside functions too; the project uses no relative ones."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield ("." * node.level) + (node.module or ""), node.lineno


def _admits(rooms: tuple[str, ...], path: str) -> bool:
    return any(fnmatchcase(path, room) for room in rooms)
