"""The chapters of the rules: numbers, prices, notices' words.

One document holds them all. Here it is known which area reads which chapter, how a change is put in and checked,
and how people see it; the rulebook itself only keeps editions.
"""

from copy import deepcopy
from typing import Any

from config.policy import Policy
from config.reading import read_model
from server.core.errors import FieldError, Refused, invalid
from server.push.templates import BadTemplate, Templates
from server.roster.catalog import DEFAULT_CATALOG, UNIT_TEXTS, Catalog
from server.roster.terms import Terms
from server.rulebook.commands import ChangeSettings

NUMBERS = tuple(Policy.model_fields)  # the chapters of config/policy.py
_PRICES = ("base_price_fen", "min_price_fen", "max_price_fen")
_DEFAULT_TEMPLATES = Templates()
# Said where a chapter as a whole does not fit together.
_MISFITS = {
    "time": "时间刻度须为15、30或60分钟",
    "offers": "派单批次须从0秒开始、依次延后，且只有最后一批可以面向全部",
    "cancellation": "取消费档位须由早到晚排列，最后一档为0分钟，越晚取消费用不能越低",
}


def first_document() -> dict[str, Any]:
    """What a fresh store begins with: the program's defaults."""
    prices = {
        service.code: {name: getattr(service, name) for name in _PRICES} for service in DEFAULT_CATALOG.service_types
    }
    numbers = Policy().model_dump(mode="json")
    numbers["price"]["holidays"] = sorted(numbers["price"]["holidays"])
    return {**numbers, "prices": prices, "templates": {}}


def terms_of(document: dict[str, Any]) -> Terms:
    """The reader of `InForce[Terms]`; chapters that this program does not know are left out."""
    policy = Policy.model_validate({name: document[name] for name in NUMBERS if name in document})
    return Terms(policy, _catalog(document))


def _catalog(document: dict[str, Any]) -> Catalog:
    return DEFAULT_CATALOG.with_prices({
        code: tuple(prices[name] for name in _PRICES) for code, prices in document["prices"].items()
    })


def templates_of(document: dict[str, Any]) -> Templates:
    """The reader of the words in use."""
    words = {name: (text["title"], text["content"]) for name, text in document["templates"].items()}
    return _DEFAULT_TEMPLATES.with_texts({name: words[name] for name in words if name in _DEFAULT_TEMPLATES})


def merge(document: dict[str, Any], change: ChangeSettings) -> dict[str, Any]:
    """The document with what was given. Raises Refused: 422 about the field that cannot be."""
    merged = deepcopy(document)
    for chapter in NUMBERS:
        given = getattr(change, chapter)
        if given is not None:
            _put_numbers(merged.setdefault(chapter, {}), given.model_dump(mode="json", exclude_unset=True))
    for place, price in enumerate(change.prices or ()):
        _put_price(merged["prices"], price, place)
    for place, text in enumerate(change.templates or ()):
        _put_words(merged["templates"], text, place)
    _require_fit(merged)
    return merged


def _put_numbers(chapter: dict[str, Any], given: dict[str, Any]) -> None:
    for name, value in given.items():
        if value is None:
            continue
        if isinstance(value, dict):
            _put_numbers(chapter.setdefault(name, {}), value)
        else:
            chapter[name] = sorted(set(value)) if name == "holidays" else value


def _put_price(prices: dict[str, Any], given: Any, place: int) -> None:
    if DEFAULT_CATALOG.service_type(given.service_type) is None:
        raise invalid(f"prices.{place}.service_type", "没有这种服务")
    if not 0 < given.min_price_fen <= given.base_price_fen <= given.max_price_fen:
        raise invalid(f"prices.{place}.base_price_fen", "基准价须在最低价与最高价之间，且最低价大于0")
    prices[given.service_type] = {name: getattr(given, name) for name in _PRICES}


def _put_words(templates: dict[str, Any], given: Any, place: int) -> None:
    if given.name not in _DEFAULT_TEMPLATES:
        raise invalid(f"templates.{place}.name", "没有这个消息模板")
    try:
        _DEFAULT_TEMPLATES.with_texts({given.name: (given.title, given.content)})
    except BadTemplate:
        known = "、".join(f"{{{name}}}" for name in sorted(_DEFAULT_TEMPLATES.variables_of(given.name))) or "无"
        message = f"内容中的花括号只能是该模板的变量（{known}），标题中不能有变量"
        raise invalid(f"templates.{place}.content", message) from None
    templates[given.name] = {"title": given.title, "content": given.content}


def _require_fit(document: dict[str, Any]) -> None:
    """Raises Refused: each chapter's numbers are checked together."""
    try:
        read_model(Policy, {name: document[name] for name in NUMBERS if name in document})
    except Refused as refused:
        told = [FieldError(error.field, error.code, _words(error)) for error in refused.errors]
        raise Refused("invalid", errors=tuple(told)) from None


def _words(error: FieldError) -> str:
    chapter = error.field.partition(".")[0]
    return _MISFITS.get(chapter, error.message)


def show(document: dict[str, Any]) -> dict[str, Any]:
    """The chapters as administrators read them, with names beside codes and defaults beside words."""
    catalog, templates = _catalog(document), templates_of(document)
    shown = terms_of(document).policy.model_dump(mode="json")
    shown["price"]["holidays"] = sorted(shown["price"]["holidays"])
    return shown | {
        "prices": [
            {"service_type": service.code, "service_type_text": service.name, "unit_text": UNIT_TEXTS[service.unit]}
            | {name: getattr(service, name) for name in _PRICES}
            for service in catalog.service_types
        ],
        "templates": [_shown_words(name, templates) for name in templates.names],
    }


def _shown_words(name: str, templates: Templates) -> dict[str, Any]:
    default, used = _DEFAULT_TEMPLATES.of(name), templates.of(name)
    return {
        "name": name,
        "title": used.title,
        "content": used.content,
        "default_title": default.title,
        "default_content": default.content,
        "variables": sorted(_DEFAULT_TEMPLATES.variables_of(name)),
        "critical": used.critical,
        "preview": templates.render_leniently(name, {}).content,
    }
