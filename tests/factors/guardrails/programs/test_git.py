"""What git commands drop, rewrite, load and show."""

import pytest

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call, Outcome
from agentops_mcp.factors.guardrails.rules.programs import git
from agentops_mcp.factors.guardrails.rules.programs.git_words import parse
from agentops_mcp.factors.guardrails.rules.worlds import Anywhere, During
from called import PROJECT, WORLD, call, effects, outcome, runs


def found(line: str, **env: str) -> Outcome:
    given = git.outcome(call(line, env=env), WORLD)
    assert given is not None
    return given


@pytest.mark.parametrize(
    "line",
    [
        "git reset --hard",
        "git reset -q --hard HEAD~3",
        "git RESET --HARD",
        "git reset --merge",
        "git reset \u2010\u2010hard",
        "git checkout -f",
        "git checkout -qf main",
        "git checkout --forc main",
        "git switch -f main",
        "git switch --discard-changes main",
        "git switch -f --no-merge main",
        "git read-tree -u --reset HEAD",
        "git checkout-index -f -a",
        "git --no-pager -c a.b=c reset --hard",
        "git -c alias.x='reset --hard' x",
        "git -c alias.x=y -c alias.y='reset --hard' x",
        "git --git-dir repo/.git reset --hard",
    ],
)
def test_the_whole_worktree_is_thrown_back(line: str) -> None:
    assert effects(found(line)) == [f"discard_work {PROJECT} everything"]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("git checkout -- app.py", "app.py"),
        ("git checkout .", "."),
        ("git checkout HEAD~1 app.py", "app.py"),
        ("git checkout src/app.py", "src/app.py"),
        ("git checkout HEAD -- src", "src"),
        ("git restore app.py", "app.py"),
        ("git restore --source HEAD~1 app.py", "app.py"),
        ("git restore --staged --worktree app.py", "app.py"),
        ("git restore -SW app.py", "app.py"),
        ("git restore -- -h", "-h"),
        ("git rm -f app.py", "app.py"),
        ("git restore --conflict --staged app.py", "app.py"),
        ("git restore -U --worktree app.py", "app.py"),
        ("git checkout-index -f app.py", "app.py"),
    ],
)
def test_changes_of_single_files_are_thrown_away(line: str, path: str) -> None:
    assert effects(found(line)) == [f"discard_work {path}"]


@pytest.mark.parametrize(
    "line",
    [
        "git status",
        "git reset",
        "git reset --soft HEAD~1",
        "git checkout main",
        "git checkout v1.2.0",
        "git checkout -b feature",
        "git checkout --orphan x",
        "git checkout --track origin/main",
        "git checkout -U3 main",
        "git checkout feature/a.b-c",
        "git switch main",
        "git switch -- -f",
        "git switch -c x",
        "git restore --staged app.py",
        "git restore -qS app.py",
        "git restore --no-source --staged app.py",
        "git restore app.py -h",
        "git clean",
        "git clean -nd",
        "git clean -fn",
        "git clean -f --no-force",
        "git stash",
        "git stash pop",
        "git rm app.py",
        "git rm -f --cached app.py",
        "git worktree remove ../x",
        "git add reset --hard",
        "git commit -m 'reset --hard'",
        "git branch",
        "git branch feature",
        "git branch --list -v",
        "git tag v1",
        "git tag --no-contains HEAD",
        "git push",
        "git push -u origin feature",
        "git push -n --force",
        "git push origin feature:feature",
        "git gc",
        "git fetch --all --prune",
        "git reflog",
        "git prune -n",
        "git filter-repo --analyze",
        "git reset --help",
        "git merge main",
        "git config user.name Ann",
        "git config --get core.sshCommand",
        "git log -p",
        "git no-such-thing",
        "git",
        "git --version",
        "git clone https://example.com/x.git",
        "git submodule update --init --recursive",
    ],
)
def test_what_drops_nothing_has_no_effect(line: str) -> None:
    assert effects(found(line)) == []


@pytest.mark.parametrize(
    ("line", "effect"),
    [
        ("git clean -f", f"discard_work {PROJECT} everything,untracked"),
        ("git clean --no-force -f", f"discard_work {PROJECT} everything,untracked"),
        ("git clean -fdx", f"discard_work {PROJECT} everything,ignored,recursive,untracked"),
        ("git clean -fd src", "discard_work src recursive,untracked"),
        ("git -c clean.requireForce=false clean", f"discard_work {PROJECT} everything,untracked"),
        ("git stash drop", "discard_work stash@{0} stash"),
        ("git stash clear", "discard_work every stash everything,stash"),
        ("git worktree remove --force /tmp/x", "discard_work /tmp/x scratch,worktree"),
        ("git -C /tmp/x reset --hard", "discard_work /tmp/x everything,scratch"),
        ("git checkout --pathspec-from-file list HEAD", "discard_work list listed"),
        ("git restore -p app.py", "discard_work app.py interactive"),
        ("git checkout --theirs app.py", "discard_work app.py conflict"),
        ("git merge --abort", "discard_work merge abort"),
        ("git submodule deinit -f lib", "discard_work lib submodule"),
        ("git gc --prune=now", "discard_work commits that no ref holds unreachable"),
        ("git reflog expire --expire=all --all", "discard_work the reflog everything,reflog"),
        ("git reflog delete HEAD@{1}", "discard_work HEAD@{1} reflog"),
    ],
)
def test_how_work_is_dropped_is_told(line: str, effect: str) -> None:
    assert effects(found(line)) == [effect]


