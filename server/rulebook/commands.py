"""What may be asked of the rules; what is left out stays."""

from typing import Annotated, Any

from pydantic import Field, create_model

from config.fields import LIMIT_DEFAULT, Body, ClientId, Cursor, Fen, Limit, LocalDate, Name, Query, Text2000, query_int
from config.policy import (
    AlarmRules,
    CancellationTier,
    CaregiverRules,
    OfferRules,
    PriceRules,
    RankingRules,
    RefundRules,
    SettlementRules,
    TimeRules,
    Wave,
)
from server.rulebook.wording import FIELD_TEXTS

_ByHand = dict[str, Any]


def _changes_of(section: type, name: str, **by_hand: Any) -> type[Body]:
    """The numbers of a section with their bounds, each optional; what is no plain number is given by hand."""
    fields: _ByHand = {}
    for key, info in section.model_fields.items():  # type: ignore[attr-defined]
        kind = by_hand.get(key) or Annotated[(int, *info.metadata)]  # type: ignore[valid-type]
        fields[key] = (kind | None, Field(None, description=FIELD_TEXTS[key]))
    return create_model(name, __base__=Body, __doc__=section.__doc__, **fields)


def _whole(section: type, name: str, **by_hand: Any) -> type[Body]:
    """An entry of a list: every field is needed."""
    fields: _ByHand = {}
    for key, info in section.model_fields.items():  # type: ignore[attr-defined]
        kind = by_hand.get(key) or Annotated[(int, *info.metadata)]  # type: ignore[valid-type]
        fields[key] = (kind, Field(description=FIELD_TEXTS[key]))
    return create_model(name, __base__=Body, __doc__=section.__doc__, **fields)


WaveEntry = _whole(Wave, "WaveEntry", more=Annotated[int, Field(ge=1, le=10_000)] | None)
TierEntry = _whole(CancellationTier, "TierEntry", text=Name)
RankingChange = _changes_of(RankingRules, "RankingChange")
TimeChange = _changes_of(TimeRules, "TimeChange", grid_min=Annotated[int, Field(ge=15, le=60)])
PriceRulesChange = _changes_of(
    PriceRules, "PriceRulesChange", holidays=Annotated[list[LocalDate], Field(max_length=400)]
)
OffersChange = _changes_of(
    OfferRules,
    "OffersChange",
    waves=Annotated[list[WaveEntry], Field(min_length=1, max_length=10)],  # type: ignore[valid-type]
    ranking=RankingChange,
)
CaregiverChange = _changes_of(CaregiverRules, "CaregiverChange")
SettlementChange = _changes_of(SettlementRules, "SettlementChange")
RefundsChange = _changes_of(RefundRules, "RefundsChange")
AlarmsChange = _changes_of(AlarmRules, "AlarmsChange")


class CancellationChange(Body):
    """All tiers, from the longest lead down to 0 minutes."""

    tiers: Annotated[list[TierEntry], Field(min_length=1, max_length=10)]  # type: ignore[valid-type]


class PriceStandard(Body):
    """What one service type costs by itself, and between which bounds caregivers may ask."""

    service_type: ClientId
    base_price_fen: Fen = Field(description="平台基准价(分),公开订单按此价")
    min_price_fen: Fen = Field(description="陪护人员可设的最低价(分)")
    max_price_fen: Fen = Field(description="陪护人员可设的最高价(分)")


class TemplateText(Body):
    """One notice's words; `{variables}` in the content must be among the template's own."""

    name: ClientId
    title: Name
    content: Text2000


class ChangeSettings(Body):
    """Only what is given changes."""

    version: Annotated[int, Field(ge=1, le=1_000_000)] = Field(description="所依据的版本,须为最新版本")
    reason: Text2000
    preview: bool = Field(False, description="true:只校验并返回变更后的样子,不保存")
    prices: Annotated[list[PriceStandard], Field(max_length=20)] | None = None
    time: TimeChange | None = None  # type: ignore[valid-type]
    price: PriceRulesChange | None = None  # type: ignore[valid-type]
    offers: OffersChange | None = None  # type: ignore[valid-type]
    cancellation: CancellationChange | None = None
    caregiver: CaregiverChange | None = None  # type: ignore[valid-type]
    settlement: SettlementChange | None = None  # type: ignore[valid-type]
    refunds: RefundsChange | None = None  # type: ignore[valid-type]
    alarms: AlarmsChange | None = None  # type: ignore[valid-type]
    templates: Annotated[list[TemplateText], Field(max_length=50)] | None = None


class ReadSettings(Query):
    version: query_int(1, 1_000_000) | None = Field(None, description="缺省为最新版本")  # type: ignore[valid-type]


class ListEditions(Query):
    """The newest first."""

    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None
