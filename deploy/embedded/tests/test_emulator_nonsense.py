"""Whatever is asked, in whatever form, is answered or refused: nothing that is typed correctly breaks the emulator."""

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

import pytest
from emulator_parts import KEY, staged
from emulator_tour import Tour
from typing_extensions import is_typeddict

from embedded.emulator import families, params
from embedded.emulator.api import Asked
from embedded.emulator.routing import Route

ROUNDS = 2
FORMS = 12
WORDS = (
    "x",
    "usd",
    "cus_x",
    "https://product.test/x",
    "ada@example.com",
    "0",
    "pm_card_visa",
    "now",
)
KINDS = {
    "default_payment_method": "payment_method", "intent": "payment_intent", "session": "checkout.session", "link": "payment_link",
    "configuration": "billing_portal.configuration", "endpoint": "webhook_endpoint", "item": "subscription_item", "starting_after": "customer",
    "default_price": "price", "payment": "invoice_payment",
}  # fmt: skip
NUMBERS = (0, 1, 2, 3, 50, 900, 10**12, -1, 1801396800, 1801400000, 1900000000)


class Nonsense:
    """Makes forms of the right types and of little sense, with ids of what is really there."""

    def __init__(self, seed: int, ids: list[tuple[str, str]]) -> None:
        self._chance = random.Random(seed)
        self._ids = [name for _, name in ids]
        self._by_kind: dict[str, list[str]] = {}
        for kind, name in ids:
            self._by_kind.setdefault(kind, []).append(name)

    def id(self, field: str = "") -> str:
        """An id of what a field names, most of the time."""
        kind = KINDS.get(field, field)
        likely = self._by_kind.get(kind, self._ids)
        return self._chance.choice(likely if self._chance.random() < 0.9 else self._ids)

    def path(self, route: Route) -> str:
        *before, _ = route.path.split("/{")[0].split("/v1/")[1].rsplit("s", 1)
        path = route.path
        while "{" in path:
            name = path.partition("{")[2].partition("}")[0]
            wanted = KINDS.get(name) or before[0].replace("/", ".")
            path = f"{path.partition('{')[0]}{self.id(wanted)}{path.partition('}')[2]}"
        return path

    def form(self, route: Route) -> str:
        fields = params.fields_of(route.kind)
        taken = [name for name in fields if name in route.takes or self._chance.random() < 0.02]
        likelihood = self._chance.choice((0.2, 0.5, 0.9))
        chosen = [
            name
            for name in taken
            if params._is_required(fields[name]) or self._chance.random() < likelihood
        ]
        pairs = [pair for name in chosen for pair in self._pairs(fields[name], name, 0)]
        return "&".join(f"{name}={value}" for name, value in pairs)

    def _pairs(self, hint: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
        kind = self._chance.choice(params._alternatives(hint))
        origin = get_origin(kind)
        if is_typeddict(kind):
            for name, inner in params._fields(kind).items():
                if params._is_required(inner) or self._chance.random() < 0.5 / (depth + 1):
                    yield from self._pairs(inner, f"{path}[{name}]", depth + 1)
        elif origin is list:
            for number in range(self._chance.randint(0, 2)):
                yield from self._pairs(get_args(kind)[0], f"{path}[{number}]", depth + 1)
        elif origin is dict or "Untyped" in str(kind):
            yield f"{path}[key]", "value"
        else:
            yield path, self._word(kind, path.rstrip("]").rpartition("[")[2])

    def _word(self, kind: Any, field: str) -> str:
        if get_origin(kind) is Literal:
            return str(self._chance.choice(get_args(kind)))
        if kind is bool:
            return self._chance.choice(("true", "false"))
        if kind in (int, float, Decimal):
            return str(self._chance.choice(NUMBERS))
        named = [self.id(field)] * (9 if field in KINDS or field in self._by_kind else 1)
        return self._chance.choice((*named, *WORDS))


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_nonsense_of_the_right_types_is_answered_or_refused(seed: int) -> None:
    async with staged(seed=seed) as stage:
        await Tour(stage).go()
        sql = "SELECT kind, id FROM documents WHERE kind NOT IN ('event', 'balance_transaction')"
        ids = await stage.control.act(lambda tx: [tuple(row) for row in tx.tables.execute(sql)])
        nonsense = Nonsense(seed, ids)
        routes = sorted(families.routes().all, key=lambda route: route.name)
        headers = {"authorization": f"Bearer {KEY}"}
        broken, fine = [], 0

        for route in routes * FORMS:
            asked = Asked(route.method, nonsense.path(route), "", headers, nonsense.form(route))
            answered = await stage.emulator.api.answer(asked)
            fine += answered.status == 200
            if answered.status >= 500:
                broken.append(f"{route.method} {asked.path} {asked.body}")
        await stage.control.advance(days=40)

        assert broken == []
        assert fine > len(routes) * FORMS / 4
