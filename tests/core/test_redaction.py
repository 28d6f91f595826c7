"""Secrets leave a text, everything else stays, and no text takes long.

Every fake secret is put together at run time, so that secret scanners do not find one in this file.
"""

import base64
import json
import random
import string
import time
import uuid
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops_mcp.core.redaction import Redacted, Secret, find_secrets, redact
from agentops_mcp.core.secret_rules import RULES

ALPHANUMERIC = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
B64 = ALPHANUMERIC + "+/"


def drawn(length: int, alphabet: str = ALPHANUMERIC, seed: int = 7) -> str:
    """`length` characters, the same ones each time, at least two of them digits if the alphabet has any."""
    source = random.Random(f"{seed} {length} {alphabet}")
    while True:
        text = "".join(source.choices(alphabet, k=length))
        if sum(map(str.isdigit, text)) >= 2 or not any(map(str.isdigit, alphabet)):
            return text


def b64url(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def key_block(label: str = "RSA PRIVATE" + " KEY", line_end: str = "\n") -> str:
    lines = [drawn(64, B64, seed) for seed in range(6)]
    return line_end.join([f"-----BEGIN {label}-----", *lines, f"{drawn(22, B64)}==", f"-----END {label}-----"])


JWT = f"{b64url({'alg': 'HS256', 'typ': 'JWT'})}.{b64url({'sub': '1', 'name': 'a'})}.{drawn(43)}"
PASSWORD = "Tr0ub4" + "dor&3"

TOKENS = {
    "private-key": [
        key_block(), key_block("PRIVATE" + " KEY"), key_block("OPENSSH PRIVATE" + " KEY"),
        key_block("PGP PRIVATE" + " KEY BLOCK"), key_block(line_end="\\n"), key_block(line_end="\r\n"),
        "AGE-SECRET" + "-KEY-1" + drawn(58, string.ascii_uppercase + string.digits),
        base64.b64encode(key_block().encode()).decode(),
    ],
    "aws-key-id": ["AK" + "IA" + drawn(16, string.ascii_uppercase + "234567")],
    "google-api-key": ["AI" + "za" + drawn(35)],
    "google-oauth": ["GOC" + "SPX-" + drawn(28)],
    "digitalocean-token": ["dop" + "_v1_" + drawn(64, HEX)],
    "github-token": [
        *(f"gh{letter}" + "_" + drawn(36) for letter in "pousr"),
        "github" + "_pat_" + drawn(82), "gh" + "s_1234_" + JWT,
    ],
    "gitlab-token": ["gl" + "pat-" + drawn(20), "gl" + "rt-" + drawn(20), "GR13" + "48941" + drawn(20)],
    "npm-token": ["np" + "m_" + drawn(36)],
    "pypi-token": ["pyp" + "i-AgE" + drawn(160)],
    "docker-token": ["dck" + "r_pat_" + drawn(27)],
    "anthropic-key": ["sk-" + "ant-api03-" + drawn(93) + "AA"],
    "openai-key": ["sk-" + "proj-" + drawn(120), "sk-" + drawn(48), "sk-" + "or-v1-" + drawn(64, HEX)],
    "huggingface-token": ["hf" + "_" + drawn(34)],
    "slack-token": ["xo" + "xb-" + "1234567890-2345678901-" + drawn(24), "xap" + "p-1-A0123-4567-" + drawn(64, HEX)],
    "stripe-key": ["sk" + "_live_" + drawn(24), "rk" + "_test_" + drawn(99), "wh" + "sec_" + drawn(32)],
    "sendgrid-key": ["S" + "G." + drawn(22) + "." + drawn(43)],
    "twilio-key": ["S" + "K" + drawn(32, HEX)],
    "vault-token": ["hv" + "s." + drawn(24)],
    "databricks-token": ["da" + "pi" + drawn(32, HEX)],
    "shopify-token": ["shp" + "at_" + drawn(32, HEX)],
    "telegram-token": ["A" + "A" + drawn(33)],
    "azure-devops-token": [drawn(76) + "AZ" + "DO" + drawn(4)],
    "jwt": [JWT, JWT.rpartition(".")[0]],
}  # fmt: skip
CASES = [(kind, token) for kind, tokens in TOKENS.items() for token in tokens if kind != "telegram-token"]


@pytest.mark.parametrize(("kind", "token"), CASES, ids=[f"{kind}-{n}" for n, (kind, _) in enumerate(CASES)])
@pytest.mark.parametrize("around", ["{}", "see {} there", "x='{}'", "(\\n{}\\n)", "https://h/?q={}&r=1", "{}. Next"])
def test_a_token_of_known_shape_is_replaced_and_its_surroundings_stay(kind: str, token: str, around: str) -> None:
    assert redact(around.format(token)) == Redacted(around.format(f"[redacted:{kind}]"), (kind,))


@pytest.mark.parametrize(
    ("text", "secret", "kind"),
    [
        ("postgres://app:{}@db.internal:5432/x?sslmode=require", PASSWORD, "url-password"),
        ("mysql+pymysql://root:{}@10.0.0.1/x", "abc" + "123", "url-password"),
        ("mongodb+srv://u:{}@c0.mongodb.net/?w=majority", "p%40ss" + "w0rd", "url-password"),
        ("redis://:{}@cache:6379/0", drawn(12), "url-password"),
        ("amqp://svc:{}@mq//", "has@an" + "at9", "url-password"),
        ("git+https://bot:{}@git.internal/a.git", drawn(12), "url-password"),
        ("sqlserver://sa:{}@sql.internal:1433?database=x", "S3" + "cret!pw", "url-password"),
        ("app:{}@tcp(10.0.0.1:3306)/x?parseTime=true", "S3" + "cret!pw", "url-password"),
        ('db, err := sql.Open("mysql", "app:{}@unix(/run/mysqld.sock)/x")', "S3" + "cret!pw", "url-password"),
        ("jdbc:oracle:thin:scott/{}@//db:1521/x", "t1g" + "er!", "url-password"),
        ("db.internal:5432:orders:app:{}", "S3" + "cret!pw", "url-password"),
        ("jdbc:postgresql://db/x?user=app&password={}&ssl=true", "S3" + "cret!pw", "password"),
        ("jdbc:sqlserver://h:1433;databaseName=x;user=sa;password={};encrypt=true", "S3" + "cret!pw", "password"),
        (
            "Data Source=h;Initial Catalog=x;User ID=sa;Password={};MultipleActiveResultSets=True",
            "S3" + "cret!",
            "password",
        ),
        ("host=h dbname=x user=app password={} sslmode=require", "S3" + "cret!pw", "password"),
        ("Endpoint=sb://h/;SharedAccessKeyName=Root;SharedAccessKey={}", drawn(43, B64) + "=", "azure-key"),
        ("cache.redis.example.net:6380,password={},ssl=True", drawn(43, B64) + "=", "password"),
        ("mysqldump -u app -p{} orders", "S3" + "cret!pw", "login-password"),
        (
            '{{"auths": {{"https://h/v1/": {{"auth": "{}"}}}}}}',
            base64.b64encode(b"me:" + PASSWORD.encode()).decode(),
            "basic-login",
        ),
        ("//npm.internal/:_authToken={}", drawn(36), "secret"),
        ("//npm.internal/:_auth={}", base64.b64encode(b"me:" + PASSWORD.encode()).decode(), "basic-login"),
        ('{{"kty": "EC", "crv": "P-256", "d": "{}"}}', drawn(43), "private-key"),
        ("Ocp-Apim-Subscription-Key: {}", drawn(32, HEX), "secret"),
        ("DB_PASS={}", "S3" + "cret!pw", "password"),
        ("analytics.load('x'); writeKey: '{}'", drawn(32), "secret"),
        ("bot 123456789:{} started", *TOKENS["telegram-token"], "telegram-token"),
        ("Authorization: Bearer {}", drawn(40), "bearer-token"),
        ("curl -H 'authorization: Basic {}' x", base64.b64encode(b"user:" + PASSWORD.encode()).decode(), "basic-login"),
        ("Authorization: {}", drawn(40), "authorization"),
        ("curl -sS -u admin:{} https://h", PASSWORD, "login-password"),
        ("machine h login me password {}", PASSWORD, "login-password"),
        ("sshpass -p '{}' ssh h", PASSWORD, "login-password"),
        ("CREATE USER a IDENTIFIED BY '{}'", PASSWORD, "login-password"),
        ("aws_secret" + "_access_key = {}", drawn(40, B64), "aws-secret-key"),
        ("AccountName=a;AccountKey={};EndpointSuffix=x", drawn(86, B64) + "==", "azure-key"),
        ("https://a.blob/x?sv=1&sig={}", drawn(43) + "%3D", "azure-sas"),
        ("https://hooks.slack.com/services/{}", "T0AB/B0CD/" + drawn(24), "slack-webhook"),
        ("password = '{}'", PASSWORD, "password"),
        ("DB_PASSWORD={}", PASSWORD.replace("&", "!"), "password"),
        ('{{"passwd": "{}"}}', PASSWORD, "password"),
        ('{{\\"password\\": \\"{}\\"}}', PASSWORD, "password"),
        ("spring.datasource.password: {}", "S3" + "cret!pw", "password"),
        ("<password>{}</password>", "S3" + "cret!pw", "password"),
        ("Server=x;User=sa;Pwd={};Encrypt=yes", "S3" + "cret!pw", "password"),
        ("mysqldump --password {} db", "S3" + "cret!pw", "password"),
        ("entry.setPassword('{}')", "S3" + "cret!pw", "password"),
        ("define('DB_PASSWORD', '{}');", "S3" + "cret!pw", "password"),
        ('os.environ["API_TOKEN"] = "{}"', drawn(32), "secret"),
        ("api_key: {}", drawn(32, HEX), "secret"),
        ("apiKey={}", drawn(40, B64), "secret"),
        ("X-Api-Key: {}", drawn(32, HEX), "secret"),
        ("client_secret: str = '{}'", drawn(40), "secret"),
        ("'token' => '{}'", drawn(32), "secret"),
        ("deploy --token={} now", drawn(32), "secret"),
        ("SECRET_KEY_BASE={}", drawn(128, HEX), "secret"),
        ("SIGNING_KEY_B64:\n  '{}'", drawn(44, B64), "secret"),
        ("HEROKU_API_KEY={}", str(uuid.UUID(int=random.Random(1).getrandbits(128), version=4)), "secret"),
    ],
)
def test_a_secret_known_by_its_place_is_replaced_and_nothing_else(text: str, secret: str, kind: str) -> None:
    assert redact(text.format(secret)) == Redacted(text.format(f"[redacted:{kind}]"), (kind,))


@pytest.mark.parametrize(
    "text",
    [
        "commit " + drawn(40, HEX),
        f"index {drawn(7, HEX)}..{drawn(7, HEX)} 100644",
        f"id = {uuid.UUID(int=3, version=4)}",
        "approval_token: 01928c5e-7b1a-7000-8000-0123456789ab",
        f'"integrity": "sha512-{drawn(86, B64)}=="',
        f'checksum = "{drawn(64, HEX)}"',
        f"golang.org/x/oauth2/token v1.7.0/go.mod h1:{drawn(43, B64)}=",
        f'"js-tokens@4.0.0":\n  resolved "https://registry/js-tokens-4.0.0.tgz#{drawn(40, HEX)}"',
        f'"node_modules/js-tokens": {{"version": "4.0.0", "integrity": "sha512-{drawn(86, B64)}=="}}',
        f'name = "secretstorage"\nhash = "sha256:{drawn(64, HEX)}"',
        f"token_digest: sha256:{drawn(64, HEX)}",
        f"image: repo/app@sha256:{drawn(64, HEX)}",
        "data:image/png;base64," + drawn(400, B64),
        "kms_key_id = " + str(uuid.UUID(int=5, version=4)),
        "key_name: prod-5zyx-lmy-cmk-2024-01",
        "max_tokens: 4096, tokens = 123456789012345678, token_count=10000000000000001",
        "next_page_token: " + drawn(48),
        'csrf-token="' + drawn(48) + '"',
        "https://example.org:8443/path?user=a@b.c#x",
        "ssh://git@github.com:22/a/b.git and scp user@host:/etc/passwd",
        "/home/me/.secrets/token/2024-01/file_v2.txt",
        "password_file: /run/secrets/db_password_v2",
        "secret: projects/my-proj-123/secrets/api-key-4/versions/12",
        "secret = arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-aB3dE4",
        "token = get_token(client_id, 1234567890)",
        "password = self.config.database.password1",
        "password = settings.DB_PASSWORD_2",
        "secret_key: Ed25519PrivateKey = load()",
        "paths: ['users[0].password', 'users[1].password2!']",
        "api_key = os.environ['API_KEY_1']",
        "api_key: ${API_KEY_12345678}",
        "api_key: {{ secrets.api_key_1 }}",
        "TOKEN=$GITHUB_TOKEN_2",
        "password: <your-password-1>",
        "password=changeme123!",
        "password: xxxxxxxx1!",
        "api_key: " + "x" * 32,
        "secret: ********",
        "token: your_token_goes_here_123456",
        "Authorization: Bearer <token>",
        "Authorization: Bearer $TOKEN_1234567890123",
        "Bearer authentication-is-required-here",
        "Basic authentication uses a user name",
        "the password must be at least 12 characters, the token 32",
        "postgres://user:password@localhost/db",
        "postgres://app:${DB_PASSWORD}@db/x",
        "https://user:<password>@host/",
        "docker run -u 1000:1000 x; chown -R app:staff .; date -u '+%H:%M'",
        "curl --user $NAME:$PASS https://h",
        "look for -----BEGIN RSA PRIVATE" + " KEY----- and -----END RSA PRIVATE" + " KEY----- in the diff",
        "-----BEGIN PUBLIC KEY-----\n" + drawn(64, B64) + "\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\n" + drawn(64, B64) + "\n-----END CERTIFICATE-----",
        base64.b64encode(b"-----BEGIN CERTIFICATE-----\n" + drawn(300, B64).encode()).decode(),
        "pk" + "_live_" + drawn(24),
        "ghp" + "_" + "x" * 36,
        "task-" + drawn(40, string.ascii_lowercase),
        "t.pass('message2')",
        "PASS: tests/core/test_a_1.py::test_2",
        "api_key = '1234567890abcdef1234567890abcdef'",
        "password = 'abcd1234abcd1234abcd1234'",
        '<assemblyIdentity publicKeyToken="1fc8b3b9a1e18e3b"/>',
        "mysqldump -u app -p orders > orders.sql",
        "ports: 127.0.0.1:5432:5432",
        "user@tcp(10.0.0.1:3306)/x and app:password@tcp(h)/x",
        '"auth": "none", auth = required_everywhere_1',
        '{"kty": "EC", "x": "' + drawn(43) + '", "y": "' + drawn(43) + '"}',
        "<meta name='csrf-token' content='" + drawn(48, B64) + "'>",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA" + drawn(44, B64) + " me@host",
        "SHA256:" + drawn(43, B64) + " fingerprint of the key",
        "cache-key-" + drawn(32, HEX),
        "eyJ" + drawn(40) + "." + drawn(40),
    ],
)
def test_what_only_resembles_a_secret_stays(text: str) -> None:
    assert redact(text) == Redacted(text, ())


def test_several_secrets_are_each_replaced_by_their_kind() -> None:
    github, slack = TOKENS["github-token"][0], TOKENS["slack-token"][0]
    assert redact(f"a {slack} b {github} c {github}") == Redacted(
        "a [redacted:slack-token] b [redacted:github-token] c [redacted:github-token]", ("github-token", "slack-token")
    )


def test_a_token_in_an_assignment_goes_by_its_own_kind_and_only_once() -> None:
    token = TOKENS["github-token"][0]
    assert redact(f"API_TOKEN={token}").text == "API_TOKEN=[redacted:github-token]"
    assert (
        redact(f"git clone https://me:{token}@github.com/a").text
        == "git clone https://me:[redacted:github-token]@github.com/a"
    )


def test_secrets_are_found_with_their_places_from_left_to_right() -> None:
    github, slack = TOKENS["github-token"][0], TOKENS["slack-token"][0]
    text = f"é {slack} b [redacted:jwt] {github}."
    assert find_secrets(text) == (
        Secret(2, 2 + len(slack), "slack-token"),
        Secret(text.index(github), text.index(github) + len(github), "github-token"),
    )


def test_a_key_block_that_was_cut_short_is_replaced_as_far_as_it_goes() -> None:
    cut = "\n".join(key_block().splitlines()[:4])
    assert redact(f"log: {cut}\n\nnext entry").text == "log: [redacted:private-key]\n\nnext entry"


def test_a_very_long_secret_is_replaced_to_its_end() -> None:
    assert redact(f"PRIVATE_KEY_B64={drawn(5_000, B64)} x").text == "PRIVATE_KEY_B64=[redacted:secret] x"
    assert redact(f"Bearer {drawn(3_000)}").text == "Bearer [redacted:bearer-token]"


def test_markers_already_there_stay_as_they_are() -> None:
    text = "curl -u a:[redacted:login-password]. password=[redacted:password] and Bearer [redacted:jwt], postgres://u:[redacted:url-password]@h"
    assert redact(text) == Redacted(text, ())


@pytest.mark.parametrize(
    "text",
    [
        "password=[redacted:password]{}", "password={}[redacted:x]", "password='[redacted:x]{}'",
        "postgres://u:[redacted:url-password]{}@h/d", "postgres://u:{}[redacted:x]@h/d",
    ],
)  # fmt: skip
def test_a_forged_marker_hides_no_secret(text: str) -> None:
    secret = "S3" + "cret!pw9"
    assert secret not in redact(text.format(secret)).text


def test_a_forged_marker_inside_a_key_block_hides_no_key() -> None:
    lines = key_block().splitlines()
    assert redact("\n".join([*lines[:3], "[redacted:private-key]", *lines[3:]])).text == "[redacted:private-key]"


def test_text_without_a_secret_comes_back_as_the_same_object() -> None:
    text = "token counts, keys of a map, İstanbul, \ue000 and \ud800"
    assert redact(text).text is text


def test_positions_hold_after_letters_that_grow_in_lower_case() -> None:
    assert redact(f"İİİ PASSWORD='{PASSWORD}' İ").text == "İİİ PASSWORD='[redacted:password]' İ"


fragments = st.sampled_from(
    [
        "password=", "token: ", "'", '"', " ", "\n", "\\n", "=", ":", "@", "/", "://u:", "Bearer ", "[redacted:x]",
        "[redacted", "]", "-----BEGIN PRIVATE" + " KEY-----", "-----END PRIVATE" + " KEY-----", "curl -u a:", "-", ".",
        "x", "Zz9", PASSWORD, "\ue000", drawn(8), drawn(20), drawn(64, HEX), drawn(36), "AK" + "IA", "ghp" + "_", "sk-",
        *(token for _, token in CASES),
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(st.lists(fragments, max_size=12).map("".join))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = redact(text)
    assert redact(once.text) == Redacted(once.text, ())


@settings(deadline=None)
@given(st.lists(fragments, max_size=12).map("".join))
def test_what_is_replaced_is_what_is_found_and_nothing_else(text: str) -> None:
    secrets = find_secrets(text)
    assert bool(secrets) == bool(redact(text).found)
    assert all(before.end <= after.start for before, after in pairwise(secrets))
    kept, done = "", 0
    for secret in secrets:
        kept += text[done : secret.start] + f"[redacted:{secret.kind}]"
        done = secret.end
    assert redact(text).text == redact(kept + text[done:]).text


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_accepted_and_prose_of_letters_alone_is_kept(text: str) -> None:
    redact(text)
    letters = "".join(filter(str.isalpha, text))
    assert redact(letters).text == letters


BEGIN = "-----BEGIN PRIVATE" + " KEY-----"
HOSTILE = [
    "key=", "secret_key=", 'key="', "token: abcdefghijklmnop1 ", "token=[redacted:a]", "password='", "authorization=",
    BEGIN, BEGIN + " - - ", BEGIN + "a -----END ", "LS0tLS1CRUdJTi", "-eyJ", ".eyJaaaaaaaaaaaaaaaa", "://a:",
    "://a:" + "b" * 50, "@", "bearer ", "basic ", "ghp" + "_", "-gl" + "pat-xxxxx", "-ops" + "_eyJ", "sk-" + "ant-a-",
    "curl ", "login a password ", "Private-Lines: 1\na\n", "-us1", "xo" + "xb-", ".atlasv1.", "AZDO", "Q~", "a", " ",
    "\\", '"', "[redacted:", "İ token=", "a:bb@tcp(", "@tcp(", "mysql ", "mysql -pa", '"d": "a', "auth=", "auth: YTpi",
    ":5432:a:b:", "jdbc:oracle:thin:a/", "ghp" + "_" + "a" * 40 + "-", "1/" + "/0aaaaaaa", "EAA", "A" * 21, "MTA",
    "-a-b", "a b ", "\\ns", "%3D", "DB_PASS=", "AKIA",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE, ids=repr)
def test_time_grows_with_the_text_and_not_faster(piece: str) -> None:
    """A pattern that is quadratic takes 16 times as long for 4 times the text; a linear one about 4 times."""

    def seconds(chars: int) -> float:
        text = piece * (chars // len(piece))
        best = float("inf")
        for _ in range(3):
            started = time.process_time()
            redact(text)
            best = min(best, time.process_time() - started)
        return best

    seconds(1_000)  # compiles the patterns
    assert seconds(80_000) < 9 * max(seconds(20_000), 0.002)


def test_every_rule_finds_its_own_anchor_in_what_it_matches() -> None:
    """An anchor in capitals would never be found in text folded to lower case."""
    for rule in RULES:
        assert rule.anchors
        assert all(anchor and (not rule.folded or anchor == anchor.lower()) for anchor in rule.anchors), rule
