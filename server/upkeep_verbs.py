"""The verbs of run.py that work on whole stores.

Exit code 1: nothing was done, and one sentence says why. 2: it was done, and something needs an eye.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from config.settings import Settings
from server.command_line import ConfigFile, complain, console, settings_of, stop
from server.core.interrupts import ended_by_signals

Result = TypeVar("Result")
upkeep = typer.Typer()
_LOOK_AT_IT = 2

KeyFile = Annotated[
    Path | None, typer.Option("--key-file", help="instead of the field key: the bytes of this file")
]


@upkeep.command()
def migrate(
    to: Annotated[str, typer.Option(metavar="REVISION", help="go to this one instead of the newest")] = "head",
    back: Annotated[
        bool, typer.Option("--back", help="REVISION may be older: what later ones added is lost; stop all servers")
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Bring the database to the newest schema, or to another one."""
    settings = settings_of(config)
    from server.keeping.schema import CannotGoBack, go_to
    from server.outside import CannotOpen
    from server.storage.migrate import CannotMigrate

    try:
        passed = go_to(settings, to, may_go_back=back)
    except (CannotOpen, CannotMigrate, CannotGoBack) as problem:
        raise stop(str(problem)) from None
    console.print(f"the schema is {passed.now}; " + (passed.words or "nothing had to be done"))


@upkeep.command()
def backup(
    destination: Annotated[str, typer.Argument(metavar="DEST", help="a new file, or a directory to put one in")],
    key_file: KeyFile = None,
    config: ConfigFile = None,
) -> None:
    """Write all stores, as they are at one moment, into one encrypted file; the server may go on serving."""
    settings = settings_of(config)
    from server.keeping.archives import back_up
    from server.keeping.places import BadKeyFile, secret_of
    from server.outside import CannotOpen
    from server.showing import ShownProgress
    from server.upkeep.backing_up import CannotBackUp

    try:
        secret = secret_of(settings, key_file)
        with ShownProgress(console) as progress:
            made = _run(back_up(settings, destination, secret=secret, progress=progress))
    except (BadKeyFile, CannotOpen, CannotBackUp) as problem:
        raise stop(str(problem)) from None
    files = made.manifest["files"]
    console.print(f"{made.path}: {made.rows:,} rows, {files['count']:,} files, {made.size_bytes:,} bytes")
    if made.missing_files:
        console.print(f"{made.missing_files:,} rows name files whose bytes are gone", style="yellow")
        if not files["count"]:
            hint = "the backup has no files at all: is this the server's data directory (PEIHU_DATA_DIR)?"
            raise stop(hint, exit_code=_LOOK_AT_IT)


@upkeep.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="a file that backup has written")],
    replace: Annotated[bool, typer.Option("--replace", help="also when the store is not empty")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="only read it to its end; change nothing")] = False,
    check: Annotated[
        Path | None, typer.Option("--check", metavar="REPORT", help="only say whether this report of SRC is unaltered")
    ] = None,
    key_file: KeyFile = None,
    config: ConfigFile = None,
) -> None:
    """Put a backup in place, compare it, check the invariants and sign a report; stop the server first."""
    if sum((replace, verify, check is not None)) > 1:
        raise stop("--replace, --verify and --check exclude each other")
    settings = settings_of(config)
    from server.keeping import archives
    from server.keeping.places import BadKeyFile, secret_of
    from server.outside import CannotOpen
    from server.showing import ShownProgress
    from server.upkeep.restoring import CannotRestore

    try:
        secret = secret_of(settings, key_file)
        if check is not None:
            report = archives.check_report(source, check, secret=secret)
        else:
            with ShownProgress(console) as progress:
                if verify:
                    report = archives.verify(settings, source, secret=secret, progress=progress)
                else:
                    work = archives.restore(settings, source, secret=secret, replace=replace, progress=progress)
                    report = _run(work)
    except (BadKeyFile, CannotOpen, CannotRestore) as problem:
        raise stop(str(problem)) from None
    _show(settings, source, report, is_new=check is None)
    raise typer.Exit(_LOOK_AT_IT if report.get("broken") else 0)


@upkeep.command()
def maintain(
    compact: Annotated[
        bool, typer.Option("--compact", help="also rebuild tables and indexes; SQLite: only while nothing serves")
    ] = False,
    to_json: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="keep the report there; -: print it, and nothing else")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Retention, statistics, integrity, invariants, counts; beside a running server."""
    settings = settings_of(config)
    from server.core.progress import Silent
    from server.keeping.maintenance import CannotMaintain, Maintenance
    from server.outside import CannotOpen
    from server.showing import ShownProgress, maintenance_tables

    is_quiet = to_json == "-"
    try:
        with nullcontext(Silent()) if is_quiet else ShownProgress(console) as progress:
            report = _run(Maintenance(settings, progress=progress).run(with_compact=compact))
        if to_json is not None:
            _keep_json(to_json, report)
    except (CannotOpen, CannotMaintain) as problem:
        raise stop(str(problem)) from None
    for table in () if is_quiet else maintenance_tables(report):
        console.print(table)
    for line in report["broken"]:
        complain(line)
    raise typer.Exit(_LOOK_AT_IT if report["broken"] else 0)


def _keep_json(where: str, report: dict[str, Any]) -> None:
    from server.upkeep.reports import as_text, write_report

    if where == "-":
        typer.echo(as_text(report), nl=False)
        return
    try:
        write_report(Path(where), report)
    except OSError as problem:
        raise stop(f"{where} cannot be written ({problem.strerror}); all was done, and the report is lost") from None


def _show(settings: Settings, source: Path, report: dict[str, Any], *, is_new: bool) -> None:
    from server.keeping.archives import keep_report
    from server.showing import report_table

    console.print(report_table(report))
    if report.get("set_aside"):
        console.print(f"the damaged file that was there is kept as {report['set_aside']}", style="yellow")
    for one in report.get("broken", ()):
        examples = ", ".join(one["examples"])
        console.print(f"{one['number']} does not hold: {one['words']} ({one['count']}: {examples})", style="red")
    if report["missing_files"]["count"]:
        console.print(f"{report['missing_files']['count']:,} files were gone already when it was made", style="yellow")
    console.print(f"signed {report['signature']}")
    if not is_new:
        console.print(f"the report of {report['ended_at']} is as it was signed")
    elif (kept := keep_report(settings, source, report)) is not None:
        console.print(f"report: {kept}")
    else:
        console.print("the report is kept nowhere: neither directory, the archive's or ours, takes it", style="yellow")


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    """To its end, or until Ctrl-C or SIGTERM, which are heard at once: most of the time nothing is awaited here."""
    with ended_by_signals():
        return asyncio.run(work)
