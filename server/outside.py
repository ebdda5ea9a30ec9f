"""Opens whatever lives outside the process, as settings say.

The only file that names vendors. Everything starts on an embedded default; a URL or a credential in the
settings puts the real thing in its place. What this version cannot open it refuses at start.
"""
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from config.settings import Settings
from server.identity.wechat import NoWeChat, SandboxWeChat, WeChatLogin
from server.payment.port import PaymentProvider
from server.payment.sandbox import SandboxProvider
from server.payment.sandbox_book import SandboxBook
from server.payment.sandbox_courier import Post, SandboxCourier
from server.payment.sandbox_letters import SandboxKey
from server.payment.sandbox_till import SandboxHabits, SandboxTill
from server.payment.sandbox_wakeups import Wakeups
from server.push.senders.port import Sender
from server.push.senders.sandbox import SandboxSender
from server.storage.pubsub.in_process import InProcessBus
from server.storage.pubsub.port import Bus
from server.storage.sealed import FieldKeys
from server.storage.sql import Database


class CannotOpen(Exception):
    """What cannot be opened and what to do, in one sentence for the operator."""


def database_url(settings: Settings) -> URL:
    """The SQL database's URL; SQLite in the data directory unless settings name another. Raises CannotOpen."""
    if not settings.database_url:
        return make_url(f"sqlite+aiosqlite:///{(settings.data_dir / 'peihu.db').absolute()}")
    try:
        url = make_url(settings.database_url)
    except ArgumentError:
        raise CannotOpen("PEIHU_DATABASE_URL is not a URL; expected sqlite+aiosqlite:///path") from None
    if url.drivername != "sqlite+aiosqlite":
        raise CannotOpen(f"PEIHU_DATABASE_URL: this version cannot open {url.drivername}; use sqlite+aiosqlite")
    return url


def open_database(settings: Settings) -> Database:
    """The SQL database; nothing is connected yet."""
    return Database(
        database_url(settings).render_as_string(hide_password=False),
        keys=FieldKeys(settings.field_key),
        readers=settings.database.readers,
        acquire_timeout_s=settings.database.acquire_timeout_s,
    )


def open_bus(settings: Settings) -> Bus:
    """What carries events between instances."""
    if settings.redis_url:
        raise CannotOpen("PEIHU_REDIS_URL: this version carries events inside one process only; leave it empty")
    if settings.mongo_url:
        raise CannotOpen("PEIHU_MONGO_URL: this version keeps documents in the SQL database; leave it empty")
    return InProcessBus()


def missing_adapters(settings: Settings) -> list[str]:
    """What production cannot do for want of an adapter, as lines for the log."""
    wanted = {
        "WeChat login and messages": "no adapter in this version",
        "WeChat Pay": "no adapter in this version",
        "Alipay": "no adapter in this version",
        "SMS": "no adapter in this version",
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


def open_wechat_login(settings: Settings) -> WeChatLogin:
    """Who tells whom a WeChat code stands for."""
    return SandboxWeChat() if settings.is_sandbox else NoWeChat()


def open_senders(settings: Settings, *, database: Database) -> dict[str, Sender]:
    """Ways out of the app by channel; in production none yet, so deliveries fail and say why."""
    if not settings.is_sandbox:
        return {}
    return {channel: SandboxSender(database=database, channel=channel) for channel in ("sms", "wechat")}
