"""Reads settings: the defaults < a file < the environment.

Environment names are `PEIHU_` + the path in capitals with `__` between levels. Two short names stand
for longer paths. A name that is no setting is an error: a typing mistake must not pass in silence.
"""
import os
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.settings import Settings

_SHORT_NAMES = {"PEIHU_SANDBOX_MANUAL_PAY": "PEIHU_SANDBOX__MANUAL_PAY"}
_NOT_SETTINGS = ("PEIHU_CONFIG", "PEIHU_TEST_")
SHARED_SECRETS = ("jwt_secret", "field_key", "service_key")
_DEFAULT_FILE = Path(__file__).parent / "default.toml"


class BadConfiguration(Exception):
    """What is wrong and where, in one sentence for the operator."""


def load_settings(config_file: str | None, environment: Mapping[str, str]) -> Settings:
    """The settings of this process. Raises BadConfiguration."""
    values = _read_file(_DEFAULT_FILE)
    named = config_file or environment.get("PEIHU_CONFIG")
    if named:
        _merge(values, _read_file(Path(named)))
    _merge(values, _from_environment(environment))
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise BadConfiguration(_sentence(error)) from None


def with_secrets(settings: Settings) -> Settings:
    """The settings with the sandbox's secrets, made on first use and kept in the data directory."""
    found = {name: _kept_secret(settings, name) for name in SHARED_SECRETS if not getattr(settings, name)}
    return settings.model_copy(update=found)


def prepare_data_dir(settings: Settings) -> None:
    """Make the data directory and see that it can be written. Raises BadConfiguration."""
    probe = settings.data_dir / f".probe-{os.getpid()}"
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # people's papers are in there
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise BadConfiguration(
            f"the data directory {settings.data_dir} cannot be written ({error.strerror}); "
            "choose another with PEIHU_DATA_DIR"
        ) from None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfiguration(f"the configuration file {path} cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"the configuration file {path} is damaged: {error}") from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, text in environment.items():
        if not name.startswith("PEIHU_") or name.startswith(_NOT_SETTINGS):
            continue
        *groups, leaf = _SHORT_NAMES.get(name, name).removeprefix("PEIHU_").lower().split("__")
        place = values
        for group in groups:
            place = place.setdefault(group, {})
        if leaf in ("trusted_proxies", "allowed_origins", "roles"):
            place[leaf] = tuple(part.strip() for part in text.split(",") if part.strip())
        else:
            place[leaf] = text
    return values


def _merge(onto: dict[str, Any], values: dict[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(onto.get(name), dict):
            _merge(onto[name], value)
        else:
            onto[name] = value


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    path = "__".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"PEIHU_{path.upper()} ({path.replace('__', '.')}) is not a setting"
    message = first["msg"].removeprefix("Value error, ")
    return f"{path.replace('__', '.')}: {message}" if path else message


def _kept_secret(settings: Settings, name: str) -> str:
    path = settings.data_dir / name
    if not path.exists():
        _keep_new_secret(path)
    secret = path.read_text(encoding="ascii").strip()
    if len(secret) < 32:
        raise BadConfiguration(f"the secret file {path} is damaged; restore it from a backup")
    return secret


def _keep_new_secret(path: Path) -> None:
    """The file appears whole or not at all, whoever dies or starts beside us: half a secret locks the data up."""
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first; both go on with its secret
    finally:
        draft.unlink()
