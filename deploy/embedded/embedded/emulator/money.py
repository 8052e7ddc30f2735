"""Amounts: what Stripe takes as one, and how a part of one is rounded."""

from decimal import ROUND_HALF_UP, Decimal

from embedded.emulator.errors import StripeError

CURRENCIES = frozenset(
    [
        "aud",
        "brl",
        "cad",
        "chf",
        "cny",
        "czk",
        "dkk",
        "eur",
        "gbp",
        "hkd",
        "huf",
        "ils",
        "inr",
        "jpy",
        "krw",
        "mxn",
        "myr",
        "nok",
        "nzd",
        "php",
        "pln",
        "ron",
        "sek",
        "sgd",
        "thb",
        "twd",
        "usd",
        "zar",
    ]
)
WITHOUT_CENTS = frozenset({"jpy", "krw"})
SMALLEST = {"usd": 50, "eur": 50, "gbp": 30, "jpy": 50, "krw": 500}
AMOUNT_MAX = 99_999_999


def currency_of(word: str, param: str = "currency") -> str:
    """Return a currency in lower case, or refuse it."""
    currency = word.lower()
    if currency not in CURRENCIES:
        listed = ", ".join(sorted(CURRENCIES))
        message = f"Invalid currency: {word}. Stripe currently supports these currencies: {listed}"
        raise StripeError(message, param=param)
    return currency


def check_amount(amount: int, param: str) -> None:
    """Refuse what is no amount."""
    if amount < 0:
        message = f"Invalid non-negative integer: this value must be greater than or equal to 0 (it currently is '{amount}')."
        raise StripeError(message, param=param, code="parameter_invalid_integer")
    if amount > AMOUNT_MAX:
        message = f"Amount must be no more than {shown(AMOUNT_MAX, 'usd')}"
        raise StripeError(message, param=param, code="amount_too_large")


def check_chargeable(amount: int, currency: str, param: str = "amount") -> None:
    """Refuse an amount that is too small, or too large, to be charged."""
    check_amount(amount, param)
    smallest = SMALLEST.get(currency, 50)
    if amount < smallest:
        message = f"Amount must be at least {shown(smallest, currency)}"
        raise StripeError(message, param=param, code="amount_too_small")


def shown(amount: int, currency: str) -> str:
    """Return an amount as a person reads it."""
    sign = {"usd": "$", "eur": "€", "gbp": "£"}.get(currency, f"{currency.upper()} ")
    minus = "-" if amount < 0 else ""
    if currency in WITHOUT_CENTS:
        return f"{minus}{sign}{abs(amount):,}"
    return f"{minus}{sign}{abs(amount) / 100:,.2f}"


def part(amount: int | Decimal, numerator: int | Decimal, denominator: int | Decimal) -> int:
    """Return a part of an amount, a half rounded away from zero."""
    exact = Decimal(amount) * Decimal(numerator) / Decimal(denominator)
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))
