"""What may be asked of notices."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from config.fields import LIMIT_DEFAULT, Body, Cursor, IdText, Limit, PhoneText, Query

_Text = Annotated[str, Field(max_length=2000)]
_ParamName = Annotated[str, Field(max_length=64)]


class ListNotices(Query):
    """The caller's notices, newest first."""

    cursor: Cursor | None = None
    limit: Limit = LIMIT_DEFAULT


class ReadNotices(Body):
    """Some notices by id, or all of the caller's."""

    message_ids: Annotated[list[IdText], Field(min_length=1, max_length=100)] | None = None
    all: bool | None = None

    @field_validator("all")
    @classmethod
    def _never_false(cls, wants_all: bool | None) -> bool | None:
        if wants_all is False:  # Literal[True] would say so by itself, but takes 1 for true
            raise ValueError("只能为 true")
        return wants_all


class SendNotice(Body):
    """A notice from one of the owner's services; `params.order_id` binds it to an order."""

    user_id: IdText
    type: Literal["order", "system"]
    template: Annotated[str, Field(max_length=32)]
    params: Annotated[dict[_ParamName, _Text | int | float | None], Field(max_length=32)]


class ReadSandboxMessages(Query):
    """What would have been sent, to one phone or to all."""

    phone: PhoneText | None = None
