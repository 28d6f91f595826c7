"""The shapes of secrets that are known by what stands beside or inside them: one table, data only.

Every rule starts at a literal anchor and looks at a bounded stretch of text, so a rule costs one substring search in
a text without its anchor and never more than linear time in a hostile one. To add a rule, add a row. What begins with
a prefix of its own belongs to secret_tokens instead.
"""

import functools
import re
from collections.abc import Callable
from typing import NamedTuple

from agentops_mcp.core.secret_values import (
    is_basic_login,
    is_encoded_private_key,
    is_jwt,
    is_key_block,
    is_password,
    is_plausible,
    is_random,
    is_unusual_password,
)

Span = tuple[int, int, str]
"""Where a secret starts and ends, and its kind."""


class Rule(NamedTuple):
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
    Rule("private-key", ("-----BEGIN ",), _KEY_BLOCK, is_key_block),
    Rule(
        "private-key", ("LS0tLS1CRUdJTi",),
        r"(?:(?<![A-Za-z0-9+/])|(?<=\\[nrt]))LS0tLS1CRUdJTi[A-Za-z0-9+/]{40,512}+={0,2}",
        is_encoded_private_key,
    ),
    Rule("private-key", ("Private-Lines:",), r"Private-Lines: \d{1,3}\s{1,2}((?:[A-Za-z0-9+/=]{1,64}\s{1,2}){1,99})"),
    Rule("private-key", ('"d"',), r'"d"\s{0,3}:\s{0,3}"([\w-]{43,700}+)"', is_random),
    # Clouds
    Rule("aws-secret-key", ("secret",), _AWS_ASSIGNMENT, is_random, folded=True),
    Rule("azure-key", ("AccountKey=", "SharedAccessKey="), r"(?:Account|SharedAccess)Key=([A-Za-z0-9+/]{42,86}={0,2})"),
    Rule("azure-sas", ("sig=",), r"(?<=[?&])sig=([A-Za-z0-9%+/]{40,100}+={0,2})", is_random),
    Rule("azure-client-secret", ("Q~",), rf"{_EDGE}[\w~.-]{{3}}\dQ~[\w~.-]{{31,34}}{_END}", before=4),
    # Keys that carry the sign of what they are for, as Microsoft documents for its annotated keys.
    Rule("azure-devops-token", ("AZDO",), rf"{_EDGE}[A-Za-z0-9]{{76}}AZDO[A-Za-z0-9]{{4}}{_END}", before=76),
    Rule(
        "azure-key", ("JQQJ9",),
        rf"{_EDGE}[A-Za-z0-9]{{52}}JQQJ9[9DH][A-Za-z0-9][A-L][A-Za-z0-9]{{24}}(?:[A-Za-z0-9]{{2}}==)?{_END}", before=52,
    ),
    # Services
    Rule(
        "slack-token", ("xox", "xapp-"),
        rf"{_EDGE}x(?:ox[abcdeoprs]|app)-(?=[A-Za-z.-]{{0,20}}\d)[A-Za-z0-9.%+/=-]{{10,400}}+",
    ),
    Rule("slack-webhook", ("hooks.slack.com/",), r"hooks\.slack\.com/(?:services|workflows|triggers)/([\w/-]{20,120})"),
    Rule("discord-webhook", ("/api/webhooks/",), r"/api/webhooks/(\d{16,20}/[\w-]{60,80})"),
    Rule("teams-webhook", ("webhook.office.com/",), r"webhook\.office\.com/webhookb2/([\w@/-]{80,300})"),
    Rule("zapier-webhook", ("hooks.zapier.com/",), r"hooks\.zapier\.com/hooks/catch/(\d{4,12}/\w{5,24})"),
    Rule("telegram-token", (":AA",), rf"(?<=\d):(AA[\w-]{{33}}){_END}"),
    Rule("mailchimp-key", ("-us",), rf"{_EDGE}[0-9a-f]{{32}}-us\d{{1,2}}{_END}", before=32),
    Rule("terraform-token", (".atlasv1.",), rf"{_EDGE}[A-Za-z0-9]{{14}}\.atlasv1\.[\w=-]{{60,70}}{_END}", before=14),
    # Wherever they come from
    Rule(
        "jwt", ("eyJ",),
        r"(?:(?<![\w-])|(?<=\\[nrt]))eyJ[\w-]{14,512}+\.[\w-]{8,512}+(?:\.[\w-]{0,512}+){0,3}", is_jwt,
    ),
    Rule("url-password", ("://",), r"://[^\s/?#@:\"'<>]{0,128}:([^\s/?#\"'<>]{1,256})@(?=[\w\[$({%-])", is_password),
    Rule("url-password", ("jdbc:oracle:",), r"jdbc:oracle:\w{1,8}:[\w.$#-]{1,64}/([^\s@\"']{3,64})@", is_password),
    Rule("url-password", (":5432:",), r":5432:[^:\s]{1,63}:[^:\s]{1,63}:([^\s\"']{3,128})", is_password),
    Rule("basic-login", ("basic",), r"basic\s{1,3}([\w+/-]{6,400}+={0,2})", is_basic_login, folded=True),
    Rule(
        "basic-login", ("auth",),
        r"auth\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?([A-Za-z0-9+/]{8,400}+={0,2})", is_basic_login, folded=True,
    ),
    Rule("bearer-token", ("bearer",), r"bearer\s{1,3}([\w.~+/=-]{16,128}+)", is_random, folded=True),
    Rule("authorization", ("authorization",), _SCHEME_AND_CREDENTIALS, is_random, folded=True),
    Rule(
        "login-password", ("curl ",),
        r"curl\s(?:[^|;&]{0,200}?\s)?(?:-u|--user)[ =]?[\"'`]?[^\s\"'`:/@]{1,64}:([^\s\"'`]{3,128})", is_password,
    ),
    Rule(
        "login-password", ("mysql",),
        r"mysql(?:dump|admin|import|show)?\s(?:[^|;&\n]{0,200}?\s)?-p[\"']?([^\s\"'-][^\s\"']{4,64})",
        is_unusual_password,
    ),
    Rule(
        "login-password", ("login ",),
        r"login\s{1,4}\S{1,64}\s{1,4}password\s{1,4}(\S{3,128})", is_password, folded=True,
    ),
    # In a connection string the place alone tells, so a short one counts too.
    Rule(
        "password", ("password=", "pwd="),
        r"(?:(?<=;)|(?<=;\s))(?:password|pwd)=([^\s;\"']{3,128})(?=[;\"']|\Z)", is_unusual_password, folded=True,
    ),
    Rule("login-password", ("sshpass",), r"sshpass\s{1,3}-p\s?[\"']?([^\s\"']{3,128})", is_password),
    Rule(
        "login-password", ("identified by",),
        r"identified by\s{1,3}'([^'\n]{3,128})'", is_unusual_password, folded=True,
    ),
)
# fmt: on
