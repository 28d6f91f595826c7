"""The shapes of secrets that can be told without knowing what they are assigned to: one table, data only.

Every rule starts at a literal anchor and looks at a bounded stretch of text, so a rule costs one substring search in
a text without its anchor and never more than linear time in a hostile one. To add a rule, add a row.
"""

import base64
import functools
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

MASK = "\ue000"
"""Stands, character for character, for markers already in a text: part of no token, and no end to a value."""

Span = tuple[int, int, str]
"""Where a secret starts and ends, and its kind."""

# Substring searches: as one pattern that ignores case they would take forty times as long.
_PLACEHOLDERS = (
    "xxxxx", "***", "...", "…", "example", "changeme", "change_me", "change-me", "your_", "your-", "placeholder",
    "redacted", "dummy", "insert_", "insert-", "replace_", "replace-", "todo", "${", "#{", "$(", "{{", "environ",
    "getenv", "process.env",
)  # fmt: skip
_REFERENCE_START = re.compile(r"[<\[{(]|%[(s{]|\$\w+$|%\w+%$")
_STANDS_FOR_A_PASSWORD = re.compile(
    r"(?:my)?(?:pass(?:w(?:or)?d)?|pwd|pw|secret|token|user(?:name)?|x+|y+|-+|_+|\d{1,2})", re.IGNORECASE
)
_TWO_DIGITS = re.compile(r"[0-9][^0-9]*[0-9]")
_MIN_BITS_PER_CHAR = 3.0
SAMPLE_CHARS = 96
"""How much of a value is judged; more would not change the verdict, only take time."""


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def is_plausible(secret: str) -> bool:
    """Whether this is not a placeholder or a reference to a value kept elsewhere."""
    lowered = secret.lower()
    return not any(map(lowered.__contains__, _PLACEHOLDERS)) and not _REFERENCE_START.match(secret)


def is_password(secret: str) -> bool:
    """Whether the password's place in a URL or command holds one, not a word that stands for it."""
    plain = secret.replace(MASK, "").rstrip(".")
    return bool(plain) and is_plausible(plain) and not _STANDS_FOR_A_PASSWORD.fullmatch(plain)


def is_random(secret: str) -> bool:
    """Whether this looks drawn at random: digits among the letters, and enough entropy."""
    start = secret[:SAMPLE_CHARS]
    return bool(_TWO_DIGITS.search(start)) and entropy(start) >= _MIN_BITS_PER_CHAR and is_plausible(start)


def _is_no_word(secret: str) -> bool:
    # Prose, too, says "identified by 'name'".
    return is_password(secret) and not (secret.isalpha() and secret.islower())


def _is_key_block(block: str) -> bool:
    # Prose about keys has no long base64 run, and a row of X has one letter.
    return any(len(set(run)) >= 8 for run in re.findall(r"[A-Za-z0-9+/=]{24,}", block))


def _is_jwt(token: str) -> bool:
    header = _decoded(token.split(".", 1)[0])
    return header.startswith(b"{") and (b'"alg"' in header or b'"typ"' in header)


def _is_encoded_private_key(text: str) -> bool:
    return b"PRIVATE KEY" in _decoded(text[:80])


def _is_basic_login(text: str) -> bool:
    login = _decoded(text)
    return b":" in login.strip(b":") and login.isascii() and login.decode().isprintable()


def _decoded(text: str) -> bytes:
    # Patterns let only the base64 alphabets through, so nothing but the length can be wrong.
    text = text.rstrip("=")
    text = text[:-1] if len(text) % 4 == 1 else text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True, slots=True)
class Rule:
    """One shape: `pattern` must match `before` characters ahead of an anchor; its group, or else all of it, goes.

    Anchors of a `folded` rule are lower-case and found in any case.
    """

    kind: str
    anchors: tuple[str, ...]
    pattern: str
    check: Callable[[str], bool] = is_plausible
    folded: bool = False
    before: int = 0

    def match(self, text: str, at: int) -> Span | None:
        """The secret at the anchor that stands at `at`."""
        match = _compiled(self.pattern, folded=self.folded).match(text, at - self.before) if at >= self.before else None
        if not match or not self.check(match[match.lastindex or 0]):
            return None
        return (*match.span(match.lastindex or 0), self.kind)


