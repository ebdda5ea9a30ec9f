"""Caregivers' settings, and what families see of them."""

from server.core.operation import CAREGIVER, EVERYONE, PATIENT, Operation
from server.roster.caregivers.commands import Nothing, SaveProfile, SaveService, SwitchOnline
from server.roster.caregivers.profiles import CaregiverProfiles
from server.roster.caregivers.service import CaregiverService
from server.roster.showcase.cases import PastCases
from server.roster.showcase.commands import (
    AnswerCase,
    FindCaregivers,
    FindSlots,
    ListReviews,
    PublishCase,
    ReadCaregiver,
    ReadCase,
)
from server.roster.showcase.page import CaregiverPage
from server.roster.showcase.search import CaregiverSearch
from server.roster.showcase.slots import Slots


def caregiver_operations(profiles: CaregiverProfiles, service: CaregiverService) -> list[Operation]:
    """A caregiver's own settings."""
    stale = ("wrong_state",)
    return [
        Operation(
            "POST",
            "/api/caregiver/profile",
            SaveProfile,
            profiles.save_profile,
            CAREGIVER,
            "保存个人资料(整体替换)",
            refusals=stale,
        ),
        Operation(
            "GET",
            "/api/caregiver/profile",
            Nothing,
            profiles.read_profile,
            CAREGIVER,
            "我的个人资料",
            refusals=("not_found",),
        ),
        Operation(
            "POST",
            "/api/caregiver/service",
            SaveService,
            service.save_service,
            CAREGIVER,
            "保存服务价格、时间和规则(整体替换)",
            refusals=stale,
        ),
        Operation("GET", "/api/caregiver/service", Nothing, service.read_service, CAREGIVER, "我的服务设置"),
        Operation(
            "POST",
            "/api/caregiver/online",
            SwitchOnline,
            profiles.switch_online,
            CAREGIVER,
            "开始或暂停接单",
            refusals=stale,
        ),
    ]


def showcase_operations(
    search: CaregiverSearch, page: CaregiverPage, slots: Slots, cases: PastCases
) -> list[Operation]:
    """What is shown of caregivers."""
    return [
        Operation("GET", "/api/caregiver/query", FindCaregivers, search.find_caregivers, EVERYONE, "查找陪护人员"),
        Operation("GET", "/api/caregiver/detail", ReadCaregiver, page.read_caregiver, EVERYONE, "陪护人员详情"),
        Operation(
            "GET",
            "/api/caregiver/slots",
            FindSlots,
            slots.find_slots,
            EVERYONE,
            "某天可预约的开始时间",
            refusals=("invalid_duration",),
        ),
        Operation("GET", "/api/caregiver/reviews", ListReviews, page.list_own_reviews, CAREGIVER, "我收到的评价"),
        Operation(
            "POST",
            "/api/caregiver/case",
            PublishCase,
            cases.publish_case,
            CAREGIVER,
            "发布服务案例(家属同意后展示)",
            refusals=("wrong_state",),
        ),
        Operation("POST", "/api/order/case_consent", AnswerCase, cases.answer_case, PATIENT, "是否同意展示服务案例"),
        Operation("GET", "/api/order/case", ReadCase, cases.read_case, PATIENT, "我的订单的服务案例"),
    ]
