"""Alibaba Cloud's request signature ACS3-HMAC-SHA256.

help.aliyun.com, "V3版本请求体&签名机制". The worked example of that page is a test.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

_ALGORITHM = "ACS3-HMAC-SHA256"
_NO_BODY = hashlib.sha256(b"").hexdigest()


def canonical_query(query: Mapping[str, str]) -> str:
    """RFC 3986, sorted by name: what is signed is also what is sent."""
    return "&".join(f"{_escaped(name)}={_escaped(value)}" for name, value in sorted(query.items()))


def signed_headers(
    *,
    access_key: str,
    secret: str,
    host: str,
    action: str,
    version: str,
    query: Mapping[str, str],
    at: datetime,
    nonce: str,
) -> dict[str, str]:
    """The headers of a POST to `/` without a body; `at` in UTC, within 15 minutes of theirs."""
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": _NO_BODY,
        "x-acs-date": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    signature = sign(secret, headers=headers, query=query)
    names = ";".join(sorted(headers))
    proof = f"{_ALGORITHM} Credential={access_key},SignedHeaders={names},Signature={signature}"
    return headers | {"Authorization": proof}


def sign(secret: str, *, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    names = sorted(headers)
    canonical = "\n".join(
        (
            "POST",
            "/",
            canonical_query(query),
            "".join(f"{name}:{headers[name].strip()}\n" for name in names),
            ";".join(names),
            headers["x-acs-content-sha256"],
        )
    )
    to_sign = f"{_ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()


def _escaped(text: str) -> str:
    return quote(text, safe="-_.~")
