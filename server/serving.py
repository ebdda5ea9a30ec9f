"""Serving until a signal: listen, greet, drain.

SIGTERM and SIGINT drain: no new connections, running requests finish, sockets close with 3001, what is in
hand of the outbox leaves; at most `http.drain_within_s`.
"""

import asyncio
import gc

from rich.console import Console
from tornado.httpserver import HTTPServer

from config.load import SHARED_SECRETS, BadConfiguration
from config.settings import Settings
from server.app import Peihu, build_app
from server.chores import plant_demo_world
from server.core.errors import Unavailable
from server.demo.world import DEMO_PASSWORD
from server.listening import patient
from server.logs import set_up_logs
from server.outside import CannotOpen, bring_up_to_date, database_url
from server.startable import CannotServe, bind, require_reachable
from server.storage.agreement import strange_secrets
from server.storage.documents.belonging import ForeignDocuments, mark_of
from server.storage.documents.mongo import MongoRefuses
from server.storage.migrate import CannotMigrate, newest_revision
from server.worker import Place, ignore_signals, stop_on_signals

# New objects between two looks for cyclic rubbish. Python's 700 had a tenth of the processor look through objects
# that live as long as their sockets; nothing of ours that lives for one request is a cycle.
_COLLECT_AFTER = (10_000, 20, 50)
_ON_ITS_WAY_S = 0.2  # what was sent before the client could know is read and answered


_ALONE = Place()


async def serve_until_signal(settings: Settings, *, console: Console, place: Place = _ALONE) -> None:
    """Bring the schema up to date, start everything, serve, drain. Raises CannotServe."""
    require_reachable(settings)
    # Alone: a port in use is told at once. Among others: whoever listens gets its share, so only who can answer does.
    sockets = bind(settings, place) if place.slot is None else []
    port = sockets[0].getsockname()[1] if sockets else settings.port
    try:
        await prepare_store(settings)
        peihu = build_app(settings, base_url=settings.http.public_url or f"http://127.0.0.1:{port}")
    except (CannotOpen, BadConfiguration, CannotMigrate) as problem:
        raise CannotServe(str(problem)) from None
    set_up_logs(settings, name=place.log_name)
    await require_agreement(peihu)
    await require_documents(peihu, console=console)
    await plant_if_new(peihu, settings, console=console)
    stopping = stop_on_signals()
    place.stop_on_orphanage(stopping)
    await peihu.start()
    probes = _listen_for_probes(peihu, settings, place)
    server = HTTPServer(peihu.web, **peihu.server_options)
    server.add_sockets(patient(sockets or bind(settings, place)))
    _spare_the_collector()
    if place.slot is None:
        _greet(peihu, settings, port, console=console)
        console.print("Stop with Ctrl-C.\n")
    await stopping.wait()
    if place.slot is None:
        console.print("stopping: finishing what runs …")
    await drain(server, peihu, within_s=settings.http.drain_within_s)
    probes.stop()
    ignore_signals()


async def require_agreement(peihu: Peihu) -> None:
    """This instance has the secrets of the others. Raises CannotServe with exit code 2."""
    settings = peihu.base.settings
    secrets = {name: getattr(settings, name) for name in SHARED_SECRETS}
    try:
        strange = await strange_secrets(peihu.base.database, secrets)
    except Unavailable:
        raise CannotServe("the database does not answer") from None
    if strange:
        await peihu.close()
        names = " and ".join(f"PEIHU_{name.upper()}" for name in strange)
        raise CannotServe(
            f"{names}: not the secret of the other instances on this database; give all of them the same "
            "(a signing secret is exchanged with: run.py check --exchange)",
            exit_code=2,
        )