@pytest.mark.parametrize(
    ("line", "effect"),
    [
        ("git push --force", "rewrite_history the remote force,shared"),
        ("git push -uf origin main", "rewrite_history origin main force,main,shared"),
        ("git push origin -- +refs/heads/main", "rewrite_history origin refs/heads/main force,main,shared"),
        ("git push --force --repo --help origin x", "rewrite_history origin x force,shared"),
        ("git push --forc", "rewrite_history the remote force,shared"),
        ("git push --force-with-lease", "rewrite_history the remote lease,shared"),
        ("git push --mirror backup", "rewrite_history backup everything,force,shared"),
        ("git push origin :feature", "rewrite_history origin feature delete,shared"),
        ("git push origin --delete master", "rewrite_history origin master delete,main,shared"),
        ("git branch -D feature", "rewrite_history feature drop,local"),
        ("git branch --delete -f feature", "rewrite_history feature drop,local"),
        ("git branch -d feature", "rewrite_history feature local,merged-only"),
        ("git branch -f feature HEAD~1", "rewrite_history feature local,moved"),
        ("git branch -M main", "rewrite_history main local,main,renamed"),
        ("git checkout -B feature", "rewrite_history feature local,moved"),
        ("git switch -C feature", "rewrite_history feature local,moved"),
        ("git reset --keep HEAD~2", "rewrite_history HEAD~2 local,moved"),
        ("git tag -d v1", "rewrite_history v1 drop,local,tag"),
        ("git update-ref -d refs/heads/x", "rewrite_history refs/heads/x drop,local"),
        ("git filter-repo --force", "rewrite_history history everything,local"),
        ("git commit --amend --no-edit", "rewrite_history HEAD amend,local"),
        ("git rebase main", "rewrite_history HEAD local,rebase"),
        ("git fetch origin +main:main", "rewrite_history main local,main,moved"),
        ("git lfs migrate import", "rewrite_history history everything,local"),
    ],
)
def test_how_history_is_rewritten_is_told(line: str, effect: str) -> None:
    assert effects(found(line)) == [effect]


