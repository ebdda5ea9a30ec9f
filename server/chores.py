"""What the verbs do with a built but not serving instance."""
import json

from rich.console import Console

from config.reading import read_model
from config.settings import Settings
from server.app import Peihu, build_app
from server.demo.planting import Planter
from server.identity.commands import CreateAdmin
from server.outside import database_url
from server.storage.migrate import migrate

_NOWHERE = "http://127.0.0.1:0"  # nothing is served, so nobody calls back


async def plant_demo_world(peihu: Peihu) -> None:
    """The small demo world, into a migrated store that nobody has used."""
    await Planter(database=peihu.base.database, files=peihu.base.files).plant_small()


async def plant_demo(settings: Settings, *, caregivers: int, orders: int, seed: int, console: Console) -> None:
    """The demo world, or with numbers a generated one beside it."""
    migrate(database_url(settings))
    peihu = build_app(settings, base_url=_NOWHERE)
    planter = Planter(database=peihu.base.database, files=peihu.base.files)
    try:
        if caregivers == 0:
            if await peihu.demo_accounts():
                console.print("the demo world is there already")
                return
            await planter.plant_small()
            console.print("the demo world is planted")
            return
        await planter.plant_generated(caregivers=caregivers, orders=orders, seed=seed)
        console.print(f"planted {caregivers} caregivers and {orders} orders (seed {seed})")
    finally:
        await peihu.close()


async def create_administrator(settings: Settings, *, username: str, phone: str, password: str) -> str:
    """Make an administrator's account; its id. Raises Refused."""
    migrate(database_url(settings))
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
