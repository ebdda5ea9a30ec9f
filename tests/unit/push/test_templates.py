"""The words of notices are complete before anybody needs them."""
import pytest

from server.push.templates import (
    FALLBACKS,
    NOTICES,
    BadTemplate,
    MissingVariable,
    Template,
    Templates,
)

# contract.md §8, written again: a template that gets lost here would never be missed by the code.
PROMISED = {
    "booking_succeeded", "caregiver_accepted", "service_started", "service_finished", "order_completed",
    "order_cancelled", "refund_succeeded", "review_received", "qualification_reviewed",
}
CRITICAL = {
    "booking_succeeded", "caregiver_accepted", "service_started", "service_finished", "order_cancelled",
    "refund_succeeded", "qualification_reviewed",
}


def test_every_promised_template_is_there():
    assert PROMISED <= set(Templates().names)


def test_what_a_person_must_hear_leaves_the_app():
    assert {template.name for template in NOTICES if template.critical} >= CRITICAL


@pytest.mark.parametrize("template", NOTICES, ids=lambda template: template.name)
def test_a_rendered_notice_shows_every_value_and_no_hole(template):
    params = {name: f"<{name}>" for name in template.variables}
    rendered = Templates().render(template.name, params)
    assert all(value in rendered.content for value in params.values())
    assert not {"{", "}"} & set(rendered.title + rendered.content)


@pytest.mark.parametrize("template", NOTICES, ids=lambda template: template.name)
def test_each_missing_variable_is_found_out(template):
    for missing in template.variables:
        with pytest.raises(MissingVariable, match=missing):
            Templates().render(template.name, dict.fromkeys(template.variables - {missing}, "x"))


@pytest.mark.parametrize("template", NOTICES, ids=lambda template: template.name)
def test_a_service_that_leaves_values_out_is_still_understood(template):
    rendered = Templates().render_leniently(template.name, {"unknown": "x"})
    assert all(FALLBACKS[name] in rendered.content for name in template.variables)


def test_every_variable_is_used_by_some_template():
    assert set().union(*(template.variables for template in NOTICES)) == set(FALLBACKS)


def test_a_value_is_never_read_as_a_template():
    rendered = Templates().render("announcement", {"text": "{reason} {0.__class__} %s"})
    assert rendered.content == "{reason} {0.__class__} %s"


@pytest.mark.parametrize(
    ("title", "content"),
    [("", "x"), ("题" * 101, "x"), ("题", " "), ("题", "{unknown}"), ("题{reason}", "x"), ("题", "{R}")],
)
def test_a_text_that_could_not_be_filled_is_refused_when_it_is_loaded(title, content):
    with pytest.raises(BadTemplate):
        Templates([Template("one", title, content)])


def test_an_administrators_words_replace_the_text_and_nothing_else():
    templates = Templates().with_texts({"order_cancelled": ("取消通知", "{service_name}取消：{reason}")})
    rendered = templates.render("order_cancelled", {"service_name": "陪诊", "start_text": "明天", "reason": "下雨"})
    assert (rendered.title, rendered.content, rendered.critical) == ("取消通知", "陪诊取消：下雨", True)
    assert templates.names == Templates().names


@pytest.mark.parametrize(
    "texts", [{"nothing": ("题", "文")}, {"order_cancelled": ("题", "{score}")}, {"order_cancelled": ("", "文")}]
)
def test_words_that_no_sender_could_fill_are_refused(texts):
    with pytest.raises(BadTemplate):
        Templates().with_texts(texts)


def test_one_name_twice_is_refused():
    with pytest.raises(BadTemplate):
        Templates([Template("one", "题", "文"), Template("one", "题", "文")])
