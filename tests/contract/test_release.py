"""What is published agrees with itself."""

import importlib.resources
import json
import re
import tomllib
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft7Validator

import agentops_mcp

ROOT = Path(__file__).parents[2]
SERVER = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_server_json_is_valid_for_the_registry() -> None:
    schema = importlib.resources.files("skillsaw.schemas.mcp_registry.v2025_12_11") / "server.schema.json"
    document = json.loads(schema.read_text(encoding="utf-8"))
    assert SERVER["$schema"] == document["$id"]
    cast("Any", Draft7Validator(document)).validate(SERVER)


def test_the_readme_proves_that_the_package_is_the_server_s() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"mcp-name: (\S+)", readme) == [SERVER["name"]]


def test_the_version_is_the_same_everywhere() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    assert newest is not None
    versions = {
        PROJECT["version"], agentops_mcp.__version__, SERVER["version"], newest[1],
        *(package["version"] for package in SERVER["packages"]),
    }  # fmt: skip
    assert versions == {PROJECT["version"]}


def test_the_registry_is_told_of_the_package_that_is_built() -> None:
    assert [package["identifier"] for package in SERVER["packages"]] == [PROJECT["name"]]


def test_no_file_names_a_package_registry_s_host_or_a_path_of_one_machine() -> None:
    import subprocess

    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    hosts = re.compile(rb"https?://(?:[a-z-]+\.)*(?:pypi|npmjs|pythonhosted)\.[a-z]+")
    paths = re.compile(rb"(?<![A-Za-z0-9.~])/(?:root|home/(?!(?:person|user|anna|test)/)[a-z]+|Users/[A-Za-z]+)/[a-z]")
    found = [
        name.decode()
        for name in listed.split(b"\0")
        if name and (ROOT / name.decode()).is_file()
        for content in [(ROOT / name.decode()).read_bytes()]
        if hosts.search(content) or paths.search(content)
    ]
    assert found == []


def test_constraints_pin_every_direct_dependency_with_hashes() -> None:
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==", constraints, re.MULTILINE))
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    direct = {re.split(r"[\[<>=~! ]", each, maxsplit=1)[0] for group in groups for each in group} - {PROJECT["name"]}
    assert direct <= pinned
    assert constraints.count("--hash=sha256:") >= len(pinned)


def test_the_packs_are_compiled() -> None:
    """After a change of a pack: `python scripts/compile_packs.py` writes the file that hooks read."""
    from agentops_mcp.factors.guardrails.rules.packs import compiled
    from agentops_mcp.storage.policy_files import builtin_tables, packaged

    kept = dict(packaged().data)
    assert {**kept, "texts": [text.decode() for text in kept["texts"]]} == compiled(builtin_tables())
