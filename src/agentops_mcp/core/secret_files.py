"""Files that are there to hold secrets, told by their name or by a private key in them."""

import re
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

# Names by which programs look for credentials. Certificates share `.pem` with keys, so those are told by content.
_NAMES = (
    ".env", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", ".git-credentials", ".pypirc", ".npmrc", ".yarnrc.yml",
    ".htpasswd", ".pgpass", "pgpass.conf", ".my.cnf", ".dockercfg", ".boto", ".s3cfg", ".vault-token", ".terraformrc",
    "id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "*.p12", "*.pfx", "*.jks",
    "*.keystore", "*.kdbx", "*.kdb", "*.ppk", "*.p8", "credentials", "credentials.json", "credentials.toml",
    "service-account*.json", "service_account*.json", "client_secret*.json", "secrets.yml", "secrets.yaml",
    "secrets.json", "secrets.toml", "secrets.ini", "secrets.env", "secret.yml", "secret.yaml", "secret.json",
    "kubeconfig", "*.kubeconfig", "*.tfvars", "*.tfvars.json", "*.tfstate", "*.tfstate.backup", "master.key",
    "wallet.dat",
)  # fmt: skip
_PATHS = (".docker/config.json", ".kube/config", ".aws/config", ".config/gh/hosts.yml", ".cargo/credentials.toml")
_EXAMPLES = (".example", ".sample", ".template", ".dist", ".tpl")

_PRIVATE_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|^PuTTY-User-Key-File-\d", re.MULTILINE
)


def is_secret_file(path: str) -> bool:
    """Whether a file is for secrets by its name, wherever it is."""
    place = PurePosixPath(path.replace("\\", "/").casefold())
    if place.name.endswith(_EXAMPLES):
        return False
    by_path = any(f"/{place}".endswith(f"/{each}") for each in _PATHS)
    return by_path or any(fnmatchcase(place.name, pattern) for pattern in _NAMES)


def holds_private_key(content: bytes) -> bool:
    """Whether there is a private key in a file's content."""
    return _PRIVATE_KEY.search(content) is not None
