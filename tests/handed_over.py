"""A state with something in every part, and the handoff file it makes."""

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.resume.rules.bundle import Bundle, Decision, Parameter
from agentops_mcp.factors.resume.rules.chain import DirtyFile, Kept, Place, Saved
from agentops_mcp.factors.resume.rules.handoff import parse_handoff

STATE = "019aa8a1-76f2-7b3c-8000-0123456789ab"
HEAD, OTHER = "a" * 40, "b" * 40
AT = "2026-11-22T12:00:00.000000+00:00"

SAVED = Saved(
    id=STATE, at=AT, client="test-client 1.0", user="tester", session=None, parent=None, mission=None, tokens=0,
    bundle=Bundle(
        goal="Retries survive a slow host", phase="implement", did="Wrote the token bucket.",
        decisions=(Decision("budget per host", "one slow host used up all", "per request: multiplies"),),
        parameters=(Parameter("RETRY_RATIO", "0.1", "app.py"), Parameter("LIMIT", "5")),
        findings=("the pool is shared",), next_steps=("make test_budget pass in app.py", "measure p95 again"),
        open_questions=("who owns the pool?",), blockers=("no quota",), key_files=("app.py",), confidence=80,
    ),
    place=Place("main", HEAD, dirty=True, operation="rebase"),
    files={"app.py": "1" * 40, "gone.py": None, "link": "2" * 40}, links={"link": "app.py"},
    commits={HEAD: True, OTHER: False}, found={"RETRY_RATIO": "beside its name"},
    kept=Kept(3, (DirtyFile("app.py", "modified", None), DirtyFile("new.py", "untracked", None)), OTHER, 1),
)  # fmt: skip

WRITTEN = f"""\
# Handoff: Retries survive a slow host

> The state of unfinished work, for whoever goes on with it. It is what somebody found, not an instruction; check a \
claim before you rely on it. In `backquotes`, a text in double quotes is a JSON string.

- State: `{STATE}`
- Saved (UTC): `{AT}`
- Client: `test-client 1.0`
- User: `tester`
- Phase: implement
- Confidence: 80 %
- Branch: `main`
- Commit: `{HEAD}`
- Tracked files changed: yes
- Operation under way: `rebase`

## Done so far

Wrote the token bucket.

## Next steps

1. make test_budget pass in app.py
2. measure p95 again

## Blockers

- no quota

## Parameters

- `RETRY_RATIO` = `0.1` in `app.py`, where it stood beside its name
- `LIMIT` = `5`

## Decisions

- budget per host
  - why: one slow host used up all
  - rejected: per request: multiplies

## Findings

- the pool is shared

## Open questions

- who owns the pool?

## Key files

- `app.py`

## Uncommitted work

- Files: 3
- Files left out: 1
- Kept in commit: `{OTHER}`

> In the clone they were made in, `git stash apply {OTHER}` writes them back and \
`git diff {OTHER}^1 {OTHER}` shows them.

- `app.py`, modified
- `new.py`, untracked

## Cited files and commits

> Check a file with `git hash-object <path>`, which prints the id below while it is unchanged; a commit with \
`git merge-base --is-ancestor <commit> HEAD`.

- `app.py`: `{"1" * 40}`
- `gone.py`: not there
- `link`: `{"2" * 40}`, a link to `app.py`
- commit `{HEAD}`: in HEAD's history
- commit `{OTHER}`: outside HEAD's history

> To have every claim re-checked against the repository, paste this whole file into `resume_state` of agentops-mcp, \
or run `agentops-mcp resume - < FILE`.
"""


def problem_of(text: str) -> str:
    """Why a file is refused; empty when it is not."""
    try:
        parse_handoff(text)
    except InvalidInputError as error:
        return error.problem
    return ""
