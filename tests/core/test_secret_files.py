"""Which files are there to hold secrets."""

import pytest

from agentops_mcp.core.secret_files import holds_private_key, is_secret_file


@pytest.mark.parametrize(
    "path",
    [".env", "app/.ENV", ".env.production", "prod.env", ".netrc", "home/.git-credentials", ".npmrc", "id_rsa",
     "keys/id_ed25519", "release.keystore", "cert.p12", ".aws/credentials", ".aws/config", ".docker/config.json",
     "x/.kube/config", "credentials.json", "service-account-prod.json", "client_secret_1.apps.json", "secrets.yaml",
     "terraform.tfvars", "terraform.tfstate", r"win\dows\.env", ".pgpass", "config/master.key"],
)  # fmt: skip
def test_a_file_for_secrets_is_told_by_its_name(path: str) -> None:
    assert is_secret_file(path)


@pytest.mark.parametrize(
    "path",
    [".env.example", ".env.sample", "env.py", "environment.ts", "id_rsa.pub", "monkey.key.ts", "public.pem",
     "ca-bundle.pem", "docs/secrets.md", "secrets.py", "credentials.py", "config.json", "docker/config.json",
     "kube/config", "tokens.py", "keystore.go", "secrets.yaml.example"],
)  # fmt: skip
def test_a_file_that_is_only_about_them_is_kept(path: str) -> None:
    assert not is_secret_file(path)


@pytest.mark.parametrize(
    "content",
    [b"-----BEGIN PRIVATE KEY-----\n", b"x\n-----BEGIN OPENSSH PRIVATE KEY-----", b"-----BEGIN RSA PRIVATE KEY-----",
     b"-----BEGIN PGP PRIVATE KEY BLOCK-----", b"PuTTY-User-Key-File-3: ssh-ed25519"],
)  # fmt: skip
def test_a_private_key_is_found_wherever_it_stands(content: bytes) -> None:
    assert holds_private_key(content)


@pytest.mark.parametrize("content", [b"-----BEGIN CERTIFICATE-----", b"-----BEGIN PUBLIC KEY-----", b"", b"\0" * 100])
def test_what_is_public_is_no_private_key(content: bytes) -> None:
    assert not holds_private_key(content)
