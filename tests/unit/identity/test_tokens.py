"""Bad tokens (reliability.md §4E) are refused, cheaply."""
import base64
import hashlib
import hmac
import json
import time
from datetime import timedelta

import pytest

from server.core.clock import server_now
from server.core.errors import Refused
from server.core.ids import new_id
from server.identity.tokens import AccessTokens, SigningKeys

SECRET = "s" * 32
USER, LOGIN = new_id(), new_id()


@pytest.fixture
def tokens():
    return AccessTokens(keys=SigningKeys(SECRET))


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _header(**changes):
    header = {"alg": "HS256", "typ": "at+jwt", "kid": SigningKeys(SECRET).current_id} | changes
    return {name: value for name, value in header.items() if value is not ...}


def _claims(**changes):
    now_s = int(time.time())
    claims = {"iss": "peihu", "aud": "peihu.api", "sub": USER, "sid": LOGIN, "jti": new_id()}
    claims |= {"iat": now_s, "exp": now_s + 900, "utyp": "patient"}
    claims |= changes
    return {name: value for name, value in claims.items() if value is not ...}


def _signed(header, claims, *, secret=SECRET, digest=hashlib.sha256) -> str:
    """A token with a right signature over whatever it is given (text is taken as it is)."""
    parts = [part if isinstance(part, str) else json.dumps(part) for part in (header, claims)]
    unsigned = ".".join(_encoded(part.encode()) for part in parts)
    return f"{unsigned}.{_encoded(hmac.new(secret.encode(), unsigned.encode(), digest).digest())}"


def _refusal(tokens, token) -> str:
    with pytest.raises(Refused) as refused:
        tokens.read(token, now=server_now())
    return refused.value.code


def test_the_hand_made_token_of_these_tests_is_genuine(tokens):
    claims = tokens.read(_signed(_header(), _claims()), now=server_now())
    assert (claims.user_id, claims.login_id, claims.user_type) == (USER, LOGIN, "patient")


def test_what_is_issued_is_read_back(tokens):
    now = server_now()
    token = tokens.issue(user_id=USER, user_type="admin", login_id=LOGIN, now=now)
    claims = tokens.read(token, now=now)
    assert claims.expires_at == int(now.timestamp()) + 900 and claims.user_type == "admin"
    assert len(token) < 600


BAD_HEADERS = {
    "E01 alg none": {"alg": "none"},
    "E02 alg nOnE": {"alg": "nOnE"},
    "E03 no alg": {"alg": ...},
    "E04 HS384 label": {"alg": "HS384"},
    "E05 RS256 label": {"alg": "RS256"},
    "E06 unknown crit": {"crit": ["x"]},
    "E07 crit b64": {"crit": ["b64"], "b64": False},
    "E08 kid path": {"kid": "../../dev/null"},
    "E09 kid SQL": {"kid": "' or 1=1"},
    "E10 kid integer": {"kid": 1},
    "E10b kid list": {"kid": []},
    "E10c no kid": {"kid": ...},
    "E11 kid 1 MB": {"kid": "k" * 1_000_000},
    "E12 embedded jwk": {"jwk": {"kty": "oct", "k": "AA"}},
    "E13 jku": {"jku": "http://127.0.0.1/keys"},
    "E13b x5u": {"x5u": "http://127.0.0.1/keys"},
    "E14 typ refresh": {"typ": "refresh+jwt"},
    "E14b typ JWT": {"typ": "JWT"},
    "E15 no typ": {"typ": ...},
}


