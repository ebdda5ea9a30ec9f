"""Who lives in the small demo world: names, dates and tempers.

Data only; world.py gives everybody what the rules of contract.md §9 ask for. Nobody here exists.
"""
from dataclasses import dataclass
from datetime import date

from server.demo.words.names import PersonName


@dataclass(frozen=True, slots=True)
class CaregiverSketch:
    """A caregiver before prices and papers; `rhythm` is a key of RHYTHMS, `price_share` times the base."""

    name: PersonName
    gender: str
    birth_date: date
    experience_years: int
    skills: tuple[str, ...]
    rhythm: str
    price_share: float
    service_count: int  # finished services in the history


@dataclass(frozen=True, slots=True)
class PatientSketch:
    """A patient of a demo family."""

    name: PersonName
    gender: str
    birth_date: date
    relation: str
    condition: str
    requirements: str
    department: str
    bed_no: str | None


@dataclass(frozen=True, slots=True)
class FamilySketch:
    """A demo account that books."""

    name: PersonName
    gender: str
    birth_date: date
    patients: tuple[PatientSketch, PatientSketch]


# rhythm -> (start, end, weekdays); `always` is what the all-rounders of the home district work.
RHYTHMS: dict[str, tuple[str, str, tuple[int, ...]]] = {
    "always": ("00:00", "24:00", (1, 2, 3, 4, 5, 6, 7)),
    "office": ("08:00", "18:00", (1, 2, 3, 4, 5)),
    "long_days": ("07:00", "21:00", (1, 2, 3, 4, 5, 6)),
    "every_day": ("08:00", "20:00", (1, 2, 3, 4, 5, 6, 7)),
    "nights": ("20:00", "08:00", (1, 2, 3, 4, 5, 6, 7)),
    "weekend": ("09:00", "19:00", (3, 6, 7)),
}

ADMINISTRATOR = PersonName("沈佳", "Shen Jia")

ALL_ROUNDERS: tuple[CaregiverSketch, ...] = (
    CaregiverSketch(PersonName("周丽华", "Zhou Lihua"), "female", date(1979, 5, 16), 12,
                    ("elderly_care", "post_surgery", "stroke", "cardiac"), "always", 1.0, 11),
    CaregiverSketch(PersonName("陈建军", "Chen Jianjun"), "male", date(1975, 9, 3), 15,
                    ("post_surgery", "orthopedics", "bedridden"), "always", 0.95, 9),
    CaregiverSketch(PersonName("赵春梅", "Zhao Chunmei"), "female", date(1982, 1, 28), 9,
                    ("elderly_care", "dementia", "diabetes"), "always", 1.0, 8),
    CaregiverSketch(PersonName("刘晓燕", "Liu Xiaoyan"), "female", date(1988, 11, 7), 6,
                    ("maternity", "pediatrics", "elderly_care"), "always", 0.9, 6),
    CaregiverSketch(PersonName("孙志强", "Sun Zhiqiang"), "male", date(1984, 4, 19), 8,
                    ("stroke", "bedridden", "orthopedics"), "always", 0.95, 5),
    CaregiverSketch(PersonName("何海英", "He Haiying"), "female", date(1977, 8, 22), 14,
                    ("oncology", "tube_feeding", "elderly_care"), "always", 1.0, 10),
    CaregiverSketch(PersonName("郑玉梅", "Zheng Yumei"), "female", date(1990, 2, 11), 4,
                    ("diabetes", "dialysis", "cardiac"), "always", 0.85, 3),
)

SPECIALISTS: tuple[CaregiverSketch, ...] = (
    CaregiverSketch(PersonName("林雪梅", "Lin Xuemei"), "female", date(1986, 6, 30), 10,
                    ("oncology", "post_surgery", "tube_feeding", "elderly_care"), "every_day", 1.3, 12),
    CaregiverSketch(PersonName("马鹏飞", "Ma Pengfei"), "male", date(1993, 3, 14), 3,
                    ("orthopedics", "elderly_care"), "long_days", 0.85, 4),
    CaregiverSketch(PersonName("唐静", "Tang Jing"), "female", date(1991, 12, 5), 5,
                    ("pediatrics", "maternity"), "office", 1.1, 6),
    CaregiverSketch(PersonName("许文涛", "Xu Wentao"), "male", date(1987, 7, 21), 7,
                    ("stroke", "bedridden"), "nights", 1.15, 7),
    CaregiverSketch(PersonName("韩彩霞", "Han Caixia"), "female", date(1972, 10, 9), 18,
                    ("elderly_care", "dementia", "tube_feeding"), "every_day", 1.2, 9),
    CaregiverSketch(PersonName("高磊", "Gao Lei"), "male", date(1995, 5, 27), 2,
                    ("orthopedics", "cardiac"), "weekend", 0.8, 2),
    CaregiverSketch(PersonName("曹敏", "Cao Min"), "female", date(1998, 9, 18), 1,
                    ("sign_language", "elderly_care"), "long_days", 0.8, 0),
)

FAMILIES: tuple[FamilySketch, ...] = (
    FamilySketch(PersonName("张敏", "Zhang Min"), "female", date(1983, 4, 12), (
        PatientSketch(PersonName("张德明", "Zhang Deming"), "male", date(1953, 2, 8), "parent",
                      "高血压多年，近期头晕，需复查心电图和血脂", "老人腿脚慢，请陪同取号、候诊和检查，记下医生交代的事",
                      "cardiology", None),
        PatientSketch(PersonName("李淑芬", "Li Shufen"), "female", date(1956, 10, 23), "parent",
                      "膝关节置换术后第 5 天，助行器行走", "请协助起床、如厕，按医嘱陪同康复训练",
                      "orthopedics", "12 床"),
    )),
    FamilySketch(PersonName("王磊", "Wang Lei"), "male", date(1986, 8, 30), (
        PatientSketch(PersonName("王桂兰", "Wang Guilan"), "female", date(1958, 12, 1), "parent",
                      "2 型糖尿病，餐前测血糖，右脚轻度麻木", "请提醒按时加餐，陪同内分泌科复诊并取药",
                      "endocrinology", None),
        PatientSketch(PersonName("王欣怡", "Wang Xinyi"), "female", date(2018, 6, 15), "child",
                      "反复发热三天，已退烧，复查血常规", "孩子怕打针，请耐心安抚，家长随后到",
                      "pediatrics", None),
    )),
    # The brother of the first family's account: he joins her patient by invitation.
    FamilySketch(PersonName("张浩", "Zhang Hao"), "male", date(1979, 11, 19), (
        PatientSketch(PersonName("张浩", "Zhang Hao"), "male", date(1979, 11, 19), "self",
                      "胃镜检查（无痛），需空腹，术后需人陪同", "麻醉后请陪到完全清醒，提醒两小时内禁食",
                      "gastroenterology", None),
        PatientSketch(PersonName("陈丽娟", "Chen Lijuan"), "female", date(1982, 3, 26), "spouse",
                      "腰椎间盘突出，行走十分钟需休息", "请准备轮椅，候诊时找能靠背的座位",
                      "orthopedics", None),
    )),
)
