"""What names an action to a client's hook, which sees the call itself and not what check_action was given."""

from collections.abc import Sequence

from agentops_mcp.factors.guardrails.rules.actions import Action, text_of
from agentops_mcp.factors.guardrails.rules.calls import World
from agentops_mcp.factors.guardrails.rules.places import locate


def key_of(action: Action, world: World, *, cwd: str, policy: str) -> str:
    """SHA-256 in hex over an action, its working directory, the project and the policy's version.

    A command given as `git` is the same as one of the shell, and a file is the same however its path is written.
    """
    import hashlib  # a hook needs neither, unless there is a pass
    import json

    fields: object = dict(action.fields)
    if action.kind in ("shell", "git"):
        fields = text_of(action).strip()
    elif action.kind in ("file_write", "file_delete"):
        fields = {**action.fields, "path": locate(str(action.fields["path"]), cwd, world).path}
    kind = "shell" if action.kind == "git" else action.kind
    document = [kind, fields, world.real(cwd), world.project, policy]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def keys_for(action: Action, world: World, *, cwd: str, policy: str) -> Sequence[str]:
    """The keys under which a pass for an action may be kept: for a write also that of a path alone."""
    keys = [key_of(action, world, cwd=cwd, policy=policy)]
    if action.kind == "file_write" and "content" in action.fields:
        alone = action._replace(fields={"path": action.fields["path"]})
        keys.append(key_of(alone, world, cwd=cwd, policy=policy))
    return keys
