"""What can be booked and where: the product's catalogue.

Codes are stable; contract.md §5 fixes those of the service types. Prices and bounds are defaults that an
administrator may change, therefore everything is plain data in one value, `DEFAULT_CATALOG`.
"""
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

HOURLY_LEAST_MIN = 60
HOURLY_MOST_MIN = 720


class Band(StrEnum):
    """The time bands in which a caregiver may ask different prices."""

    DAY = "day"
    NIGHT = "night"
    HOLIDAY = "holiday"


BAND_TEXTS = {Band.DAY: "日间", Band.NIGHT: "夜间", Band.HOLIDAY: "节假日"}
UNIT_TEXTS = {"hour": "小时", "half_day": "半天", "day": "天", "visit": "次"}


@dataclass(frozen=True, slots=True)
class ServiceType:
    """One kind of service. `duration_min` None: sold by the hour, 1 to 12 whole hours."""

    code: str
    name: str
    unit: str  # a key of UNIT_TEXTS
    duration_min: int | None
    base_price_fen: int  # per unit in the day band; what an open request pays
    min_price_fen: int  # bounds of what a caregiver may ask, in every band
    max_price_fen: int
    scope: str
    forbidden: tuple[str, ...]

    def allows_duration(self, minutes: int) -> bool:
        if self.duration_min is not None:
            return minutes == self.duration_min
        return HOURLY_LEAST_MIN <= minutes <= HOURLY_MOST_MIN and minutes % 60 == 0

    def allows_price(self, price_fen: int) -> bool:
        return self.min_price_fen <= price_fen <= self.max_price_fen


@dataclass(frozen=True, slots=True)
class Named:
    """A code with its Chinese name."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Hospital:
    """A public hospital; the position is approximate (within about a kilometre, WGS 84)."""

    hospital_id: str
    name: str
    district: str
    lat: float
    lng: float


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything GET /api/catalog shows; look-ups answer None for unknown codes."""

    service_types: tuple[ServiceType, ...]
    districts: tuple[Named, ...]
    skills: tuple[Named, ...]
    departments: tuple[Named, ...]
    hospitals: tuple[Hospital, ...]

    def service_type(self, code: str) -> ServiceType | None:
        return next((service for service in self.service_types if service.code == code), None)

    def hospital(self, hospital_id: str) -> Hospital | None:
        return next((place for place in self.hospitals if place.hospital_id == hospital_id), None)

    def with_prices(self, prices: Mapping[str, tuple[int, ...]]) -> "Catalog":
        """The same with other (base, min, max) prices by service type; who is not named keeps theirs."""
        return replace(
            self,
            service_types=tuple(
                replace(service, base_price_fen=base, min_price_fen=least, max_price_fen=most)
                for service in self.service_types
                for base, least, most in [prices.get(service.code, _prices_of(service))]
            ),
        )

    def district_name(self, code: str) -> str | None:
        return _name_of(self.districts, code)

    def skill_name(self, code: str) -> str | None:
        return _name_of(self.skills, code)

    def department_name(self, code: str) -> str | None:
        return _name_of(self.departments, code)


def _prices_of(service: ServiceType) -> tuple[int, int, int]:
    return service.base_price_fen, service.min_price_fen, service.max_price_fen


def _name_of(entries: tuple[Named, ...], code: str) -> str | None:
    return next((entry.name for entry in entries if entry.code == code), None)


# No companion may do what needs a nurse's or doctor's licence (护士条例, 医师法).
_NO_MEDICINE = ("注射、输液、换药等医疗护理操作", "调整或代为决定用药", "解读检查结果、给出诊断意见")
_NO_PRIVATE_DEALS = ("私下收费或加价", "代签手术及知情同意书", "倒号、加塞或向医务人员送礼")
_ESCORT = "陪同挂号、候诊、检查、取药与缴费，协助沟通病情并记录医嘱，照看随身物品"
_INPATIENT = "住院生活照料：协助进食、如厕、翻身、擦洗与活动，观察病情并及时呼叫医护人员"

_SERVICE_TYPES = (
    ServiceType("escort_hourly", "小时陪诊", "hour", None, 6_000, 3_000, 20_000, _ESCORT,
                _NO_MEDICINE + _NO_PRIVATE_DEALS),
    ServiceType("escort_half_day", "半天陪诊", "half_day", 240, 20_000, 10_000, 60_000, _ESCORT,
                _NO_MEDICINE + _NO_PRIVATE_DEALS),
    ServiceType("escort_full_day", "全天陪诊", "day", 480, 36_000, 20_000, 120_000, _ESCORT,
                _NO_MEDICINE + _NO_PRIVATE_DEALS),
    ServiceType("inpatient_12h", "住院陪护12小时", "visit", 720, 26_000, 15_000, 80_000, _INPATIENT,
                (*_NO_MEDICINE, "擅自调节输液速度、氧流量或监护设备", "使用约束带", *_NO_PRIVATE_DEALS)),
    ServiceType("inpatient_24h", "住院陪护24小时", "day", 1_440, 38_000, 20_000, 120_000, _INPATIENT,
                (*_NO_MEDICINE, "擅自调节输液速度、氧流量或监护设备", "使用约束带", *_NO_PRIVATE_DEALS)),
    ServiceType("errand", "代办跑腿", "visit", 120, 8_000, 4_000, 30_000,
                "患者不到场时代取报告、代取药品与病历复印、代为邮寄，凭患者授权办理",
                ("代替患者本人就诊", "代取麻醉、精神类药品", *_NO_PRIVATE_DEALS)),
)

