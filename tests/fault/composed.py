"""Serves the product with parts of a test's own, as `run.py serve` does but for the drain."""

import asyncio
import os
from collections.abc import Callable

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from config.load import load_settings, with_secrets
from config.settings import Settings
from server.app import Parts, build_app
from server.serving import prepare_store


async def serve_composed(port: int, parts: Callable[[Settings], Parts]) -> None:
    """Until the process is killed. `parts` are made for the settings that the environment gives."""
    settings = with_secrets(load_settings(None, os.environ))
    await prepare_store(settings)
    peihu = build_app(settings, base_url=f"http://127.0.0.1:{port}", parts=parts(settings))
    await peihu.start()
    server = HTTPServer(peihu.web, **peihu.server_options)
    server.add_sockets(bind_sockets(port, "127.0.0.1"))
    await asyncio.Event().wait()
