"""What the verbs do with a built but not serving instance."""
import json

from rich.console import Console

from config.reading import read_model
from config.settings import Settings
from server.app import Peihu, build_app
from server.core.errors import Unavailable
from server.demo.planting import CannotPlant, Planter
from server.identity.commands import CreateAdmin
from server.outside import bring_up_to_date, open_database
from server.showing import ShownProgress
from server.storage.agreement import exchange
from server.storage.documents.belonging import ForeignDocuments

_NOWHERE = "http://127.0.0.1:0"  # nothing is served, so nobody calls back


async def plant_demo_world(peihu: Peihu) -> None:
    """The small demo world, into a migrated store that nobody has used."""
    await Planter(database=peihu.base.database, files=peihu.base.files).plant_small()


async def plant_demo(settings: Settings, *, caregivers: int, orders: int, seed: int, console: Console) -> None:
    """The demo world, or with numbers a generated one beside it."""
    bring_up_to_date(settings)
    peihu = build_app(settings, base_url=_NOWHERE)
    planter = Planter(database=peihu.base.database, files=peihu.base.files)
    try:
        await _admit_documents(peihu)
        if caregivers == 0:
            if await peihu.demo_accounts():
                console.print("the demo world is there already")
                return
            await planter.plant_small()
            console.print("the demo world is planted")
            return
        with ShownProgress(console) as progress:
            await planter.plant_generated(caregivers=caregivers, orders=orders, seed=seed, progress=progress)
        console.print(f"planted {caregivers} caregivers and {orders} orders (seed {seed})")
    finally:
        await peihu.close()


async def _admit_documents(peihu: Peihu) -> None:
    """The demo world has pictures. Raises CannotPlant."""
    mongo = peihu.base.mongo
    if mongo is not None:
        try:
            await mongo.look()
        except (ForeignDocuments, Unavailable):
            raise CannotPlant(mongo.trouble) from None


async def create_administrator(settings: Settings, *, username: str, phone: str, password: str) -> str:
    """Make an administrator's account; its id. Raises Refused."""
    bring_up_to_date(settings)
    command = read_model(CreateAdmin, {"username": username, "phone": phone, "password": password})
    peihu = build_app(settings, base_url=_NOWHERE)
    try:
        return await peihu.identity.accounts.create_admin(command)
    finally:
        await peihu.close()


async def describe_api(settings: Settings) -> str:
    """The OpenAPI document as JSON text."""
    peihu = build_app(settings, base_url=_NOWHERE)
    try:
        return json.dumps(peihu.document(), ensure_ascii=False, indent=2)
    finally:
        await peihu.close()


async def exchange_secrets(settings: Settings) -> None:
    """From now on instances must have this signing secret and service key. All logins end with the former.

    Not the field key: what is sealed with the old one would never open again.
    """
    bring_up_to_date(settings)
    database = open_database(settings)
    try:
        for name in ("jwt_secret", "service_key"):
            await exchange(database, name, getattr(settings, name))
    finally:
        await database.close()
