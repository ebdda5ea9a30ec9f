"""The verbs of run.py: one function each.

What people may do wrong (a port in use, a damaged file) ends in one sentence and exit code 1.
"""
import asyncio
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from config.settings import EVERY_ROLE, Settings
from server.command_line import ConfigFile, console, stop
from server.command_line import settings_of as _settings
from server.upkeep_verbs import upkeep

ROOT = Path(__file__).resolve().parent.parent
class Faults(StrEnum):
    """How thoroughly things are broken."""

    short = "short"
    long = "long"


app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Peihu 陪护: companion care in hospitals. Without a verb: serve.",
)
admin = typer.Typer(no_args_is_help=True, help="Administrators' accounts.")
web = typer.Typer(no_args_is_help=True, help="The pages below web/.")
app.add_typer(admin, name="admin")
app.add_typer(upkeep)  # its verbs stand beside these
app.add_typer(web, name="web")


def _changed(settings: Settings, *, roles: str | None, **given: Any) -> Settings:
    """The settings with what the command line says, or one sentence and exit code 1."""
    changes = {name: value for name, value in given.items() if value is not None}
    if roles is not None:
        changes["roles"] = tuple(role.strip() for role in roles.split(",") if role.strip())
        if not changes["roles"] or not set(changes["roles"]) <= set(EVERY_ROLE):
            raise stop(f"--roles {roles}: give some of {','.join(EVERY_ROLE)}")
    return settings.model_copy(update=changes)


@app.command()
def serve(
    config: ConfigFile = None,
    host: Annotated[str | None, typer.Option(help="where to listen")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="0: any free port")] = None,
    processes: Annotated[int | None, typer.Option(min=1, max=64, help="one a core; needs Redis")] = None,
    roles: Annotated[str | None, typer.Option(help="parts to run here, of api,ws,jobs; needs Redis")] = None,
) -> None:
    """Run the product (the default verb)."""
    settings = _changed(_settings(config), host=host, port=port, processes=processes, roles=roles)
    from server.startable import CannotServe

    try:
        if settings.processes > 1:
            from server.processes import serve_in_processes

            options = {"config": config, "host": host, "roles": roles, "processes": settings.processes}
            given = [f"--{name}={value}" for name, value in options.items() if value is not None]
            raise typer.Exit(asyncio.run(serve_in_processes(settings, given=given, console=console)))
        from server.serving import serve_until_signal  # takes a second: a wrong setting is told before
        from server.worker import Place

        place = Place(admin_port=settings.http.admin_port)
        asyncio.run(serve_until_signal(settings, console=console, place=place))
    except CannotServe as problem:
        raise stop(str(problem), exit_code=problem.exit_code) from None


@app.command(hidden=True)
def worker(
    slot: Annotated[int, typer.Option(min=0)],
    admin_port: Annotated[int, typer.Option(min=1, max=65_535)],
    parent_pipe: Annotated[int, typer.Option(min=0)],
    port: Annotated[int, typer.Option(min=1, max=65_535)],
    processes: Annotated[int, typer.Option(min=1)],
    config: ConfigFile = None,
    host: Annotated[str | None, typer.Option()] = None,
    roles: Annotated[str | None, typer.Option()] = None,
) -> None:
    """One of the processes of `serve --processes N`, which starts it."""
    settings = _changed(_settings(config), host=host, port=port, processes=processes, roles=roles)
    from server.serving import serve_until_signal
    from server.startable import CannotServe
    from server.worker import Place

    place = Place(slot=slot, admin_port=admin_port, parent_pipe=parent_pipe)
    try:
        asyncio.run(serve_until_signal(settings, console=console, place=place))
    except CannotServe as problem:
        raise stop(str(problem), exit_code=problem.exit_code) from None


@app.command()
def story(url: Annotated[str, typer.Option(help="a running server")] = "http://127.0.0.1:8000") -> None:
    """Play the main job against a running server and narrate it."""
    from server.demo.story import tell

    raise typer.Exit(asyncio.run(tell(url, console=console)))


@app.command()
def demo(
    config: ConfigFile = None,
    caregivers: Annotated[int, typer.Option(min=0, max=1_000_000, help="0: only the small demo world")] = 0,
    orders: Annotated[int, typer.Option(min=0, max=10_000_000)] = 0,
    seed: Annotated[int, typer.Option(help="the same seed makes the same world")] = 1,
) -> None:
    """Write the demo world, or a generated one, into the store."""
    from server.chores import plant_demo
    from server.demo.planting import CannotPlant

    settings = _settings(config)
    if not settings.is_sandbox:
        raise stop("the demo world is for the sandbox only (PEIHU_ENVIRONMENT=sandbox)")
    try:
        asyncio.run(plant_demo(settings, caregivers=caregivers, orders=orders, seed=seed, console=console))
    except CannotPlant as problem:
        raise stop(str(problem)) from None


