"""docker-compose.yml, Dockerfile and .dockerignore against the code. No container is started."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.test_settings_documented import known_names, read_elsewhere

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(SERVICES.keys() - {"kafka"})
# What Dagster and Python read; everything else must be a setting of ours.
OTHERS_VARIABLES = {"DAGSTER_HOME", "PYTHONUNBUFFERED"}
NO_COMPOSE = "docker-compose is not installed: docker-compose.yml was read as YAML only"

_SECRET_NAME = re.compile(
    r"PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|API_?KEY|PRIVATE|KEYFILE", re.IGNORECASE
)
_USER_IN_ADDRESS = re.compile(r"://[^/\s:]+:[^/\s@]+@")


def environment(service: str) -> dict[str, str]:
    """Return the variables that a service is given."""
    given = SERVICES[service].get("environment", {})
    assert isinstance(given, dict), "write variables as a mapping"
    return given


def image_environment() -> set[str]:
    """Return the variables that the image sets."""
    text = DOCKERFILE.replace("\\\n", " ")
    return {
        name
        for line in text.splitlines()
        if line.startswith("ENV ")
        for name in re.findall(r"(\w+)=", line)
    }


def programs(service: str) -> list[list[str]]:
    """Return what a service runs, its health check included, without a shell around it."""
    health = SERVICES[service].get("healthcheck", {}).get("test", [])
    commands = [SERVICES[service].get("command", []), health[1:]]
    return [
        shlex.split(words[2].rpartition("exec ")[2]) if words[:2] == ["sh", "-c"] else words
        for words in commands
        if words
    ]


def helps(words: list[str]) -> list[str]:
    """Return the command that shows the help of a command: what follows the first option goes."""
    options = (number for number, word in enumerate(words) if word.startswith("-"))
    return [*words[: next(options, len(words))], "--help"]


COMMANDS = sorted(
    {
        json.dumps(words)
        for service in OURS
        for words in programs(service)
        if Path(words[0]).name != "python"
    }
)


def test_all_services_of_ours_are_one_image() -> None:
    assert OURS == ["api", "dagster-daemon", "dagster-webserver", "enrich", "topics", "worker"]
    assert {SERVICES[service]["image"] for service in OURS} == {"omnichannel:local"}
    assert {SERVICES[service]["build"] for service in OURS} == {"."}


def test_no_service_and_no_layer_of_the_image_has_a_secret() -> None:
    names = {name for service in SERVICES for name in environment(service)} | image_environment()
    assert not [name for name in names if _SECRET_NAME.search(name)]
    values = [str(value) for service in SERVICES for value in environment(service).values()]
    assert not [value for value in values if _USER_IN_ADDRESS.search(value)]
    assert not re.search(
        r"^ARG .*(PASSWORD|SECRET|TOKEN)", DOCKERFILE, re.MULTILINE | re.IGNORECASE
    )


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_that_stays_has_a_health_check_and_comes_back(service: str) -> None:
    waited_for = {
        condition["condition"]
        for other in SERVICES.values()
        for name, condition in other.get("depends_on", {}).items()
        if name == service
    }
    if "service_completed_successfully" in waited_for:  # ends by itself
        assert "restart" not in SERVICES[service]
        assert "healthcheck" not in SERVICES[service]
    else:
        assert SERVICES[service]["restart"] == "unless-stopped"
        assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_is_called_exists_with_its_options(command: str) -> None:
    words: list[str] = json.loads(command)
    program, *rest = helps(words)
    shown = subprocess.run(
        [Path(sys.executable).parent / program, *rest],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert shown.returncode == 0, shown.stderr
    for option in (word for word in words if word.startswith("--")):
        assert option in shown.stdout


@pytest.mark.parametrize("service", OURS)
def test_a_health_check_in_python_is_python(service: str) -> None:
    for words in programs(service):
        if words[0] == "python":
            compile(words[words.index("-c") + 1], f"the health check of {service}", "exec")


def test_every_named_volume_is_declared_and_used() -> None:
    used = {
        name
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if ":" in volume and not (name := volume.partition(":")[0]).startswith((".", "/"))
    }
    assert used == COMPOSE["volumes"].keys()


def test_only_dagster_writes_the_warehouse_and_the_api_reads_what_is_published() -> None:
    having = {
        name: volume
        for name, service in SERVICES.items()
        for volume in service.get("volumes", [])
        if volume.startswith("warehouse:")
    }
    assert having.keys() == {"api", "dagster-daemon", "dagster-webserver"}
    assert [name for name, volume in having.items() if volume.endswith(":ro")] == ["api"]


def test_each_worker_has_state_of_its_own_where_the_image_keeps_it() -> None:
    (volume,) = SERVICES["worker"]["volumes"]
    assert f"OMNICHANNEL_STATE_FOLDER={volume} " in DOCKERFILE  # no name: one a container
    assert "container_name" not in SERVICES["worker"]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_ports_are_published_on_the_loopback_only(service: str) -> None:
    for port in SERVICES[service].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


@pytest.mark.parametrize("service", OURS)
def test_variables_of_a_service_are_settings_of_ours(service: str) -> None:
    exported = re.findall(r"export (\w+)=", " ".join(SERVICES[service]["command"]))
    names = environment(service).keys() | set(exported)
    assert names
    assert not names - known_names().keys() - OTHERS_VARIABLES


def test_variables_of_the_image_are_settings_of_ours_and_documented() -> None:
    names = image_environment()
    assert {"OMNICHANNEL_STATE_FOLDER", "WAREHOUSE_FOLDER", "DAGSTER_HOME"} <= names
    assert not names - known_names().keys() - read_elsewhere() - OTHERS_VARIABLES
    operations = (ROOT / "docs" / "operations.md").read_text()
    for name in names:
        assert f"#   {name} " in DOCKERFILE
        assert f"`{name}`" in operations


def test_the_image_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)
    assert users
    assert users[-1] not in {"root", "0"}


def test_the_image_is_given_every_package_that_is_installed() -> None:
    needed = {"api", "streams", "pipelines", "warehouse", "dagster_project", "pyproject.toml"}
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored  # nothing goes to the builder but what is named
    for name in (*needed, "requirements.lock", "README.md"):
        assert f"!{name}" in ignored
        assert re.search(rf"^COPY (?:\S+ )*{re.escape(name)} ", DOCKERFILE, re.MULTILINE), name


def test_docker_compose_accepts_the_file() -> None:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip(NO_COMPOSE)
    answer = subprocess.run(
        [program, "--file", str(ROOT / "docker-compose.yml"), "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": os.environ["PATH"]},
    )
    assert answer.returncode == 0, answer.stderr
