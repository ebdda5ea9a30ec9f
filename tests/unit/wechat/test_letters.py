"""A letter is believed when WeChat wrote it, now, to us."""
import hashlib
import time
from urllib.parse import parse_qsl

import pytest

from server.wechat.letters import NotGenuine, TemplateReport, WeChatLetterbox
from tests.fakes.wechat import OA, PUSH_AES_KEY, PUSH_TOKEN, FakeWeChat

WECHAT = FakeWeChat()  # not started: only its pen is used
SEALED = WeChatLetterbox(app_id=OA, token=PUSH_TOKEN, aes_key=PUSH_AES_KEY)
PLAIN = WeChatLetterbox(app_id=OA, token=PUSH_TOKEN, aes_key="")
XML = (
    "<xml><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event>"
    "<MsgID>200163836</MsgID><Status><![CDATA[{}]]></Status></xml>"
)


def signed(at=None, token=PUSH_TOKEN):
    timestamp, nonce = str(int(at or time.time())), "n1"
    signature = hashlib.sha1("".join(sorted((token, timestamp, nonce))).encode()).hexdigest()
    return {"timestamp": timestamp, "nonce": nonce, "signature": signature}


def opened(letter):
    query, body = letter
    return SEALED.read(dict(parse_qsl(query)), body)


def test_the_greeting_is_answered_with_its_own_word():
    assert SEALED.greet(signed() | {"echostr": "4375120948345356249"}) == "4375120948345356249"


STRANGE = {
    "nothing": lambda: {},
    "another token": lambda: signed(token="another"),
    "old": lambda: signed(at=time.time() - 400),
    "of the future": lambda: signed(at=time.time() + 400),
    "no signature": lambda: signed() | {"signature": ""},
    "other letters": lambda: signed() | {"signature": "é"},
    "full-width digits": lambda: signed() | {"timestamp": "１７"},
    "before time": lambda: signed() | {"timestamp": "-5"},
    "a very long number": lambda: signed() | {"timestamp": "9" * 30},
    "another nonce": lambda: signed() | {"nonce": "n2"},
}


@pytest.mark.parametrize("asked", STRANGE.values(), ids=STRANGE.keys())
def test_a_stranger_is_not_greeted(asked):
    with pytest.raises(NotGenuine):
        SEALED.greet(asked() | {"echostr": "x"})


@pytest.mark.parametrize(("status", "delivered"), [("success", True), ("failed:user block", False)])
def test_a_sealed_report_is_read(status, delivered):
    assert opened(WECHAT.report(200163836, status)) == TemplateReport("200163836", delivered, status)


def test_a_plain_report_is_read_where_plain_text_was_chosen():
    assert PLAIN.read(signed(), XML.format("success").encode()) == TemplateReport("200163836", True, "success")


def test_other_letters_are_taken_and_say_nothing():
    text = "<xml><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[你好]]></Content></xml>"
    assert opened(WECHAT.letter(text)) is None
    assert PLAIN.read(signed(), XML.format("success").replace("MsgID", "Other").encode()) is None


def test_a_letter_to_another_app_or_with_another_key_is_refused():
    xml = XML.format("success")
    for letter in (
        WECHAT.letter(xml, app_id="wx9"),
        WECHAT.letter(xml, aes_key="B" * 43),
        WECHAT.letter(xml, token="another"),
        WECHAT.letter(xml, at=time.time() - 400),
    ):
        with pytest.raises(NotGenuine):
            opened(letter)


def test_a_letter_that_was_changed_on_the_way_is_refused():
    query, body = WECHAT.report(1)
    with pytest.raises(NotGenuine):
        SEALED.read(dict(parse_qsl(query)), body.replace(b"<Encrypt><![CDATA[", b"<Encrypt><![CDATA[A"))


def test_plain_text_is_refused_where_letters_are_sealed():
    with pytest.raises(NotGenuine):
        SEALED.read(signed(), XML.format("success").encode())


HOSTILE = {
    "nothing": b"",
    "no xml": b"{}",
    "not closed": b"<xml>" * 5_000,
    "very deep": b"<xml>" + b"<a>" * 10_000 + b"</a>" * 10_000 + b"</xml>",
    "empty": b"<xml/>",
    "text": b"<xml>t</xml>",
    "bytes": b"\xff\xfe\x00",
    "entities": b'<!DOCTYPE x [<!ENTITY a "b">]><xml><MsgType>&a;</MsgType></xml>',
    "another root": b"<other><MsgType>event</MsgType></other>",
    "long": b"<xml>" + b"a" * 70_000 + b"</xml>",
    "twice": b"<xml><MsgType>event</MsgType><MsgType>event</MsgType><Event>TEMPLATESENDJOBFINISH</Event></xml>",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("letterbox", [SEALED, PLAIN], ids=["sealed", "plain"])
def test_no_letter_breaks_the_reader(letterbox, body):
    try:
        assert letterbox.read(signed(), body) is None
    except NotGenuine:
        pass


@pytest.mark.parametrize("sealed", ["", "AAAA", "!!!", "A" * 22 + "==", "A" * 43 + "=", "A" * 64, "é"])
def test_no_seal_breaks_the_opener(sealed):
    asked = signed()
    parts = sorted((PUSH_TOKEN, asked["timestamp"], asked["nonce"], sealed))
    asked["msg_signature"] = hashlib.sha1("".join(parts).encode()).hexdigest()
    with pytest.raises(NotGenuine):
        SEALED.read(asked, f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>".encode())
