"""What the tests of storage share."""

from collections.abc import Generator
from pathlib import Path

import pytest

from agentops_mcp.storage.blob_facts import BlobFacts


@pytest.fixture
def cache(tmp_path: Path) -> Generator[BlobFacts]:
    facts = BlobFacts(tmp_path / "data" / "context-index.db")
    yield facts
    facts.close()