async def require_documents(peihu: Peihu, *, console: Console) -> None:
    """MongoDB, if it is there, is ours and lets us in; it may be away. Raises CannotServe."""
    mongo = peihu.base.mongo
    if mongo is None:
        if await mark_of(peihu.base.database) is not None:
            await peihu.close()
            raise CannotServe("PEIHU_MONGO_URL is needed: documents and files of this database are in MongoDB")
        return
    try:
        await mongo.look()
    except (ForeignDocuments, MongoRefuses) as problem:
        await peihu.close()
        exit_code = 2 if isinstance(problem, ForeignDocuments) else 1
        raise CannotServe(f"PEIHU_MONGO_URL: {mongo.trouble}", exit_code=exit_code) from None
    except Unavailable:
        console.print(f"{mongo.trouble}; until it does, files and long history are answered 503", style="yellow")


async def drain(server: HTTPServer, peihu: Peihu, *, within_s: float) -> None:
    """Stop in order; whatever hangs is cut off when the time is over."""
    server.stop()
    server.conn_params.no_keep_alive = True  # who still asks on an open connection is told to take another
    try:
        async with asyncio.timeout(within_s):
            await asyncio.sleep(_ON_ITS_WAY_S)
            await peihu.answer_what_runs()
            await server.close_all_connections()  # before the database closes under a late request
            await peihu.stop()
    except TimeoutError:
        pass


async def prepare_store(settings: Settings) -> None:
    """The newest schema."""
    await asyncio.to_thread(bring_up_to_date, settings)


async def plant_if_new(peihu: Peihu, settings: Settings, *, console: Console) -> None:
    """In the sandbox the demo world on first use; also when an earlier first start was cut short."""
    if settings.is_sandbox and not settings.database_url and await peihu.is_unused():
        console.print("first start: planting the demo world …")
        try:
            await plant_demo_world(peihu)
        except Unavailable:
            raise CannotServe("the demo world cannot be planted: one of its stores does not answer") from None


async def check_startable(settings: Settings) -> list[str]:
    """What `run.py check` says. Raises CannotServe."""
    try:
        url = database_url(settings)
        peihu = build_app(settings, base_url=f"http://127.0.0.1:{settings.port}")
    except (CannotOpen, CannotMigrate) as problem:
        raise CannotServe(str(problem)) from None
    lines = [f"environment: {settings.environment}", f"data directory: {settings.data_dir.absolute()}"]
    lines += [f"database: {url.render_as_string(hide_password=True)}", f"newest schema: {newest_revision()}"]
    lines += [f"missing: {line}" for line in peihu.missing] + await _documents(peihu)
    await peihu.close()
    return lines


async def _documents(peihu: Peihu) -> list[str]:
    """What there is to say of MongoDB; nothing is changed there."""
    mongo = peihu.base.mongo
    if mongo is None:
        return []
    try:
        await mongo.ping()
    except Unavailable:
        return [f"documents: {mongo.trouble}"]
    return [f"documents: {mongo.place}"]


def _spare_the_collector() -> None:
    """What stands now stands to the end; only what comes later is ever looked through."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def _listen_for_probes(peihu: Peihu, settings: Settings, place: Place) -> HTTPServer:
    """The port on which this process alone answers. Raises CannotServe."""
    server = HTTPServer(peihu.admin_web, **peihu.server_options)
    try:
        server.add_sockets(place.admin_sockets(settings))
    except OSError as problem:
        where = f"{settings.http.admin_host}:{place.admin_port}"
        raise CannotServe(f"cannot listen on {where} for probes ({problem.strerror})") from None
    return server


def _greet(peihu: Peihu, settings: Settings, port: int, *, console: Console) -> None:
    url = f"http://{settings.host}:{port}"
    console.print(f"\nPeihu 陪护 is running at [bold]{url}[/bold]  (API: {url}/api/docs)", highlight=False)
    for line in peihu.missing:
        console.print(f"missing: {line}", style="yellow")
    if settings.is_sandbox:
        console.print(f"Open {url} in two windows and log in with one tap: once as a family, once as a caregiver.")
        console.print(f"All demo accounts: {url}/sandbox/accounts (password {DEMO_PASSWORD})", highlight=False)
        console.print(f"Or watch the whole story by itself:  python3 run.py story --url {url}", highlight=False)
