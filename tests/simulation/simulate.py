"""One world from its seed to its end: people and faults, then healing, then rest."""

import asyncio
import gc
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.simulation import faults, journeys
from tests.simulation.agreement import Agreement
from tests.simulation.broker import Broker
from tests.simulation.faults import Faults
from tests.simulation.invariants import Seen, Watch
from tests.simulation.journeys import Journey
from tests.simulation.loop import Life, NothingToDo, VirtualLoop
from tests.simulation.nodes import Node, loop_of
from tests.simulation.outside import Agent, Post, Received, Store
from tests.simulation.people import People
from tests.simulation.postgres import SCHEMAS, Postgres
from tests.simulation.services import BUILDS
from tests.simulation.stripe_account import StripeAccount
from tests.simulation.world import World

CHAOS_S = 60
REST_S_MAX = 3600
LOOK_EVERY_S = 5
STRIKE_EVERY_S = 4
COMPARED_MAX = 2
MUTE = 0.15
CHORES = """
    INSERT INTO billing.chores (name, due_at)
    SELECT name, $1::timestamptz + make_interval(days => (name LIKE '%daily')::integer)
    FROM unnest(ARRAY['sync prices', 'reconcile recent', 'reconcile daily']) AS name
"""

_GRAVES: list[object] = []


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens in a world besides what its seed decides."""

    journeys: Sequence[Journey] = ()
    beginning: "Beginning | None" = None
    replicas: int = 1
    faults: Faults = faults.NONE
    crash_at: int | None = None
    is_mute: bool = False  # Stripe's events reach nobody
    has_chores: bool = False  # billing compares itself with Stripe now and then


@dataclass(slots=True)
class Result:
    """What became of a world; it is fine when nothing was violated."""

    seed: int
    trace: str = ""
    violations: list[str] = field(default_factory=list)
    points: int = 0
    virtual_s: float = 0
    commits: int = 0
    deaths: int = 0
    journeys: int = 0
    lines: list[str] = field(default_factory=list)


def plan_of(seed: int, mix: str) -> Plan:
    """Return the plan of a seed: one to three journeys of a mix, in a world with faults."""
    chance = random.Random(f"plan {seed}")
    chosen = [chance.choice(journeys.MIXES[mix]) for _ in range(chance.randint(1, 3))]
    return Plan(
        chosen,
        replicas=chance.choice((1, 2)),
        faults=faults.drawn(chance),
        is_mute=chance.random() < MUTE,
        has_chores=any(journey in journeys.AT_STRIPE for journey in chosen),
    )


@dataclass(frozen=True, slots=True)
class Beginning:
    """What was there before a world began: the end of another one."""

    moment: float
    rows: str
    mailboxes: Mapping[str, Sequence[Received]]
    stored: Mapping[str, str]
    seen: Seen
    account: bytes


def beginning(postgres: Postgres, journey: Journey) -> Beginning:
    """Return what a journey leaves, so that worlds can begin with it."""
    course = _Course(0, postgres, Plan([journey]))
    course.go()
    assert not course.world.violations, course.world.violations
    rows = postgres.keep(journey.__name__)
    postgres.clean()
    return Beginning(
        moment=course.world.loop.time(),
        rows=rows,
        mailboxes=course.post.mailboxes,
        stored=course.broker.stored,
        seen=course.watch.seen,
        account=course.stripe.keep(),
    )


def simulate(seed: int, postgres: Postgres, plan: Plan) -> Result:
    """Run a world to its end."""
    course = _Course(seed, postgres, plan)
    course.go()
    postgres.clean()
    world = course.world
    return Result(
        seed=seed,
        trace=world.trace,
        violations=world.violations,
        points=world.point_count,
        virtual_s=world.loop.time(),
        commits=course.watch.commit_count,
        deaths=course.death_count,
        journeys=len(plan.journeys),
        lines=world.lines,
    )


class _Course:
    """The course of one world."""

    def __init__(self, seed: int, postgres: Postgres, plan: Plan) -> None:
        began = plan.beginning
        chance = random.Random(seed)
        loop = VirtualLoop(chance, began.moment if began else 0)
        loop.set_exception_handler(lambda *_: None)
        self.world = World(seed, postgres, loop, chance)
        self.broker = Broker(self.world)
        self.post, self._store = Post(self.world), Store(self.world)
        self.watch = Watch(self.world, self.broker, self.post, self._store)
        self.death_count = 0
        self._plan = plan
        self._agent = Agent(self.world)
        self.stripe = StripeAccount(self.world, is_mute=plan.is_mute)
        self._nodes = list(self._processes())
        self._people = People(self.world, self._nodes, self.watch, self.post, self.stripe)
        self.world.on_death.append(self._count)
        if began is not None:
            self._continue(began)

    def go(self) -> None:
        """Run the world, and keep what died in it from doing anything more."""
        world = self.world
        gc.disable()
        try:
            loop_of(world).run_world(self._run())
        except NothingToDo:
            world.violate("everybody waits for somebody, for ever")
        except RuntimeError:
            if not world.violations:  # it was not stopped, it broke
                raise
        finally:
            for connection in list(world.open_connections):
                connection.release()
            _GRAVES.append(loop_of(world).bury())
            gc.enable()
            gc.freeze()

    def _continue(self, began: Beginning) -> None:
        """Begin where another world ended."""
        self.world.postgres.put_back(began.rows)
        self.post.mailboxes.update({who: list(mails) for who, mails in began.mailboxes.items()})
        self.broker.stored.update(began.stored)
        self.watch.seen = Seen(dict(began.seen.final), dict(began.seen.published))

    async def _run(self) -> None:
        """Let everything happen, heal the world, and hold it against what was promised."""
        await self._start()
        world, people = self.world, self._people
        for address in range(journeys.ADDRESSES):
            world.begin(people.read_mail(f"payer{address}@example.com"))
        numbered = enumerate(self._plan.journeys, 1)
        doing = [world.begin(journey(people, number)) for number, journey in numbered]
        if self._plan.faults is not faults.NONE:
            chaos = world.begin(self._chaos())
            await asyncio.wait({chaos}, timeout=CHAOS_S)
            chaos.cancel()
        self._heal()
        await self.stripe.release()
        await asyncio.wait(doing, timeout=REST_S_MAX)
        for deed in doing:
            if not deed.done() or deed.exception() is not None:
                world.violate(f"a journey did not come to its end: {deed}")
        await self._rest()
        await self._compare()
        excused = self.watch.excused()
        Agreement(world, await self.stripe.everything(), excused).hold()
        self.watch.at_rest()

    async def _compare(self) -> None:
        """Have billing compared with Stripe, where it is at all, until nothing differs or something always does."""
        for turn in range(COMPARED_MAX if self._plan.has_chores else 0):
            differences = await self._people.compare_with_stripe()
            await self._rest()
            if not differences:
                return
            if turn + 1 == COMPARED_MAX:
                self.world.violate(f"we differ from Stripe: {differences}")

    async def _start(self) -> None:
        began = self._plan.beginning
        await self.stripe.open(self._nodes, began.account if began else None)
        if self._plan.has_chores:
            self.world.postgres.look(CHORES, self.world.now())
        for node in self._nodes:
            node.start()
        while not all(node.is_ready for node in self._nodes):  # noqa: ASYNC110 - no time passes
            await asyncio.sleep(0.01)
        self.world.point_count = 0
        self.world.crash_at = self._plan.crash_at
        self.world.faults = self._plan.faults

    def _processes(self) -> Iterator[Node]:
        outside = {
            Post: self.post,
            Store: self._store,
            Agent: self._agent,
            StripeAccount: self.stripe,
        }
        for name in SCHEMAS:
            for number in range(1, self._plan.replicas + 1):
                yield Node(self.world, self.broker, name, number, BUILDS[name], outside)

    async def _rest(self) -> None:
        """Wait until nothing is left to be done."""
        end = self.world.loop.time() + REST_S_MAX
        while left := [*self.watch.pending(), *await self.stripe.pending()]:
            if self.world.loop.time() > end:
                self.world.violate(f"no rest after {REST_S_MAX} s: {left[:5]}")
                return
            await asyncio.sleep(LOOK_EVERY_S)

    def _heal(self) -> None:
        self.world.say("-", "healed", "")
        self.world.faults = faults.NONE
        self.world.down_until.clear()

    async def _chaos(self) -> None:
        """Strike now and then, at somebody."""
        world = self.world
        chance = world.chance
        while True:
            await asyncio.sleep(chance.expovariate(1 / STRIKE_EVERY_S))
            node = chance.choice(self._nodes)
            if world.happens(world.faults.kills):
                node.kill()
            elif world.happens(world.faults.stops):
                node.stop()
            elif world.happens(world.faults.freezes) and node.life is not None:
                self._freeze(node.life)
            elif world.happens(world.faults.bus_cuts) and node.life is not None:
                world.say(node.life, "loses the broker", "")
                self.broker.cut(node.life)
            elif world.happens(world.faults.outages):
                self._shut(chance.choice(list(SCHEMAS.values())), chance.expovariate(1 / 8))

    def _freeze(self, life: Life) -> None:
        self.world.say(life, "is frozen", "")
        loop = loop_of(self.world)
        loop.freeze(life)
        self.world.later(self.world.chance.expovariate(1 / 15), lambda: loop.thaw(life))

    def _shut(self, schema: str, seconds: float) -> None:
        """Have a database hang up on everybody, and refuse them for a while."""
        self.world.say(schema, "is down", f"{seconds:.3f}")
        self.world.down_until[schema] = self.world.loop.time() + seconds
        for connection in list(self.world.open_connections):
            if connection.life.schema == schema:
                connection.terminate()

    def _count(self, _: Life) -> None:
        self.death_count += 1