@pytest.mark.parametrize(
    ("line", "env"),
    [
        ("git -c core.sshCommand=./run fetch", {}),
        ("git -c core.fsmonitor=./run status", {}),
        ("git -c core.pager='sh -c x' log", {}),
        ("git -c filter.x.clean='sh x' add .", {}),
        ("git --config-env=core.sshCommand=RUN fetch", {"RUN": "./run"}),
        ("git --exec-path=/tmp/x status", {}),
        ("git ls-remote origin", {"GIT_SSH_COMMAND": "./run"}),
        ("git commit", {"EDITOR": "sh -c x"}),
        ("git fetch", {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.sshCommand", "GIT_CONFIG_VALUE_0": "./run"}),
        ("git fetch", {"GIT_CONFIG_PARAMETERS": "'core.sshCommand=./run'"}),
        ("git clone 'ext::sh -c x'", {}),
        ("git fetch --upload-pack=./run origin", {}),
        ("git -c core.sshCommand='ssh -o ProxyCommand=x' fetch", {}),
        ("git -c core.hooksPath=/tmp/x commit", {}),
    ],
)
def test_settings_that_run_code_for_one_command_are_seen(line: str, env: dict[str, str]) -> None:
    kinds = {each.kind: each.traits for each in found(line, **env).effects}
    assert {"git", "now"} <= kinds["load_code"]


@pytest.mark.parametrize(
    ("line", "env"),
    [
        ("git remote -v", {"GIT_SSH_COMMAND": "./run"}),
        ("git fetch", {"GIT_SSH_COMMAND": "ssh -i key -p 22"}),
        ("git commit", {"EDITOR": "vim"}),
        ("git -c core.pager=cat log", {}),
        ("git -c credential.helper=store fetch", {}),
        ("git st", {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "alias.st", "GIT_CONFIG_VALUE_0": "status"}),
        ("git status", {"GIT_CONFIG_COUNT": "many"}),
        ("git status", {"GIT_CONFIG_GLOBAL": "/dev/null"}),
    ],
)
def test_settings_that_name_plain_programs_or_are_not_used_are_fine(line: str, env: dict[str, str]) -> None:
    assert found(line, **env) == Outcome()


@pytest.mark.parametrize(
    ("line", "effect"),
    [
        ("git config core.sshCommand ./run", "load_code core.sshCommand=./run git,later"),
        ("git config set core.sshCommand ./run", "load_code core.sshCommand=./run git,later"),
        ("git config --global core.hooksPath /tmp/x", "load_code core.hookspath=/tmp/x folder,git,later"),
        ("git config core.hooksPath .githooks", "load_code core.hookspath=.githooks folder,git,later,ours"),
        ("git config core.hooksPath /dev/null", "weaken core.hookspath=/dev/null git,hooks,later"),
        ("git config http.sslVerify false", "weaken http.sslVerify=false git,later"),
        ("git commit --no-verify -m x", "weaken hooks of the repository git,hooks"),
        ("git init --template=/tmp/x", "load_code init.templatedir=/tmp/x folder,git,later"),
        ("git push https://example.org/x.git main", "send_out https://example.org/x.git git,repository"),
        ("git show HEAD:.env", "read_secret .env committed,environment"),
        ("git cat-file blob HEAD:.env", "read_secret .env committed,environment"),
        ("git credential fill", "read_secret credentials that git keeps credentials"),
    ],
)
def test_settings_secrets_and_addresses_are_told(line: str, effect: str) -> None:
    assert effects(found(line)) == [effect]


@pytest.mark.parametrize(
    ("line", "run"),
    [
        ("git bisect run make test", "make test"),
        ("git rebase -x 'make test' main", "shell: make test"),
        ("git submodule foreach 'rm -rf x'", "shell: rm -rf x [repeated]"),
        ("git -c alias.x='!rm -rf x' x", "shell: rm -rf x"),
        ("git filter-branch --tree-filter 'rm x' HEAD", "shell: rm x"),
        ("git config alias.x '!rm -rf x'", "shell: rm -rf x"),
        ("git difftool -x 'sh -c y'", "shell: sh -c y"),
        ("git clone 'ext::sh -c x'", "shell: sh -c x"),
    ],
)
def test_what_git_runs_is_handed_on(line: str, run: str) -> None:
    assert runs(found(line)) == [run]


def test_a_file_that_git_has_as_it_is_loses_nothing_by_a_checkout() -> None:
    class Clean(Anywhere):
        def kept(self, path: str) -> bool | None:
            return path.endswith("app.py")

    given = git.outcome(call("git checkout -- app.py other.py"), Clean())
    assert given is not None
    assert [("kept" in each.traits) for each in given.effects] == [True, False]


def test_a_word_that_is_there_is_a_path_and_no_branch() -> None:
    class There(Anywhere):
        def exists(self, path: str) -> bool | None:
            return path.endswith("/docs")

    lines = ("git checkout docs", "git checkout main.fix")
    given = [git.outcome(call(line), There()) for line in lines]
    assert [len(each.effects) for each in given if each] == [1, 0]


def test_aliases_that_lead_in_a_circle_end() -> None:
    assert effects(found("git -c alias.x=y -c alias.y=x x")) == []


def test_other_programs_are_not_known() -> None:
    assert git.outcome(Call(("hg", "status")), WORLD) is None


def test_a_subcommand_that_is_not_known_is_not_called_harmless() -> None:
    assert [each.kind for each in found(f"git {HOLE} --hard").effects] == ["unresolved"]


def test_more_words_than_are_looked_at_are_not_called_harmless() -> None:
    line = "git push origin " + "x " * 1000 + "+main"
    assert [each.kind for each in found(line).effects] == ["unresolved"]


def test_a_branch_that_is_not_known_is_still_deleted() -> None:
    assert effects(outcome(git.outcome, f"git branch -D {HOLE}")) == [f"rewrite_history {HOLE} drop,local"]


@pytest.mark.parametrize(
    ("words", "on"),
    [
        (["-f"], True),
        (["--forc"], True),
        (["-f", "--no-force"], False),
        (["--no-f", "-f"], True),
        (["-xf"], True),
        ([], False),
    ],
)
def test_the_last_of_an_option_and_its_negation_counts(words: list[str], on: bool) -> None:
    assert parse(words, "force x").on("f", "force") is on


@pytest.mark.parametrize(
    ("setting", "line", "effect"),
    [
        ("git config --global alias.nuke 'reset --hard'", "git nuke", "discard_work"),
        ("git config clean.requireForce false", "git clean -dx", "discard_work"),
        ("git config remote.origin.push +HEAD:main", "git push", "rewrite_history"),
        ("git config alias.co checkout", "git co main", ""),
    ],
)
def test_a_setting_made_before_counts_for_what_follows(setting: str, line: str, effect: str) -> None:
    world = During(WORLD)
    world.files.update(found(setting).writes)
    later = git.outcome(call(line), world)
    assert (later.effects[0].kind if later and later.effects else "") == effect


@pytest.mark.parametrize(
    "line",
    ["git -c remote.origin.push=+HEAD:main push", "git send-pack --force origin main", "git http-push --force u x"],
)
def test_every_way_to_push_with_force_rewrites(line: str) -> None:
    assert {"shared", "force"} <= set().union(*(each.traits for each in found(line).effects))


def test_an_import_with_force_moves_branches() -> None:
    assert [each.kind for each in found("git fast-import --force").effects] == ["rewrite_history"]
    assert effects(found("git fast-import")) == []