_DISTRICTS = tuple(
    Named(code, name)
    for code, name in (
        ("dongcheng", "东城区"), ("xicheng", "西城区"), ("chaoyang", "朝阳区"), ("fengtai", "丰台区"),
        ("shijingshan", "石景山区"), ("haidian", "海淀区"), ("mentougou", "门头沟区"), ("fangshan", "房山区"),
        ("tongzhou", "通州区"), ("shunyi", "顺义区"), ("changping", "昌平区"), ("daxing", "大兴区"),
        ("huairou", "怀柔区"), ("pinggu", "平谷区"), ("miyun", "密云区"), ("yanqing", "延庆区"),
    )
)

_SKILLS = tuple(
    Named(code, name)
    for code, name in (
        ("elderly_care", "老年照护"), ("post_surgery", "术后照护"), ("stroke", "脑卒中照护"),
        ("dementia", "认知症照护"), ("diabetes", "糖尿病照护"), ("cardiac", "心血管病照护"),
        ("oncology", "肿瘤及放化疗陪护"), ("dialysis", "透析陪护"), ("orthopedics", "骨科及康复照护"),
        ("maternity", "孕产陪护"), ("pediatrics", "儿童陪护"), ("tube_feeding", "鼻饲患者照护"),
        ("bedridden", "卧床患者照护"), ("sign_language", "手语沟通"),
    )
)

_DEPARTMENTS = tuple(
    Named(code, name)
    for code, name in (
        ("internal_medicine", "普通内科"), ("cardiology", "心血管内科"), ("neurology", "神经内科"),
        ("respiratory", "呼吸内科"), ("gastroenterology", "消化内科"), ("nephrology", "肾内科"),
        ("endocrinology", "内分泌科"), ("hematology", "血液科"), ("rheumatology", "风湿免疫科"),
        ("general_surgery", "普通外科"), ("neurosurgery", "神经外科"), ("orthopedics", "骨科"),
        ("urology", "泌尿外科"), ("oncology", "肿瘤科"), ("obstetrics_gynecology", "妇产科"),
        ("pediatrics", "儿科"), ("ophthalmology", "眼科"), ("ent", "耳鼻咽喉科"),
        ("dermatology", "皮肤科"), ("rehabilitation", "康复科"), ("tcm", "中医科"), ("emergency", "急诊科"),
    )
)

_HOSPITALS = (
    Hospital("bj-xiehe", "北京协和医院", "dongcheng", 39.912, 116.416),
    Hospital("bj-tongren", "首都医科大学附属北京同仁医院", "dongcheng", 39.902, 116.418),
    Hospital("bj-hospital", "北京医院", "dongcheng", 39.904, 116.415),
    Hospital("bj-dongzhimen", "北京中医药大学东直门医院", "dongcheng", 39.938, 116.421),
    Hospital("bj-renmin", "北京大学人民医院", "xicheng", 39.937, 116.354),
    Hospital("bj-diyi", "北京大学第一医院", "xicheng", 39.932, 116.380),
    Hospital("bj-xuanwu", "首都医科大学宣武医院", "xicheng", 39.892, 116.362),
    Hospital("bj-youyi", "首都医科大学附属北京友谊医院", "xicheng", 39.887, 116.394),
    Hospital("bj-fuwai", "中国医学科学院阜外医院", "xicheng", 39.926, 116.350),
    Hospital("bj-ertong", "首都医科大学附属北京儿童医院", "xicheng", 39.913, 116.353),
    Hospital("bj-jishuitan", "北京积水潭医院", "xicheng", 39.947, 116.373),
    Hospital("bj-guanganmen", "中国中医科学院广安门医院", "xicheng", 39.890, 116.352),
    Hospital("bj-chaoyang", "首都医科大学附属北京朝阳医院", "chaoyang", 39.926, 116.454),
    Hospital("bj-anzhen", "首都医科大学附属北京安贞医院", "chaoyang", 39.974, 116.403),
    Hospital("bj-zhongri", "中日友好医院", "chaoyang", 39.975, 116.426),
    Hospital("bj-zhongliu", "中国医学科学院肿瘤医院", "chaoyang", 39.874, 116.450),
    Hospital("bj-beisan", "北京大学第三医院", "haidian", 39.982, 116.359),
    Hospital("bj-301", "中国人民解放军总医院", "haidian", 39.904, 116.281),
    Hospital("bj-shijitan", "首都医科大学附属北京世纪坛医院", "haidian", 39.899, 116.322),
    Hospital("bj-tiantan", "首都医科大学附属北京天坛医院", "fengtai", 39.838, 116.293),
    Hospital("bj-luhe", "首都医科大学附属北京潞河医院", "tongzhou", 39.902, 116.662),
    Hospital("bj-changgung", "北京清华长庚医院", "changping", 40.096, 116.415),
)

DEFAULT_CATALOG = Catalog(_SERVICE_TYPES, _DISTRICTS, _SKILLS, _DEPARTMENTS, _HOSPITALS)