@admin.command("create")
def admin_create(
    username: Annotated[str, typer.Option(prompt=True)],
    phone: Annotated[str, typer.Option(prompt=True)],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
    config: ConfigFile = None,
) -> None:
    """Make an administrator."""
    from server.chores import create_administrator
    from server.core.errors import Refused

    try:
        user_id = asyncio.run(
            create_administrator(_settings(config), username=username, phone=phone, password=password)
        )
    except Refused as problem:
        details = "; ".join(f"{error.field}: {error.message}" for error in problem.errors)
        raise stop(f"not made: {problem.code} {details}") from None
    console.print(f"administrator {user_id} made")


@web.command("build")
def web_build() -> None:
    """Build the pages anew from their sources; needs Node.js, which serving them does not."""
    from server.building import CannotBuild, build

    try:
        build(ROOT / "web", console=console)
    except CannotBuild as problem:
        raise stop(str(problem)) from None


@web.command("screens", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def web_screens(context: typer.Context) -> None:
    """Take pictures of every page into docs/screens (`-- --help`: of one, or elsewhere); needs Chromium."""
    import subprocess
    import sys

    raise typer.Exit(subprocess.run([sys.executable, "-m", "tests.screens", *context.args], cwd=ROOT).returncode)


@app.command()
def openapi(config: ConfigFile = None) -> None:
    """Print the OpenAPI document of the server."""
    from server.chores import describe_api

    typer.echo(asyncio.run(describe_api(_settings(config))))


@app.command()
def check(
    config: ConfigFile = None,
    exchange: Annotated[
        bool, typer.Option("--exchange", help="make this signing secret and service key the cluster's; stop all first")
    ] = False,
) -> None:
    """Say whether this configuration could serve: settings, data directory, database, schema."""
    settings = _settings(config)
    from server.serving import CannotServe, check_startable

    try:
        if exchange:
            from server.chores import exchange_secrets

            asyncio.run(exchange_secrets(settings))
        lines = asyncio.run(check_startable(settings))
    except CannotServe as problem:
        raise stop(str(problem), exit_code=problem.exit_code) from None
    for line in lines:
        console.print(line)


@app.command()
def bench(
    work: Annotated[str, typer.Argument(help="fanout, durable, latency, herd, idle, growth, cluster or all")] = "all",
    rounds: Annotated[int, typer.Option(min=1, help="medians are of so many")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="small and short; keeps nothing")] = False,
) -> None:
    """Measure the live channels side by side with others."""
    from bench.cli import CannotMeasure, run

    try:
        reached = run(work, rounds=1 if quick else rounds, quick=quick, console=console)
    except CannotMeasure as problem:
        raise stop(str(problem)) from None
    raise typer.Exit(0 if reached else 2)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(
    context: typer.Context,
    services: Annotated[bool, typer.Option("--services", help="also what needs MariaDB, Redis, MongoDB")] = False,
    fuzz: Annotated[int, typer.Option(min=0, help="instead: so many seconds of atheris, if it is installed")] = 0,
    faults: Annotated[Faults, typer.Option(help="long: only the tests of faults, for hours")] = Faults.short,
) -> None:
    """Pass the tests; further arguments go to pytest (`-n 0`: one after the other)."""
    import importlib.util
    import subprocess
    import sys

    if fuzz:
        if importlib.util.find_spec("atheris") is None:
            raise stop(f"nothing was fuzzed: atheris is not installed. Try: {sys.executable} -m pip install atheris")
        raise typer.Exit(subprocess.run([sys.executable, "-m", "tests.fuzz.frames", str(fuzz)], cwd=ROOT).returncode)
    environment = dict(os.environ) | ({"PEIHU_TEST_SERVICES": "1"} if services else {})
    environment |= {"PEIHU_TEST_FAULTS": faults.value}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # the program is started hundreds of times
    if faults is Faults.long and not any(argument.startswith("tests/") for argument in context.args):
        context.args.append("tests/fault")
    side_by_side = [] if "-n" in context.args else [
        "-n", str(min((os.cpu_count() or 1) + 1, 4)), "--dist", "loadfile", "--no-loadscope-reorder",
    ]  # fmt: skip
    os.chdir(ROOT)  # and in place of this process: who stops it stops the tests, and with them their servers
    os.execve(sys.executable, [sys.executable, "-m", "pytest", *side_by_side, *context.args], environment)
