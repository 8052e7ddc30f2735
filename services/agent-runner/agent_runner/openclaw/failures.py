"""What went wrong at OpenClaw, said to a customer or to an operator."""

from agent_runner.agents import AgentFailed
from agent_runner.openclaw.protocol import GatewayError, History
from agent_runner.openclaw.session import complaint_of

OUT_OF_TIME = "The agent did not finish in the time allowed."
NEVER_REACHED = "The agent could not be reached."
NOT_AVAILABLE = "The agent is not available at the moment."
NO_AGENT = "No agent is set up for this kind of task."
NO_ANSWER = "The agent finished without an answer."
STOPPED = "The work was stopped at the agent."
MODEL_REJECTED = "The AI model did not accept the request."
MODEL_FAILED = "The AI model behind the agent did not answer."
AGENT_FAILED = "The agent ran into a problem and could not finish."

REFUSED_TOKENS = frozenset({"AUTH_TOKEN_MISMATCH", "DEVICE_IDENTITY_REQUIRED"})
PAIRING = frozenset({"NOT_PAIRED", "PAIRING_REQUIRED"})


def failure_of_session(history: History) -> AgentFailed:
    """Why our attempt's run ended without an answer."""
    status, complaint = history.session_info.status, complaint_of(history)
    if status == "timeout":
        return AgentFailed(OUT_OF_TIME)
    if status == "killed":
        return AgentFailed(STOPPED, is_worth_retrying=True)
    if "rejected" in complaint:
        return AgentFailed(MODEL_REJECTED)
    is_model = "LLM" in complaint or "provider" in complaint
    return AgentFailed(MODEL_FAILED if is_model else AGENT_FAILED, is_worth_retrying=True)


def failure_of(error: GatewayError) -> AgentFailed:
    """Why the gateway would not take the work; what exactly it said is for the log."""
    if "unknown agent id" in error.message.lower():
        return AgentFailed(NO_AGENT)
    return AgentFailed(NOT_AVAILABLE, is_worth_retrying=True)


def remedy_for(error: GatewayError) -> str:
    """What an operator can do about it."""
    if error.reason in REFUSED_TOKENS:
        return "The OpenClaw gateway refuses our token."
    if error.reason in PAIRING:
        request_id = error.details.get("requestId", "<request id>")
        return (
            "The OpenClaw gateway does not know this runner yet: "
            f"run `openclaw devices approve {request_id}` on the gateway's machine."
        )
    return f"The OpenClaw gateway answers {error.reason}: {error.message}"
