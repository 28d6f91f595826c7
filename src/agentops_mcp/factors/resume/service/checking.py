"""Looking every claim of a chain up again: what became of the files, commits and values it cites."""

from collections.abc import Iterable, Sequence

from agentops_mcp.factors.resume.rules import verdicts
from agentops_mcp.factors.resume.rules.bundle import Parameter, decision_line, parameter_line
from agentops_mcp.factors.resume.rules.chain import Merged, Saved
from agentops_mcp.factors.resume.rules.resumed import Claim, Earlier, Resumed
from agentops_mcp.factors.resume.rules.verdicts import Check
from agentops_mcp.storage.blobs import FileRef
from agentops_mcp.storage.citations import Citations, CommitNow, FileNow


class Checking:
    """One look at the project, by which every claim of one chain is judged. Reads only."""

    def __init__(self, citations: Citations, merged: Merged) -> None:
        self._citations = citations
        self._merged = merged
        chain = (merged.newest, *merged.older)
        self._files = self._look_up_files(chain)
        commits = dict.fromkeys(commit for saved in chain for commit in saved.commits)
        self._commits: dict[str, CommitNow] = {now.id: now for now in citations.commits_now(list(commits))}

    def result(
        self, *, siblings: Sequence[str] = (), children: Sequence[str] = (), notes: Sequence[str] = ()
    ) -> Resumed:
        """The chain with a verdict on everything that cites something."""
        merged, newest = self._merged, self._merged.newest
        bundle = newest.bundle

        def lines(texts: Iterable[str]) -> tuple[Claim, ...]:
            return tuple(self._claim(text, newest) for text in texts)

        return Resumed(
            id=newest.id,
            at=newest.at,
            client=newest.client,
            user=newest.user,
            phase=bundle.phase,
            goal=bundle.goal,
            confidence=bundle.confidence,
            mission=newest.mission,
            place=newest.place,
            head=self._head(),
            did=self._claim(bundle.did, newest) if bundle.did else None,
            next_steps=lines(bundle.next_steps),
            parameters=tuple(self._parameter(each, saved) for each, saved in merged.parameters),
            decisions=tuple(self._claim(decision_line(each), saved) for each, saved in merged.decisions),
            findings=tuple(self._claim(each, saved) for each, saved in merged.findings),
            open_questions=lines(bundle.open_questions),
            blockers=lines(bundle.blockers),
            key_files=tuple(
                Claim(path, verdicts.together(self._file_checks(saved, [path])), saved.id)
                for path, saved in merged.key_files
            ),
            kept=newest.kept,
            lost=self._lost(),
            older=tuple(Earlier(each.id, each.at, each.bundle.phase, each.bundle.did) for each in merged.older),
            siblings=tuple(siblings),
            children=tuple(children),
            notes=tuple(notes),
        )

    def _look_up_files(self, chain: Sequence[Saved]) -> dict[tuple[str, str | None], FileNow]:
        """What became of every cited file; one that is gone is followed from the commit of the state that cited it."""
        cited: dict[str | None, dict[FileRef, None]] = {}
        known: set[FileRef] = set()
        for saved in chain:
            new = [ref for path, blob in saved.files.items() if (ref := FileRef(path, blob)) not in known]
            known.update(new)
            cited.setdefault(saved.place.head, {}).update(dict.fromkeys(new))
        return {
            (now.ref.path, now.ref.blob): now
            for head, refs in cited.items()
            if refs
            for now in self._citations.files_now(list(refs), head_then=head)
        }

    def _lost(self) -> tuple[str, ...]:
        """The uncommitted files of then that do not stand, or are not gone, as they did."""
        place = self._merged.newest.place
        known = [file for file in self._merged.newest.kept.files if file.blob is not None or file.status == "deleted"]
        refs = [FileRef(file.path, file.blob) for file in known]
        now = self._citations.files_now(refs, head_then=place.head)
        return tuple(each.ref.path for each in now if each.state not in ("same", "still missing"))

    def _head(self) -> Check | None:
        then = self._merged.newest.place
        now = self._citations.head_now(
            branch_then=then.branch, head_then=then.head, files=[path for path, _ in self._merged.key_files]
        )
        if then.head is None and now.head is None:
            return None
        return verdicts.judge_head(
            branch=then.branch, head=then.head, now_branch=now.branch, now_head=now.head,
            branch_exists=now.branch_exists, known=now.known, ahead=now.ahead, behind=now.behind, touched=now.touched,
        )  # fmt: skip

    def _claim(self, text: str, saved: Saved) -> Claim:
        files = [path for path in saved.files if verdicts.cites(text, path)]
        commits = [commit for commit in saved.commits if verdicts.cites_commit(text, commit)]
        checks = [*self._file_checks(saved, files), *(self._commit_check(saved, commit) for commit in commits)]
        return Claim(text, verdicts.together(checks), saved.id)

    def _file_checks(self, saved: Saved, paths: Sequence[str]) -> list[Check]:
        also = [saved.links[path] for path in paths if path in saved.links]
        return [self._file_check(saved, path) for path in dict.fromkeys([*paths, *also])]

    def _file_check(self, saved: Saved, path: str) -> Check:
        if path not in saved.files:  # a body made elsewhere may cite what it does not hash
            return verdicts.unverifiable(f"{path} was not hashed")
        now = self._files[path, saved.files[path]]
        return verdicts.judge_file(path, now.state, now.moved_to)

    def _commit_check(self, saved: Saved, commit: str) -> Check:
        now = self._commits[commit]
        then = "in history" if saved.commits[commit] else "left behind"
        return verdicts.judge_commit(commit, then, now.state, branch=now.branch, successor=now.successor)

    def _parameter(self, parameter: Parameter, saved: Saved) -> Claim:
        then = saved.found.get(parameter.name)
        if then is None or parameter.file not in saved.files:
            return self._claim(parameter_line(parameter), saved)
        file = self._files[parameter.file, saved.files[parameter.file]]
        now = None
        if file.state in ("changed", "renamed", "renamed and changed"):
            text = self._citations.read_text(file.moved_to or parameter.file)
            now = None if text is None else verdicts.find_value(text, parameter.name, parameter.value)
        check = verdicts.judge_parameter(parameter.name, parameter.file, file.state, file.moved_to, then=then, now=now)
        return Claim(parameter_line(parameter), check, saved.id)
