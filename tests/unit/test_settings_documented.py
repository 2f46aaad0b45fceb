"""The table in README.md against the settings that the code has. Nothing is started."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import AliasChoices, AliasPath, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

ROOT = Path(__file__).parents[2]
PACKAGES = ("streams", "pipelines", "warehouse", "dagster_project", "api")
DOCUMENT = ROOT / "README.md"
UNSET = "unset"

_ROW = re.compile(
    r"^\| `(?P<name>[A-Z_]+)` \| (?P<default>[^|]+) \| (?P<about>[^|]+) \|$", re.MULTILINE
)
# Read past the settings classes: by the command line, and where no settings are at hand.
_READ_ELSEWHERE = re.compile(r"""(?:env_var=|environ\.get\(|environ\[|getenv\()"([A-Z_]+)""")


def sources() -> dict[str, str]:
    """Return the text of every module of ours, by its dotted name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text()
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def settings_classes() -> list[type[BaseSettings]]:
    """Return every settings class of ours, whichever module it is in."""
    found = []
    for name, text in sources().items():
        if "(BaseSettings)" in text:
            module = importlib.import_module(name)
            found += [
                value
                for value in vars(module).values()
                if isinstance(value, type)
                and issubclass(value, BaseSettings)
                and value.__module__ == name
            ]
    return found


def environment_names(settings: type[BaseSettings]) -> dict[str, FieldInfo]:
    """Return the variables that fill the fields of a settings class."""
    prefix = settings.model_config.get("env_prefix", "")
    names: dict[str, FieldInfo] = {}
    for field_name, field in settings.model_fields.items():
        alias = field.validation_alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
        for choice in choices:
            assert not isinstance(choice, AliasPath), "a path is no variable: document it by hand"
            names[(choice or f"{prefix}{field_name}").upper()] = field
    return names


def known_names() -> dict[str, FieldInfo]:
    """Return every variable of every settings class."""
    return {
        name: field
        for settings in settings_classes()
        for name, field in environment_names(settings).items()
    }


def as_written(default: Any) -> str:
    """Return a default as the table has it."""
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if default is None or default == "":
        return UNSET
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def documented() -> dict[str, re.Match[str]]:
    """Return the rows of the table by their variable."""
    return {row["name"]: row for row in _ROW.finditer(DOCUMENT.read_text())}


def read_elsewhere() -> set[str]:
    """Return the variables that are read without a settings class."""
    return {name for text in sources().values() for name in _READ_ELSEWHERE.findall(text)}


def test_the_settings_classes_are_found() -> None:
    names = {settings.__name__ for settings in settings_classes()}
    assert {"ClusterSettings", "WorkerSettings", "AnalyticsSettings"} <= names


def test_every_variable_that_the_code_reads_is_in_the_table() -> None:
    missing = (known_names().keys() | read_elsewhere()) - documented().keys()
    assert not missing, f"add to the table in {DOCUMENT.name}: {sorted(missing)}"


def test_every_variable_in_the_table_is_read_by_the_code() -> None:
    stale = documented().keys() - known_names().keys() - read_elsewhere()
    assert not stale, f"nothing reads these any more: {sorted(stale)}"


def test_no_variable_is_in_the_table_twice() -> None:
    rows = [row["name"] for row in _ROW.finditer(DOCUMENT.read_text())]
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize("name", sorted(known_names()))
def test_the_table_has_the_default_that_the_code_has(name: str) -> None:
    field = known_names()[name]
    assert documented()[name]["default"].strip() == as_written(field.get_default())
