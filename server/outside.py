"""Opens whatever lives outside the process, as settings say.

The only file that names vendors. Everything starts on an embedded default; a URL or a credential in the
settings puts the real thing in its place. What this version cannot open it refuses at start.
"""
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from config.settings import Settings
from server.payment.port import PaymentProvider
from server.payment.sandbox import SandboxProvider
from server.payment.sandbox_book import SandboxBook
from server.payment.sandbox_courier import Post, SandboxCourier
from server.payment.sandbox_letters import SandboxKey
from server.payment.sandbox_till import SandboxHabits, SandboxTill
from server.payment.sandbox_wakeups import Wakeups
from server.storage.cache.in_process import InProcessCache
from server.storage.cache.layers import Layers
from server.storage.cache.port import Cache
from server.storage.cache.redis_cache import RedisCache
from server.storage.documents.address import BadAddress, read_address
from server.storage.documents.mongo import Mongo, MongoOptions
from server.storage.migrate import migrate
from server.storage.mysql import MysqlOptions
from server.storage.pacing.in_process import InProcessPace
from server.storage.pacing.port import Pace
from server.storage.pacing.redis_pace import RedisPace
from server.storage.presence.in_process import InProcessPresence
from server.storage.presence.port import Presence
from server.storage.presence.redis_presence import RedisPresence
from server.storage.pubsub.in_process import InProcessBus
from server.storage.pubsub.port import Bus
from server.storage.pubsub.redis_bus import RedisBus
from server.storage.redis.address import parse_address
from server.storage.redis.link import RedisLink
from server.storage.sealed import FieldKeys
from server.storage.sql import Database

_REDIS_URLS = "redis://host:6379/0, redis+sentinel://host,host/service/0 or redis+cluster://host,host"
_URLS = "mysql+aiomysql://user:password@host:3306/database or sqlite+aiosqlite:///path"
_REQUESTS_WAIT_S = 0.2  # for a Redis that hangs, once in a breaker's pause; it answers in 1 ms


class CannotOpen(Exception):
    """What cannot be opened and what to do, in one sentence for the operator."""


def database_url(settings: Settings) -> URL:
    """The SQL database's URL; SQLite in the data directory unless settings name another. Raises CannotOpen."""
    if not settings.database_url:
        return make_url(f"sqlite+aiosqlite:///{(settings.data_dir / 'peihu.db').absolute()}")
    try:
        url = make_url(settings.database_url)
    except (ArgumentError, ValueError):  # the latter: a port that is no number
        raise CannotOpen(f"PEIHU_DATABASE_URL is not a URL; expected {_URLS}") from None
    if url.drivername not in ("sqlite+aiosqlite", "mysql+aiomysql"):
        raise CannotOpen(f"PEIHU_DATABASE_URL: {url.drivername} cannot be opened; expected {_URLS}")
    if url.drivername == "mysql+aiomysql":
        _require_whole(url)
    return url


def _require_whole(url: URL) -> None:
    missing = [what for what in ("host", "username", "database") if not getattr(url, what)]
    if missing:
        raise CannotOpen(f"PEIHU_DATABASE_URL has no {' and no '.join(missing)}; expected {_URLS}")
    unknown = sorted(set(url.query) - {"charset"})
    if unknown or url.query.get("charset", "utf8mb4") != "utf8mb4":
        raise CannotOpen(
            f"PEIHU_DATABASE_URL: leave out ?{'&'.join(unknown or ['charset'])}; sessions are set up by the program, "
            "TLS by database.tls_ca_file"
        )


def database_tls(settings: Settings) -> ssl.SSLContext | None:
    """What a connection to MySQL is encrypted and trusted by; None: plain text. Raises CannotOpen."""
    if not settings.database.tls_ca_file:
        return None
    context = _trust("database.tls_ca_file", settings.database.tls_ca_file)
    context.check_hostname = settings.database.tls_verify_host
    return context


def _trust(setting: str, named: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if named == "system" else named)
    except OSError as problem:  # also ssl.SSLError: a file without certificates
        raise CannotOpen(f"{setting}: {named} cannot be used ({problem})") from None


def bring_up_to_date(settings: Settings) -> list[str]:
    """Migrate the SQL database; the revisions that were applied. Raises CannotOpen, CannotMigrate; blocks."""
    return migrate(database_url(settings), tls=database_tls(settings))


def open_database(settings: Settings) -> Database:
    """The SQL database; nothing is connected yet. Raises CannotOpen."""
    url, limits = database_url(settings), settings.database
    return Database(
        url.render_as_string(hide_password=False),
        keys=FieldKeys(settings.field_key),
        readers=limits.readers if url.get_backend_name() == "sqlite" else limits.mysql_readers,
        acquire_timeout_s=limits.acquire_timeout_s,
        mysql=MysqlOptions(
            writers=limits.mysql_writers,
            statement_timeout_s=limits.mysql_statement_timeout_s,
            tls=database_tls(settings),
        ),
    )


