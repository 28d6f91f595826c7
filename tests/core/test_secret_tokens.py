"""Tokens that services give a prefix are found by it, whole, and nothing that only begins alike is.

Every fake secret is put together at run time, so that secret scanners do not find one in this file.
"""

import random
import string
import uuid
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.core.redaction import Secret, find_secrets
from agentops_mcp.core.secret_tokens import KEY_CHARS, SHORTEST_CHARS, TOKENS, tokens_by_start
from agentops_mcp.core.secret_values import has_checksum, is_checked_token

ALPHANUMERIC = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def drawn(length: int, alphabet: str = ALPHANUMERIC) -> str:
    """`length` characters, the same ones each time, at least three of them digits."""
    source = random.Random(f"{length} {alphabet}")
    return "7b2" + "".join(source.choices(alphabet, k=length - 6)) + "4c9"


def upper(length: int) -> str:
    return drawn(length, UPPER).upper()


UUID = str(uuid.UUID(int=random.Random(3).getrandbits(128), version=4))

FOUND = {
    "private-key": ["nsec" + "1" + drawn(58, LOWER)],
    "aws-key-id": ["AK" + "IA" + upper(16), "AS" + "IA" + upper(16), "A3" + "TX" + upper(16)],
    "aws-session-token": ["IQoJb3JpZ2lu" + "X2" + drawn(300)],
    "aws-bedrock-key": ["AB" + "SK" + drawn(120)],
    "aws-mws-token": ["amzn." + "mws." + UUID],
    "google-oauth": ["ya" + "29." + drawn(60), "1/" + "/0" + drawn(60)],
    "tencent-key": ["AK" + "ID" + drawn(32)],
    "yandex-token": ["AQ" + "VN" + drawn(36), "t" + "1." + drawn(60) + "." + drawn(86)],
    "render-key": ["rn" + "d_" + drawn(32)],
    "vercel-token": ["vc" + "p_" + drawn(24), "vercel_blob" + "_rw_" + drawn(16) + "_" + drawn(30)],
    "cloudflare-key": ["v1" + ".0-" + drawn(24, HEX) + "-" + drawn(146, HEX)],
    "scalingo-token": ["tk" + "-us-" + drawn(48)],
    "rancher-token": ["token" + "-ab1cd:" + drawn(54, LOWER)],
    "infracost-key": ["ic" + "o-" + drawn(32)],
    "doppler-token": ["dp" + ".pt." + drawn(43)],
    "1password-key": ["-".join(["A" + "3", upper(6), upper(11), *[upper(6)[:5]] * 3])],
    "infisical-token": ["st" + "." + UUID + "." + drawn(32, HEX) + "." + drawn(32, HEX)],
    "gitlab-token": ["gl" + "wt-" + drawn(20)],
    "gitlab-session": ["gitlab_" + "session=" + drawn(32, HEX)],
    "bitbucket-token": ["AT" + "BB" + drawn(32)],
    "crates-token": ["ci" + "o" + drawn(32)],
    "nuget-key": ["oy" + "2" + drawn(43, LOWER)],
    "clojars-token": ["CLOJ" + "ARS_" + drawn(60, LOWER)],
    "packagist-token": ["packag" + "ist_ort_" + drawn(68, HEX)],
    "artifactory-token": ["AK" + "Cp" + drawn(69), "cmVm" + "dGtu" + drawn(56)],
    "sourcegraph-token": ["sg" + "p_" + drawn(40, HEX), "sl" + "k_" + drawn(64, HEX)],
    "buildkite-token": ["bk" + "ua_" + drawn(40, LOWER)],
    "circleci-token": ["CCI" + "PAT_" + drawn(22) + "_" + drawn(40, HEX)],
    "harness-token": ["pa" + "t." + drawn(22) + "." + drawn(24) + "." + drawn(20)],
    "octopus-key": ["AP" + "I-" + upper(26)],
    "sonar-token": ["sq" + "u_" + drawn(40, HEX)],
    "snyk-token": ["snyk" + "_uat." + drawn(40)],
    "prefect-key": ["pn" + "u_" + drawn(36)],
    "readme-key": ["rd" + "me_" + drawn(70, LOWER)],
    "openai-key": ["sk" + "-lf-" + UUID],
    "model-key": [
        "nv" + "api-" + drawn(64), "cs" + "k-" + drawn(48, LOWER), "tgp" + "_v1_" + drawn(43), "fw" + "_" + drawn(24),
        "ll" + "x-" + drawn(48), "rp" + "a_" + upper(44), "e2" + "b_" + drawn(40, HEX), "pc" + "sk_" + drawn(70),
        "jin" + "a_" + drawn(32, HEX) + drawn(28), "pa" + "-" + drawn(43), "apify" + "_api_" + drawn(36),
        "lsv2" + "_pt_" + drawn(32, HEX) + "_" + drawn(10, HEX), "tv" + "ly-dev-" + drawn(32),
        "fc" + "-" + drawn(32, HEX), "sk" + "_" + drawn(48, HEX),
    ],
    "neon-key": ["na" + "pi_" + drawn(64, LOWER)],
    "neon-password": ["np" + "g_" + drawn(14)],
    "aiven-password": ["AV" + "NS_" + drawn(19)],
    "xata-key": ["xa" + "u_" + drawn(40)],
    "mongodb-key": ["mdb" + "_sa_sk_" + drawn(43)],
    "clickhouse-key": ["4b" + "1d" + drawn(38)],
    "fauna-key": ["fn" + "A" + drawn(37)],
    "datastax-token": ["Astra" + "CS:" + "aBcDeFgHiJkLmNoPqRsTuVwX" + ":" + drawn(64, HEX)],
    "contentful-token": ["CF" + "PAT-" + drawn(43)],
    "notion-token": ["sec" + "ret_" + drawn(43)],
    "mailgun-key": ["ke" + "y-" + drawn(32, HEX)],
    "resend-key": ["re" + "_" + drawn(8) + "_" + drawn(24)],
    "discord-token": ["MT" + "Ez" + drawn(22) + ".Gx1abc." + drawn(38)],
    "facebook-token": ["EA" + "A" + drawn(150)],
    "twitter-token": ["A" * 21 + "L" + drawn(60)],
    "dropbox-token": ["sl" + "." + drawn(136)],
    "typeform-token": ["tf" + "p_" + drawn(59)],
    "trello-token": ["AT" + "TA" + drawn(64, HEX)],
    "hubspot-token": ["pa" + "t-na1-" + UUID],
    "salesforce-token": ["00" + "D" + drawn(15) + "!" + drawn(90)],
    "frameio-token": ["fi" + "o-u-" + drawn(64)],
    "lichess-token": ["li" + "p_" + drawn(20)],
    "square-token": ["EA" + "AA" + drawn(60)],
    "braintree-token": ["access_" + "token$production$" + drawn(16, LOWER) + "$" + drawn(32, HEX)],
    "plaid-token": ["access-" + "sandbox-" + UUID],
    "flutterwave-key": ["FLW" + "SECK-" + drawn(32, HEX[:16]) + "-X"],
    "lob-key": ["te" + "st_" + drawn(35, HEX)],
    "duffel-token": ["duffel" + "_live_" + drawn(43)],
    "easypost-key": ["EZ" + "AK" + drawn(54)],
    "shippo-token": ["shippo" + "_test_" + drawn(40, HEX)],
    "paddle-key": ["pdl" + "_live_apikey_" + drawn(54)],
    "razorpay-key": ["rzp" + "_live_" + drawn(14)],
    "polar-token": ["polar" + "_oat_" + drawn(40)],
    "newrelic-key": ["NR" + "AK-" + upper(27)],
    "honeycomb-key": ["hca" + "ik_" + drawn(58, LOWER)],
    "posthog-key": ["ph" + "x_" + drawn(43)],
    "axiom-token": ["xa" + "at-" + UUID],
    "launchdarkly-key": ["sd" + "k-" + UUID],
    "settlemint-token": ["sm" + "_pat_" + drawn(16)],
    "adobe-secret": ["p8" + "e-" + drawn(32)],
    "definednet-token": ["dn" + "key-" + drawn(26, LOWER) + "-" + drawn(52, LOWER)],
    "ory-token": ["or" + "y_at_" + drawn(43)],
    "intra42-secret": ["s-s4" + "t2ud-" + drawn(64, HEX)],
}  # fmt: skip
CASES = [(kind, token) for kind, tokens in FOUND.items() for token in tokens]


