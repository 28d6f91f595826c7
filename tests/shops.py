"""A small repository to load context from, for the tests of the command line."""

from pathlib import Path

from conftest import git

TASK = "retry with a token bucket when the host is slow"
MODULES = {
    "src/shop/retry.py": "class TokenBucket:\n    def refill(self, host):\n        return self.rate * host.slowness\n",
    "src/shop/client.py": "from shop.retry import TokenBucket\n\n\ndef call(host):\n    TokenBucket().refill(host)\n",
    "src/shop/deep/only/place.py": "def place(host):\n    '''Where a slow host stands.'''\n    return host.rack\n",
    "tests/test_retry.py": "def test_a_slow_host_is_retried():\n    assert TokenBucket().refill(host) == 1\n",
    "docs/retry.md": "# Retry\n\nA token bucket for each host keeps retries bounded.\n",
    "billing.py": "def invoice(customer):\n    total = sum(customer.items)\n    return f'{customer.name}: {total}'\n",
}


def write(root: Path, files: dict[str, str]) -> None:
    """Commit files."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Retry with a token bucket for each host")


def stock(repository: Path) -> Path:
    """A repository with a few modules, tests and a page."""
    write(repository, MODULES)
    return repository


def tree_of(repository: Path) -> dict[str, bytes]:
    """Every file of a repository and its refs, but for our own folder in the git directory."""
    return {
        str(path.relative_to(repository)): path.read_bytes()
        for path in sorted(repository.rglob("*"))
        if path.is_file() and "agentops" not in path.parts
    }
