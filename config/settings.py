"""Every setting, its unit in the name, its reason beside it.

Frozen models. `config/load.py` fills them from the file and the environment; business numbers that an
administrator changes live in `config/policy.py`.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_MIN_SECRET_BYTES = 32


Role = Literal["api", "ws", "jobs"]
EVERY_ROLE: tuple[Role, ...] = ("api", "ws", "jobs")


class Section(BaseModel):
    """A frozen group of settings that refuses names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class WsSettings(Section):
    """Limits of the live channels; the reasons are in docs/protocol.md."""

    frame_size_bytes: int = Field(65_536, ge=1_024, le=1_048_576)  # what a phone may send at once
    commands_per_frame: int = Field(192, ge=2, le=8_192)  # connect, a subscribe a channel, and calls queued meanwhile
    channels_per_connection: int = Field(128, ge=1, le=4_096)  # nobody has as many orders at once; each costs memory
    connections_per_user: int = Field(32, ge=1, le=100_000)  # a person's tabs and phones, many times over
    handshakes_per_s: int = Field(500, ge=1, le=1_000_000)  # a herd must not starve the sockets that live
    rpc_per_s: int = Field(50, ge=1, le=100_000)  # fast typing is 10 a second
    queue_bytes: int = Field(1_048_576, ge=65_536, le=67_108_864)  # beyond it the reader is too slow
    authenticate_within_s: float = Field(5.0, gt=0, le=60)  # strangers' sockets are few and do not stay
    ping_interval_s: int = Field(25, ge=2, le=300)  # below the 60 s after which home routers forget
    pong_timeout_s: float = Field(8.0, gt=0, le=60)  # a phone's radio wakes up in 2 or 3
    compression: bool = False  # permessage-deflate: fewer bytes on the air for more work a message
    compression_min_bytes: int = Field(1_024, ge=64, le=65_536)  # shorter messages hardly shrink
    allowed_origins: tuple[str, ...] = ()  # further origins that may open a socket, as "https://host"

    @model_validator(mode="after")
    def _fit_together(self) -> "WsSettings":
        if self.commands_per_frame <= self.channels_per_connection:
            raise ValueError(
                "commands_per_frame must be more than channels_per_connection:"
                " official clients connect and subscribe all their channels in one frame"
            )
        if self.pong_timeout_s >= self.ping_interval_s:
            raise ValueError("pong_timeout_s must be less than ping_interval_s, or no silence would ever be noticed")
        return self


class HttpSettings(Section):
    """Limits of the HTTP edge."""

    body_bytes: int = Field(65_536, ge=1_024, le=1_048_576)
    upload_bytes: int = Field(10_485_760, ge=65_536, le=104_857_600)
    request_timeout_s: float = Field(10.0, gt=0, le=60)
    trusted_proxies: tuple[str, ...] = ()  # only these may tell the caller's address
    drain_within_s: float = Field(15.0, gt=0, le=120)  # SIGTERM to exit
    public_url: str = Field("", pattern=r"^(https?://[^/\s]+)?$")  # where payment providers reach us; empty: own port
    admin_host: str = "127.0.0.1"  # probes and scrapers are not the public
    admin_port: int = Field(0, ge=0, le=65_535)  # /healthz, /readyz, /metrics of each process: this, and the next ones

    def proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """`trusted_proxies` as networks; a single address is a network of one."""
        return tuple(ip_network(text) for text in self.trusted_proxies)

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            ip_network(text)  # raises ValueError with the reason
        return value


class DatabaseSettings(Section):
    """Deadlines and bounds of the SQL store; the drivers have none. `mysql_` and `tls_`: for MySQL only."""

    readers: int = Field(4, ge=1, le=64)  # SQLite readers run beside the one writer
    acquire_timeout_s: float = Field(5.0, gt=0, le=60)
    mysql_readers: int = Field(8, ge=1, le=200)  # connections of a process; all processes share the server's maximum
    mysql_writers: int = Field(16, ge=1, le=200)
    mysql_statement_timeout_s: float = Field(5.0, gt=0, le=300)  # less than a client's patience, more than a lock wait
    tls_ca_file: str = ""  # "system", or a file: TLS only, with a certificate that this authority has signed
    tls_verify_host: bool = True  # off for a server that is reached by a name its certificate does not have


