"""What all verbs share: their settings and their end."""

import os
from typing import Annotated

import typer
from rich.console import Console

from config.load import BadConfiguration, load_settings, prepare_data_dir, with_secrets
from config.settings import Settings

ConfigFile = Annotated[str | None, typer.Option("--config", help="a TOML file with settings")]
console = Console(soft_wrap=True, highlight=False)  # addresses stay whole in narrow windows


def settings_of(config: str | None) -> Settings:
    """Settings and a writable data directory, or one sentence and exit code 1."""
    try:
        settings = load_settings(config, os.environ)
        prepare_data_dir(settings)
        return with_secrets(settings)
    except BadConfiguration as problem:
        raise stop(f"configuration: {problem}") from None


def stop(sentence: str, *, exit_code: int = 1) -> typer.Exit:
    """Say it; raise what comes back."""
    complain(sentence)
    return typer.Exit(exit_code)


def complain(sentence: str) -> None:
    """In red, where errors go."""
    Console(stderr=True).print(sentence, style="red", highlight=False, soft_wrap=True, markup=False)
