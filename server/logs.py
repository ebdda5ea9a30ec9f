"""Log lines: JSON in a file, warnings on the terminal.

Areas log with the standard library and put facts into `extra`; what a line may never carry (tokens,
phones, texts of people) is simply never passed to it.
"""

import logging
from logging.handlers import RotatingFileHandler

import structlog

from config.settings import Settings

_FILE_BYTES = 20 * 1024 * 1024
_FILES = 5
_QUIET = ("asyncio", "aiosqlite", "tornado.access", "PIL", "urllib3", "wechatpy")  # chatty, or loose with secrets


def set_up_logs(settings: Settings, *, name: str = "peihu") -> None:
    """Replace the root logger's handlers; called once a process, each with a file of its own `name`."""
    folder = settings.data_dir / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    before = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    file = RotatingFileHandler(folder / f"{name}.log", maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8")
    file.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.WARNING)
    terminal.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Not the pretty one: it prints local variables, and there people's data and tokens are.
                structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
            ],
        )
    )
    logging.raiseExceptions = False  # a full disk must not print a page for every line it does not take
    logging.basicConfig(level=settings.log_level, handlers=[file, terminal], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
