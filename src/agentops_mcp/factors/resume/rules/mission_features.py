"""Goals, features and evidence of missions: what may be recorded; decisions over plain values, no I/O."""

from collections.abc import Iterable, Sequence
from typing import Any

from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import InvalidInputError, NotFoundError
from agentops_mcp.core.wording import count_informative_words
from agentops_mcp.factors.resume.rules.missions import Feature, Mission, require_open

EVIDENCE_EXAMPLE = "pytest tests/test_retry.py: 14 passed at 3f2a91c"
GOAL_EXAMPLE = "Retries of the payment client stop after 3 attempts"
MOST_FEATURES = 100
_LONGEST = {"goal": 500, "a feature": 300, "a step": 300, "details": 1000, "evidence": 1000}
_MOST_STEPS = 20


def check_goal(goal: str) -> str:
    """A goal as it is recorded.

    Raises:
        InvalidInputError: it is too long, or says too little.
    """
    if count_informative_words(goal) < 2:
        raise InvalidInputError(
            f"The goal is too generic to work towards: {gist(goal, limit=60)!r}.", remedy=f"Example: {GOAL_EXAMPLE!r}."
        )
    return limited("goal", goal)


def new_features(texts: Sequence[str], existing: Sequence[Feature] = ()) -> list[dict[str, Any]]:
    """Features as they are recorded: the first line of each text describes it, the others are its steps.

    Raises:
        InvalidInputError: one says nothing, is there already or is too long, or there are too many.
    """
    total = len(existing) + len(texts)
    if total > MOST_FEATURES:
        raise InvalidInputError(
            f"A mission has at most {MOST_FEATURES} features; this would make {total}.",
            remedy="Merge small ones, or open a second mission.",
        )
    known = {feature.description for feature in existing}
    features: list[dict[str, Any]] = []
    for text in texts:
        feature = _new_feature(text)
        if feature["description"] in known:
            raise InvalidInputError(
                f"There is a feature {gist(feature['description'], limit=60)!r} already.",
                remedy="Give each one its own description; one that was added can not be changed or removed.",
            )
        known.add(feature["description"])
        features.append(feature)
    return features


def _new_feature(text: str) -> dict[str, Any]:
    description, *steps = [line.strip().lstrip("-*").strip() for line in text.strip().splitlines()] or [""]
    steps = [limited("a step", step) for step in steps if step]
    if count_informative_words(description) < 1:
        raise InvalidInputError(
            f"A feature must say what will work: {gist(description, limit=60)!r} does not.",
            remedy="Example: 'A failed call is tried 3 times', with steps to check it on further lines.",
        )
    if len(steps) > _MOST_STEPS:
        raise InvalidInputError(f"A feature has at most {_MOST_STEPS} steps.", remedy="Make two features of it.")
    return {"description": limited("a feature", description), "steps": steps}


def limited(what: str, text: str) -> str:
    """A text without the white space around it.

    Raises:
        InvalidInputError: it is longer than such a text may be.
    """
    text = text.strip()
    if len(text) > _LONGEST[what]:
        raise InvalidInputError(
            f"The text of {what} has {len(text)} characters; at most {_LONGEST[what]} are kept.", remedy="Shorten it."
        )
    return text


def check_evidence(evidence: str) -> str:
    """Evidence as it is recorded.

    Raises:
        InvalidInputError: it is too long, or too generic to be checked.
    """
    if count_informative_words(evidence) < 2:
        raise InvalidInputError(
            f"Whether a feature passes needs evidence; {gist(evidence, limit=60)!r} is none.",
            remedy=f"Say what was run and what it said, for example {EVIDENCE_EXAMPLE!r}.",
        )
    return limited("evidence", evidence)


def feature_of(mission: Mission, feature_id: str) -> Feature:
    """The feature with this id, of a mission that can still change.

    Raises:
        InvalidInputError: the mission is closed.
        NotFoundError: it has no such feature.
    """
    require_open(mission)
    for feature in mission.features:
        if feature.id == feature_id:
            return feature
    ids = f"has f1 to f{len(mission.features)}" if mission.features else 'has none; op="add_features" adds some'
    raise NotFoundError(f"No feature {gist(feature_id, limit=40)!r} here.", remedy=f"Mission {mission.id} {ids}.")


def feature_to_start(mission: Mission, feature_id: str, *, session: str, held: Iterable[Mission]) -> Feature:
    """The feature that a session may start, as it has no other in progress in the missions it holds.

    Raises:
        InvalidInputError: it has one, or the mission is closed.
        NotFoundError: there is no such feature.
    """
    wanted = feature_of(mission, feature_id)
    for each in (mission, *held):
        for feature in each.features:
            if feature.in_progress_by == session and (each.id, feature.id) != (mission.id, feature_id):
                raise InvalidInputError(
                    f"This session has {feature.id} of mission {each.id} in progress: "
                    f"{gist(feature.description, limit=80)}.",
                    remedy='One at a time: finish it with op="set_feature" or put it down with op="stop_feature".',
                )
    return wanted