@functools.cache
def _compiled(pattern: str, *, folded: bool) -> re.Pattern[str]:
    # At first use: compiling the whole table takes longer than a light hook may.
    return re.compile(pattern, re.ASCII | re.IGNORECASE if folded else re.ASCII)


# What may stand directly before a token: nothing alphanumeric, unless it ends a \n, \t or %3D escape.
_EDGE = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-F][0-9A-F]))"
_END = r"(?![A-Za-z0-9])"


def _tokens(kind: str, prefixes: str, body: str) -> Rule:
    """Tokens known by their prefix. A body of fixed length must also end there; an open one ends where it ends."""
    anchors = tuple(prefixes.split())
    end = "" if body.endswith("}+") else _END
    return Rule(kind, anchors, f"{_EDGE}(?:{'|'.join(map(re.escape, anchors))})(?:{body}){end}")


_KEY_BLOCK = (
    r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    # Up to its END line, the next row of five dashes; a block cut short goes as far as it has full lines.
    # Without possessive groups, which Python before 3.11.5 can match wrongly.
    r"(?:(?:(?!-----)[\s\S]){1,50000}-----END [A-Z0-9 ]{1,50}-----"
    r"|(?:[^A-Za-z0-9+/=-]{0,12}[A-Za-z0-9+/=]{20,200}){1,400})"
)
_AWS_ASSIGNMENT = (
    r"secret[_-]?(?:access)?[_-]?key\\?[\"']?\s{0,4}(?:=>|:=|=|:)\s{0,4}\\?[\"']?([a-z0-9/+]{40})(?![a-z0-9/+=])"
)
_SCHEME_AND_CREDENTIALS = (
    r"authorization\\?[\"']?\s{0,3}[:=,]\s{0,3}\\?[\"'`]?(?:[a-z][\w-]{1,20}\s{1,3})?([\w.~+/=:-]{16,128}+)"
)

