"""Names as people of each generation bear them, with pinyin.

Every name is put together from the commonest surnames and given names; none belongs to anybody in
particular. The pinyin is what a picture shows on a machine without a Chinese font.
"""
from dataclasses import dataclass
from random import Random

# The commonest surnames, the commonest first; earlier ones are drawn more often.
SURNAMES: tuple[tuple[str, str], ...] = (
    ("王", "Wang"), ("李", "Li"), ("张", "Zhang"), ("刘", "Liu"), ("陈", "Chen"), ("杨", "Yang"),
    ("黄", "Huang"), ("赵", "Zhao"), ("吴", "Wu"), ("周", "Zhou"), ("徐", "Xu"), ("孙", "Sun"),
    ("马", "Ma"), ("朱", "Zhu"), ("胡", "Hu"), ("郭", "Guo"), ("何", "He"), ("林", "Lin"),
    ("高", "Gao"), ("罗", "Luo"), ("郑", "Zheng"), ("梁", "Liang"), ("谢", "Xie"), ("宋", "Song"),
    ("唐", "Tang"), ("许", "Xu"), ("韩", "Han"), ("冯", "Feng"), ("邓", "Deng"), ("曹", "Cao"),
    ("彭", "Peng"), ("曾", "Zeng"), ("肖", "Xiao"), ("田", "Tian"), ("董", "Dong"), ("潘", "Pan"),
    ("袁", "Yuan"), ("蔡", "Cai"), ("蒋", "Jiang"), ("余", "Yu"), ("于", "Yu"), ("杜", "Du"),
    ("叶", "Ye"), ("程", "Cheng"), ("魏", "Wei"), ("苏", "Su"), ("吕", "Lyu"), ("丁", "Ding"),
)

# (gender, last birth year of the generation) -> given names.
GIVEN_NAMES: dict[tuple[str, int], tuple[tuple[str, str], ...]] = {
    ("male", 1959): (
        ("建国", "Jianguo"), ("德明", "Deming"), ("国强", "Guoqiang"), ("福生", "Fusheng"),
        ("志远", "Zhiyuan"), ("永贵", "Yonggui"), ("宝山", "Baoshan"), ("长林", "Changlin"),
        ("文华", "Wenhua"), ("庆和", "Qinghe"), ("守义", "Shouyi"), ("玉柱", "Yuzhu"),
    ),
    ("female", 1959): (
        ("秀英", "Xiuying"), ("桂兰", "Guilan"), ("玉珍", "Yuzhen"), ("淑芬", "Shufen"),
        ("凤英", "Fengying"), ("素梅", "Sumei"), ("桂芳", "Guifang"), ("玉兰", "Yulan"),
        ("惠珍", "Huizhen"), ("春兰", "Chunlan"), ("秀云", "Xiuyun"), ("月琴", "Yueqin"),
    ),
    ("male", 1979): (
        ("建军", "Jianjun"), ("志强", "Zhiqiang"), ("卫东", "Weidong"), ("海涛", "Haitao"),
        ("永刚", "Yonggang"), ("立新", "Lixin"), ("国平", "Guoping"), ("文斌", "Wenbin"),
        ("晓峰", "Xiaofeng"), ("振华", "Zhenhua"), ("洪亮", "Hongliang"), ("勇", "Yong"),
    ),
    ("female", 1979): (
        ("丽华", "Lihua"), ("春梅", "Chunmei"), ("艳红", "Yanhong"), ("晓燕", "Xiaoyan"),
        ("海英", "Haiying"), ("玉梅", "Yumei"), ("秋菊", "Qiuju"), ("红霞", "Hongxia"),
        ("桂香", "Guixiang"), ("彩霞", "Caixia"), ("敏", "Min"), ("淑敏", "Shumin"),
    ),
    ("male", 1994): (
        ("鹏飞", "Pengfei"), ("晓东", "Xiaodong"), ("志伟", "Zhiwei"), ("俊杰", "Junjie"),
        ("磊", "Lei"), ("浩", "Hao"), ("亚军", "Yajun"), ("明辉", "Minghui"),
        ("建平", "Jianping"), ("超", "Chao"), ("文涛", "Wentao"), ("家豪", "Jiahao"),
    ),
    ("female", 1994): (
        ("婷", "Ting"), ("雪梅", "Xuemei"), ("丽娟", "Lijuan"), ("晓雯", "Xiaowen"),
        ("静", "Jing"), ("倩", "Qian"), ("佳", "Jia"), ("海燕", "Haiyan"),
        ("慧敏", "Huimin"), ("玲玲", "Lingling"), ("亚楠", "Yanan"), ("文静", "Wenjing"),
    ),
    ("male", 2100): (
        ("宇轩", "Yuxuan"), ("子豪", "Zihao"), ("浩然", "Haoran"), ("俊熙", "Junxi"),
        ("博文", "Bowen"), ("天佑", "Tianyou"), ("一鸣", "Yiming"), ("嘉诚", "Jiacheng"),
    ),
    ("female", 2100): (
        ("雨桐", "Yutong"), ("欣怡", "Xinyi"), ("梓涵", "Zihan"), ("思琪", "Siqi"),
        ("若曦", "Ruoxi"), ("佳怡", "Jiayi"), ("诗涵", "Shihan"), ("语嫣", "Yuyan"),
    ),
}

_GENERATION_ENDS = (1959, 1979, 1994, 2100)


@dataclass(frozen=True, slots=True)
class PersonName:
    """A full name in Chinese (`王秀英`) and in pinyin (`Wang Xiuying`)."""

    text: str
    latin: str

    @property
    def surname(self) -> str:
        return self.text[0]


def draw_surname(rng: Random) -> tuple[str, str]:
    """A surname; the square of a uniform number leans to the common ones at the front."""
    return SURNAMES[int(rng.random() ** 2 * len(SURNAMES))]


def draw_name(rng: Random, *, gender: str, birth_year: int, surname: tuple[str, str] | None = None) -> PersonName:
    """A name that fits gender (`male`, `female`) and generation; `surname` keeps a family together."""
    family = surname or draw_surname(rng)
    generation = next(end for end in _GENERATION_ENDS if birth_year <= end)
    given = rng.choice(GIVEN_NAMES[gender, generation])
    return PersonName(text=family[0] + given[0], latin=f"{family[1]} {given[1]}")
