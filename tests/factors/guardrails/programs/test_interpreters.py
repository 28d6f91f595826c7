"""Which text interpreters run, and what a text may do in every language."""

import pytest

from agentops_mcp.factors.guardrails.rules.calls import Stream
from agentops_mcp.factors.guardrails.rules.programs import interpreters, interpreters_frameworks
from called import PROJECT, WORLD, call, effects, outcome, runs

FETCHED = Stream(None, frozenset({"fetched"}), "https://x")
SYSTEM = {"python": 'import os; os.system("rm x")', "node": 'require("child_process").execSync("rm x")'}


@pytest.mark.parametrize(
    "line",
    [
        f"python -c '{SYSTEM['python']}'",
        f"python3.12 -Bvc '{SYSTEM['python']}' a",
        f"python3 -W ignore -c '{SYSTEM['python']}'",
        f"pypy3 -c '{SYSTEM['python']}'",
        f"python -m timeit '{SYSTEM['python']}'",
        f"node -e '{SYSTEM['node']}'",
        f"node --eval='{SYSTEM['node']}'",
        f"node -pe '{SYSTEM['node']}'",
        f"bun -e '{SYSTEM['node']}'",
        f"deno eval '{SYSTEM['node']}'",
        "ruby -e 'system(\"rm x\")'",
        "ruby -rfileutils -ne 'system(\"rm x\")'",
        "perl -e 'system(\"rm x\")'",
        "perl -lne 'system(\"rm x\")'",
        "perl -l40 -E 'system(\"rm x\")'",
        "php -r 'system(\"rm x\");'",
        "lua -e 'os.execute(\"rm x\")'",
        "Rscript -e 'system(\"rm x\")'",
        "julia -e 'run(`rm x`)'",
    ],
)
def test_the_text_of_an_option_is_judged(line: str) -> None:
    assert runs(outcome(interpreters.outcome, line)) == ["shell: rm x"]


@pytest.mark.parametrize("line", ["python", "python -", "python3 /dev/stdin", "python -m code"])
def test_text_from_the_input_is_judged(line: str) -> None:
    assert runs(outcome(interpreters.outcome, line, SYSTEM["python"])) == ["shell: rm x"]


@pytest.mark.parametrize(
    "line", ["python", "node -", "ruby", "perl", "php", "python3 -", "python -m runpy", "bun run -", "lua"]
)
def test_fetched_text_is_run(line: str) -> None:
    assert effects(outcome(interpreters.outcome, line, FETCHED)) == ["run_fetched https://x"]


@pytest.mark.parametrize(
    "line",
    [
        "python",
        "python --version",
        "ruby --version",
        "node -c x.js",
        "perl -c x.pl",
        "php -v",
        "node --help",
        "python -c 'print(1)'",
        "node -e 'console.log(1)'",
        "perl -ne 'print if /x/' file",
        "ruby -e 'puts 1'",
        "php -r 'echo 1;'",
        "python -m json.tool x.json",
    ],
)
def test_what_runs_nothing_of_note_has_no_effect(line: str) -> None:
    found = outcome(interpreters.outcome, line)
    assert (effects(found), runs(found)) == ([], [])


@pytest.mark.parametrize(
    ("line", "run"),
    [
        ("python manage.py flush", "manage.py flush"),
        ("python -m pip install x", "pip install x"),
        ("python -Im pip x", "pip x"),
        ("python -mpip x", "pip x"),
        ("node app.js --port 1", "app.js --port 1"),
        ("php artisan migrate", "artisan migrate"),
        ("ruby -I lib -r x bin/y", "bin/y"),
    ],
)
def test_a_file_or_module_is_judged_as_the_program_it_is(line: str, run: str) -> None:
    assert runs(outcome(interpreters.outcome, line)) == [run]


@pytest.mark.parametrize("line", ["bun install", "deno test", "deno run x.ts", "bun run dev", "cc x.c"])
def test_what_is_not_run_as_text_is_not_known(line: str) -> None:
    assert interpreters.outcome(call(line), WORLD) is None


@pytest.mark.parametrize(
    ("line", "effect"),
    [
        ("perl -pi -e 's/a/b/' x.txt", f"overwrite {PROJECT}/x.txt edited"),
        ("perl -i.bak -pe 1 x.txt", f"overwrite {PROJECT}/x.txt edited"),
        ("deno run -A https://x/y.ts", "run_fetched https://x/y.ts"),
        ("node --import data:text/javascript,x y.js", "load_code data:text/javascript,x"),
        ("python -m json.tool a b", f"overwrite {PROJECT}/b"),
    ],
)
def test_options_with_effects_of_their_own_are_told(line: str, effect: str) -> None:
    assert effects(outcome(interpreters.outcome, line)) == [effect]


@pytest.mark.parametrize(
    ("line", "run"),
    [
        ("elixir -e 'System.shell(\"rm x\")'", "shell: rm x"),
        ("erl -noshell -eval 'os:cmd(\"rm x\"), halt().'", "shell: rm x"),
        ("octave --eval 'system(\"rm x\")'", "shell: rm x"),
        ("crystal eval 'system(\"rm x\")'", "shell: rm x"),
        ("jrunscript -e 'exec(\"rm x\")'", "shell: rm x"),
        ("ghc -e 'System.Process.callCommand \"rm x\"'", "shell: rm x"),
        ("php8.3 -r 'system(\"rm x\");'", "shell: rm x"),
    ],
)
def test_languages_without_a_grammar_here_are_read_too(line: str, run: str) -> None:
    assert run in runs(outcome(interpreters.outcome, line))


def test_lines_of_ipython_for_the_shell_go_to_the_shell() -> None:
    found = outcome(interpreters.outcome, "ipython -c '!rm x\nimport os\nos.system(\"rm y\")'".replace("\\n", "\n"))
    assert runs(found) == ["shell: rm x", "shell: rm y"]


@pytest.mark.parametrize(
    ("line", "run"),
    [
        ("rails runner 'User.delete_all'", "ruby: User.delete_all"),
        ("manage.py shell -c 'x()'", "python: x()"),
        ("artisan tinker --execute='x();'", "php: x();"),
        ("wp eval 'x();'", "php: x();"),
        ("drush php:eval 'x();'", "php: x();"),
        ("mix run -e 'X.y()'", "elixir: X.y()"),
        ("wrangler d1 execute db --command 'DROP TABLE x'", "sql: DROP TABLE x"),
    ],
)
def test_text_for_a_framework_is_in_its_language(line: str, run: str) -> None:
    assert runs(outcome(interpreters_frameworks.outcome, line)) == [run]


@pytest.mark.parametrize(
    "line",
    ["rails runner script.rb", "rails server", "manage.py shell", "wp plugin list", "mix test", "rails runner -h"],
)
def test_a_framework_that_is_given_no_text_is_left_to_the_packs(line: str) -> None:
    assert interpreters_frameworks.outcome(call(line), WORLD) is None
