"""Which kind of agent a request asks for: ordered rules as data; the first that fits decides."""

import re
from dataclasses import dataclass
from enum import StrEnum


class AgentType(StrEnum):
    """The kinds of agents that work can be given to."""

    LEAD_GENERATION = "lead-generation"
    EMAIL_CAMPAIGN = "email-campaign"
    WEB_SCRAPING = "web-scraping"
    SOCIAL_MEDIA = "social-media"
    CONTENT_CREATION = "content-creation"
    RESEARCH = "research"
    GENERAL = "general"


@dataclass(frozen=True, slots=True)
class Rule:
    """The phrases, as regular expressions over lower-case text, that ask for a kind of agent."""

    agent_type: AgentType
    phrases: tuple[str, ...]

    def fits(self, text: str) -> bool:
        """Tell whether the text has one of the phrases."""
        return any(re.search(phrase, text) for phrase in self.phrases)


_FIND = r"(?:find|generate|collect|gather|source|compile|look(?:ing)? for|search(?:ing)? for)"
_LEADS = r"(?:leads?|prospects?|investors?|buyers?|decision[- ]makers?|potential (?:customers?|clients?))"
_MAILS = r"(?:e-?mails?|newsletters?)"
_FEW_WORDS = r"(?: \S+){0,8}?"

RULES = (
    Rule(
        AgentType.LEAD_GENERATION,
        (
            rf"\b{_FIND}\b{_FEW_WORDS} {_LEADS}\b",
            rf"\b(?:get|give|bring) (?:me|us)\b{_FEW_WORDS} {_LEADS}\b",
            rf"\b(?:get|need|want) \d\S*{_FEW_WORDS} {_LEADS}\b",
            rf"^[\d.,]+k?{_FEW_WORDS} {_LEADS}\b",
            r"\blead[- ]generation\b",
        ),
    ),
    Rule(
        AgentType.EMAIL_CAMPAIGN,
        (
            rf"\bsend(?:ing)?\b{_FEW_WORDS} {_MAILS}\b",
            r"\be-?mail (?:campaign|blast|sequence|outreach)",
            r"\be-?mail (?:my|our|all|every|everyone|\d)",
        ),
    ),
    Rule(AgentType.WEB_SCRAPING, (r"\bscrap(?:e|es|ed|er|ing)\b", r"\bcrawl(?:s|ed|er|ing)?\b")),
    Rule(
        AgentType.SOCIAL_MEDIA,
        (
            r"\btweet(?:s|ed|ing)?\b",
            r"\b(?:linkedin|instagram|facebook|tiktok|twitter|social media)\b",
            r"(?<!blog )\bpost(?:s|ed|ing)?\b(?![ -](?:office|code|mortem))",
        ),
    ),
    Rule(
        AgentType.CONTENT_CREATION,
        (
            r"\b(?:re)?writ(?:e|es|ing)\b",
            r"\b(?:blog|blogs|blogpost|article|articles|copywriting|brochure|newsletter)\b",
            r"\b(?:web ?sites?|landing pages?|documents?|documentation)\b",
        ),
    ),
    Rule(AgentType.RESEARCH, (r"\bresearch(?:es|ed|ing)?\b", r"\banaly(?:[sz]|s[ei]s|[sz]ing)")),
)


def classify(description: str) -> AgentType:
    """Return the kind of agent that the description asks for, general where no rule fits."""
    text = " ".join(description.lower().split())
    fitting = (rule.agent_type for rule in RULES if rule.fits(text))
    return next(fitting, AgentType.GENERAL)
