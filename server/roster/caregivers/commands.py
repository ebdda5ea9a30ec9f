"""What may be asked about profiles, settings and papers."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from config.fields import (
    LIMIT_DEFAULT,
    Body,
    ClientId,
    Cursor,
    Fen,
    IdText,
    Limit,
    LocalDate,
    Name,
    PhoneText,
    Query,
    Remark2000,
    Text2000,
    TimeOfDay,
)
from server.roster.wording import Gender

_PERIOD = re.compile(r"(19|20)[0-9]{2}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")

Codes = Annotated[list[ClientId], Field(max_length=50)]


class Nothing(Query):
    """A GET without parameters."""


class WorkPeriod(Body):
    """One position; `to` null: until today. Years, months or days, as people remember them."""

    from_: str = Field(alias="from")
    to: str | None = None
    employer: Name
    role: Name

    @field_validator("from_", "to")
    @classmethod
    def _a_period(cls, text: str | None) -> str | None:
        if text is not None and not _PERIOD.fullmatch(text):
            raise ValueError("应为 2019、2019-03 或 2019-03-01 这样的时间")
        return text


class SaveProfile(Body):
    """The whole profile; posting it again replaces it."""

    name: Name
    gender: Gender
    birth_date: LocalDate
    contact_phone: PhoneText
    districts: Annotated[Codes, Field(min_length=1)]
    hospital_ids: Codes = Field(default_factory=list)
    skills: Codes
    experience_years: Annotated[int, Field(ge=0, le=60)]
    work_history: Annotated[list[WorkPeriod], Field(max_length=30)] = Field(default_factory=list)
    bio: Remark2000 | None = None
    photo_file_id: IdText | None = None


class PriceRow(Body):
    """What one type costs in one band, by the type's own unit."""

    service_type: ClientId
    band: Literal["day", "night", "holiday"]
    price_fen: Fen


class HoursRow(Body):
    """A weekly shift; an end at or before the start lies on the next day."""

    weekday: Annotated[int, Field(ge=1, le=7)]
    start: TimeOfDay
    end: TimeOfDay


class ExceptionRow(Body):
    """What differs on one date; without times the whole day."""

    date: LocalDate
    available: bool
    start: TimeOfDay | None = None
    end: TimeOfDay | None = None


class SaveService(Body):
    """All service settings; posting them again replaces them."""

    prices: Annotated[list[PriceRow], Field(max_length=60)]
    weekly_hours: Annotated[list[HoursRow], Field(max_length=70)]
    exceptions: Annotated[list[ExceptionRow], Field(max_length=400)] = Field(default_factory=list)
    accepts_urgent: bool
    accepts_night: bool


class SwitchOnline(Body):
    online: bool


class SubmitQualification(Query):
    """The fields of the multipart form; all of them are texts."""

    id_number: Name
    certificate_name: Name
    certificate_number: Name
    certificate_expires_on: LocalDate
    health_certificate_number: Name
    health_certificate_expires_on: LocalDate


class ListQualifications(Query):
    status: Literal["pending", "approved", "rejected"] | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class QualificationById(Query):
    certification_id: IdText


class ClaimQualification(Body):
    certification_id: IdText
    reason: Text2000 = Field(description="如“开始审核”")


class ReviewQualification(Body):
    certification_id: IdText
    decision: Literal["approve", "reject"]
    reason: Text2000 = Field(description="陪护人员本人会看到")
