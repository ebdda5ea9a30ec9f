"""What families may ask about caregivers."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.fields import (
    LIMIT_DEFAULT,
    Body,
    ClientId,
    Cursor,
    IdText,
    Limit,
    LocalDate,
    Name,
    Query,
    QueryFen,
    QueryInstant,
    Text2000,
    query_int,
)
from server.roster.wording import Gender

_LONGEST_VISIT = timedelta(days=3)  # the longest type lasts one day; each day is two look-ups

Years = query_int(0, 150)


class FindCaregivers(Query):
    """All filters together; `skill` may be repeated and then all of them are wanted."""

    keyword: Name | None = None
    skill: Annotated[list[ClientId], Field(max_length=20)] = Field(default_factory=list)
    gender: Gender | None = None
    min_age: Years | None = None
    max_age: Years | None = None
    min_experience: Years | None = None
    max_experience: Years | None = None
    min_price_fen: QueryFen | None = None
    max_price_fen: QueryFen | None = None
    service_type: ClientId | None = None
    district: ClientId | None = None
    hospital_id: ClientId | None = None
    start_at: QueryInstant | None = None
    end_at: QueryInstant | None = None
    sort: Literal["rating", "price", "experience"] = "rating"
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None

    @model_validator(mode="after")
    def _a_visit(self) -> "FindCaregivers":
        if (self.start_at is None) != (self.end_at is None):
            raise ValueError("start_at 和 end_at 应同时填写")
        if self.start_at is not None and self.end_at is not None:
            if not timedelta() < self.end_at - self.start_at <= _LONGEST_VISIT:
                raise ValueError("end_at 应晚于 start_at，且不超过3天")
        return self


class ReadCaregiver(Query):
    caregiver_id: IdText


class FindSlots(Query):
    """`duration_minutes` is for what is sold by the hour; an hour when left out."""

    caregiver_id: IdText
    date: LocalDate
    service_type: ClientId
    duration_minutes: query_int(60, 1_440) | None = None


class ListReviews(Query):
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class PublishCase(Body):
    """A past case for the own page; nothing in it may name the patient."""

    order_id: IdText
    summary: Text2000
    condition_tags: Annotated[list[Name], Field(max_length=10)] = Field(default_factory=list)


class AnswerCase(Body):
    case_id: IdText
    agree: bool


class ReadCase(Query):
    order_id: IdText
