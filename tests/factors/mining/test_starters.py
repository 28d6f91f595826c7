"""The patterns that come with the package are found out of the box, until they are switched off or rewritten."""

from collections.abc import Generator
from pathlib import Path

import pytest

from agentops_mcp.factors.mining.rules.markdown import to_markdown
from agentops_mcp.factors.mining.service.starters import starters
from agentops_mcp.factors.mining.store.documents import Filter, Request
from conftest import AGENT, FakeClock
from knowledge_in_use import Project, knowing, refs

FOLDER = Path(__file__).parents[3] / "patterns"


@pytest.fixture
def project(tmp_path: Path, clock: FakeClock, postgres_url: str | None) -> Generator[Project]:
    with knowing(tmp_path, clock, postgres_url, starters=True) as made:
        yield made


def test_every_file_of_the_folder_is_in_the_library_as_it_is_written() -> None:
    library = {each.pattern.name: each.pattern for each in starters()}
    files = {file.stem: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.md")}
    assert set(library) == set(files)
    assert [name for name, text in files.items() if to_markdown(library[name]) != text] == []


def test_each_is_found_first_by_its_title_and_high_by_its_problem(project: Project) -> None:
    assert project.semantic.catch_up()
    for each in starters():
        by_title = project.search.search(Request(each.pattern.title), patience_s=60)
        assert refs(by_title)[0] == each.document.ref
        assert refs(project.by_words(each.pattern.title))[0] == each.document.ref
        first_sentence = each.pattern.problem.split(". ")[0]
        assert each.document.ref in refs(project.search.search(Request(first_sentence, k=3), patience_s=60))


def test_none_of_them_instructs_its_reader(project: Project) -> None:
    """Each could be saved as it is, and would still be found."""
    for each in starters():
        project.patterns.promote(each.pattern.name, actor=AGENT)
    assert project.search.quarantined() == []
    assert project.by_words("agent").searched == len(starters())


def test_switched_off_they_are_neither_found_nor_listed(
    tmp_path: Path, clock: FakeClock, postgres_url: str | None
) -> None:
    with knowing(tmp_path, clock, postgres_url, starters=False) as project:
        assert project.by_words("the agent repeats the same failing call").hits == ()
        assert project.by_meaning("the agent repeats the same failing call").hits == ()
        assert project.patterns.members() == []


@pytest.mark.parametrize(
    "chosen", [{"since": "2020-01-01"}, {"path": "src"}, {"kinds": ("failure",)}, {"tag": "no-such-tag"}]
)
def test_a_filter_holds_for_them_too(project: Project, chosen: dict[str, str]) -> None:
    request = Request("the same failing call", Filter(**chosen))  # pyright: ignore[reportArgumentType]
    assert project.search.search(request, patience_s=None).hits == ()


def test_the_project_s_own_words_take_the_place_of_a_starter(project: Project) -> None:
    starter = project.patterns.member("retry-without-change").pattern
    assert project.by_words("xyzzy").searched == len(starters())
    project.save(starter, forces=("A quorum of xyzzy",))
    results = project.by_words("quorum of xyzzy")
    assert refs(results) == ["pattern/retry-without-change"]
    assert results.hits[0].author
    assert results.searched == len(starters())
    assert refs(project.by_words(starter.title)).count("pattern/retry-without-change") == 1
