"""The secrets that begin with letters of their own: one table, data only.

Services give their tokens a prefix so that they can be found. To add one, add a row: the kind, the prefixes, what
follows. A body of fixed length must also end there; an open one ends where it ends.
"""

import functools
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from agentops_mcp.core.secret_values import is_checked_token, is_google_key, is_mixed, is_plausible, is_random

KEY_CHARS = 3
"""How many characters every prefix has at least; tokens are looked up by their first ones."""

SHORTEST_CHARS = 16
"""No token of the table is shorter."""

_END = r"(?![A-Za-z0-9])"
_HEX_UUID = r"[a-f0-9]{8}-(?:[a-f0-9]{4}-){3}[a-f0-9]{12}"
_JWT = r"eyJ[\w-]{8,400}\.[\w.-]{16,512}+"


class Token(NamedTuple):
    """A kind of token: what it begins with, and what follows."""

    kind: str
    prefixes: tuple[str, ...]
    body: str
    check: Callable[[str], bool] = is_plausible

    def end(self, text: str, at: int, prefix: str) -> int | None:
        """Where the token that begins with `prefix` at `at` ends; None if it is none."""
        body = _compiled(self.body).match(text, at + len(prefix))
        return body.end() if body and self.check(text[at : body.end()]) else None


@functools.cache
def _compiled(body: str) -> re.Pattern[str]:
    # At first use: compiling the whole table takes longer than a light hook may.
    return re.compile(f"(?:{body})" + ("" if body.endswith("}+") else _END), re.ASCII)


@functools.cache
def tokens_by_start() -> Mapping[str, tuple[tuple[str, Token], ...]]:
    """The prefixes and their tokens, by the first three characters, in the order of the table."""
    found: dict[str, tuple[tuple[str, Token], ...]] = {}
    for token in TOKENS:
        for prefix in token.prefixes:
            key = prefix[:KEY_CHARS]
            found[key] = (*found.get(key, ()), (prefix, token))
    return found


def _row(kind: str, prefixes: str, body: str, check: Callable[[str], bool] = is_plausible) -> Token:
    return Token(kind, tuple(prefixes.split()), body, check)


# Ids of Discord's applications are decimal numbers, and their tokens begin with the id in base64.
_DISCORD_STARTS = " ".join(a + b + c for a in "MNO" for b in "DTjz" for c in "AEIMQUYcgk")

