"""WeChat's servers as far as we ask them: the same wire, the same refusals.

Written from WeChat's own pages (developers.weixin.qq.com), not from our client, so that both can be wrong in
different ways only.
"""
import hashlib
import json
import re
import secrets
import time
from collections import Counter, defaultdict
from urllib.parse import urlencode, urlsplit

from wechatpy.crypto import WeChatCrypto

from tests.fakes.provider import Provider, ProviderHandler

MINI, OA = "wx0000000000000001", "wx0000000000000002"
MINI_SECRET, OA_SECRET = "m" * 32, "o" * 32
PUSH_TOKEN, PUSH_AES_KEY = "peihuPushToken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
_LIMITS = {"thing": 20, "name": 10, "phrase": 5, "time": 64, "date": 64, "amount": 12, "character_string": 32}
_TIME = re.compile(r"(\d{4}年\d{1,2}月\d{1,2}日 )?\d{1,2}:\d{2}(~(\d{4}年\d{1,2}月\d{1,2}日 )?\d{1,2}:\d{2})?")


class FakeWeChat(Provider):
    """`people[app_id]` has who may log in by code; `grants` what they agreed to; `messages` what they received."""

    def __init__(self):
        super().__init__()
        self.secrets = {MINI: MINI_SECRET, OA: OA_SECRET}
        self.codes = {}  # code -> (app_id, openid)
        self.phone_codes = {}  # code -> (country, number)
        self.used = set()
        self.known = defaultdict(set)  # app_id -> openids
        self.tokens = {}  # app_id -> token that is taken now
        self.expired = set()
        self.lifetime_s = 7200
        self.templates = {}  # (app_id, template_id) -> names of fields
        self.grants = Counter()  # (openid, template_id) -> times
        self.followers = set()
        self.messages = []
        self.by_client_msg_id = {}
        self.return_domain = "127.0.0.1"
        self.browser = "oBrowser"  # who sits in front of the browser that comes to the authorize page

    def person(self, app_id, openid, *, code=None):
        """Somebody with a WeChat; a code for the app's login."""
        code = code or secrets.token_hex(16)
        self.known[app_id].add(openid)
        self.codes[code] = (app_id, openid)
        return code

    def phone_code(self, number, *, country="86"):
        code = secrets.token_hex(32)
        self.phone_codes[code] = (country, number)
        return code

    def template(self, app_id, template_id, *fields):
        self.templates[app_id, template_id] = fields

    def end_tokens(self):
        """Two hours are over: nobody's token is taken any more."""
        self.expired.update(self.tokens.values())
        self.tokens.clear()

    def letter(self, xml, *, app_id=OA, token=PUSH_TOKEN, aes_key=PUSH_AES_KEY, at=None):
        """(query, body) of a letter in encrypted mode, as WeChat posts it."""
        timestamp, nonce = str(int(at or time.time())), secrets.token_hex(5)
        body = WeChatCrypto(token, aes_key, app_id).encrypt_message(xml, nonce, timestamp)
        sealed = re.search(r"<Encrypt><!\[CDATA\[(.*)\]\]>", body)[1]
        signed = hashlib.sha1("".join(sorted((token, timestamp, nonce, sealed))).encode()).hexdigest()
        query = {"timestamp": timestamp, "nonce": nonce, "encrypt_type": "aes", "msg_signature": signed}
        query["signature"] = hashlib.sha1("".join(sorted((token, timestamp, nonce))).encode()).hexdigest()
        return urlencode(query), body.encode()

    def report(self, msgid, status="success", **more):
        """A letter about a template message."""
        xml = (
            "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oA]]></FromUserName>"
            "<CreateTime>1395658920</CreateTime><MsgType><![CDATA[event]]></MsgType>"
            f"<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event><MsgID>{msgid}</MsgID>"
            f"<Status><![CDATA[{status}]]></Status></xml>"
        )
        return self.letter(xml, **more)

    def routes(self):
        given = {"provider": self}
        return [
            (r"/cgi-bin/stable_token", StableToken, given),
            (r"/cgi-bin/token", OldToken, given),
            (r"/sns/jscode2session", CodeToSession, given),
            (r"/sns/oauth2/access_token", OAuthToken, given),
            (r"/connect/oauth2/authorize", Authorize, given),
            (r"/wxa/business/getuserphonenumber", PhoneNumber, given),
            (r"/cgi-bin/message/subscribe/send", SubscribeMessage, given),
            (r"/cgi-bin/message/template/send", TemplateMessage, given),
        ]


class _Handler(ProviderHandler):
    def say(self, **answer):
        self.finish(json.dumps(answer, ensure_ascii=False).encode())

    def refuse(self, code, text="no"):
        self.say(errcode=code, errmsg=f"{text} rid: 65000000-00000000-00000000")

    def app_of_secret(self, given):
        """The app id, or None after a refusal."""
        app_id = given.get("appid")
        if app_id not in self.provider.secrets:
            return self.refuse(40013, "invalid appid")
        if given.get("secret") != self.provider.secrets[app_id]:
            return self.refuse(40125, "invalid appsecret")
        return app_id

    def app_of_token(self):
        token = self.get_query_argument("access_token", "")
        for app_id, taken in self.provider.tokens.items():
            if token == taken:
                return app_id
        if token in self.provider.expired:
            return self.refuse(42001, "access_token expired")
        return self.refuse(40001 if token else 41001, "invalid credential, access_token is invalid or not latest")

    @property
    def query(self):
        return {name: self.get_query_argument(name) for name in self.request.query_arguments}


