"""Instances behind a real nginx."""

import shutil

import pytest
from redis import Redis

from config.settings import EVERY_ROLE, HttpSettings
from server.app import Parts
from server.storage.pubsub.in_process import Exchange, InProcessBus
from tests.cluster.nginx import Nginx, program
from tests.cluster.visitor import Visitor
from tests.fault.conftest import history, long_patience, planted_dir  # noqa: F401 (fixtures)
from tests.services.demand import leave_out
from tests.services.stores import empty
from tests.world import Instance, World, find_cast, settings_for

_BEHIND_A_PROXY = HttpSettings(trusted_proxies=("127.0.0.1",))


class Site:
    """A world of instances that share one bus, and the nginx in front of them."""

    def __init__(self, world, nginx):
        self.world, self.nginx = world, nginx
        self.visitor = Visitor(nginx, world)

    @property
    def products(self):
        return [instance.product for instance in self.world.instances]


@pytest.fixture
def embedded_stores(peopled_file):
    """`embedded_stores(directory)`: settings and parts of instances that share a file and one loop."""
    exchange = Exchange()

    def prepare(directory):
        shutil.copyfile(peopled_file, directory / "peihu.db")
        return settings_for(directory), lambda: Parts(bus=InProcessBus(exchange=exchange))

    return prepare


@pytest.fixture
def server_stores(peopled_rows, mysql_database, redis_url):
    """The same over MySQL and Redis."""

    def prepare(directory):
        empty(mysql_database, but=peopled_rows)
        with Redis.from_url(redis_url) as redis:
            redis.flushdb()
        urls = {"database_url": mysql_database.render_as_string(hide_password=False), "redis_url": redis_url}
        return settings_for(directory).model_copy(update=urls), Parts

    return prepare


@pytest.fixture
def open_site(io_loop, tmp_path, embedded_stores):
    """`await open_site(roles, ...)`: an instance for each tuple of roles, and nginx; `stores` prepares them."""
    if program() is None:
        leave_out("needs nginx: apt-get install nginx-light")
    opened = []

    async def build(*roles, stores=embedded_stores):
        directory = tmp_path / "site"
        directory.mkdir()
        settings, parts = stores(directory)
        instances = [
            Instance(settings.model_copy(update={"roles": each, "http": _BEHIND_A_PROXY}), parts()) for each in roles
        ]
        for instance in instances:
            await instance.start()
        ports = {
            role: [one.port for one, each in zip(instances, roles, strict=True) if role in each] for role in EVERY_ROLE
        }
        nginx = Nginx(tmp_path / "nginx", api=ports["api"], ws=ports["ws"])
        await nginx.start()
        site = Site(World(instances, await find_cast(instances[0].product.base.database)), nginx)
        opened.append(site)
        return site

    yield build
    for site in opened:
        io_loop.asyncio_loop.run_until_complete(site.visitor.close())
        site.nginx.stop()
        io_loop.asyncio_loop.run_until_complete(site.world.close())


@pytest.fixture
def site(io_loop, open_site):
    """Two whole instances."""
    return io_loop.asyncio_loop.run_until_complete(open_site(EVERY_ROLE, EVERY_ROLE))