class CacheSettings(Section):
    """What is read again and again; a change is never hidden by it, so this is about memory alone."""

    lifetime_s: float = Field(300.0, ge=1, le=86_400)  # who reads a page reads it again within minutes
    memory_bytes: int = Field(16_777_216, ge=65_536, le=1_073_741_824)  # of a process; some 1,600 pages


class RedisSettings(Section):
    """How Redis is trusted; where it is says `redis_url`."""

    tls_ca_file: str = ""  # with rediss://: "system" (also if empty), or a file: who must have signed its certificate
    tls_verify_host: bool = True  # off for nodes that are reached by a name or address their certificate does not have
    tls_certificate_file: str = ""  # with rediss://: our own certificate and its key, for a server that asks for one
    sentinel_password: str = Field("", repr=False)  # of the Sentinels; that of Redis stands in the URL


class MongoSettings(Section):
    """Deadlines and bounds of MongoDB; unused without `mongo_url`."""

    timeout_s: float = Field(2.0, ge=0.1, le=3.5)  # less than the 4 s in which a subscription is answered
    connections: int = Field(20, ge=1, le=200)  # of a process
    tls_ca_file: str = ""  # as of the database
    tls_verify_host: bool = True
    settle_after_h: float = Field(24.0, gt=0, le=720)  # younger events stay in SQL: people come back to them
    settle_beyond: int = Field(20, ge=0, le=1_000)  # and so many of each channel, however old: a screen or two


class OutboxSettings(Section):
    """How facts leave the process."""

    claim_s: float = Field(3.0, gt=0, le=60)  # a dead process's rows are free again after this
    sweep_every_s: float = Field(1.0, gt=0, le=60)
    stuck_after_s: float = Field(10.0, gt=0, le=600)  # an older row turns /readyz red


class JobsSettings(Section):
    """What happens without a request, once in the cluster."""

    lease_s: float = Field(6.0, ge=0.3, le=60)  # a dead instance's work waits so long; renewed three times in it


class BackupSettings(Section):
    """The scheduled backup: once in the cluster, by an instance with the role `jobs` and a directory."""

    directory: str = ""  # empty: none is made here; all instances that have one must have the same, shared
    every_h: float = Field(24.0, gt=0, le=744)
    keep_daily: int = Field(7, ge=1, le=400)  # days of which the last backup stays; of the last 24 h all do
    keep_weekly: int = Field(5, ge=0, le=520)  # weeks of which the last one stays
    key_file: str = ""  # what to encrypt with; empty: the field key


class SandboxSettings(Section):
    """Only the sandbox reads these."""

    manual_pay: bool = False
    approve_after_s: float = Field(0.2, ge=0, le=60)


class WechatTemplate(Section):
    """One message template that WeChat has approved: which variable of ours fills which field of theirs."""

    id: str = Field(min_length=1, max_length=128)
    fields: dict[str, str] = Field(min_length=1)  # {"thing1": "service_name", "time2": "period"}
    page: str = ""  # what a tap opens; may name {order_id}


class WechatSettings(Section):
    """The mini program and the official account; an app without credentials: the sandbox stands in."""

    mini_app_id: str = ""
    mini_secret: str = Field("", repr=False)
    mini_version: Literal["formal", "trial", "developer"] = "formal"  # which build a tapped message opens
    mini_templates: dict[str, WechatTemplate] = {}  # subscribe messages, by our notice's name
    oa_app_id: str = ""
    oa_secret: str = Field("", repr=False)
    oa_templates: dict[str, WechatTemplate] = {}  # template messages, by our notice's name
    oa_return_url: str = ""  # our page to which WeChat sends the browser back with a code
    oa_push_token: str = Field("", repr=False)  # what signs WeChat's reports to us; empty: none are taken
    oa_push_aes_key: str = Field("", repr=False)  # 43 characters; empty: reports come in plain text
    api_url: str = "https://api.weixin.qq.com/"  # another one for a test's stand-in, or a nearer one of WeChat's
    pages_url: str = "https://open.weixin.qq.com/connect/"

    @field_validator("oa_push_aes_key")
    @classmethod
    def _is_an_aes_key(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z0-9]{43}", value):
            raise ValueError("must be the EncodingAESKey of 43 letters and digits, or empty")
        return value


