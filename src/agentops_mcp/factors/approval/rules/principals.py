"""Principals: who asks and who decides, named so that they are never the same."""

from agentops_mcp.core.records import Actor


def requester_of(actor: Actor) -> str:
    """The principal of an agent: its client without the version, and the account it runs as."""
    name, _, version = actor.client.rpartition(" ")
    return f"agent {name or version} of {actor.user}"


def person_of(actor: Actor, name: str = "") -> str:
    """The principal of a person: the account at the terminal, the name signed in with on the page, or the client."""
    if actor.via == "elicitation":
        return f"client {actor.client} of {actor.user}"
    return f"person {name or actor.user}"
