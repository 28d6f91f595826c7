"""Speaking with one remote about one ref: where it is, fetching it, pushing to it."""

from agentops_mcp.core.errors import GitError
from agentops_mcp.storage.git import Completed, Git, failure, shown

_NO_MATCH = 2  # the exit status of `git ls-remote --exit-code` when the remote has no such ref

_FETCH_OPTIONS = (
    "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-prune", "--no-auto-maintenance",
    "--refmap=",  # a mirror clone's own refspec would let the remote overwrite our ref
    "--no-filter",  # in a partial clone every event would be fetched by itself
)  # fmt: skip
_PUSH_OPTIONS = ("--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no", "--no-signed")


class Exchange:
    """One remote, by its configured name, and one ref of ours."""

    def __init__(self, git: Git, remote: str, ref: str) -> None:
        self._git = git
        self._remote = git.require_remote(remote)
        self._ref = ref
        self._tracking = f"refs/agentops/remotes/{remote}/{ref.rpartition('/')[2]}"

    def fetch(self) -> str | None:
        """Bring the remote's ref here and return its commit, None when the remote has none yet.

        Raises:
            GitError: the remote can not be reached or read.
        """
        if self.tip() is None:
            return None
        refspec = f"+{self._ref}:{self._tracking}"
        self._must_succeed("fetch", *_FETCH_OPTIONS, "--end-of-options", self._remote, refspec)
        return self._git.run("rev-parse", "--verify", "--end-of-options", self._tracking).decode("ascii").strip()

    def tip(self) -> str | None:
        """What the remote's ref is now.

        Raises:
            GitError: the remote can not be reached.
        """
        args = ("ls-remote", "--exit-code", "--quiet", "--end-of-options", self._remote, self._ref)
        done = self._git.attempt_network(*args)
        if done.status not in (0, _NO_MATCH):
            raise self._unreachable(args, done)
        for line in done.stdout.splitlines():
            oid, _, name = line.partition(b"\t")
            if name == self._ref.encode():
                return oid.decode("ascii")
        return None

    def push(self, commit: str) -> GitError | None:
        """Put our commit on the remote's ref, never by force; the error when the remote did not take it.

        Raises:
            GitError: git took too long.
        """
        args = ("push", *_PUSH_OPTIONS, "--end-of-options", self._remote, f"{commit}:{self._ref}")
        # A mirror clone is set to push everything, which excludes pushing one ref.
        done = self._git.attempt_network("-c", f"remote.{self._remote}.mirror=false", *args)
        if done.status == 0:
            return None
        reasons = [line.rpartition(b"\t")[2] for line in done.stdout.splitlines() if line.startswith(b"!\t")]
        reason = f"{shown(reasons[0])}." if reasons else failure(args, done).problem
        return GitError(
            f"The remote {self._remote!r} did not take the ledger: {reason}",
            remedy="What it had is merged here; ask for permission to push to it, then sync again.",
        )

    def _must_succeed(self, *args: str) -> None:
        done = self._git.attempt_network(*args)
        if done.status != 0:
            raise self._unreachable(args, done)

    def _unreachable(self, args: tuple[str, ...], done: Completed) -> GitError:
        return GitError(
            f"The remote {self._remote!r} could not be read: {failure(args, done).problem}",
            remedy="Check its address, the network and the credentials git uses; nothing was changed here.",
        )
