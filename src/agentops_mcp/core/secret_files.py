"""Files that are there to hold secrets, told by their name or by a private key in them."""

import re

# Names by which programs look for credentials. Certificates share `.pem` with keys, so those are told by content.
# Looked up by whole name, by beginning or by end, each one step: this is asked for every path that is met.
_NAMES = frozenset({
    ".env", ".envrc", ".netrc", "_netrc", ".git-credentials", ".pypirc", ".npmrc", ".yarnrc.yml", ".htpasswd",
    ".pgpass", "pgpass.conf", ".my.cnf", ".dockercfg", ".boto", ".s3cfg", ".vault-token", ".terraformrc", "id_rsa",
    "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "credentials", "credentials.json",
    "credentials.toml", "secrets.yml", "secrets.yaml", "secrets.json", "secrets.toml", "secrets.ini", "secret.yml",
    "secret.yaml", "secret.json", "kubeconfig", "master.key", "wallet.dat",
})  # fmt: skip
_ENDINGS = (
    ".env", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".kdb", ".ppk", ".p8", ".kubeconfig", ".tfvars",
    ".tfvars.json", ".tfstate", ".tfstate.backup",
)  # fmt: skip
_BEGINNINGS_OF_JSON = ("service-account", "service_account", "client_secret")
_PATHS = (
    "/.docker/config.json", "/.kube/config", "/.aws/config", "/.config/gh/hosts.yml", "/.cargo/credentials.toml",
)  # fmt: skip
_EXAMPLES = (".example", ".sample", ".template", ".dist", ".tpl")
_PRIVATE_KEY = rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|^PuTTY-User-Key-File-\d"


def is_secret_file(path: str) -> bool:
    """Whether a file is for secrets by its name, wherever it is."""
    place = path.replace("\\", "/").rstrip("/").casefold()
    name = place.rpartition("/")[2]
    if name.endswith(_EXAMPLES):
        return False
    return (
        name in _NAMES
        or name.endswith(_ENDINGS)
        or name.startswith(".env.")
        or (name.startswith(_BEGINNINGS_OF_JSON) and name.endswith(".json"))
        or f"/{place}".endswith(_PATHS)
    )


def holds_private_key(content: bytes) -> bool:
    """Whether there is a private key in a file's content."""
    return re.search(_PRIVATE_KEY, content, re.MULTILINE) is not None
