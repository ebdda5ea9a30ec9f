"""Every setting, its unit in the name, its reason beside it.

Frozen models. `config/load.py` fills them from the file and the environment; business numbers that an
administrator changes live in `config/policy.py`.
"""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_MIN_SECRET_BYTES = 32


class Section(BaseModel):
    """A frozen group of settings that refuses names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class WsSettings(Section):
    """Limits of the live channels; the reasons are in docs/protocol.md."""

    frame_size_bytes: int = Field(65_536, ge=1_024, le=1_048_576)  # what a phone may send at once
    channels_per_connection: int = Field(128, ge=1, le=4_096)
    connections_per_user: int = Field(32, ge=1, le=100_000)  # a person's tabs and phones, many times over
    handshakes_per_s: int = Field(500, ge=1, le=1_000_000)  # a herd must not starve the sockets that live
    rpc_per_s: int = Field(50, ge=1, le=100_000)  # fast typing is 10 a second
    queue_bytes: int = Field(1_048_576, ge=65_536, le=67_108_864)  # beyond it the reader is too slow
    authenticate_within_s: float = Field(5.0, gt=0, le=60)
    ping_interval_s: int = Field(25, ge=2, le=300)  # below the 60 s after which home routers forget
    pong_timeout_s: float = Field(8.0, gt=0, le=60)
    compression: bool = False  # permessage-deflate: fewer bytes on the air for more work a message
    compression_min_bytes: int = Field(1_024, ge=64, le=65_536)  # shorter messages hardly shrink
    allowed_origins: tuple[str, ...] = ()  # further origins that may open a socket, as "https://host"


class HttpSettings(Section):
    """Limits of the HTTP edge."""

    body_bytes: int = Field(65_536, ge=1_024, le=1_048_576)
    upload_bytes: int = Field(10_485_760, ge=65_536, le=104_857_600)
    request_timeout_s: float = Field(10.0, gt=0, le=60)
    trusted_proxies: tuple[str, ...] = ()  # only these may tell the caller's address
    drain_within_s: float = Field(15.0, gt=0, le=120)  # SIGTERM to exit

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
    """Deadlines of the SQL store; the driver itself has none."""

    readers: int = Field(4, ge=1, le=64)  # SQLite readers run beside the one writer
    acquire_timeout_s: float = Field(5.0, gt=0, le=60)


class OutboxSettings(Section):
    """How facts leave the process."""

    claim_s: float = Field(3.0, gt=0, le=60)  # a dead process's rows are free again after this
    sweep_every_s: float = Field(1.0, gt=0, le=60)
    stuck_after_s: float = Field(10.0, gt=0, le=600)  # an older row turns /readyz red


class SandboxSettings(Section):
    """Only the sandbox reads these."""

    manual_pay: bool = False
    approve_after_s: float = Field(0.2, ge=0, le=60)


class WechatSettings(Section):
    """Credentials of the mini program and the official account; empty: the sandbox stands in."""

    mini_app_id: str = ""
    mini_secret: str = Field("", repr=False)
    oa_app_id: str = ""
    oa_secret: str = Field("", repr=False)


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
    """Credentials of the SMS provider; empty: the sandbox stands in."""

    provider: str = ""
    access_key: str = ""
    secret: str = Field("", repr=False)
    sign_name: str = ""


class Settings(Section):
    """The whole configuration of one process."""

    environment: Literal["sandbox", "production"] = "sandbox"
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65_535)
    data_dir: Path = Path("var")
    database_url: str = ""  # empty: SQLite in the data directory
    mongo_url: str = ""
    redis_url: str = ""
    jwt_secret: str = Field("", repr=False)
    field_key: str = Field("", repr=False)
    service_key: str = Field("", repr=False)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    ws: WsSettings = WsSettings()
    http: HttpSettings = HttpSettings()
    database: DatabaseSettings = DatabaseSettings()
    outbox: OutboxSettings = OutboxSettings()
    sandbox: SandboxSettings = SandboxSettings()
    wechat: WechatSettings = WechatSettings()
    wechatpay: WechatpaySettings = WechatpaySettings()
    alipay: AlipaySettings = AlipaySettings()
    sms: SmsSettings = SmsSettings()

    @property
    def is_sandbox(self) -> bool:
        return self.environment == "sandbox"

    @model_validator(mode="after")
    def _secrets_are_long_enough(self) -> "Settings":
        for name in ("jwt_secret", "field_key", "service_key"):
            value = getattr(self, name)
            if value and len(value.encode()) < _MIN_SECRET_BYTES:
                raise ValueError(f"PEIHU_{name.upper()} must have at least {_MIN_SECRET_BYTES} bytes")
            if not value and self.environment == "production":
                raise ValueError(f"PEIHU_{name.upper()} is required in production")
        return self
