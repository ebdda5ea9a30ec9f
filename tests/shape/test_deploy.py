"""What lies in deploy/ fits the program: metrics, settings, ports, services."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

from tests.services.demand import everything_must_run, leave_out
from tests.services.programs import Missing, find_program, program
from tests.shape.declared import settings
from tests.shape.source import ROOT, Module

DEPLOY = ROOT / "deploy"
RULES = (DEPLOY / "prometheus" / "peihu.rules.yaml").read_text(encoding="utf-8")
DASHBOARD = json.loads((DEPLOY / "grafana" / "peihu.json").read_text(encoding="utf-8"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
_NAME = re.compile(r"\bpeihu_[a-z_]+")
_LABELS = re.compile(r"(peihu_[a-z_]+)\{([^}]*)\}")
_KNOWN_TO_COMPOSE = {
    "build", "command", "depends_on", "entrypoint", "environment", "healthcheck", "image", "networks", "ports",
    "restart", "stop_grace_period", "volumes",
}  # fmt: skip


def expressions():
    """Every expression of the alerts and of the panels."""
    rules = [rule["expr"] for group in yaml.safe_load(RULES)["groups"] for rule in group["rules"]]
    return rules + [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def served(text):
    """Names in an exposition, as an expression may use them."""
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    names = set()
    for name, kind in kinds.items():
        names |= {f"{name}{end}" for end in ("_bucket", "_count", "_sum")} if kind == "histogram" else {name}
    return names


async def test_alerts_and_panels_ask_for_metrics_that_are_served(peihu):
    await peihu.get(peihu.families[0], "/api/order/list")
    answer = await peihu._http.fetch(f"http://127.0.0.1:{peihu.instances[0].port}/metrics")
    there = served(answer.body.decode())
    assert len(there) > 10
    asked = {name for expression in expressions() for name in _NAME.findall(expression)}
    assert len(asked) > 10
    assert sorted(asked - there) == []


async def test_labels_that_are_asked_for_are_those_that_the_metrics_have(peihu):
    await peihu.get(peihu.families[0], "/api/order/list")
    answer = await peihu._http.fetch(f"http://127.0.0.1:{peihu.instances[0].port}/metrics")
    given: dict[str, set[str]] = {}
    for name, labels in _LABELS.findall(answer.body.decode()):
        given.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    for expression in expressions():
        for name, labels in _LABELS.findall(expression):
            if name in given:
                assert set(re.findall(r"(\w+)[=!]", labels)) <= given[name], expression


def test_a_metric_that_nobody_serves_is_found():
    text = "# HELP peihu_a A.\n# TYPE peihu_a gauge\n# TYPE peihu_b histogram\n"
    assert served(text) == {"peihu_a", "peihu_b_bucket", "peihu_b_count", "peihu_b_sum"}


def test_every_alert_names_a_place_in_the_operators_page():
    anchors = {re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in _headings()}
    for group in yaml.safe_load(RULES)["groups"]:
        for rule in group["rules"]:
            page, _, anchor = rule["annotations"]["runbook"].partition("#")
            assert (page, anchor in anchors) == ("docs/operations.md", True), rule["annotations"]["runbook"]


def _headings():
    return [line for line in OPERATIONS.splitlines() if line.startswith("#")]


def test_compose_starts_two_instances_and_what_they_stand_on():
    services = COMPOSE["services"]
    assert set(services) == {"peihu-1", "peihu-2", "nginx", "certificate", "mysql", "mongo", "redis"}
    assert services["mysql"]["image"].startswith("mysql:8")
    assert services["nginx"]["ports"] == ["80:80", "443:443"]
    for name in ("peihu-1", "peihu-2"):
        environment = services[name]["environment"]
        assert {"PEIHU_DATABASE_URL", "PEIHU_MONGO_URL", "PEIHU_REDIS_URL"} <= set(environment)
        assert set(services[name]["depends_on"]) >= {"mysql", "mongo", "redis"}
        assert "ports" not in services[name], "only nginx is reached from outside"
    for name in ("mysql", "mongo", "redis"):
        assert services[name]["healthcheck"]["test"], name
        assert "ports" not in services[name]
    for name, service in services.items():
        for mounted in service.get("volumes", ()):
            source = mounted.split(":")[0]
            assert source.startswith(".") or source in COMPOSE["volumes"], (name, mounted)


def test_nothing_in_the_compose_file_is_new_to_us():
    for name, service in COMPOSE["services"].items():
        assert set(service) <= _KNOWN_TO_COMPOSE, name


@pytest.mark.services
def test_compose_itself_accepts_its_file(compose):
    assert _config(compose, DEPLOY / "compose.yaml").returncode == 0


@pytest.mark.services
def test_compose_refuses_a_file_that_it_does_not_understand(compose, tmp_path):
    broken = tmp_path / "compose.yaml"
    broken.write_text((DEPLOY / "compose.yaml").read_text(encoding="utf-8").replace("networks: [inside]", "networks: 5"))
    assert _config(compose, broken).returncode != 0


@pytest.fixture(scope="module")
def compose() -> list[str]:
    """Docker's plugin, or Debian's program of its own, which needs no Docker to read a file."""
    if shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0:
        return ["docker", "compose"]
    if find_program("docker-compose") is None and not everything_must_run():
        leave_out("needs Docker Compose: python3 run.py test --services, or apt-get install docker-compose")
    try:
        return [program("docker-compose", "docker-compose")]
    except Missing as missing:
        leave_out(str(missing))


def _config(command, path):
    done = subprocess.run([*command, "-f", str(path), "config", "-q"], capture_output=True, text=True)
    print(done.stderr)
    return done


def test_settings_named_in_deploy_exist():
    module = Module("config/settings.py", (ROOT / "config" / "settings.py").read_text(encoding="utf-8"))
    known = {f"PEIHU_{name.upper().replace('.', '__')}" for name in settings(module)} | {"PEIHU_CONFIG"}
    known |= {"PEIHU_PUBLIC_URL"}  # compose's own, for http.public_url
    named = set()
    for path in DEPLOY.rglob("*"):
        if path.is_file():
            named |= set(re.findall(r"\bPEIHU_[A-Z_]*[A-Z]", path.read_text(encoding="utf-8")))
    assert len(named) > 8
    assert sorted(named - known) == []


def test_the_instances_that_nginx_knows_are_those_of_compose():
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    assert set(re.findall(r"server (peihu-\d):8000", text)) == {
        name for name in COMPOSE["services"] if name.startswith("peihu-")
    }


def test_the_image_runs_as_nobody_and_holds_what_is_needed():
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("USER")] == ["USER peihu"]
    assert sum(line.startswith("FROM") for line in lines) == 2
    copied = {line.split()[1] for line in lines if line.startswith("COPY") and "--from" not in line}
    assert copied == {"requirements.txt", "run.py", "config", "server", "web"}
    assert all((ROOT / name).exists() for name in copied)
    wanted = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in wanted if line.startswith("!")} == copied


def test_the_units_start_what_the_command_line_knows():
    for name in ("peihu.service", "peihu@.service"):
        text = (DEPLOY / "systemd" / name).read_text(encoding="utf-8")
        assert re.search(r"^ExecStart=.*run\.py serve --(processes \d+|roles %i)", text, re.MULTILINE)
        assert re.search(r"^User=peihu$", text, re.MULTILINE)
        stop_s = int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)[1])
        assert stop_s > 15, "a drain must not be cut off"
