"""How a person decides, and how one did, in a sentence."""

from agentops_mcp.factors.approval.rules.settings import SPOKEN, Strength
from agentops_mcp.factors.approval.rules.standing import Fold

_SHORT = 8
"""Characters of an id that people type; it may be shortened further to whatever no other id ends with."""


def given_by(found: Fold) -> str:
    """Who approved, by which channel and when."""
    return " and ".join(f"{each.by}, {SPOKEN[each.strength]}, {each.at:%Y-%m-%d %H:%M} UTC" for each in found.approvals)


def how_to_decide(approval: str, floor: Strength) -> str:
    """How a person gives a decision about a request that is strong enough."""
    short = approval[-_SHORT:]
    page, terminal = "open the page of `agentops-mcp web`", f"type `agentops-mcp approve {short}` in a terminal"
    match floor:
        case "terminal":
            return f"A person can {terminal}."
        case "two_people":
            return f"Two people must approve it: each can {page} or {terminal}."
        case _:
            return f"A person can {page}, or {terminal}."
