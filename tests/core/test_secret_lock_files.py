"""Lock files are full of long random text and of packages named after secrets, and hold none."""

import base64
import hashlib
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops_mcp.core.redaction import find_secrets

NAMES = (
    "js-tokens", "css-tokenize", "keytar", "secretstorage", "passlib", "password-hash", "oauth-token", "api-key-auth",
    "pwd", "credentials", "access-token-jwt", "sk-learn", "pat", "cio", "key-tree", "token-types", "lodash", "x",
)  # fmt: skip
VERSIONS = st.tuples(*[st.integers(0, 30)] * 3).map(lambda numbers: ".".join(map(str, numbers)))
PACKAGES = st.lists(st.tuples(st.sampled_from(NAMES), VERSIONS, st.binary(min_size=64, max_size=64)), min_size=1)
Package = tuple[str, str, bytes]


def sha(how: str, seed: bytes) -> str:
    return base64.b64encode(hashlib.new(how, seed).digest()).decode()


def sha_hex(how: str, seed: bytes) -> str:
    return hashlib.new(how, seed).hexdigest()


def package_lock(packages: list[Package]) -> str:
    return json.dumps(
        {
            "lockfileVersion": 3,
            "packages": {
                f"node_modules/{name}": {
                    "version": version,
                    "resolved": f"https://packages.example/{name}/-/{name}-{version}.tgz",
                    "integrity": f"sha512-{sha('sha512', seed)}",
                    "dependencies": {"token-types": f"^{version}"},
                }
                for name, version, seed in packages
            },
        },
        indent=2,
    )


def yarn_lock(packages: list[Package]) -> str:
    return "\n".join(
        f'"{name}@^{version}":\n  version "{version}"\n  resolved '
        f'"https://packages.example/{name}/-/{name}-{version}.tgz#{sha_hex("sha1", seed)}"\n'
        f"  integrity sha1-{sha('sha1', seed)}\n"
        for name, version, seed in packages
    )


def yarn_berry_lock(packages: list[Package]) -> str:
    return "\n".join(
        f'"{name}@npm:^{version}":\n  version: {version}\n  resolution: "{name}@npm:{version}"\n'
        f"  checksum: 10c0/{sha_hex('sha512', seed)}\n  languageName: node\n"
        for name, version, seed in packages
    )


def pnpm_lock(packages: list[Package]) -> str:
    return "packages:\n" + "\n".join(
        f"  /{name}@{version}:\n    resolution: {{integrity: sha512-{sha('sha512', seed)}}}\n    engines: {{node: '4'}}"
        for name, version, seed in packages
    )


def cargo_lock(packages: list[Package]) -> str:
    return "\n".join(
        f'[[package]]\nname = "{name}"\nversion = "{version}"\n'
        f'source = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "{sha_hex("sha256", seed)}"\n'
        for name, version, seed in packages
    )


def poetry_lock(packages: list[Package]) -> str:
    return (
        "\n".join(
            f'[[package]]\nname = "{name}"\nversion = "{version}"\nfiles = [\n'
            f'    {{file = "{name}-{version}-py3-none-any.whl", '
            f'hash = "sha256:{sha_hex("sha256", seed)}"}},\n]\n'
            for name, version, seed in packages
        )
        + f'\n[metadata]\ncontent-hash = "{sha_hex("sha256", b"all")}"\n'
    )


def uv_lock(packages: list[Package]) -> str:
    return "\n".join(
        f'[[package]]\nname = "{name}"\nversion = "{version}"\nsdist = {{ url = "https://files.example/packages/'
        f'{sha_hex("sha256", seed)[:2]}/{sha_hex("sha256", seed)}/{name}-{version}.tar.gz", '
        f'hash = "sha256:{sha_hex("sha256", seed)}", size = 4711 }}\n'
        for name, version, seed in packages
    )


def pipfile_lock(packages: list[Package]) -> str:
    return json.dumps(
        {
            "_meta": {"hash": {"sha256": sha_hex("sha256", b"all")}},
            "default": {
                name: {"hashes": [f"sha256:{sha_hex('sha256', seed)}"], "version": f"=={version}"}
                for name, version, seed in packages
            },
        }
    )


def requirements(packages: list[Package]) -> str:
    return "\n".join(
        f"{name}=={version} \\\n    --hash=sha256:{sha_hex('sha256', seed)}" for name, version, seed in packages
    )


def go_sum(packages: list[Package]) -> str:
    return "\n".join(
        f"github.com/some/{name} v{version}{end} h1:{sha('sha256', seed + end.encode())}"
        for name, version, seed in packages
        for end in ("", "/go.mod")
    )


def composer_lock(packages: list[Package]) -> str:
    return json.dumps(
        {
            "content-hash": sha_hex("md5", b"all"),
            "packages": [
                {"name": f"some/{name}", "version": version, "dist": {"reference": sha_hex("sha1", seed), "shasum": ""}}
                for name, version, seed in packages
            ],
        }
    )


def gemfile_lock(packages: list[Package]) -> str:
    return "CHECKSUMS\n" + "\n".join(
        f"  {name} ({version}) sha256={sha_hex('sha256', seed)}" for name, version, seed in packages
    )


def flake_lock(packages: list[Package]) -> str:
    return json.dumps(
        {
            name: {"locked": {"narHash": f"sha256-{sha('sha256', seed)}", "rev": sha_hex("sha1", seed), "ref": version}}
            for name, version, seed in packages
        }
    )


LOCK_FILES = (
    package_lock, yarn_lock, yarn_berry_lock, pnpm_lock, cargo_lock, poetry_lock, uv_lock, pipfile_lock, requirements,
    go_sum, composer_lock, gemfile_lock, flake_lock,
)  # fmt: skip


@pytest.mark.parametrize("written", LOCK_FILES, ids=lambda written: written.__name__)
@settings(deadline=None, max_examples=40)
@given(packages=PACKAGES)
def test_no_secret_is_found_in_a_lock_file(written: Callable[[list[Package]], str], packages: list[Package]) -> None:
    assert find_secrets(written(packages)) == ()


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=64), st.sampled_from(("md5", "sha1", "sha256", "sha512")))
def test_no_secret_is_found_in_hashes_and_ids(seed: bytes, how: str) -> None:
    digest = sha_hex(how, seed)
    text = (
        f'commit {digest}\nindex {digest[:7]}..{digest[7:14]}\netag: W/"{digest}"\n{how}-{sha(how, seed)}\n'
        f'image@{how}:{digest}\nhttps://cdn.example/app-{digest[:20]}.js\n<script integrity="{how}-{sha(how, seed)}">'
    )  # fmt: skip
    assert find_secrets(text) == ()
