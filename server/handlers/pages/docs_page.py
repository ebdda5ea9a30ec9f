"""The API page for people: one file, no script, no other host.

It is written from the OpenAPI document alone, so it cannot tell anything else than the document does.
"""
import base64
import hashlib
import json
import re
from collections.abc import Callable
from functools import cache
from html import escape
from typing import Any

from tornado.web import URLSpec

from server.handlers.http.base import EdgeHandler, security_headers
from server.handlers.http.edge import Edge

_STYLE = """
:root{--ink:#17252b;--soft:#5b6b72;--line:#dfe6e8;--ground:#f5f8f8;--card:#fff;
  --get:#0b7285;--post:#2b6a3f;--accent:#0f766e}
@media(prefers-color-scheme:dark){:root{--ink:#e4ecee;--soft:#9badb4;--line:#2c3b41;--ground:#10191c;
  --card:#182327;--get:#4cc3d9;--post:#6fcf97;--accent:#5eead4}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);
  font:16px/1.6 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
header,main{max-width:64rem;margin:0 auto;padding:1.5rem 1rem}
header p{color:var(--soft);margin:.25rem 0}
a{color:var(--accent)}
h1{margin:0;font-size:1.6rem}
h2{font-size:1.2rem;margin:2rem 0 .75rem}
h3{font-size:1rem;margin:1rem 0 .25rem}
nav{display:flex;flex-wrap:wrap;gap:.5rem;margin-top:1rem}
nav a{padding:.25rem .75rem;border:1px solid var(--line);border-radius:1rem;text-decoration:none;background:var(--card)}
details{background:var(--card);border:1px solid var(--line);border-radius:.6rem;margin:.5rem 0}
summary{cursor:pointer;padding:.7rem 1rem;display:flex;flex-wrap:wrap;gap:.35rem .8rem;align-items:baseline}
summary:focus-visible,a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.method{font-weight:700;min-width:3.2rem}
.get{color:var(--get)}
.post{color:var(--post)}
.soft{color:var(--soft)}
.inside{padding:0 1rem 1rem;overflow-x:auto}
code{font:.92em ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.about{white-space:pre-line}
pre{margin:0;overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.94rem}
th,td{text-align:left;vertical-align:top;padding:.4rem .6rem .4rem 0;border-top:1px solid var(--line)}
th{color:var(--soft);font-weight:500;white-space:nowrap}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
_ROLES = {"patient": "患者", "caregiver": "陪护人员", "admin": "管理员", "service": "内部服务", "guest": "签名链接"}


def docs_routes(edge: Edge, document: Callable[[], dict[str, Any]]) -> list[URLSpec]:
    """GET /api/openapi.json and GET /api/docs."""

    def raw() -> str:
        return json.dumps(document(), ensure_ascii=False)

    return [
        _route("/api/openapi.json", edge, content=raw, media_type="application/json"),
        _route("/api/docs", edge, content=lambda: docs_page(document()), media_type="text/html"),
    ]


def _route(path: str, edge: Edge, *, content: Callable[[], str], media_type: str) -> URLSpec:
    made = {"edge": edge, "content": cache(lambda: content().encode())}
    return URLSpec(re.escape(path) + "$", Page, made | {"content_type": f"{media_type}; charset=utf-8"})


class Page(EdgeHandler):
    """Bytes that are made for the first who asks: a start must not wait for them."""

    methods = ("GET",)

    def initialize(self, *, edge: Edge, content: Callable[[], bytes], content_type: str, **_: Any) -> None:
        super().initialize(edge=edge)
        self.route = self.request.path
        self._content = content
        self._content_type = content_type

    async def serve(self) -> None:
        security_headers(self, content_policy=_POLICY)
        self.set_header("Cache-Control", "no-cache")
        self.finish_with(self._content(), self._content_type)


def docs_page(document: dict[str, Any]) -> str:
    """The whole page in HTML."""
    title = escape(document["info"]["title"])
    links = "".join(f'<a href="#{escape(t["name"])}">{escape(t["description"])}</a>' for t in document["tags"])
    groups = "".join(_group(document, tag) for tag in document["tags"])
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title} · 接口文档</title><style>{_STYLE}</style></head><body>"
        f"<header><h1>{title} · 接口文档</h1>"
        f'<p>版本 {escape(document["info"]["version"])}，机器可读的描述：<a href="/api/openapi.json">openapi.json</a></p>'
        "<p>所有回答均为 <code>{code, message, data, request_id}</code>；金额单位为分，时间为 RFC 3339（+08:00）。</p>"
        f"<nav>{links}</nav></header><main>{groups}</main></body></html>"
    )


def _group(document: dict[str, Any], tag: dict[str, str]) -> str:
    operations = [
        _operation(document, path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if operation["tags"] == [tag["name"]]
    ]
    return f'<section id="{escape(tag["name"])}"><h2>{escape(tag["description"])}</h2>{"".join(operations)}</section>'


def _operation(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> str:
    roles = "、".join(_ROLES[role] for role in operation["x-roles"]) or "无需登录"
    rpc = f'；实时通道方法 <code>{escape(operation["x-rpc"])}</code>' if "x-rpc" in operation else ""
    about = f'<p class="about">{escape(operation["description"])}</p>' if "description" in operation else ""
    body = about + _parameters(document, operation) + _bodies(document, operation) + _answers(operation)
    return (
        f'<details><summary><span class="method {method}">{method.upper()}</span><code>{escape(path)}</code>'
        f'<span class="soft">{escape(operation["summary"])}</span></summary>'
        f'<div class="inside"><p class="soft">可用角色：{roles}{rpc}</p>{body}</div></details>'
    )


def _parameters(document: dict[str, Any], operation: dict[str, Any]) -> str:
    rows = [(p["name"], p["required"], p["schema"]) for p in operation["parameters"]]
    return _fields(document, "参数", rows)


def _bodies(document: dict[str, Any], operation: dict[str, Any]) -> str:
    shown = []
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = _followed(document, content["schema"])
        required = schema.get("required", [])
        rows = [(name, name in required, of_field) for name, of_field in schema.get("properties", {}).items()]
        shown.append(_fields(document, f"请求内容（{media_type}）", rows))
    return "".join(shown)


def _fields(document: dict[str, Any], title: str, rows: list[tuple[str, bool, dict[str, Any]]]) -> str:
    if not rows:
        return ""
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{'必填' if required else '可选'}</td>"
        f"<td>{escape(_kind(document, schema))}{_told(schema)}</td></tr>"
        for name, required, schema in rows
    )
    return f"<h3>{escape(title)}</h3><table><tr><th>名称</th><th></th><th>类型与范围</th></tr>{lines}</table>"


def _told(schema: dict[str, Any]) -> str:
    """What a field says of itself."""
    return f'<br><span class="soft">{escape(schema["description"])}</span>' if "description" in schema else ""


def _answers(operation: dict[str, Any]) -> str:
    lines = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(answer['description'])}</td></tr>"
        for status, answer in operation["responses"].items()
    )
    return f"<h3>回答</h3><table><tr><th>状态</th><th>含义</th></tr>{lines}</table>{_examples(operation)}"


def _examples(operation: dict[str, Any]) -> str:
    """The `data` of a good answer, where the document has one."""
    shown = []
    for answer in operation["responses"].values():
        for content in answer["content"].values():
            if "example" in content:
                text = json.dumps(content["example"]["data"], ensure_ascii=False, indent=2)
                shown.append(f"<h3>data 示例</h3><pre><code>{escape(text)}</code></pre>")
    return "".join(shown)


def _followed(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def _kind(document: dict[str, Any], schema: dict[str, Any]) -> str:
    """A schema in a few words: `integer 1-100`, `string ≤50`, `patient | caregiver`."""
    schema = _followed(document, schema)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return " | ".join(_kind(document, part) for part in schema[choice])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return json.dumps(schema["const"])
    if schema.get("type") == "array":
        return f"[{_kind(document, schema.get('items', {}))}]"
    if "properties" in schema:
        return "{" + ", ".join(schema["properties"]) + "}"
    return " ".join(filter(None, [schema.get("type", "any"), schema.get("format", ""), _range(schema)]))


def _range(schema: dict[str, Any]) -> str:
    if "minimum" in schema or "maximum" in schema:
        return f"{schema.get('minimum', '')}-{schema.get('maximum', '')}"
    if "maxLength" in schema:
        return f"≤{schema['maxLength']}"
    return ""
