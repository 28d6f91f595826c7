#!/bin/sh
# Pin what CI uses: every package with its hashes, no index address. Needs uv (`pip install uv`).
set -eu
cd "$(dirname "$0")/.."
uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --all-extras \
    --python-version 3.11 "$@" pyproject.toml --output-file constraints.txt