class StableToken(_Handler):
    def post(self):
        given = json.loads(self.request.body)
        if given.get("grant_type") != "client_credential":
            return self.refuse(40002, "invalid grant_type")
        app_id = self.app_of_secret(given)
        if app_id is None:
            return None
        if given.get("force_refresh"):
            self.provider.expired.add(self.provider.tokens.pop(app_id, ""))
        token = self.provider.tokens.setdefault(app_id, f"{secrets.token_hex(64)}_{app_id[-1]}")
        return self.say(access_token=token, expires_in=self.provider.lifetime_s)


class OldToken(_Handler):
    """Every call ends the token before: whoever asks here breaks the other instances."""

    def get(self):
        app_id = self.app_of_secret(self.query)
        if app_id is not None:
            self.provider.expired.add(self.provider.tokens.pop(app_id, ""))
            self.provider.tokens[app_id] = secrets.token_hex(64)
            self.say(access_token=self.provider.tokens[app_id], expires_in=7200)


class _CodeHandler(_Handler):
    def spend(self, code, app_id):
        """The openid, or None after a refusal."""
        if not code:
            return self.refuse(41008, "missing code")
        if code in self.provider.used:
            return self.refuse(40163, "code been used")
        owner, openid = self.provider.codes.get(code, (None, None))
        if owner != app_id:
            return self.refuse(40029, "invalid code")
        self.provider.used.add(code)
        return openid


class CodeToSession(_CodeHandler):
    def get(self):
        app_id = self.app_of_secret(self.query)
        if app_id is None:
            return
        openid = self.spend(self.query.get("js_code"), app_id)
        if openid is not None:
            self.say(openid=openid, session_key="c2Vzc2lvbi1rZXk=", unionid="u" + openid)


class OAuthToken(_CodeHandler):
    def get(self):
        app_id = self.app_of_secret(self.query)
        if app_id is None:
            return
        openid = self.spend(self.query.get("code"), app_id)
        if openid is not None:
            self.say(access_token="page", expires_in=7200, refresh_token="r", openid=openid, scope="snsapi_base")


class Authorize(_Handler):
    """The page inside WeChat that sends the browser back with a code."""

    def get(self):
        asked, back = self.query, urlsplit(self.query.get("redirect_uri", ""))
        if asked.get("appid") != OA or asked.get("response_type") != "code" or asked.get("scope") != "snsapi_base":
            self.send_error(400)
        elif back.hostname != self.provider.return_domain:
            self.set_status(403)
            self.finish("redirect_uri 参数错误 10003")
        elif not re.fullmatch(r"[A-Za-z0-9]{0,128}", asked.get("state", "")):
            self.send_error(400)
        else:
            code = self.provider.person(OA, self.provider.browser)
            self.redirect(f"{back.geturl()}?{urlencode({'code': code, 'state': asked.get('state', '')})}")


class PhoneNumber(_Handler):
    def post(self):
        app_id = self.app_of_token()
        if app_id is None:
            return
        code = json.loads(self.request.body).get("code")
        if code in self.provider.used or code not in self.provider.phone_codes:
            return self.refuse(40029, "invalid code")
        self.provider.used.add(code)
        country, number = self.provider.phone_codes[code]
        watermark = {"timestamp": int(time.time()), "appid": app_id}
        told = {"phoneNumber": number if country == "86" else f"+{country} {number}", "purePhoneNumber": number}
        self.say(errcode=0, errmsg="ok", phone_info=told | {"countryCode": country, "watermark": watermark})


class _MessageHandler(_Handler):
    def checked(self):
        """(app_id, message), or (None, None) after a refusal."""
        app_id = self.app_of_token()
        if app_id is None:
            return None, None
        try:
            message = json.loads(self.request.body)
        except ValueError:
            return self.refuse(47001, "data format error"), None
        fields = self.provider.templates.get((app_id, message.get("template_id")))
        if message.get("touser") not in self.provider.known[app_id]:
            return self.refuse(40003, "invalid openid"), None
        if fields is None:
            return self.refuse(40037, "invalid template_id"), None
        for name in fields:
            value = message["data"].get(name, {}).get("value", "")
            kind = name.rstrip("0123456789")
            if not value or len(value) > _LIMITS.get(kind, 20) or (kind == "time" and not _TIME.fullmatch(value)):
                return self.refuse(47003, f"argument invalid! data.{name}.value invalid"), None
        return app_id, message


class SubscribeMessage(_MessageHandler):
    def post(self):
        app_id, message = self.checked()
        if app_id is None:
            return
        if message.get("miniprogram_state") not in ("formal", "trial", "developer"):
            return self.refuse(40097, "invalid args")
        grant = (message["touser"], message["template_id"])
        if not self.provider.grants[grant]:
            return self.refuse(43101, "user refuse to accept the msg")
        self.provider.grants[grant] -= 1
        self.provider.messages.append(message)
        self.say(errcode=0, errmsg="ok")


class TemplateMessage(_MessageHandler):
    def post(self):
        app_id, message = self.checked()
        if app_id is None:
            return
        if message["touser"] not in self.provider.followers:
            return self.refuse(43004, "require subscribe")
        once = message.get("client_msg_id")
        if once in self.provider.by_client_msg_id:
            msgid = self.provider.by_client_msg_id[once]
        else:
            msgid = self.provider.by_client_msg_id[once] = 200_000_000 + len(self.provider.messages)
            self.provider.messages.append(message)
        self.say(errcode=0, errmsg="ok", msgid=msgid)
