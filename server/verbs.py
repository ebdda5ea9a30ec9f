"""The verbs of run.py: one function each.

What people may do wrong (a port in use, a damaged file) ends in one sentence and exit code 1.
"""
import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from config.load import BadConfiguration, load_settings, prepare_data_dir, with_secrets
from config.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
ConfigFile = Annotated[str | None, typer.Option("--config", help="a TOML file with settings")]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Peihu 陪护: companion care in hospitals. Without a verb: serve.",
)
admin = typer.Typer(no_args_is_help=True, help="Administrators' accounts.")
app.add_typer(admin, name="admin")
console = Console(soft_wrap=True, highlight=False)  # addresses stay whole in narrow windows


def _settings(config: str | None) -> Settings:
    """Settings and a writable data directory, or one sentence and exit code 1."""
    try:
        settings = load_settings(config, os.environ)
        prepare_data_dir(settings)
        return with_secrets(settings)
    except BadConfiguration as problem:
        raise _stop(f"configuration: {problem}") from None


def _stop(sentence: str) -> typer.Exit:
    Console(stderr=True).print(sentence, style="red", highlight=False, soft_wrap=True)
    return typer.Exit(1)


@app.command()
def serve(
    config: ConfigFile = None,
    host: Annotated[str | None, typer.Option(help="where to listen")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="0: any free port")] = None,
) -> None:
    """Run the product (the default verb)."""
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = _settings(config).model_copy(update=given)
    from server.serving import CannotServe, serve_until_signal  # takes a second: a wrong setting is told before

    try:
        asyncio.run(serve_until_signal(settings, console=console))
    except CannotServe as problem:
        raise _stop(str(problem)) from None


@app.command()
def story(url: Annotated[str, typer.Option(help="a running server")] = "http://127.0.0.1:8000") -> None:
    """Play the main job against a running server and narrate it."""
    from server.demo.story import tell

    raise typer.Exit(asyncio.run(tell(url, console=console)))


@app.command()
def migrate(config: ConfigFile = None) -> None:
    """Bring the database to the newest schema."""
    from server.outside import database_url
    from server.storage.migrate import CannotMigrate
    from server.storage.migrate import migrate as run_migrations

    try:
        applied = run_migrations(database_url(_settings(config)))
    except CannotMigrate as problem:
        raise _stop(str(problem)) from None
    console.print(f"applied: {', '.join(applied)}" if applied else "the schema is up to date")


@app.command()
def demo(
    config: ConfigFile = None,
    caregivers: Annotated[int, typer.Option(min=0, max=1_000_000, help="0: only the small demo world")] = 0,
    orders: Annotated[int, typer.Option(min=0, max=10_000_000)] = 0,
    seed: Annotated[int, typer.Option(help="the same seed makes the same world")] = 1,
) -> None:
    """Write the demo world, or a generated one, into the store."""
    from server.chores import plant_demo

    settings = _settings(config)
    if not settings.is_sandbox:
        raise _stop("the demo world is for the sandbox only (PEIHU_ENVIRONMENT=sandbox)")
    asyncio.run(plant_demo(settings, caregivers=caregivers, orders=orders, seed=seed, console=console))


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
        raise _stop(f"not made: {problem.code} {details}") from None
    console.print(f"administrator {user_id} made")


@app.command()
def openapi(config: ConfigFile = None) -> None:
    """Print the OpenAPI document of the server."""
    from server.chores import describe_api

    typer.echo(asyncio.run(describe_api(_settings(config))))


@app.command()
def check(config: ConfigFile = None) -> None:
    """Say whether this configuration could serve: settings, data directory, database, schema."""
    settings = _settings(config)
    from server.serving import CannotServe, check_startable

    try:
        lines = asyncio.run(check_startable(settings))
    except CannotServe as problem:
        raise _stop(str(problem)) from None
    for line in lines:
        console.print(line)


@app.command()
def bench(
    work: Annotated[str, typer.Argument(help="fanout, durable, latency, herd, idle, growth or all")] = "all",
    rounds: Annotated[int, typer.Option(min=1, help="medians are of so many")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="small and short; keeps nothing")] = False,
) -> None:
    """Measure the live channels side by side with others."""
    from bench.cli import CannotMeasure, run

    try:
        reached = run(work, rounds=1 if quick else rounds, quick=quick, console=console)
    except CannotMeasure as problem:
        raise _stop(str(problem)) from None
    raise typer.Exit(0 if reached else 2)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(
    context: typer.Context,
    services: Annotated[bool, typer.Option("--services", help="also what needs MariaDB, Redis, MongoDB")] = False,
) -> None:
    """Pass the tests; further arguments go to pytest (`-n 0`: one after the other)."""
    import subprocess
    import sys

    environment = dict(os.environ) | ({"PEIHU_TEST_SERVICES": "1"} if services else {})
    side_by_side = [] if "-n" in context.args else ["-n", str(min(os.cpu_count() or 1, 4)), "--dist", "loadfile"]
    command = [sys.executable, "-m", "pytest", *side_by_side, *context.args]
    raise typer.Exit(subprocess.run(command, cwd=ROOT, env=environment).returncode)
