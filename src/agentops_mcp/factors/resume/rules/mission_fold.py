"""A mission from its events, the same in every clone; decisions over plain values, no I/O."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.core.records import Json
from agentops_mcp.factors.resume.rules.mission_features import check_evidence
from agentops_mcp.factors.resume.rules.missions import Feature, Mission, Move, check_move, require_open

FORMAT = 1
OPENED, MOVED, FEATURES_ADDED = "mission.opened", "mission.moved", "mission.features_added"
FEATURE_STARTED, FEATURE_STOPPED = "mission.feature_started", "mission.feature_stopped"
FEATURE_SET = "mission.feature_set"


@dataclass(frozen=True, slots=True)
class Fact:
    """What the fold needs of an event."""

    id: str
    kind: str
    at: str
    client: str
    session: str | None
    body: Json


def fold(mission_id: str, facts: Iterable[Fact]) -> Mission | None:
    """The mission that these events make, whatever order they arrived in; None without a readable opening.

    They count in the order of their ids: where two clones moved a mission apart, the earlier legal move wins. Facts
    that no version of ours would have written are passed over.
    """
    ordered = sorted(facts, key=lambda fact: fact.id)
    mission = next((_opened(fact) for fact in ordered if (fact.id, fact.kind) == (mission_id, OPENED)), None)
    for fact in ordered:
        step = _STEPS.get(fact.kind)
        if mission is None or step is None:
            continue
        try:
            mission = step(mission, fact)
        except (KeyError, TypeError, InvalidInputError):  # made elsewhere, by hand
            continue
    return mission


def _opened(fact: Fact) -> Mission | None:
    try:
        if fact.body["format"] != FORMAT:
            return None
        features = _numbered((), fact.body["features"])
        return Mission(fact.id, _text(fact.body, "goal"), fact.at, fact.client, features, since=fact.at)
    except (KeyError, TypeError):
        return None


def _moved(mission: Mission, fact: Fact) -> Mission:
    texts = [_text(fact.body, name) for name in ("from", "to", "reason", "details")]
    try:
        to_state = check_move(mission, texts[1], texts[2])
    except InvalidInputError as error:
        late = Move(fact.at, fact.client, *texts, refused=error.problem)
        return replace(mission, history=(*mission.history, late))
    move = Move(fact.at, fact.client, mission.state, *texts[1:], refused=None)
    return replace(mission, state=to_state, since=fact.at, history=(*mission.history, move))


def _features_added(mission: Mission, fact: Fact) -> Mission:
    require_open(mission)
    return replace(mission, features=_numbered(mission.features, fact.body["features"]))


def _feature_started(mission: Mission, fact: Fact) -> Mission:
    return _with_feature(mission, fact, lambda feature: replace(feature, in_progress_by=fact.session))


def _feature_stopped(mission: Mission, fact: Fact) -> Mission:
    return _with_feature(mission, fact, lambda feature: replace(feature, in_progress_by=None))


def _feature_set(mission: Mission, fact: Fact) -> Mission:
    passes, evidence = fact.body["passes"], check_evidence(_text(fact.body, "evidence"))
    if not isinstance(passes, bool):
        raise TypeError("a feature passes or it does not")

    def change(feature: Feature) -> Feature:
        in_progress_by = None if passes else feature.in_progress_by
        return replace(feature, passes=passes, evidence=evidence, in_progress_by=in_progress_by)

    return _with_feature(mission, fact, change)


_STEPS: dict[str, Callable[[Mission, Fact], Mission]] = {
    MOVED: _moved,
    FEATURES_ADDED: _features_added,
    FEATURE_STARTED: _feature_started,
    FEATURE_STOPPED: _feature_stopped,
    FEATURE_SET: _feature_set,
}
KINDS = frozenset({OPENED, *_STEPS})


def _with_feature(mission: Mission, fact: Fact, change: Callable[[Feature], Feature]) -> Mission:
    # An event names a feature by its description, which never changes: numbers shift when two clones' additions meet.
    require_open(mission)
    wanted = _text(fact.body, "feature")
    changed = (change(each) if each.description == wanted else each for each in mission.features)
    return replace(mission, features=tuple(changed))


def _numbered(features: tuple[Feature, ...], added: Sequence[Json]) -> tuple[Feature, ...]:
    known = {feature.description for feature in features}
    for each in added:
        description, steps = _text(each, "description"), tuple(each["steps"])
        if not all(isinstance(step, str) for step in steps):
            raise TypeError("a step is text")
        if description not in known:  # two clones may have added the same one
            known.add(description)
            features = (*features, Feature(f"f{len(features) + 1}", description, steps))
    return features


def _text(body: Json, name: str) -> str:
    text = body[name]
    if not isinstance(text, str):
        raise TypeError(f"{name} is not text")
    return text
