"""What the verbs backup and restore do."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from config.settings import Settings
from server.core.clock import server_now
from server.core.progress import Progress
from server.core.version import VERSION
from server.keeping.places import other_stores, sql_store
from server.storage.agreement import fingerprint
from server.storage.sealed import FieldKeys
from server.upkeep.archive.problems import BadArchive
from server.upkeep.archive.records import ArchiveReader
from server.upkeep.backing_up import Backup, Made, Owner, Secret, place_for
from server.upkeep.documents import Documents
from server.upkeep.reports import is_genuine, signed, write_report
from server.upkeep.restoring import CannotRestore, Restore, Restored
from server.upkeep.sql.targets import target_for


async def back_up(settings: Settings, destination: str, *, secret: Secret, progress: Progress) -> Made:
    """One archive. Raises CannotBackUp, CannotOpen."""
    now = server_now()
    path = place_for(destination, now)
    owner = Owner(
        tool=VERSION,
        sealed_with=FieldKeys(settings.field_key).key_id,
        field_key_print=fingerprint("field_key", settings.field_key),
    )
    with other_stores(settings) as (files, documents):
        backup = Backup(
            store=sql_store(settings), files=files, secret=secret, owner=owner, progress=progress, documents=documents
        )
        return await backup.write(path, at=now)


def verify(settings: Settings, source: Path, *, secret: Secret, progress: Progress) -> dict[str, Any]:
    """Read an archive to its end and change nothing; the report. Raises CannotRestore."""
    begun = server_now()
    archive = _opened(source, secret)
    manifest = _restore(archive, settings, source, progress).verify()
    return _report("verified", archive, source, secret, manifest=manifest, begun_at=begun.isoformat())


async def restore(
    settings: Settings, source: Path, *, secret: Secret, replace: bool, progress: Progress
) -> dict[str, Any]:
    """Put an archive in place; the signed report. Raises CannotRestore, CannotOpen."""
    begun = server_now()
    archive = _opened(source, secret)
    store = sql_store(settings)
    with other_stores(settings) as (files, documents):
        work = _restore(archive, settings, source, progress, documents)
        restored = await work.into(target_for(store), files, replace=replace)
    return _report(
        "restored", archive, source, secret, manifest=restored.manifest, begun_at=begun.isoformat(),
        into=store.place, **_outcome(restored),
    )  # fmt: skip


def keep_report(settings: Settings, source: Path, report: dict[str, Any]) -> Path | None:
    """Beside the archive, or where that cannot be written in the data directory; None: nowhere."""
    stamp = report["begun_at"][:19].replace("-", "").replace(":", "")
    name = f"{source.name}.{report['what']}-{stamp}Z.json"
    for folder in (source.parent, settings.data_dir):
        try:
            write_report(folder / name, report)
        except OSError:
            continue
        return folder / name
    return None


def check_report(source: Path, report: Path, *, secret: Secret) -> dict[str, Any]:
    """The report, if it is as it was signed with this archive and key. Raises CannotRestore."""
    archive = _opened(source, secret)
    try:
        found = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise CannotRestore(f"{report} cannot be read as a report ({problem})") from None
    if not isinstance(found, dict) or not is_genuine(found, head=archive.head, secret=secret.key):
        raise CannotRestore(f"{report} was altered, or it is no report of {source.name}")
    return found


def _opened(source: Path, secret: Secret) -> ArchiveReader:
    try:
        return ArchiveReader(source, secret=secret.key)
    except BadArchive as problem:
        raise CannotRestore(str(problem)) from None


def _restore(
    archive: ArchiveReader, settings: Settings, source: Path, progress: Progress, documents: Documents | None = None
) -> Restore:
    key_id = FieldKeys(settings.field_key).key_id
    return Restore(archive, name=source.name, sealed_with=key_id, progress=progress, documents=documents)


def _outcome(restored: Restored) -> dict[str, Any]:
    broken = [asdict(one) for one in restored.findings if one.count]
    aside = str(restored.set_aside) if restored.set_aside else None
    return {"migrated": restored.migrated, "invariants": len(restored.findings), "broken": broken, "set_aside": aside}


def _report(
    what: str, archive: ArchiveReader, source: Path, secret: Secret, *, manifest: dict[str, Any], **more: Any
) -> dict[str, Any]:
    head = archive.head
    facts = {
        "what": what, "archive": source.name, "size_bytes": archive.size_bytes, "made_at": head.created_at,
        "made_with": head.tool, "schema": head.schema, "ended_at": server_now().isoformat(), "tool": VERSION,
        "tables": {name: one["count"] for name, one in manifest["tables"].items()},
        "digests": {name: one["digest"] for name, one in manifest["tables"].items()},
        "files": manifest["files"], "missing_files": manifest["missing_files"],
    }  # fmt: skip
    return signed(facts | more, head=head, secret=secret.key)
