"""A carrier's template that could not be filled is refused when it is configured."""
import pytest

from config.settings import Settings
from server.carriers import open_carriers
from server.outside import CannotOpen
from server.push.senders.wording import Wording, read_wordings
from server.push.templates import NOTICES, BadTemplate, Templates
from tests.unit.push.carriers import ACCEPTED, PARAMS

TEMPLATES = Templates()


def read(name="caregiver_accepted", *, id="t1", fields=None, page=""):
    fields = {"thing1": "service_name"} if fields is None else fields
    return read_wordings({name: Wording(id, fields, page)}, templates=TEMPLATES, where="wechat.mini_templates")


def test_a_good_wording_is_taken_as_it_is():
    assert read(fields={"thing1": "service_name", "time12": "period"}, page="p?id={order_id}")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": "nothing"}, "no such notice"),
        ({"id": ""}, "id and fields"),
        ({"fields": {}}, "id and fields"),
        ({"fields": {"first": "service_name"}}, "first is no field"),
        ({"fields": {"thing": "service_name"}}, "thing is no field"),
        ({"fields": {"thing1": "servicename"}}, "servicename is no variable"),
        ({"fields": {"thing1": "score"}}, "this notice has no variable score"),
        ({"page": "p?id={id}"}, "id is no variable"),
    ],
)
def test_a_wording_that_could_not_be_filled_is_refused_with_its_place(wrong, told):
    with pytest.raises(BadTemplate) as refused:
        read(**wrong)
    assert told in str(refused.value)
    assert str(refused.value).startswith(f"wechat.mini_templates.{wrong.get('name', 'caregiver_accepted')}: ")


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice.name)
def test_every_notice_can_be_worded_with_all_its_variables(notice):
    fields = {f"thing{number}": name for number, name in enumerate((*sorted(notice.variables), "period"), 1)}
    (wording,) = read(notice.name, fields=fields).values()
    assert all(value["value"] for value in wording.filled({}).values())


def test_fields_are_filled_cut_and_never_empty():
    filled = ACCEPTED.filled(PARAMS | {"caregiver_name": "欧阳" * 10, "service_name": " \n "})
    assert filled == {
        "thing1": {"value": "陪诊服务"},
        "name2": {"value": "欧阳欧阳欧阳欧阳欧…"},
        "time3": {"value": "2026年10月2日 09:00~2026年10月2日 11:00"},
    }
    assert ACCEPTED.address(PARAMS) == f"pages/order?id={PARAMS['order_id']}"


def opened(database, *, environment="production", **sections):
    secrets = dict.fromkeys(("jwt_secret", "field_key", "service_key"), "k" * 32)
    settings = Settings.model_validate({"environment": environment, **secrets, **sections})
    return open_carriers(settings, database=database, templates=TEMPLATES)


_MINI = {"mini_app_id": "wx1", "mini_secret": "s"}
_SMS = {"provider": "aliyun", "access_key": "a", "secret": "s", "sign_name": "陪护"}
_ALL_SMS = {name: "SMS_1" for name in ("sms_code_register", "sms_code_login", "sms_code_reset", "sms_code_bind")}
_ALL_SMS |= {name: "SMS_2" for name in TEMPLATES.critical_names}
_WORDED = {name: {"id": "t", "fields": {"time1": "period"}} for name in TEMPLATES.critical_names}


async def test_production_without_credentials_says_what_is_missing(database):
    carriers = opened(database)
    assert carriers.senders == {} and carriers.letterbox is None
    assert carriers.missing == [
        "WeChat mini program: no credentials",
        "WeChat official account: no credentials",
        "SMS: no credentials",
    ]
    await carriers.close()


async def test_the_sandbox_without_credentials_lacks_nothing(database):
    carriers = opened(database, environment="sandbox")
    assert set(carriers.senders) == {"sms", "wechat_mini", "wechat_oa"} and carriers.missing == []
    await carriers.close()


async def test_what_is_sent_but_has_no_approved_template_is_named(database):
    carriers = opened(database, wechat=_MINI | {"mini_templates": _WORDED}, sms=_SMS | {"templates": _ALL_SMS})
    assert carriers.missing == ["WeChat official account: no credentials"]
    await carriers.close()
    fewer = {name: code for name, code in _ALL_SMS.items() if name not in ("sms_code_login", "order_cancelled")}
    carriers = opened(database, wechat=_MINI | {"mini_templates": _WORDED}, sms=_SMS | {"templates": fewer})
    assert [line for line in carriers.missing if line.startswith("SMS")] == [
        "SMS: no template for sms_code_login; it is not sent this way",
        "SMS: no template for order_cancelled; it is not sent this way",
    ]
    await carriers.close()


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"wechat": {"mini_app_id": "wx1"}}, "wechat.mini_secret is empty"),
        ({"wechat": {"oa_secret": "s"}}, "wechat.oa_app_id is empty"),
        ({"sms": {"provider": "aliyun", "access_key": "a", "sign_name": "x"}}, "sms.secret is empty"),
        ({"sms": _SMS | {"templates": {"nothing": "SMS_1"}}}, "sms.templates.nothing"),
        ({"wechat": _MINI | {"mini_templates": {"nothing": {"id": "t", "fields": {"thing1": "x"}}}}}, "nothing"),
    ],
)
async def test_half_a_credential_and_a_template_of_nothing_are_refused_at_start(database, sections, told):
    with pytest.raises(CannotOpen) as refused:
        opened(database, environment="sandbox", **sections)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "sections",
    [
        {"wechat": {"oa_push_aes_key": "short"}},
        {"wechat": {"oa_push_aes_key": "A" * 42 + "="}},
        {"sms": {"report_key": "short"}},
        {"sms": {"report_key": "a/b" * 20}},
        {"sms": {"provider": "pigeon"}},
    ],
)
def test_settings_that_could_never_work_are_refused(sections):
    with pytest.raises(ValueError):
        Settings.model_validate(sections)