@pytest.mark.parametrize(("kind", "token"), CASES, ids=[f"{kind}-{n}" for n, (kind, _) in enumerate(CASES)])
@pytest.mark.parametrize("around", ["{}", "see {} there", 'key: "{}",', "a\\n{}\\n", "/?q=%3D{}&r=1"])
def test_a_token_is_found_whole_by_its_prefix(kind: str, token: str, around: str) -> None:
    start = around.index("{")
    assert Secret(start, start + len(token), kind) in find_secrets(around.format(token))


@pytest.mark.parametrize(
    "text",
    [
        "favicon.ico-" + drawn(32, HEX),
        "cache-key-" + drawn(32, HEX),
        "my_key-" + drawn(32, HEX),
        "re_compile_pattern_2_of_30_things_here",
        "fw_version_12_of_the_boot_loader_34_x",
        "test_" + "that_nothing_breaks_when_12_things_do",
        "live_" + "stream_of_events_from_2024_to_2025_x",
        "api-" + UUID,
        "pod-token-" + UUID,
        "pat." + "ch.apply(something).then(2).else(3)",
        "nap" + "i_" + "module_register_by_symbol",
        "cio" + "ConfigurationProviderForTheOldOnes",
        "sdk-2024-01-02-release-candidate-123456",
        "EAAS" + "-" * 90,
        "A" * 120,
        "pk" + "_live_" + drawn(24),
        "ph" + "c_" + drawn(43),
        "AK" + "IA" + "X" * 16,
        "dapi" + "1234",
    ],
)
def test_what_only_begins_like_a_token_is_none(text: str) -> None:
    assert find_secrets(text) == ()


