"""Access tokens: issued plainly, read strictly.

What PyJWT lets pass and we must not (reliability.md §4E): another `typ`, an unknown `kid`, an `exp` that
is text, a float or a year away, an `aud` list, duplicate claims, a signature with padding or loose bits.
The database decides afterwards whether the login still lives; a token alone proves nothing for long.
"""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from jwt.algorithms import HMACAlgorithm

from server.core.errors import Refused
from server.core.ids import looks_like_id, new_id
from server.core.strict_json import BadJson, parse

LIFETIME_S = 900  # contract.md §3
_ALGORITHM = "HS256"
_TYPE = "at+jwt"  # RFC 9068
_ISSUER = "peihu"
_AUDIENCE = "peihu.api"
_HEADER = {"alg", "typ", "kid"}
_CLAIMS = {"iss", "aud", "sub", "sid", "jti", "iat", "exp", "utyp"}
_LONGEST = 1024  # ours have some 450 characters; longer text is not looked at
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_CLOCK_SKEW_S = 5  # between the machines that issue


@dataclass(frozen=True, slots=True)
class Claims:
    """What a genuine token says; `expires_at` in unix seconds."""

    user_id: str
    user_type: str
    login_id: str
    token_id: str
    expires_at: int


class SigningKeys:
    """Secrets by key id; `previous` ones still verify and never sign (a rotation's grace)."""

    def __init__(self, current: str, *, previous: tuple[str, ...] = ()) -> None:
        self.current_id = _key_id(current)
        self.by_id = {_key_id(secret): secret for secret in (*previous, current)}


def _key_id(secret: str) -> str:
    return hmac.new(secret.encode(), b"peihu/token key id", hashlib.sha256).hexdigest()[:8]


class AccessTokens:
    """Issues and reads; knows nothing of accounts."""

    def __init__(self, *, keys: SigningKeys, lifetime_s: int = LIFETIME_S) -> None:
        self._keys = keys
        self._hmac = HMACAlgorithm(HMACAlgorithm.SHA256)
        self._prepared = {key_id: self._hmac.prepare_key(secret) for key_id, secret in keys.by_id.items()}
        self.lifetime_s = lifetime_s

    def issue(self, *, user_id: str, user_type: str, login_id: str, now: datetime) -> str:
        issued_at = int(now.timestamp())
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": user_id,
            "sid": login_id,
            "jti": new_id(),
            "iat": issued_at,
            "exp": issued_at + self.lifetime_s,
            "utyp": user_type,
        }
        key_id = self._keys.current_id
        headers = {"typ": _TYPE, "kid": key_id}
        return jwt.encode(claims, self._keys.by_id[key_id], algorithm=_ALGORITHM, headers=headers)

    def read(self, token: object, *, now: datetime) -> Claims:
        """The claims of a genuine token. Raises Refused `unauthorized`, or `token_expired` if only late."""
        try:
            self._check_signature(token, self._key_for(token))
            return _claims(token, lifetime_s=self.lifetime_s, now_s=now.timestamp())
        except (_NotOurs, BadJson, binascii.Error):
            raise Refused("unauthorized") from None

    def _key_for(self, token: object) -> bytes:
        if type(token) is not str or len(token) > _LONGEST:
            raise _NotOurs
        header = parse(_part(token, 1))
        _require(type(header) is dict and header.keys() == _HEADER)
        _require(header["alg"] == _ALGORITHM and header["typ"] == _TYPE)
        _require(type(header["kid"]) is str and header["kid"] in self._prepared)
        return self._prepared[header["kid"]]

    def _check_signature(self, token: Any, key: bytes) -> None:
        """`jwt.decode` would look at the key anew each time, for ten times of what the signature costs."""
        signature = _part(token, 3)  # canonical: one token has one spelling
        signed, _, _ = token.rpartition(".")
        _require(self._hmac.verify(signed.encode(), key, signature))


class _NotOurs(Exception):
    """The token is none that we issue."""


def _require(condition: bool) -> None:
    if not condition:
        raise _NotOurs


def _part(token: Any, number: int) -> bytes:
    """The decoded header (1), payload (2) or signature (3), spelled as an encoder spells it."""
    match = _COMPACT.fullmatch(token)
    if match is None:
        raise _NotOurs
    text = match[number]
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    _require(base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == text)
    return raw


def _claims(token: Any, *, lifetime_s: int, now_s: float) -> Claims:
    claims = parse(_part(token, 2))
    _require(type(claims) is dict and claims.keys() == _CLAIMS)
    _require(claims["iss"] == _ISSUER and claims["aud"] == _AUDIENCE and type(claims["utyp"]) is str)
    _require(all(looks_like_id(claims[name]) for name in ("sub", "sid", "jti")))
    _require(type(claims["iat"]) is int and type(claims["exp"]) is int)
    _require(0 < claims["exp"] - claims["iat"] <= lifetime_s)
    _require(claims["iat"] <= now_s + _CLOCK_SKEW_S)
    if claims["exp"] <= now_s:
        raise Refused("token_expired")
    return Claims(claims["sub"], claims["utyp"], claims["sid"], claims["jti"], claims["exp"])
