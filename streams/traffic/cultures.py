"""Names, phone numbers and words of the places people write from. Plain data, no chance in it."""

from collections.abc import Callable
from dataclasses import dataclass

from streams.contracts.messages import Content

# Coprime with every capacity below, so that different people get different numbers.
NUMBER_STEP = 7_919
NUMBERS = 10_000_000


@dataclass(frozen=True, slots=True)
class Culture:
    """One place: how people are called there, what they say, and what their numbers look like."""

    code: str
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    words: tuple[Content, ...]  # the person's
    replies: tuple[Content, ...]  # the business's
    digits: Callable[[int], str]  # country code and number, from a number below NUMBERS


def _said(*texts: str) -> tuple[Content, ...]:
    return tuple(Content(text=text) for text in texts)


_PORTUGUESE = _said(
    "Oi, tudo bem?",
    "Bom dia! Vocês ainda têm o vestido azul no tamanho M?",
    "Qual o prazo de entrega para Recife?",
    "Obrigada 🙏",
    "Pode me mandar o pix?",
    "Meu pedido ainda não chegou 😕",
)
_ENGLISH = _said(
    "Hi, is anyone there?",
    "Can I move my appointment to Thursday?",
    "Thanks!",
    "How much is it?",
    'It says "payment failed" again',
    "Perfect, see you then 👍",
)
_GERMAN = _said(
    "Guten Tag, ich hätte eine Frage zu meiner Buchung.",
    "Ist das Frühstück inbegriffen?",
    "Danke schön!",
    "Können Sie mir die Rechnung noch einmal schicken?",
)
_SPANISH = _said(
    "Hola, ¿siguen abiertos?",
    "¿Cuánto sale el envío?",
    "Dale, gracias!",
    "Todavía no me llegó el código",
)
_ARABIC = _said("السلام عليكم", "هل المنتج متوفر؟", "شكراً جزيلاً", "كم السعر؟")
_HINDI = _said("नमस्ते", "Kal delivery ho jayegi kya?", "धन्यवाद 🙏", "Price please")
_HEBREW = _said("שלום", "מתי אתם פתוחים?", "תודה רבה!")


_AREAS = (202, 212, 305, 312, 415, 512, 617, 646, 713, 818)


_ANSWERS_PORTUGUESE = _said(
    "Olá! Como posso ajudar?", "Temos sim 😊", "Já verifico para você.", "Seu pedido saiu hoje."
)
_ANSWERS_ENGLISH = _said(
    "Hello, how can we help?", "Let me check that for you.", "All done!", "Reply STOP to opt out."
)
_ANSWERS_GERMAN = _said("Guten Tag! Wie können wir helfen?", "Gern geschehen.", "Ich prüfe das.")
_ANSWERS_SPANISH = _said("¡Hola! ¿En qué te ayudamos?", "Ahí lo reviso.", "Ya está resuelto.")
_ANSWERS_ARABIC = _said("أهلاً بك، كيف نساعدك؟", "نعم، متوفر.")
_ANSWERS_HEBREW = _said("שלום, איך אפשר לעזור?", "כן, יש במלאי.")


def _brazil(n: int) -> str:
    return f"55{(11, 21, 31, 71, 81)[n % 5]}99{n:07d}"


def _united_states(n: int) -> str:
    hundreds, number = divmod(n, 10_000)
    exchange, area = divmod(hundreds, 10)
    exchange += 312 + exchange // 99  # 312 to 410, then 412: 411 is a service
    return f"1{_AREAS[area]}{exchange}{number:04d}"


CULTURES = {
    "BR": Culture(
        "BR",
        ("Ana", "João", "Maria", "Conceição", "Thiago", "Lívia", "Antônio", "Zé"),
        ("Silva", "Souza", "Araújo", "Gonçalves", "Pereira", "dos Santos", "D'Ávila"),
        _PORTUGUESE,
        _ANSWERS_PORTUGUESE,
        _brazil,
    ),
    "PT": Culture(
        "PT",
        ("Inês", "Tomás", "Beatriz", "Duarte"),
        ("Ferreira", "Magalhães", "Simões"),
        _PORTUGUESE,
        _ANSWERS_PORTUGUESE,
        lambda n: f"35191{n:07d}",
    ),
    "US": Culture(
        "US",
        ("Emma", "Liam", "DeShawn", "Sophia", "Mary-Jane", "Kai"),
        ("Smith", "O'Connor", "Nguyen", "Garcia", "Johnson"),
        _ENGLISH,
        _ANSWERS_ENGLISH,
        _united_states,
    ),
    "IN": Culture(
        "IN",
        ("Priya", "Arjun", "अनन्या", "Mohammed", "Lakshmi"),
        ("Sharma", "Patel", "Iyer", "Khan", "राव"),
        _HINDI,
        _ANSWERS_ENGLISH,
        lambda n: f"91987{n:07d}",
    ),
    "NG": Culture(
        "NG",
        ("Chinedu", "Adaeze", "Olúwaṣeun", "Ngozi", "Ibrahim"),
        ("Okafor", "Adébáyọ̀", "Eze", "Bello"),
        _ENGLISH,
        _ANSWERS_ENGLISH,
        lambda n: f"234803{n:07d}",
    ),
    "DE": Culture(
        "DE",
        ("Jürgen", "Anneliese", "Björn", "Käthe", "Mehmet"),
        ("Müller", "Groß", "von der Heide", "Yildirim"),
        _GERMAN,
        _ANSWERS_GERMAN,
        lambda n: f"491512{n:07d}",
    ),
    "AR": Culture(
        "AR",
        ("Martín", "Lucía", "Íñigo", "Belén"),
        ("Fernández", "Núñez", "Etchegaray"),
        _SPANISH,
        _ANSWERS_SPANISH,
        lambda n: f"549115{n:07d}",
    ),
    "EG": Culture(
        "EG",
        ("محمد", "فاطمة", "يوسف", "Mona"),
        ("عبد الرحمن", "الشريف", "حسن"),
        _ARABIC,
        _ANSWERS_ARABIC,
        lambda n: f"20101{n:07d}",
    ),
    "IL": Culture(
        "IL",
        ("נועה", "דוד", "Yael"),
        ("כהן", "לוי", "Mizrahi"),
        _HEBREW,
        _ANSWERS_HEBREW,
        lambda n: f"97253{n:07d}",
    ),
}

FLOURISHES = ("🌸", "✨", "🇧🇷", "👩🏽‍💻", "(Trabalho)", "🔥🔥")
REACTIONS = tuple(Content(type="reaction", text=sign) for sign in ("❤️", "👍", "😂"))
PICTURE = Content(type="image")