# fmt: off
TOKENS: tuple[Token, ...] = (
    _row("private-key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{58}"),
    _row("private-key", "nsec1", r"[a-z0-9]{58}", is_random),
    # Clouds
    _row("aws-key-id", "AKIA ASIA ABIA ACCA A3T", r"(?<=A3T)[A-Z0-9]{17}|(?<!A3T)[A-Z0-9]{16}"),
    _row("aws-session-token", "IQoJb3JpZ2luX2 FwoGZXIvYXdz", r"[\w+/=-]{100,512}+"),
    _row("aws-bedrock-key", "ABSK bedrock-api-key-", r"[A-Za-z0-9+/=]{100,400}+", is_random),
    _row("aws-mws-token", "amzn.mws.", _HEX_UUID),
    _row("google-api-key", "AIza", r"[\w-]{35}", is_google_key),
    _row("google-oauth", "GOCSPX- ya29.", r"[\w-]{20,400}+"),
    _row("google-oauth", "1//0", r"[\w-]{38,120}", is_random),
    _row("digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", r"[a-f0-9]{64}"),
    _row("alibaba-key", "LTAI", r"[A-Za-z0-9]{17,21}"),
    _row("tencent-key", "AKID", r"[A-Za-z0-9]{32}", is_random),
    _row("yandex-token", "AQVN", r"[\w-]{35,38}", is_random),
    _row("yandex-token", "t1.", r"[\w-]{40,400}={0,2}\.[\w-]{86}={0,2}"),
    _row("heroku-key", "HRKU-", r"[\w-]{36,60}"),
    _row("fly-token", "fm1r_ fm1a_ fm2_ fo1_", r"[\w+/=-]{40,512}+"),
    _row("render-key", "rnd_", r"[A-Za-z0-9]{28,40}", is_mixed),
    _row("vercel-token", "vercel_blob_rw_", r"[A-Za-z0-9]{10,24}_[A-Za-z0-9]{30,48}"),
    _row("vercel-token", "vcp_ vci_ vca_ vcr_ vck_", r"[A-Za-z0-9]{24,64}", is_mixed),
    _row("netlify-token", "nfp_ nfc_ nfo_ nfu_", r"[A-Za-z0-9]{36,64}"),
    _row("cloudflare-key", "v1.0-", r"[a-f0-9]{24}-[a-f0-9]{140,150}"),
    _row("scalingo-token", "tk-us- tk-eu-", r"[\w-]{48}"),
    _row("openshift-token", "sha256~", r"[\w-]{43}"),
    _row("rancher-token", "token-", r"[a-z0-9]{5}:[a-z0-9]{54}"),
    _row("tailscale-key", "tskey-", r"[a-z]{2,12}-\w{8,32}-\w{16,64}"),
    _row("pulumi-token", "pul-", r"[a-f0-9]{40}"),
    _row("infracost-key", "ico-", r"[A-Za-z0-9]{32}", is_mixed),
    # Stores of secrets
    _row("vault-token", "hvs. hvb. hvr.", r"[\w-]{24,300}+"),
    _row("doppler-token", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", r"[\w.-]{40,60}"),
    _row("1password-token", "ops_eyJ", r"[\w+/=-]{100,512}+"),
    _row("1password-key", "A3-", r"[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}"),
    _row("infisical-token", "st.", rf"(?:{_HEX_UUID}|[a-f0-9]{{24}})\.[a-f0-9]{{32}}\.[a-f0-9]{{32}}"),
    # Forges, pipelines and package registries
    _row("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{36,255}+", is_checked_token),
    _row("github-token", "ghs_", rf"\d{{1,20}}_{_JWT}"),
    _row("github-token", "github_pat_", r"\w{22,255}+"),
    _row(
        "gitlab-token",
        "glpat- gldt- glrt- glrtr- glcbt- glptt- glft- glimt- glagent- glsoat- glffct- gloas- glwt-",
        r"[\w.-]{20,300}+",
    ),
    _row("gitlab-token", "GR1348941", r"(?=[\d_-]{0,19}[A-Za-z])[\w-]{20}"),
    _row("gitlab-session", "gitlab_session=", r"[a-f0-9]{32}"),
    _row("bitbucket-token", "ATBB", r"[A-Za-z0-9]{32}", is_mixed),
    _row("npm-token", "npm_", r"[A-Za-z0-9]{36}", is_checked_token),
    _row("pypi-token", "pypi-AgE pypi-AgN", r"[\w-]{50,512}+"),
    _row("rubygems-token", "rubygems_", r"[a-f0-9]{48}"),
    _row("crates-token", "cio", r"[A-Za-z0-9]{32}", is_mixed),
    _row("nuget-key", "oy2", r"[a-z0-9]{43}", is_random),
    _row("clojars-token", "CLOJARS_", r"[a-z0-9]{60}"),
    _row("packagist-token", "packagist_", r"(?:[ou][ru]t|ack|uut)_[A-Fa-f0-9]{40,80}"),
    _row("docker-token", "dckr_pat_ dckr_oat_", r"[\w-]{27,64}"),
    _row("artifactory-token", "AKCp", r"[A-Za-z0-9]{69}"),
    _row("artifactory-token", "cmVmdGtu", r"[A-Za-z0-9]{56}"),
    _row("sourcegraph-token", "sgp_", r"(?:[a-f0-9]{16}_|local_)?[a-f0-9]{40}"),
    _row("sourcegraph-token", "slk_ sgd_ sgs_", r"[a-f0-9]{64}"),
    _row("buildkite-token", "bkua_ bkaj_", r"[a-z0-9]{40}"),
    _row("circleci-token", "CCIPAT_ CCIPRJ_", r"[A-Za-z0-9]{22}_[a-f0-9]{40}"),
    _row("harness-token", "pat. sat.", r"[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}"),
    _row("octopus-key", "API-", r"[A-Z0-9]{26,36}", is_random),
    _row("sonar-token", "squ_ sqp_ sqa_", r"[a-f0-9]{40}"),
    _row("snyk-token", "snyk_uat. snyk_sat.", r"[\w.-]{20,120}"),
    _row("prefect-key", "pnu_ pnb_", r"[A-Za-z0-9]{36}"),
    _row("readme-key", "rdme_", r"[a-z0-9]{70}"),
    # Models
    _row("anthropic-key", "sk-ant-", r"[a-z0-9]{2,12}-[\w-]{20,200}+"),
    _row(
        "openai-key", "sk-",
        rf"(?:proj|svcacct|admin|None)-[\w-]{{20,300}}|or-v1-[a-f0-9]{{64}}|lf-{_HEX_UUID}|[A-Za-z0-9]{{32,64}}",
    ),
    _row("huggingface-token", "hf_ api_org_", r"[A-Za-z0-9]{34}"),
    _row("model-key", "gsk_ xai- pplx- r8_", r"[A-Za-z0-9]{37,80}"),
    _row("model-key", "nvapi-", r"[\w-]{60,72}"),
    _row("model-key", "csk-", r"[a-z0-9]{48}", is_random),
    _row("model-key", "tgp_v1_", r"[\w-]{43}"),
    _row("model-key", "fw_ llx- flp_", r"[A-Za-z0-9]{22,90}", is_mixed),
    _row("model-key", "rpa_", r"[A-Z0-9]{40,48}", is_random),
    _row("model-key", "e2b_", r"[a-f0-9]{40}"),
    _row("model-key", "jina_", r"[a-f0-9]{32}[\w-]{28}"),
    _row("model-key", "pa-", r"[\w-]{43}", is_random),
    _row("model-key", "pcsk_", r"\w{60,80}"),
    _row("model-key", "lsv2_pt_ lsv2_sk_", r"[a-f0-9]{32}_[a-f0-9]{10}"),
    _row("model-key", "tvly-", r"(?:dev-|prod-)?[A-Za-z0-9]{32}", is_mixed),
    _row("model-key", "fc-", r"(?<![-_.]fc-)[a-f0-9]{32}"),
    _row("model-key", "sk_", r"[a-f0-9]{48}"),
    _row("model-key", "apify_api_", r"[A-Za-z0-9]{36,40}"),
    # Databases and data
    _row("databricks-token", "dapi", r"[0-9a-f]{32}(?:-\d)?"),
    _row("supabase-key", "sbp_ sb_secret_", r"[\w-]{31,64}"),
    _row("planetscale-token", "pscale_tkn_ pscale_oauth_ pscale_pw_", r"[\w.-]{32,64}"),
    _row("neon-key", "napi_", r"[a-z0-9]{60,70}"),
    _row("neon-password", "npg_", r"[A-Za-z0-9]{12,20}", is_mixed),
    _row("aiven-password", "AVNS_", r"[\w-]{17,24}"),
    _row("xata-key", "xau_", r"[A-Za-z0-9]{32,64}"),
    _row("mongodb-key", "mdb_sa_sk_", r"[\w-]{40,60}"),
    _row("clickhouse-key", "4b1d", r"[A-Za-z0-9]{38}", is_random),
    _row("fauna-key", "fnA", r"[\w-]{37}", is_random),
    _row("datastax-token", "AstraCS:", r"[A-Za-z]{24}:[a-f0-9]{64}"),
    _row("contentful-token", "CFPAT-", r"[\w-]{43}"),
    _row("airtable-token", "pat", r"[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    _row("notion-token", "ntn_", r"\d{11}[A-Za-z0-9]{35}"),
    _row("notion-token", "secret_", r"[A-Za-z0-9]{43}", is_mixed),
    # Messages
    _row("sendgrid-key", "SG.", r"[\w-]{20,24}\.[\w-]{39,50}"),
    _row("twilio-key", " ".join(f"SK{digit}" for digit in "0123456789abcdef"), r"[0-9a-f]{31}"),
    _row("brevo-key", "xkeysib- xsmtpsib-", r"[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    _row("mailgun-key", "key-", r"(?<![-_.]key-)[a-f0-9]{32}"),
    _row("resend-key", "re_", r"[A-Za-z0-9]{8}_[A-Za-z0-9]{24}"),
    _row("discord-token", _DISCORD_STARTS, r"[\w-]{20,25}\.[\w-]{6}\.[\w-]{27,40}"),
    _row("facebook-token", "EAA", r"[A-Za-z0-9]{80,400}", is_random),
    _row("twitter-token", "AAAAAAAAAAAAAAAAAAAAA", r"[A-Za-z0-9%]{40,120}", is_random),
    _row("dropbox-token", "sl.", r"[\w-]{130,400}"),
    _row("intercom-token", "dG9rO", r"[A-Za-z0-9+/]{50,90}={0,2}"),
    _row("typeform-token", "tfp_", r"[\w.=-]{40,64}"),
    _row("trello-token", "ATTA", r"[a-f0-9]{64}"),
    _row("atlassian-token", "ATATT3 ATCTT3", r"[\w=-]{60,300}+"),
    _row("linear-key", "lin_api_ lin_oauth_", r"[A-Za-z0-9]{40,64}"),
    _row("figma-token", "figd_ figdr_ figu_ figur_", r"[\w-]{40}"),
    _row("hubspot-token", "pat-na1- pat-na2- pat-na3- pat-eu1- pat-ap1-", _HEX_UUID),
    _row("salesforce-token", "00D", r"[A-Za-z0-9]{12,15}![\w.]{80,260}"),
    _row("frameio-token", "fio-u-", r"[\w=-]{64}"),
    _row("lichess-token", "lip_", r"[A-Za-z0-9]{20}", is_mixed),
    # Payments and shops
    _row("stripe-key", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_ whsec_", r"[A-Za-z0-9+/]{24,250}+"),
    _row("square-token", "sq0csp- sq0atp-", r"[\w-]{22,43}"),
    _row("square-token", "EAAA", r"[\w-]{60}", is_random),
    _row("shopify-token", "shpat_ shpca_ shppa_ shpss_ shptka_", r"[A-Fa-f0-9]{32}"),
    _row("braintree-token", "access_token$", r"(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}"),
    _row("plaid-token", "access-sandbox- access-development- access-production-", _HEX_UUID),
    _row("flutterwave-key", "FLWSECK-", r"[a-h0-9]{32}-X"),
    _row("flutterwave-key", "FLWSECK_TEST", r"-?[a-h0-9]{12,32}(?:-X)?"),
    _row("lob-key", "live_ test_", r"[a-f0-9]{35}"),
    _row("duffel-token", "duffel_test_ duffel_live_", r"[\w=-]{43}"),
    _row("easypost-key", "EZAK EZTK", r"[A-Za-z0-9]{54}"),
    _row("shippo-token", "shippo_live_ shippo_test_", r"[a-f0-9]{40}"),
    _row("paddle-key", "pdl_live_apikey_ pdl_sdbx_apikey_", r"\w{50,60}"),
    _row("razorpay-key", "rzp_live_ rzp_test_", r"[A-Za-z0-9]{14}"),
    _row("polar-token", "polar_oat_ polar_pat_ polar_at_u_ polar_at_o_ polar_cs_", r"[A-Za-z0-9]{30,64}"),
    # Watching and configuring
    _row("grafana-token", "glsa_", r"[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}"),
    _row("grafana-token", "glc_", r"[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|eyJ[A-Za-z0-9+/=]{24,400}+"),
    _row("sentry-token", "sntrys_ sntryu_", r"[\w+/=-]{64,400}+"),
    _row("newrelic-key", "NRAK- NRII- NRIQ- NRSP-", r"[\w-]{27,32}", is_random),
    _row("dynatrace-token", "dt0c01. dt0s01. dt0s02.", r"[A-Z0-9]{8,24}\.[A-Z0-9]{64}"),
    _row("honeycomb-key", "hcaik_ hcbik_ hcalk_ hcamk_", r"[a-z0-9]{40,70}"),
    _row("posthog-key", "phx_", r"[A-Za-z0-9]{40,64}"),
    _row("axiom-token", "xaat- xapt-", _HEX_UUID),
    _row("launchdarkly-key", "sdk-", _HEX_UUID),
    _row("postman-key", "PMAK-", r"[a-f0-9]{24}-[a-f0-9]{34}"),
    _row("settlemint-token", "sm_aat_ sm_pat_ sm_sat_", r"[A-Za-z0-9]{16}"),
    _row("adobe-secret", "p8e-", r"[a-zA-Z0-9]{32}", is_mixed),
    _row("definednet-token", "dnkey-", r"[a-z0-9=_-]{26}-[a-z0-9=_-]{52}"),
    _row("ory-token", "ory_at_ ory_st_ ory_rt_ ory_apikey_ ory_pat_", r"[\w.-]{30,128}"),
    _row("intra42-secret", "s-s4t2ud- s-s4t2af-", r"[a-f0-9]{64}"),
)
# fmt: on
