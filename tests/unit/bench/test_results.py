"""What is kept of a run: ratios round by round, tables and pictures made of the same JSON."""

import xml.etree.ElementTree as ET

from bench import charts, pages
from bench.works import cluster, fanout

SERVERS = {"Peihu": (200, 300, 400), "Node ws": (100, 100, 400)}
ROUNDS = [
    {"round": number + 1, "server": name, "in_flight": count, "deliveries_per_s": rate, "per_core_s": rate}
    for name, rates in SERVERS.items()
    for number, rate in enumerate(rates)
    for count in fanout.IN_FLIGHT
]
RESULT = {
    "command": "python3 run.py bench fanout --rounds 3", "measured_at": "2026-11-22T10:00:00+00:00", "receivers": 1_000,
    "machine": {"processor": "P", "cores": 2, "system": "Linux", "python": "3.11", "used_by_others": 0.5},
    "absent": {"Centrifuge engine": "go is not installed"}, "rounds": ROUNDS, "summary": fanout.summary(ROUNDS),
}  # fmt: skip


def test_a_ratio_is_the_median_of_the_ratios_of_its_rounds():
    line = next(one for one in RESULT["summary"] if one["server"] == "Node ws" and one["in_flight"] == 8)
    assert (line["deliveries_per_s"], line["ours_to_it"]) == (100, 2.0)
    assert (line["wanted"], line["reached"]) == (5.0, False)


def test_a_section_of_the_page_is_replaced_and_others_stay():
    page = "a\n<!-- bench:fanout -->\nold\n<!-- end -->\nb\n<!-- bench:herd -->\nkept\n<!-- end -->\n"
    filled = pages.fill(page, {"fanout": RESULT})
    assert "old" not in filled and "kept" in filled
    assert "| Node ws | 8 | 100 | 100 | 2.0 | 5.0 (missed) | 2.0 |" in filled
    assert "Absent: Centrifuge engine (go is not installed)." in filled and "provisional" in filled
    assert pages.fill(filled, {"fanout": RESULT}) == filled


def test_the_page_has_a_section_for_every_work():
    text = pages.PAGE.read_text(encoding="utf-8")
    for name in ("fanout", "durable", "idle", "herd", "latency", "growth", "cluster"):
        assert f"<!-- bench:{name} -->" in text
    assert "<!-- bench:world -->" in pages.OPERATIONS.read_text(encoding="utf-8")


def test_the_chart_is_a_picture_with_a_bar_for_every_figure(monkeypatch, tmp_path):
    monkeypatch.setattr(charts, "PICTURES", tmp_path)
    drawn = ET.parse(charts.draw("fanout", RESULT)).getroot()
    bars = [part for part in drawn.iter("{http://www.w3.org/2000/svg}rect") if part.get("rx") == "2"]
    assert len(bars) == 2 * len(fanout.IN_FLIGHT) + 2  # and the two of the legend


def test_growth_is_drawn_on_logarithmic_axes(monkeypatch, tmp_path):
    monkeypatch.setattr(charts, "PICTURES", tmp_path)
    points = [{"of": "receivers", "size": size, "per_message_us": 10.0 * size} for size in (1, 10, 100)]
    drawn = ET.parse(charts.draw("growth", {"summary": points})).getroot()
    (line,) = drawn.iter("{http://www.w3.org/2000/svg}polyline")
    places = [tuple(map(float, place.split(","))) for place in line.get("points").split()]
    steps = [(round(b[0] - a[0]), round(b[1] - a[1])) for a, b in zip(places, places[1:], strict=False)]
    assert steps[0] == steps[1] and steps[0][0] > 0 > steps[0][1]


def test_a_cluster_is_compared_by_the_medians_of_its_rounds():
    def one_round(server, p99_ms, accepts_per_s):
        delivery = {"commit_ms": {"p50": p99_ms / 2, "p99": p99_ms}, "cpu_us_an_event": 2_000}
        accepts = {"accepts_per_s": accepts_per_s, "commit_ms": {"p99": 9}, "cpu_us_an_accept": 9_000}
        offers = {"all_told_ms": {"p50": p99_ms}}
        return {"server": server, "delivery": delivery, "accepts": accepts, "offers": offers}

    rounds = [one_round("Peihu", p99_ms, 100) for p99_ms in (90, 20, 25)] + [one_round("other", 50, 40)]
    ours, other = cluster.summarized(rounds, ["Peihu", "other"])
    assert ours["offered_to_all_ms"] == 25
    assert (ours["delivered_p99_ms"], ours["reached"], ours["cpu_us_an_event"]) == (25, True, 2_000)
    assert (other["ours_to_it_accepts"], other["ours_to_it_p99"]) == (2.5, 0.5)


def test_percentiles_are_those_of_the_sorted_waits():
    assert cluster.spread([n / 1_000 for n in range(100, 0, -1)]) == {"p50": 51.0, "p99": 100.0, "most": 100.0}
