"""The transition tables: complete, without contradiction, final where they say so."""
from server.booking.rules.states import (
    FINAL_STATES,
    OFFER_MOVES,
    ORDER_MOVES,
    ORDER_STATE_TEXTS,
    OfferState,
    OrderState,
    find_move,
)


def test_the_six_states_have_the_words_of_the_requirement():
    assert list(ORDER_STATE_TEXTS.values()) == ["待支付", "已支付", "待服务", "服务中", "已完成", "已取消"]
    assert set(ORDER_STATE_TEXTS) == set(OrderState)
    assert set(OfferState) == set(OFFER_MOVES)


def test_a_state_and_an_event_lead_to_one_place():
    pairs = [(move.source, move.event) for move in ORDER_MOVES]
    assert len(pairs) == len(set(pairs))


def test_nothing_leaves_a_final_state():
    for move in ORDER_MOVES:
        if move.source in FINAL_STATES:
            assert move.target is move.source


def test_every_state_is_reached_and_every_other_one_can_end():
    reached = {None}
    for _ in OrderState:
        reached |= {move.target for move in ORDER_MOVES if move.source in reached}
    assert reached == {None, *OrderState}
    for state in set(OrderState) - FINAL_STATES:
        assert any(move.source is state and move.target is not state for move in ORDER_MOVES)


def test_completed_comes_only_from_in_service():
    assert {move.source for move in ORDER_MOVES if move.target is OrderState.COMPLETED} == {OrderState.IN_SERVICE}


def test_service_that_has_begun_is_never_cancelled():
    assert not any(
        move.source is OrderState.IN_SERVICE and move.target is OrderState.CANCELLED for move in ORDER_MOVES
    )


def test_a_move_is_found_only_for_who_may_make_it():
    accept = find_move(OrderState.PAID, "accept", actor="caregiver")
    assert accept is not None and accept.target is OrderState.AWAITING_SERVICE
    assert find_move(OrderState.PAID, "accept", actor="patient") is None
    assert find_move(OrderState.AWAITING_SERVICE, "accept", actor="caregiver") is None
    assert find_move(OrderState.CANCELLED, "pay", actor="system") is None


def test_an_offer_leaves_open_once_and_never_comes_back():
    assert OFFER_MOVES[OfferState.OPEN] == set(OfferState) - {OfferState.OPEN}
    assert all(not OFFER_MOVES[state] for state in OfferState if state is not OfferState.OPEN)