# fmt: off
RULES: tuple[Rule, ...] = (
    Rule("private-key", ("-----BEGIN ",), _KEY_BLOCK, _is_key_block),
    Rule(
        "private-key", ("LS0tLS1CRUdJTi",),
        r"(?:(?<![A-Za-z0-9+/])|(?<=\\[nrt]))LS0tLS1CRUdJTi[A-Za-z0-9+/]{40,512}+={0,2}",
        _is_encoded_private_key,
    ),
    Rule("private-key", ("Private-Lines:",), r"Private-Lines: \d{1,3}\s{1,2}((?:[A-Za-z0-9+/=]{1,64}\s{1,2}){1,99})"),
    _tokens("private-key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{58}"),
    # Clouds
    Rule(
        "aws-key-id", ("AKIA", "ASIA", "ABIA", "ACCA", "A3T"),
        rf"{_EDGE}A(?:KIA|SIA|BIA|CCA|3T[A-Z0-9])[A-Z0-9]{{16}}{_END}",
    ),
    Rule("aws-secret-key", ("secret",), _AWS_ASSIGNMENT, is_random, folded=True),
    _tokens("google-api-key", "AIza", r"[\w-]{35}"),
    _tokens("google-oauth", "GOCSPX- ya29.", r"[\w-]{20,400}+"),
    Rule("azure-key", ("AccountKey=", "SharedAccessKey="), r"(?:Account|SharedAccess)Key=([A-Za-z0-9+/]{42,86}={0,2})"),
    Rule("azure-sas", ("sig=",), r"(?<=[?&])sig=([A-Za-z0-9%+/]{40,100}+={0,2})", is_random),
    Rule("azure-client-secret", ("Q~",), rf"{_EDGE}[\w~.-]{{3}}\dQ~[\w~.-]{{31,34}}{_END}", before=4),
    Rule("azure-devops-token", ("AZDO",), rf"{_EDGE}[A-Za-z0-9]{{76}}AZDO[A-Za-z0-9]{{4}}{_END}", before=76),
    _tokens("digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", r"[a-f0-9]{64}"),
    _tokens("alibaba-key", "LTAI", r"[A-Za-z0-9]{17,21}"),
    _tokens("heroku-key", "HRKU-", r"[\w-]{36,60}"),
    _tokens("fly-token", "fm1r_ fm1a_ fm2_ fo1_", r"[\w+/=-]{40,512}+"),
    # Forges and package registries
    _tokens("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{36,255}+"),
    _tokens("github-token", "ghs_", r"\d{1,20}_eyJ[\w-]{8,400}\.[\w.-]{16,512}+"),
    _tokens("github-token", "github_pat_", r"\w{22,255}+"),
    _tokens(
        "gitlab-token",
        "glpat- gldt- glrt- glrtr- glcbt- glptt- glft- glimt- glagent- glsoat- glffct- gloas-", r"[\w.-]{20,300}+",
    ),
    _tokens("gitlab-token", "GR1348941", r"(?=[\d_-]{0,19}[A-Za-z])[\w-]{20}"),
    _tokens("npm-token", "npm_", r"[A-Za-z0-9]{36}"),
    _tokens("pypi-token", "pypi-AgE", r"[\w-]{50,512}+"),
    _tokens("rubygems-token", "rubygems_", r"[a-f0-9]{48}"),
    _tokens("docker-token", "dckr_pat_ dckr_oat_", r"[\w-]{27,64}"),
    _tokens("artifactory-token", "AKCp", r"[A-Za-z0-9]{69}"),
    _tokens("sourcegraph-token", "sgp_", r"(?:[a-f0-9]{16}_|local_)?[a-f0-9]{40}"),
    # Models
    _tokens("anthropic-key", "sk-ant-", r"[a-z0-9]{2,12}-[\w-]{20,200}+"),
    _tokens("openai-key", "sk-", r"(?:proj|svcacct|admin|None)-[\w-]{20,300}|or-v1-[a-f0-9]{64}|[A-Za-z0-9]{32,64}"),
    _tokens("huggingface-token", "hf_ api_org_", r"[A-Za-z0-9]{34}"),
    _tokens("model-key", "gsk_ xai- pplx- r8_", r"[A-Za-z0-9]{37,80}"),
    # Services
    Rule(
        "slack-token", ("xox", "xapp-"),
        rf"{_EDGE}x(?:ox[abcdeoprs]|app)-(?=[A-Za-z.-]{{0,20}}\d)[A-Za-z0-9.%+/=-]{{10,400}}+",
    ),
    Rule("slack-webhook", ("hooks.slack.com/",), r"hooks\.slack\.com/(?:services|workflows|triggers)/([\w/-]{20,120})"),
    Rule("discord-webhook", ("/api/webhooks/",), r"/api/webhooks/(\d{16,20}/[\w-]{60,80})"),
    Rule("telegram-token", (":AA",), rf"(?<=\d):(AA[\w-]{{33}}){_END}"),
    _tokens("stripe-key", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_ whsec_", r"[A-Za-z0-9+/]{24,250}+"),
    _tokens("square-token", "sq0csp- sq0atp-", r"[\w-]{22,43}"),
    _tokens("shopify-token", "shpat_ shpca_ shppa_ shpss_", r"[A-Fa-f0-9]{32}"),
    _tokens("sendgrid-key", "SG.", r"[\w-]{20,24}\.[\w-]{39,50}"),
    _tokens("twilio-key", "SK", r"[0-9a-f]{32}"),
    _tokens("brevo-key", "xkeysib- xsmtpsib-", r"[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    Rule("mailchimp-key", ("-us",), rf"{_EDGE}[0-9a-f]{{32}}-us\d{{1,2}}{_END}", before=32),
    _tokens("databricks-token", "dapi", r"[0-9a-f]{32}(?:-\d)?"),
    _tokens("grafana-token", "glsa_ glc_", r"[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|eyJ[A-Za-z0-9+/=]{24,400}+"),
    _tokens("vault-token", "hvs. hvb. hvr.", r"[\w-]{24,300}+"),
    Rule("terraform-token", (".atlasv1.",), rf"{_EDGE}[A-Za-z0-9]{{14}}\.atlasv1\.[\w=-]{{60,70}}{_END}", before=14),
    _tokens("doppler-token", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", r"[\w.-]{40,60}"),
    _tokens("1password-token", "ops_eyJ", r"[\w+/=-]{100,512}+"),
    _tokens("pulumi-token", "pul-", r"[a-f0-9]{40}"),
    _tokens("postman-key", "PMAK-", r"[a-f0-9]{24}-[a-f0-9]{34}"),
    _tokens("atlassian-token", "ATATT3 ATCTT3", r"[\w=-]{60,300}+"),
    _tokens("linear-key", "lin_api_", r"[A-Za-z0-9]{40}"),
    _tokens("notion-token", "ntn_", r"\d{11}[A-Za-z0-9]{35}"),
    _tokens("figma-token", "figd_", r"[\w-]{40}"),
    _tokens("airtable-token", "pat", r"[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    _tokens("sentry-token", "sntrys_ sntryu_", r"[\w+/=-]{64,400}+"),
    _tokens("newrelic-key", "NRAK-", r"[A-Z0-9]{27}"),
    _tokens("dynatrace-token", "dt0c01.", r"[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    _tokens("netlify-token", "nfp_", r"[A-Za-z0-9]{36,64}"),
    _tokens("supabase-key", "sbp_ sb_secret_", r"[\w-]{31,64}"),
    _tokens("planetscale-token", "pscale_tkn_ pscale_oauth_ pscale_pw_", r"[\w.-]{32,64}"),
    _tokens("tailscale-key", "tskey-", r"[a-z]{2,12}-\w{8,32}-\w{16,64}"),
    _tokens("openshift-token", "sha256~", r"[\w-]{43}"),
    # Wherever they come from
    Rule(
        "jwt", ("eyJ",),
        r"(?:(?<![\w-])|(?<=\\[nrt]))eyJ[\w-]{14,512}+\.[\w-]{8,512}+(?:\.[\w-]{0,512}+){0,3}", _is_jwt,
    ),
    Rule("url-password", ("://",), r"://[^\s/?#@:\"'<>]{0,128}:([^\s/?#\"'<>]{1,256})@(?=[\w\[$({%-])", is_password),
    Rule("basic-login", ("basic",), r"basic\s{1,3}([\w+/-]{6,400}+={0,2})", _is_basic_login, folded=True),
    Rule("bearer-token", ("bearer",), r"bearer\s{1,3}([\w.~+/=-]{16,128}+)", is_random, folded=True),
    Rule("authorization", ("authorization",), _SCHEME_AND_CREDENTIALS, is_random, folded=True),
    Rule(
        "login-password", ("curl ",),
        r"curl\s(?:[^|;&]{0,200}?\s)?(?:-u|--user)[ =]?[\"'`]?[^\s\"'`:/@]{1,64}:([^\s\"'`]{3,128})", is_password,
    ),
    Rule(
        "login-password", ("login ",),
        r"login\s{1,4}\S{1,64}\s{1,4}password\s{1,4}(\S{3,128})", is_password, folded=True,
    ),
    Rule("login-password", ("sshpass",), r"sshpass\s{1,3}-p\s?[\"']?([^\s\"']{3,128})", is_password),
    Rule("login-password", ("identified by",), r"identified by\s{1,3}'([^'\n]{3,128})'", _is_no_word, folded=True),
)
# fmt: on
