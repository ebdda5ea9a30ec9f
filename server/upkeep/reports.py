"""Reports that nobody without the key can write.

A report is JSON; its signature is an HMAC-SHA256 over the text without it, under a key derived from the archive's
secret.
"""

import hmac
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from server.upkeep.archive.head import Head


def signed(report: dict[str, Any], *, head: Head, secret: bytes) -> dict[str, Any]:
    """The report with its `signature`, 64 hex digits."""
    return report | {"signature": _signature(report, head=head, secret=secret)}


def is_genuine(report: dict[str, Any], *, head: Head, secret: bytes) -> bool:
    """Whether a report is as it was signed."""
    unsigned = {name: value for name, value in report.items() if name != "signature"}
    given = report.get("signature")
    return isinstance(given, str) and hmac.compare_digest(_signature(unsigned, head=head, secret=secret), given)


def _signature(report: dict[str, Any], *, head: Head, secret: bytes) -> str:
    text = json.dumps(report, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hmac.new(head.purpose_key(secret, "report"), text.encode(), sha256).hexdigest()


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Raises OSError."""
    path.write_text(as_text(report), encoding="utf-8")


def as_text(report: dict[str, Any]) -> str:
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
