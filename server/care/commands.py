"""What may be asked of chat, notes and files."""

from typing import Annotated, Literal

from pydantic import Field

from config.fields import LIMIT_DEFAULT, Body, IdText, Instant, Limit, Query, Text2000, query_int

# The client's own id of a message or a note: 1-128 visible ASCII characters.
MsgId = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,128}$")]
_BIGGEST_OFFSET = 9_999_999_999  # ten digits: an order will never have so many events
_OffsetParameter = query_int(1, _BIGGEST_OFFSET)
NOTE_FILES = 9  # one screen of pictures

MessageKind = Literal["text", "image", "audio"]
NoteKind = Literal["measure", "condition", "vital", "milestone"]
FilePurpose = Literal["photo", "chat", "note"]


class SendMessage(Body):
    """One chat message: `text` for kind text, else `file_id` of an upload of the sender's own."""

    order_id: IdText
    msg_id: MsgId
    kind: MessageKind
    text: Text2000 | None = None
    file_id: IdText | None = None


class ReadHistory(Query):
    """Messages before an offset (exclusive), newest first; `cursor` is the `next_cursor` of a page."""

    order_id: IdText
    before: _OffsetParameter | None = None
    cursor: _OffsetParameter | None = None
    limit: Limit = LIMIT_DEFAULT


class MarkRead(Body):
    """Everything up to this offset was seen."""

    order_id: IdText
    offset: int = Field(ge=0, le=_BIGGEST_OFFSET)


class SignalTyping(Body):
    """Somebody is typing."""

    order_id: IdText


Decimal = Annotated[float, Field(allow_inf_nan=False)]


class Vitals(Body):
    """One round of measuring; names carry the unit, what was not measured is left out.

    Outside these bounds no body lives: such a value is a slip of the finger and refused. Alarming ones
    inside are recorded and shown, never interpreted (domain.md §13).
    """

    temperature_c: Annotated[Decimal, Field(ge=25, le=45)] | None = None  # deep hypothermia to past heat stroke
    pulse_bpm: Annotated[int, Field(ge=20, le=300)] | None = None  # heart block to an infant's tachycardia
    systolic_mmhg: Annotated[int, Field(ge=30, le=300)] | None = None  # deep shock to the end of the cuff
    diastolic_mmhg: Annotated[int, Field(ge=10, le=200)] | None = None
    spo2_percent: Annotated[int, Field(ge=30, le=100)] | None = None  # no clip means anything below
    glucose_mmol_l: Annotated[Decimal, Field(ge=0.5, le=60)] | None = None  # meters show LO and HI inside
    pain_0_10: Annotated[int, Field(ge=0, le=10)] | None = None  # numeric rating scale


class AppendNote(Body):
    """One service note; `corrects` names the note that this one puts right."""

    order_id: IdText
    msg_id: MsgId
    kind: NoteKind
    text: Text2000 | None = None
    vitals: Vitals | None = None
    recorded_at: Instant
    file_ids: list[IdText] = Field(default=[], max_length=NOTE_FILES)
    corrects: IdText | None = None


class ListNotes(Query):
    """The notes of an order, oldest first."""

    order_id: IdText
    cursor: _OffsetParameter | None = None
    limit: Limit = LIMIT_DEFAULT


class OpenFile(Query):
    """A file by its id; `expires` and `signature` are those of a signed address."""

    file_id: IdText
    expires: IdText | None = None
    signature: IdText | None = None


class UploadFile(Query):
    """The text field beside the file of an upload."""

    purpose: FilePurpose
