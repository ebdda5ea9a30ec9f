"""What the verb maintain does, in order, and what it tells.

Everything is safe beside a running server, but SQLite's `--compact`, which is refused there. What it locks, and for how
long, stands in `upkeep/tending`.
"""

import time
from typing import Any

from config.settings import Settings
from server.app import Peihu, build_app
from server.core.clock import server_now
from server.core.errors import Unavailable
from server.core.progress import Progress
from server.core.version import VERSION
from server.jobs.loops import Job
from server.keeping.places import sql_store
from server.parts.backups import shelf_of
from server.parts.rounds import retention_jobs
from server.storage.documents.belonging import ForeignDocuments
from server.storage.files.orphans import Orphans
from server.storage.migrate import newest_revision
from server.upkeep.sql.occupants import NotFree
from server.upkeep.sql.opening import StoreTrouble
from server.upkeep.sql.snapshot import snapshot_of
from server.upkeep.tending.steps import Steps

_NOWHERE = "http://127.0.0.1:0"  # nothing is served, so nobody calls back
_RETENTION_S = 300.0  # a store that was let grow for a year is brought down over several days


class CannotMaintain(Exception):
    """Why nothing, or no more, was done, in one sentence for the operator."""


class Maintenance:
    """One go over all of it; `report` grows with each step."""

    def __init__(self, settings: Settings, *, progress: Progress) -> None:
        self._settings = settings
        self._progress = progress
        self._store = sql_store(settings)
        self._steps = Steps(self._store, progress=progress)
        self.report = self._steps.found
        self.report |= {"tool": VERSION, "store": self._store.place, "begun_at": server_now().isoformat()}

    async def run(self, *, with_compact: bool) -> dict[str, Any]:
        """The whole report; `broken` says what is not as it must be. Raises CannotMaintain."""
        try:
            self._require_schema()
            if with_compact:  # refused before anything else is done
                self._steps.require_compactable()
            await self._with_a_built_instance()
            if with_compact:
                self._steps.compact()
            self._steps.look_after()
        except (StoreTrouble, NotFree) as problem:
            raise CannotMaintain(str(problem)) from None
        except Unavailable:
            raise CannotMaintain("the database or the file store did not answer in time; try again") from None
        self.report["backup"] = _newest_backup(self._settings)
        self.report["ended_at"] = server_now().isoformat()
        self.report["broken"] = broken_in(self.report, stuck_after_s=self._settings.outbox.stuck_after_s)
        return self.report

    def _require_schema(self) -> None:
        if not self._store.exists():
            raise CannotMaintain(f"there is no database at {self._store.path}")
        with snapshot_of(self._store) as snapshot:
            revision, is_half = snapshot.revision, snapshot.is_half_restored
        if is_half:
            raise CannotMaintain(f"{self._store.place} is half full of a restore that was cut off; restore it again")
        if revision != newest_revision():
            raise CannotMaintain(f"the schema is {revision or 'not there'}, not {newest_revision()}: run.py migrate")
        self.report["schema"] = revision

    async def _with_a_built_instance(self) -> None:
        peihu = build_app(self._settings, base_url=_NOWHERE)
        base, outbox = peihu.base, peihu.base.outbox
        try:
            await _admit_documents(peihu)
            with self._steps.timed("retention"):
                self.report["retention"] = await self._retain(retention_jobs(base, peihu.areas))
            with self._steps.timed("files"):
                self.report["files"] = {"lost": await Orphans(store=base.files, database=base.database).lost()}
            outside = await outbox.waiting_for(longer_than_s=self._settings.outbox.stuck_after_s)
            self.report["outbox"] = {"oldest_s": round(await outbox.oldest_age_s(), 1), "outside": outside}
        finally:
            await peihu.close()

    async def _retain(self, jobs: list[Job]) -> dict[str, Any]:
        """How much each job took away; `more`: there was not time for all."""
        self._progress.begin("retention", len(jobs))
        until_s, gone, more = time.monotonic() + _RETENTION_S, {job.name: 0 for job in jobs}, False
        for job in jobs:
            while taken := await job.run_once():
                gone[job.name] += taken
                if time.monotonic() > until_s:
                    more = True
                    break
            self._progress.advance(1)
        return {"gone": gone, "more": more}


def broken_in(report: dict[str, Any], *, stuck_after_s: float) -> list[str]:
    """What is not as it must be, a line each."""
    lines = [f"integrity: {line}" for line in report["integrity"]]
    lines += [
        f"{one['number']} does not hold: {one['words']} ({one['count']}: {', '.join(one['examples'])})"
        for one in report["invariants"]
        if one["count"]
    ]
    if report["files"]["lost"]:
        lines.append(f"files: {report['files']['lost']} rows name bytes that are not there")
    if report["is_served"] and report["outbox"]["oldest_s"] > stuck_after_s:
        lines.append(f"I8 does not hold: a parcel has waited for {report['outbox']['oldest_s']:.0f} s")
    return lines


async def _admit_documents(peihu: Peihu) -> None:
    """Else every question to MongoDB is refused. Raises CannotMaintain."""
    mongo = peihu.base.mongo
    if mongo is not None:
        try:
            await mongo.look()
        except (ForeignDocuments, Unavailable):
            raise CannotMaintain(mongo.trouble) from None


def _newest_backup(settings: Settings) -> dict[str, Any] | None:
    """The newest scheduled one of this machine; None: settings want none here."""
    wanted = settings.backup
    if not wanted.directory:
        return None
    try:
        kept = shelf_of(settings).kept()
    except OSError as problem:
        return {"problem": f"{wanted.directory}: {problem.strerror}", "kept": 0}
    newest = kept[0].made_at.isoformat() if kept else None
    return {"newest_at": newest, "kept": len(kept)}
