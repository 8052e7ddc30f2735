"""What work costs, how much of it a text asks for, and which kind of agent does it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.tasks import Terms
from tasks.classification import AgentType, classify
from tasks.quantities import HUGE, quantity
from tasks.rate_card import LEADS, MAILS, RATES, terms

TEXTS = st.text(max_size=300) | st.lists(
    st.sampled_from(
        [
            "find",
            "100",
            "1,000",
            "leads",
            "me",
            "-5",
            "emails",
            "to",
            "2k",
            "\u0663",
            "9" * 40,
            "1-2",
        ]
    )
).map(" ".join)


@pytest.mark.parametrize(
    ("description", "agent_type"),
    [
        ("find leads", AgentType.LEAD_GENERATION),
        ("Find me 100 leads in Miami", AgentType.LEAD_GENERATION),
        ("find me 50 investors in Miami", AgentType.LEAD_GENERATION),
        ("1,000 leads", AgentType.LEAD_GENERATION),
        ("I need 30 qualified leads by Friday", AgentType.LEAD_GENERATION),
        ("Give me a list of about 40 B2B leads.", AgentType.LEAD_GENERATION),
        ("Send an email to all of my customers", AgentType.EMAIL_CAMPAIGN),
        ("SEND EMAILS", AgentType.EMAIL_CAMPAIGN),
        ("Set up an e-mail campaign", AgentType.EMAIL_CAMPAIGN),
        ("Scrape the prices of my competitors' websites", AgentType.WEB_SCRAPING),
        ("Scrape leads from LinkedIn", AgentType.WEB_SCRAPING),
        ("post about our launch", AgentType.SOCIAL_MEDIA),
        ("Tweet this", AgentType.SOCIAL_MEDIA),
        ("Something for LinkedIn", AgentType.SOCIAL_MEDIA),
        ("Write a blog post about coffee", AgentType.CONTENT_CREATION),
        ("Make a website for my bakery", AgentType.CONTENT_CREATION),
        ("Prepare a document for the board", AgentType.CONTENT_CREATION),
        ("Write a blog post to get more leads", AgentType.CONTENT_CREATION),
        ("Research the market for tea", AgentType.RESEARCH),
        ("Analyse my sales", AgentType.RESEARCH),
        ("an analysis of churn", AgentType.RESEARCH),
        ("Book a table for two", AgentType.GENERAL),
        ("Where is the post office?", AgentType.GENERAL),
        ("Take me to your leader", AgentType.GENERAL),
        ("🙂", AgentType.GENERAL),
    ],
)
def test_the_kind_of_agent_is_read_from_the_text(description, agent_type):
    assert classify(description) is agent_type


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("100 leads", 100),
        ("1,000 leads", 1000),
        ("1.000 leads", 1000),
        ("1 000 leads", 1000),
        ("1\u00a0000 leads", 1000),
        ("find me 50 investors in Miami", 50),
        ("find up to 200 dentists", 200),
        ("Find me (about) 100 leads!", 100),
        ("100+ leads", 100),
        ("2.5k leads", 2500),
        ("find 2.5 leads", 3),
        ("find 3-5 leads", 5),
        ("find 100\u2013200 leads", 200),
        ("I have 5000 leads already, find 100 more leads", 100),
        ("within 50 miles find 20 leads", 20),
        ("find \u0661\u0660\u0660 leads", 100),
        ("find \uff11\uff10\uff10 leads", 100),
        ("9" * 5000 + " leads", HUGE),
        ("find leads", None),
        ("", None),
        ("0 leads", None),
        ("find -5 leads", None),
        ("find 10² leads", None),
        ("find 90% accurate leads", None),
        ("$5000 leads", None),
        ("24/7 leads", None),
        ("find leads within 50 miles", None),
        ("find companies founded in 2020", None),
        ("find leads for my 3 companies", None),
        ("B2B leads", None),
        ("We are 100. Leads, please", None),
        ("We are 100 people. Leads, please", None),
    ],
)
def test_the_number_of_leads_is_read_from_the_text(text, number):
    assert quantity(text, LEADS) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("send 100 emails", 100),
        ("send an email to 200 customers", 200),
        ("send an email campaign with 3 follow-ups to 100 leads", 100),
        ("email 30 people", 30),
        ("send emails", None),
    ],
)
def test_the_number_of_mails_is_read_from_the_text(text, number):
    assert quantity(text, MAILS) == number


@pytest.mark.parametrize(
    ("agent_type", "description", "expected", "maximum", "per_unit_milli"),
    [
        ("general", "anything", 10, 10, None),
        ("lead-generation", "find 100 leads", 100, 100, 1000),
        ("lead-generation", "find leads", 25, 25, 1000),
        ("lead-generation", "find 1 lead", 1, 1, 1000),
        ("lead-generation", "find 99999999999999 leads", 10_000, 10_000, 1000),
        ("email-campaign", "send 100 emails", 50, 50, 500),
        ("email-campaign", "send 3 emails", 2, 2, 500),
        ("email-campaign", "send 1 email", 1, 1, 500),
        ("email-campaign", "send emails", 25, 25, 500),
        ("web-scraping", "scrape 1000 pages", 20, 50, None),
        ("social-media", "post", 10, 20, None),
        ("content-creation", "write", 20, 50, None),
        ("research", "research", 20, 50, None),
    ],
)
def test_terms_follow_the_rate_card(agent_type, description, expected, maximum, per_unit_milli):
    agreed = Terms(expected=expected, maximum=maximum, per_unit_milli=per_unit_milli)

    assert terms(AgentType(agent_type), description) == agreed


def test_every_kind_of_agent_has_a_rate():
    assert set(RATES) == set(AgentType)


@given(TEXTS)
def test_any_text_has_terms_that_can_be_held(text):
    for agent_type in AgentType:
        agreed = terms(agent_type, text)

        assert 1 <= agreed.expected <= agreed.maximum <= 10_000
        assert agreed.cost(None) <= agreed.maximum
        assert agreed.cost(10**9) <= agreed.maximum


@given(TEXTS)
def test_any_text_is_for_some_kind_of_agent(text):
    assert classify(text) in AgentType


@given(st.integers(min_value=1, max_value=10**8))
def test_a_plain_number_of_leads_is_what_is_asked_for(number):
    assert quantity(f"find me {number} leads", LEADS) == number
    assert quantity(f"{number:,} leads", LEADS) == number
