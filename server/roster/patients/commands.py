"""What may be asked about patients and their family."""

from pydantic import Field, field_validator

from config.fields import LIMIT_DEFAULT, Body, Cursor, IdText, Limit, LocalDate, Name, PhoneText, Query, Text2000
from server.roster.wording import Gender, Relation


class CreatePatient(Body):
    """A patient of the asking account; without the separate consent nothing about health is stored."""

    name: Name
    birth_date: LocalDate
    gender: Gender
    relation: Relation
    id_number: Name | None = None
    contact_phone: PhoneText | None = None
    condition: Text2000 | None = None
    department: Name | None = None
    bed_no: Name | None = None
    health_consent: bool  # a Literal[True] would take 1 for it

    @field_validator("health_consent")
    @classmethod
    def _given(cls, consent: bool) -> bool:
        if not consent:
            raise ValueError("需要单独同意处理健康信息")
        return consent


class UpdatePatient(Body):
    """Only what is sent changes; null empties what may be empty."""

    patient_id: IdText
    name: Name = Field(default=None)
    birth_date: LocalDate = Field(default=None)
    gender: Gender = Field(default=None)
    relation: Relation = Field(default=None)
    id_number: Name | None = None
    contact_phone: PhoneText | None = None
    condition: Text2000 | None = None
    department: Name | None = None
    bed_no: Name | None = None


class ListPatients(Query):
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class ReadPatient(Query):
    patient_id: IdText


class DeletePatient(Body):
    patient_id: IdText


class InviteViewer(Body):
    patient_id: IdText
    may_chat: bool = True


class JoinPatient(Body):
    invite_code: Name


class ListViewers(Query):
    patient_id: IdText


class RemoveViewer(Body):
    patient_id: IdText
    user_id: IdText