def open_redis(settings: Settings) -> RedisLink | None:
    """Redis, if settings name one; nothing is connected yet. Raises CannotOpen."""
    if not settings.redis_url:
        return None
    try:
        address = parse_address(settings.redis_url)
    except ValueError as problem:
        raise CannotOpen(f"PEIHU_REDIS_URL cannot be used: {problem}; expected {_REDIS_URLS}") from None
    tls = _redis_tls(settings, is_tls=address.is_tls)
    return RedisLink(address, tls=tls, sentinel_password=settings.redis.sentinel_password)


def _redis_tls(settings: Settings, *, is_tls: bool) -> ssl.SSLContext | None:
    named = settings.redis
    if not is_tls:
        for setting in ("tls_ca_file", "tls_certificate_file"):
            if getattr(named, setting):
                raise CannotOpen(f"redis.{setting} is set, but PEIHU_REDIS_URL says redis and not rediss: plain text")
        return None
    context = _trust("redis.tls_ca_file", named.tls_ca_file or "system")
    context.check_hostname = named.tls_verify_host
    if named.tls_certificate_file:
        try:
            context.load_cert_chain(named.tls_certificate_file)
        except OSError as problem:
            raise CannotOpen(
                f"redis.tls_certificate_file: {named.tls_certificate_file} must hold a certificate and its key ({problem})"
            ) from None
    return context


def open_mongo(settings: Settings) -> Mongo | None:
    """Where documents live, None: in the SQL database; nothing is connected yet. Raises CannotOpen."""
    if not settings.mongo_url:
        return None
    limits = settings.mongo
    if limits.tls_ca_file:
        _trust("mongo.tls_ca_file", limits.tls_ca_file)
    options = MongoOptions(
        timeout_s=limits.timeout_s, connections=limits.connections, tls_ca_file=limits.tls_ca_file or None,
        tls_verify_host=limits.tls_verify_host,
    )  # fmt: skip
    try:
        return Mongo(read_address(settings.mongo_url), options=options)
    except BadAddress as problem:
        raise CannotOpen(f"PEIHU_MONGO_URL {problem}") from None


def open_bus(settings: Settings, *, redis: RedisLink | None, instance_id: str) -> Bus:
    """What carries events between instances; nothing is connected yet. Raises CannotOpen."""
    if redis is None:
        return InProcessBus()
    return RedisBus(link=redis, instance_id=instance_id)


def open_cache(settings: Settings, *, redis: RedisLink | None, keys: FieldKeys) -> Cache:
    """What is kept of hot reads: in the process, and behind it in Redis for all instances."""
    lifetime_s = settings.cache.lifetime_s
    near = InProcessCache(lifetime_s=lifetime_s, most_bytes=settings.cache.memory_bytes)
    if redis is None:
        return near
    desk = redis.desk("cache", within_s=_REQUESTS_WAIT_S, failures=1)
    return Layers(near=near, far=RedisCache(desk=desk, keys=keys, lifetime_s=lifetime_s))


def open_pace(*, redis: RedisLink | None, keys: FieldKeys) -> Pace:
    """What tells callers that they are too fast."""
    alone = InProcessPace()
    if redis is None:
        return alone
    desk = redis.desk("pace", within_s=_REQUESTS_WAIT_S, failures=1)
    return RedisPace(desk=desk, keys=keys, beside=alone, one_by_one=redis.address.kind == "cluster")


def open_presence(*, redis: RedisLink | None, keys: FieldKeys, ttl_s: float) -> Presence:
    """Who is in which channel."""
    if redis is None:
        return InProcessPresence(ttl_s=ttl_s)
    return RedisPresence(desk=redis.desk("presence"), keys=keys, ttl_s=ttl_s)


def missing_adapters(settings: Settings) -> list[str]:
    """What production cannot do for want of an adapter, as lines for the log."""
    wanted = {
        "WeChat Pay": "no adapter in this version",
        "Alipay": "no adapter in this version",
    }
    return [] if settings.is_sandbox else [f"{name}: {why}" for name, why in wanted.items()]


@dataclass(frozen=True, slots=True)
class PaymentMeans:
    """The payment providers by method, and what the sandbox needs to run them."""

    providers: Mapping[str, PaymentProvider]
    notify_url: Callable[[str], str]
    till: SandboxTill | None = None
    courier: SandboxCourier | None = None


def open_payment(settings: Settings, *, book: SandboxBook, base_url: str, post: Post) -> PaymentMeans:
    """The sandbox provider under the three methods' names; `post` carries its notifications over HTTP."""

    def notify_url(provider: str) -> str:
        return f"{base_url}/api/payment/notify/{provider}"

    if not settings.is_sandbox:
        return PaymentMeans({}, notify_url)
    key, wakeups = SandboxKey(settings.jwt_secret), Wakeups()
    habits = SandboxHabits(approve_after_s=settings.sandbox.approve_after_s)
    till = SandboxTill(book=book, wakeups=wakeups, habits=habits)
    providers = {
        name: SandboxProvider(
            name=name,
            book=book,
            key=key,
            wakeups=wakeups,
            habits=habits,
            waits_for_payer=name != "sandbox" or settings.sandbox.manual_pay,
        )
        for name in ("sandbox", "wechat", "alipay")
    }
    courier = SandboxCourier(book=book, till=till, key=key, wakeups=wakeups, post=post)
    return PaymentMeans(providers, notify_url, till=till, courier=courier)
