"""The page's languages: which one is chosen, and that every text is in each of them."""

from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po

from api.pages.languages import CATALOGS, LANGUAGES, best, catalog

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("en-GB,pt;q=0.9", "en"),
        ("de,pt;q=0.5,en;q=0.4", "pt-BR"),
        ("de, fr;q=0.8", "en"),
        ("pt;q=0, en;q=0.1", "en"),
        ("pt;q=nonsense", "en"),
        (";;;,,q=1", "en"),
    ],
)
def test_the_language_is_the_first_of_the_browsers_that_we_speak(
    accepted: str, language: str
) -> None:
    assert best(accepted) == language


def extracted(folder: Path) -> Catalog:
    """Return every text that templates and code name, as `make words` finds them."""
    template = folder / "messages.pot"
    CommandLineInterface().run(  # type: ignore[no-untyped-call]
        [
            *("pybabel", "-q", "extract", "--mapping", str(ROOT / "pyproject.toml")),
            *("--keyword", "N_", "--no-location", "--output-file", str(template)),
            str(ROOT),
        ]
    )
    return read_po(BytesIO(template.read_bytes()))


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "en"])
def test_every_text_is_in_every_language_and_keeps_what_is_filled_in(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    path = CATALOGS / str(LANGUAGES[language]) / "LC_MESSAGES" / "messages.po"
    known = read_po(BytesIO(path.read_bytes()), locale=LANGUAGES[language])
    named = {message.id for message in extracted(tmp_path) if message.id}
    assert named == {message.id for message in known if message.id}, "run make words"
    for message in known:
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(said), message.id
        assert not message.fuzzy, message.id
        assert not list(message.check()), message.id


def test_a_text_is_said_in_portuguese_and_unknown_ones_as_they_are() -> None:
    portuguese = catalog("pt-BR")
    assert portuguese.gettext("Customers") == "Clientes"
    assert portuguese.ngettext("%(count)s customer", "%(count)s customers", 2) == (
        "%(count)s clientes"
    )
    assert catalog("en").gettext("Customers") == "Customers"
