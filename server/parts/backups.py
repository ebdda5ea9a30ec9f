"""The scheduled backup, where settings give it a directory."""

from pathlib import Path

from config.settings import Settings
from server.jobs.backup_shelf import BackupShelf, Rotation
from server.jobs.backups import ALARM, ScheduledBackup
from server.keeping.apart import back_up_apart
from server.keeping.places import BadKeyFile, secret_of
from server.oversight.alarms import Alarms
from server.parts.foundation import Foundation
from server.storage.sql import Database

_KEY = f"{ALARM}/scheduled"


class BackupAlarm:
    """Stands from the first failure to the next good backup."""

    def __init__(self, *, database: Database, alarms: Alarms) -> None:
        self._database = database
        self._alarms = alarms

    async def raise_(self, text: str) -> None:
        await self._database.write(
            lambda tx: self._alarms.raise_alarm(tx, kind=ALARM, order_id=None, text=text, once_key=_KEY)
        )

    async def solve(self) -> None:
        await self._database.write(lambda tx: self._alarms.solve(tx, [_KEY]))


def shelf_of(settings: Settings) -> BackupShelf:
    wanted = settings.backup
    rotation = Rotation(daily=wanted.keep_daily, weekly=wanted.keep_weekly)
    return BackupShelf(directory=Path(wanted.directory), rotation=rotation)


def scheduled_backup(base: Foundation, alarms: Alarms) -> ScheduledBackup | None:
    """None: settings want none here."""
    wanted = base.settings.backup
    if not wanted.directory:
        return None
    every_s = wanted.every_h * 3_600
    return ScheduledBackup(
        shelf=shelf_of(base.settings),
        make=lambda path: back_up_apart(base.settings, path, within_s=every_s),
        alarm=BackupAlarm(database=base.database, alarms=alarms),
        every_s=every_s,
        executor=base.executor,
    )


def missing_for_backups(settings: Settings) -> list[str]:
    """What would keep the scheduled backup from being made, as lines for people who start the program."""
    wanted = settings.backup
    if not wanted.directory:
        return []
    lines = [] if Path(wanted.directory).is_dir() else [f"backup.directory: {wanted.directory} is no directory"]
    try:
        secret_of(settings, Path(wanted.key_file) if wanted.key_file else None)
    except BadKeyFile as problem:
        lines.append(f"backup.key_file: {problem}")
    return lines
