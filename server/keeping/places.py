"""The stores and the secret of an archive that settings name."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from config.settings import Settings
from server.outside import database_tls, database_url, open_mongo
from server.storage.files.disk import DiskFiles
from server.storage.files.gridfs import GridFsFiles
from server.storage.files.port import FileStore
from server.storage.sealed import FieldKeys
from server.upkeep.backing_up import Secret
from server.upkeep.documents import Documents
from server.upkeep.sql.opening import SqlStore

_SHORTEST_KEY_BYTES = 32


class BadKeyFile(Exception):
    """Why a key file cannot be used, in one sentence for the operator."""


def secret_of(settings: Settings, key_file: Path | None) -> Secret:
    """What archives are encrypted with. Raises BadKeyFile."""
    if key_file is None:
        return Secret(key=settings.field_key.encode(), called="field key")
    try:
        key = key_file.read_bytes().strip()
    except OSError as problem:
        raise BadKeyFile(f"the key file {key_file} cannot be read ({problem.strerror})") from None
    if len(key) < _SHORTEST_KEY_BYTES:
        raise BadKeyFile(f"the key file {key_file} has {len(key)} bytes; at least {_SHORTEST_KEY_BYTES} are needed")
    return Secret(key=key, called="key file")


def sql_store(settings: Settings) -> SqlStore:
    """Raises CannotOpen."""
    return SqlStore(url=database_url(settings), tls=database_tls(settings))


@contextmanager
def other_stores(settings: Settings) -> Iterator[tuple[FileStore, Documents | None]]:
    """Files, and what has moved out of the SQL store. Raises CannotOpen."""
    mongo = open_mongo(settings)
    if mongo is None:
        with ThreadPoolExecutor(2, thread_name_prefix="files") as executor:
            yield DiskFiles(directory=settings.data_dir / "files", executor=executor), None
        return
    try:
        yield GridFsFiles(mongo=mongo), Documents(mongo, keys=FieldKeys(settings.field_key))
    finally:
        mongo.close()
