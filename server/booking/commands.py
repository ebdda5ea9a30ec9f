"""What clients may ask of booking, as shapes of requests."""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from config.fields import (
    LIMIT_DEFAULT,
    Body,
    Cursor,
    IdText,
    Instant,
    Limit,
    Name,
    PhoneText,
    Query,
    Remark2000,
    Text2000,
)

StatusCode = Literal["pending_payment", "paid", "awaiting_service", "in_service", "completed", "cancelled"]
ReviewTag = Annotated[Name, Field(max_length=20), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 20})]


class QuoteOrder(Body):
    """A visit as the family wishes it; `caregiver_id` null: an open request that the platform offers."""

    patient_id: IdText
    caregiver_id: IdText | None
    service_type: IdText
    hospital_id: IdText
    start_at: Instant
    end_at: Instant
    department: Name | None = None
    bed_no: Name | None = None
    address: Remark2000 | None = None
    contact_phone: PhoneText | None = None
    requirements: Remark2000 | None = None


class CreateOrder(QuoteOrder):
    """The same, to be booked; with `quote_id` at the price that was quoted."""

    quote_id: IdText | None = None


class OrderById(Query):
    """One order."""

    order_id: IdText


class ListOrders(Query):
    """The caller's orders, newest first."""

    status: StatusCode | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class ListOffers(Query):
    """The caregiver's open offers, oldest first."""

    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class AcceptOffer(Body):
    """The caregiver takes the order."""

    offer_id: IdText


class RejectOffer(Body):
    """The caregiver does not want it."""

    offer_id: IdText
    reason: Remark2000


class StartOrder(Body):
    """The caregiver is with the patient, whose family reads out the code."""

    order_id: IdText
    start_code: IdText


class FinishOrder(Body):
    """The caregiver's part is done."""

    order_id: IdText
    summary: Text2000


class ConfirmOrder(Body):
    """The family agrees that the service is done."""

    order_id: IdText


class CancelOrder(Body):
    """The family or the assigned caregiver cannot keep the appointment."""

    order_id: IdText
    reason: Remark2000


class ReviewOrder(Body):
    """The family's judgement, once."""

    order_id: IdText
    score: Annotated[int, Field(ge=1, le=5)]
    content: Remark2000
    tags: Annotated[list[ReviewTag], Field(max_length=10)] = []
