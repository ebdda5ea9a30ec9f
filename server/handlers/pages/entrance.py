"""`/` leads to the pages that fit who comes."""
import re

from server.handlers.http.base import EdgeHandler, security_headers
from server.handlers.http.edge import Edge

_PHONE = re.compile(r"Mobile|Android|iPhone|iPad|MicroMessenger|HarmonyOS", re.IGNORECASE)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_CHOICE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>陪护</title><style>
body{margin:0;min-height:100vh;display:grid;place-items:center;background:#f3f7f6;color:#16302c;font:18px/1.6 sans-serif}
nav{display:flex;flex-wrap:wrap;gap:16px;justify-content:center}
a{display:block;min-width:200px;padding:28px;border-radius:16px;background:#fff;color:#0a5a51;text-align:center;text-decoration:none}
a:focus,a:hover{outline:3px solid #0b7468}small{display:block;color:#4d635f}
</style></head><body><main><h1>陪护</h1><nav>{links}</nav></main></body></html>
"""
_LINKS = {
    "m": '<a href="/m/">患者家属 · 陪护人员<small>手机页面</small></a>',
    "admin": '<a href="/admin/">管理后台<small>运营人员</small></a>',
}
# Where somebody deleted web/dist: the API is there all the same.
_UNBUILT = '<a href="/api/docs">接口文档<small>页面还没有构建：python3 run.py web build</small></a>'


class Entrance(EdgeHandler):
    """Phones go to the mobile pages; a desk chooses between these and the administrators' console."""

    methods = ("GET", "HEAD")
    route = "/"

    def initialize(self, *, edge: Edge, built: frozenset[str], **_: object) -> None:
        super().initialize(edge=edge)
        self._built = built

    async def serve(self) -> None:
        self.set_header("Vary", "User-Agent")
        is_phone = _PHONE.search(self.request.headers.get("User-Agent", ""))
        if "m" in self._built and (is_phone or "admin" not in self._built):
            # A login through WeChat comes back here with its code: that belongs to the page.
            self.redirect("/m/" + (f"?{self.request.query}" if self.request.query else ""))
            return
        security_headers(self, content_policy=_POLICY)
        links = "".join(link for name, link in _LINKS.items() if name in self._built) or _UNBUILT
        self.finish_with(_CHOICE.replace("{links}", links).encode(), "text/html; charset=utf-8")


class ToFolder(EdgeHandler):
    """`/m` is `/m/`: addresses in the pages are relative."""

    methods = ("GET", "HEAD")

    def initialize(self, *, edge: Edge, folder: str, **_: object) -> None:
        super().initialize(edge=edge)
        self.route = f"/{folder}"
        self._folder = folder

    async def serve(self) -> None:
        self.redirect(f"/{self._folder}/")
