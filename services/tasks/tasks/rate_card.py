"""What work costs, as data: one rate for each kind of agent, and the version that a quote records."""

from dataclasses import dataclass

from shared.contracts.tasks import MILLI, Terms
from tasks.classification import AgentType
from tasks.quantities import quantity, words

VERSION = "2026-11"


@dataclass(frozen=True, slots=True)
class Flat:
    """The same for every task."""

    credits: int

    def terms(self, _: str) -> Terms:
        """Return the terms of a task."""
        return Terms(expected=self.credits, maximum=self.credits)


@dataclass(frozen=True, slots=True)
class PerUnit:
    """A price for each unit that the text asks for, `usual` units where it names no number."""

    per_unit_milli: int
    units: frozenset[str]
    usual: int
    units_max: int

    def terms(self, description: str) -> Terms:
        """Return the terms of a task for as many units as its description asks for."""
        units = min(quantity(description, self.units) or self.usual, self.units_max)
        price = -(-units * self.per_unit_milli // MILLI)
        return Terms(expected=price, maximum=price, per_unit_milli=self.per_unit_milli)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What such a task usually costs, and the most that it may cost."""

    expected: int
    maximum: int

    def terms(self, _: str) -> Terms:
        """Return the terms of a task."""
        return Terms(expected=self.expected, maximum=self.maximum)


Rate = Flat | PerUnit | Estimate

LEADS = words("lead leads prospect prospects contact contacts investor investors")
MAILS = LEADS | words(
    "email emails e-mail e-mails mail mails message messages newsletter newsletters recipient "
    "recipients subscriber subscribers customer customers client clients people addresses"
)

RATES: dict[AgentType, Rate] = {
    AgentType.GENERAL: Flat(10),
    AgentType.LEAD_GENERATION: PerUnit(1000, units=LEADS, usual=25, units_max=10_000),
    AgentType.EMAIL_CAMPAIGN: PerUnit(500, units=MAILS, usual=50, units_max=10_000),
    AgentType.WEB_SCRAPING: Estimate(expected=20, maximum=50),
    AgentType.SOCIAL_MEDIA: Estimate(expected=10, maximum=20),
    AgentType.CONTENT_CREATION: Estimate(expected=20, maximum=50),
    AgentType.RESEARCH: Estimate(expected=20, maximum=50),
}


def terms(agent_type: AgentType, description: str) -> Terms:
    """Return what the described work may cost."""
    return RATES[agent_type].terms(description)
