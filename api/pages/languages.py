"""Which languages there are, what they call things, and which one a reader has chosen."""

from io import BytesIO
from pathlib import Path
from typing import Final

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from starlette.requests import Request

LANGUAGE_COOKIE: Final = "omni_language"
CATALOGS: Final = Path(__file__).parent / "locales"
ENGLISH: Final = Locale("en")
PORTUGUESE: Final = Locale("pt", "BR")
# As <html lang> and Accept-Language have them.
LANGUAGES: Final = {"en": ENGLISH, "pt-BR": PORTUGUESE}
_LONGEST_HEADER: Final = 400


def language_of(request: Request) -> str:
    """Return the language that the reader chose, else the first of the browser's that we speak."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    return best(request.headers.get("accept-language", ""))


def best(accepted: str) -> str:
    """Return the language of ours that an Accept-Language header likes most; English of none."""
    wishes: list[tuple[float, int, str]] = []
    for place, wish in enumerate(accepted[:_LONGEST_HEADER].split(",")):
        name, _, quality = wish.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        if weight > 0:
            wishes.append((-weight, place, name.strip().lower()))
    for _, _, name in sorted(wishes):
        for language in LANGUAGES:
            # Any Portuguese is nearer to Brazil's than English is.
            if name.partition("-")[0] == language.partition("-")[0]:
                return language
    return "en"


def catalog(language: str) -> NullTranslations:
    """Return what the language calls things. English is what the templates are written in."""
    locale = LANGUAGES[language]
    path = CATALOGS / str(locale) / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as file:
        read = read_po(file, locale=locale)
    compiled = BytesIO()
    write_mo(compiled, read)
    compiled.seek(0)
    return Translations(compiled)
