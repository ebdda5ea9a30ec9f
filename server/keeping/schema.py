"""What the verb migrate does: forward freely, back with care."""

from dataclasses import dataclass

from config.settings import Settings
from server.keeping.places import sql_store
from server.outside import database_tls, database_url
from server.storage.migrate import known_revisions, migrate, newest_revision
from server.upkeep.sql.occupants import NotFree, require_alone
from server.upkeep.sql.opening import SqlStore, StoreTrouble
from server.upkeep.sql.snapshot import snapshot_of


class CannotGoBack(Exception):
    """Why the schema stays as it is, in one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Where the schema is now, and which revisions were applied or taken back on the way."""

    now: str
    words: str


def go_to(settings: Settings, revision: str, *, may_go_back: bool) -> Passed:
    """Raises CannotOpen, CannotMigrate, CannotGoBack."""
    wanted = newest_revision() if revision == "head" else revision
    is_back = _is_behind(sql_store(settings), wanted)
    if is_back:
        _require_care(sql_store(settings), wanted, may_go_back=may_go_back)
    passed = migrate(database_url(settings), tls=database_tls(settings), to=wanted)
    if not passed:
        return Passed(wanted, "")
    return Passed(wanted, f"{'taken back' if is_back else 'applied'}: {', '.join(passed)}")


def _is_behind(store: SqlStore, wanted: str) -> bool:
    """Whether the wanted revision is older than the store's; what is strange about either `migrate` says."""
    known = known_revisions()  # the newest first
    if not store.exists() or wanted not in known:
        return False
    try:
        with snapshot_of(store) as snapshot:
            current = snapshot.revision
    except StoreTrouble as problem:
        raise CannotGoBack(str(problem)) from None
    return current in known and known.index(wanted) > known.index(current)


def _require_care(store: SqlStore, wanted: str, *, may_go_back: bool) -> None:
    if not may_go_back:
        raise CannotGoBack(
            f"{wanted} is older than the database's schema: what later revisions added is lost; make a backup and say --back"
        )
    try:
        with store.connected() as connection:
            require_alone(connection, store)
    except (NotFree, StoreTrouble) as problem:
        raise CannotGoBack(str(problem)) from None