@pytest.mark.parametrize("changes", BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_a_header_that_we_do_not_write_is_refused(tokens, changes):
    assert _refusal(tokens, _signed(_header(**changes), _claims())) == "unauthorized"


NOW_S = int(time.time())
BAD_CLAIMS = {
    "E17 no exp": {"exp": ...},
    "E17b exp null": {"exp": None},
    "E18 exp text": {"exp": "9999999999"},
    "E19 exp 1e30": {"exp": 10**30},
    "E20 exp float": {"exp": NOW_S + 800.5},
    "E22 exp true": {"exp": True},
    "E22b exp list": {"exp": [NOW_S + 800]},
    "E23 iat future": {"iat": NOW_S + 3600, "exp": NOW_S + 4500},
    "E24 nbf future": {"nbf": NOW_S + 3600},
    "E25 iat far past, exp far future": {"iat": 1, "exp": NOW_S + 10**8},
    "E25b longer than ours live": {"iat": NOW_S - 1000, "exp": NOW_S + 500},
    "E25c exp before iat": {"iat": NOW_S, "exp": NOW_S - 900},
    "no iat": {"iat": ...},
    "E26 aud other": {"aud": "other"},
    "E27 no aud": {"aud": ...},
    "E28 aud list": {"aud": ["peihu.api"]},
    "E29 iss other": {"iss": "evil"},
    "E29b iss list": {"iss": ["peihu"]},
    "E30 sub int": {"sub": 1},
    "E31 sub null": {"sub": None},
    "E33 sub 10 KB": {"sub": "u" * 10_240},
    "sub SQL": {"sub": "1 or 1=1"},
    "sid missing": {"sid": ...},
    "sid object": {"sid": {"$gt": ""}},
    "jti missing": {"jti": ...},
    "utyp number": {"utyp": 7},
    "one claim too many": {"role": "admin"},
}


@pytest.mark.parametrize("changes", BAD_CLAIMS.values(), ids=BAD_CLAIMS)
def test_claims_that_we_do_not_write_are_refused(tokens, changes):
    assert _refusal(tokens, _signed(_header(), _claims(**changes))) == "unauthorized"


def _with_duplicate_claim():
    text = json.dumps(_claims())
    return text[:-1] + ', "utyp": "admin"}'


BAD_PAYLOADS = {
    "E21 exp NaN": json.dumps(_claims(exp="?")).replace('"?"', "NaN"),
    "E34 duplicate claim": _with_duplicate_claim(),
    "E35 list": "[]",
    "text": '"peihu"',
    "null": "null",
    "empty": "",
    "E36 1 MB": json.dumps(_claims(pad="x" * 1_000_000)),
}


@pytest.mark.parametrize("payload", BAD_PAYLOADS.values(), ids=BAD_PAYLOADS)
def test_a_payload_that_is_not_one_plain_object_is_refused(tokens, payload):
    assert _refusal(tokens, _signed(_header(), payload)) == "unauthorized"


def test_a_duplicate_header_is_refused(tokens):
    header = json.dumps(_header())[:-1] + ', "alg": "HS256"}'
    assert _refusal(tokens, _signed(header, _claims())) == "unauthorized"


def _good() -> str:
    return _signed(_header(), _claims())


def _with_loose_bits(token: str) -> str:
    """The same signature bytes, spelled with other unused bits in the last character."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]


BAD_SPELLINGS = {
    "E37 edited claims": lambda t: ".".join(
        [t.split(".")[0], _encoded(json.dumps(_claims(utyp="admin")).encode()), t.split(".")[2]]
    ),
    "E39 signature cut": lambda t: t[:-4],
    "E39b no signature": lambda t: t.rsplit(".", 1)[0] + ".",
    "E40 padded": lambda t: t + "=",
    "E40b loose bits": _with_loose_bits,
    "E41 four segments": lambda t: t + ".AAAA",
    "E42 five segments": lambda t: "a.b.c.d.e",
    "E43 empty": lambda t: "",
    "E43b null": lambda t: None,
    "E44 garbage": lambda t: "\x00\xff\x07",
    "E44b bytes": lambda t: t.encode(),
    "E44c full-width": lambda t: t.replace("e", "ｅ"),
    "E45 1 MB of a": lambda t: "a" * 1_000_000,
    "E46 leading space": lambda t: " " + t,
    "E46b trailing newline": lambda t: t + "\n",
    "two segments": lambda t: t.rsplit(".", 1)[0],
    "dots": lambda t: "..",
    "number": lambda t: 7,
}


@pytest.mark.parametrize("spoil", BAD_SPELLINGS.values(), ids=BAD_SPELLINGS)
def test_a_token_spelled_otherwise_is_refused(tokens, spoil):
    assert _refusal(tokens, spoil(_good())) == "unauthorized"


def test_the_loose_bits_of_the_test_above_decode_to_the_same_signature():
    token = _good()
    one, other = token.split(".")[2], _with_loose_bits(token).split(".")[2]
    assert one != other and base64.urlsafe_b64decode(one + "=") == base64.urlsafe_b64decode(other + "=")


def test_another_digest_or_key_is_refused(tokens):
    assert _refusal(tokens, _signed(_header(), _claims(), digest=hashlib.sha512)) == "unauthorized"
    assert _refusal(tokens, _signed(_header(), _claims(), secret="t" * 32)) == "unauthorized"


def test_a_token_of_another_environment_is_refused(tokens):
    staging = AccessTokens(keys=SigningKeys("staging " * 4))
    token = staging.issue(user_id=USER, user_type="patient", login_id=LOGIN, now=server_now())
    assert _refusal(tokens, token) == "unauthorized"


def test_a_token_ends_to_the_second_and_says_so(tokens):
    now = server_now()
    token = tokens.issue(user_id=USER, user_type="patient", login_id=LOGIN, now=now)
    assert tokens.read(token, now=now + timedelta(seconds=898))
    with pytest.raises(Refused) as refused:
        tokens.read(token, now=now + timedelta(seconds=900))
    assert refused.value.code == "token_expired"


def test_an_expired_forgery_is_not_told_that_it_is_expired(tokens):
    late = _claims(iat=NOW_S - 1000, exp=NOW_S - 100)
    assert _refusal(tokens, _signed(_header(), late)) == "token_expired"
    assert _refusal(tokens, _signed(_header(), late, secret="t" * 32)) == "unauthorized"


def test_a_rotated_key_verifies_in_its_grace_and_never_signs():
    old, new = SigningKeys(SECRET), SigningKeys("n" * 32, previous=(SECRET,))
    token = AccessTokens(keys=old).issue(user_id=USER, user_type="patient", login_id=LOGIN, now=server_now())
    during, after = AccessTokens(keys=new), AccessTokens(keys=SigningKeys("n" * 32))
    assert during.read(token, now=server_now()).user_id == USER
    assert _refusal(after, token) == "unauthorized"
    renewed = during.issue(user_id=USER, user_type="patient", login_id=LOGIN, now=server_now())
    assert after.read(renewed, now=server_now())


def test_refusing_a_megabyte_takes_no_time(tokens):
    started = time.perf_counter()
    for _ in range(100):
        _refusal(tokens, "a" * 1_000_000)
    assert time.perf_counter() - started < 0.5