def checked(prefix: str, length: int = 30) -> str:
    body = drawn(length)
    number, digits = zlib.crc32(body.encode()), ""
    while number or len(digits) < 6:
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return prefix + body + digits


def test_a_token_with_its_checksum_is_told_from_one_without() -> None:
    token = checked("gh" + "p_")
    assert has_checksum(token)
    assert not has_checksum(token[:-1] + ("a" if token[-1] != "a" else "b"))


def test_a_wrong_checksum_excuses_no_token() -> None:
    token = "gh" + "p_" + drawn(36)
    assert not has_checksum(token)
    assert [secret.kind for secret in find_secrets(token)] == ["github-token"]


def test_a_right_checksum_outweighs_the_words_of_a_placeholder() -> None:
    body = "todo" + drawn(26)
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    assert is_checked_token("gh" + "p_" + body + digits)
    assert not is_checked_token("gh" + "p_" + body + "000000")


def test_a_key_that_google_publishes_in_its_samples_is_no_secret() -> None:
    published = "AI" + "zaSy" + string.ascii_lowercase + "1234567"
    assert find_secrets(f"key = {published}") == ()
    assert [secret.kind for secret in find_secrets(f"key = {published[:-1]}8")] == ["google-api-key"]


def test_every_prefix_can_be_looked_up() -> None:
    for token in TOKENS:
        for prefix in token.prefixes:
            assert len(prefix) >= KEY_CHARS
            assert prefix[0] in ALPHANUMERIC, prefix
            assert (prefix, token) in tokens_by_start()[prefix[:KEY_CHARS]]


def test_no_token_is_shorter_than_the_words_that_are_looked_into() -> None:
    assert min(len(token) for _, token in CASES) >= SHORTEST_CHARS


@given(st.integers(0, 40), st.sampled_from(CASES))
def test_a_token_cut_short_is_never_found_beyond_its_end(cut: int, case: tuple[str, str]) -> None:
    text = f"{case[1][:cut]} and then some words"
    assert all(secret.end <= cut for secret in find_secrets(text))