class WechatpaySettings(Section):
    """Credentials of WeChat Pay v3; empty: the sandbox stands in."""

    merchant_id: str = ""
    app_id: str = ""
    api_v3_key: str = Field("", repr=False)
    private_key_path: str = ""
    certificate_serial: str = ""
    public_key_path: str = ""
    public_key_id: str = ""


class AlipaySettings(Section):
    """Credentials of Alipay; empty: the sandbox stands in."""

    app_id: str = ""
    private_key_path: str = ""
    public_key_path: str = ""


class SmsSettings(Section):
    """The SMS provider; without one the sandbox stands in."""

    provider: Literal["", "aliyun"] = ""
    access_key: str = ""
    secret: str = Field("", repr=False)
    sign_name: str = ""  # the approved signature, without the brackets
    templates: dict[str, str] = {}  # the provider's template code, by the name of our notice or code
    report_key: str = Field("", repr=False)  # last part of the address for delivery reports, which nobody signs
    api_url: str = "https://dysmsapi.aliyuncs.com"  # another one for a test's stand-in, or a nearer region

    @field_validator("report_key")
    @classmethod
    def _cannot_be_guessed(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z0-9_-]{32,128}", value):
            raise ValueError("must have 32 to 128 letters, digits, - or _")
        return value


class Settings(Section):
    """The whole configuration of one process."""

    environment: Literal["sandbox", "production"] = "sandbox"
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65_535)
    processes: int = Field(1, ge=1, le=64)  # one event loop a core; more than one needs Redis
    roles: tuple[Role, ...] = Field(EVERY_ROLE, min_length=1)  # the parts of the program that run here
    data_dir: Path = Path("var")
    database_url: str = ""  # empty: SQLite in the data directory
    redis_url: str = Field("", repr=False)  # server/storage/redis/address.py has the forms; empty: one process alone
    mongo_url: str = Field("", repr=False)  # empty: documents live in the SQL database, files in the data directory
    jwt_secret: str = Field("", repr=False)
    field_key: str = Field("", repr=False)
    service_key: str = Field("", repr=False)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    ws: WsSettings = WsSettings()
    http: HttpSettings = HttpSettings()
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    mongo: MongoSettings = MongoSettings()
    outbox: OutboxSettings = OutboxSettings()
    cache: CacheSettings = CacheSettings()
    jobs: JobsSettings = JobsSettings()
    backup: BackupSettings = BackupSettings()
    sandbox: SandboxSettings = SandboxSettings()
    wechat: WechatSettings = WechatSettings()
    wechatpay: WechatpaySettings = WechatpaySettings()
    alipay: AlipaySettings = AlipaySettings()
    sms: SmsSettings = SmsSettings()

    @property
    def is_sandbox(self) -> bool:
        return self.environment == "sandbox"

    @property
    def is_whole(self) -> bool:
        """Whether every part of the program runs in this one process."""
        return self.processes == 1 and set(self.roles) == set(EVERY_ROLE)

    @model_validator(mode="after")
    def _secrets_are_long_enough(self) -> "Settings":
        for name in ("jwt_secret", "field_key", "service_key"):
            value = getattr(self, name)
            if value and len(value.encode()) < _MIN_SECRET_BYTES:
                raise ValueError(f"PEIHU_{name.upper()} must have at least {_MIN_SECRET_BYTES} bytes")
            if not value and self.environment == "production":
                raise ValueError(f"PEIHU_{name.upper()} is required in production")
        return self
