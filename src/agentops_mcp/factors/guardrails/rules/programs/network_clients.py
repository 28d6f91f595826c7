"""Other clients of web addresses: HTTPie and xh, aria2, text browsers, small fetchers."""

from collections.abc import Callable

from agentops_mcp.factors.guardrails.rules.calls import NOTHING, Call, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.programs.network_fetching import (
    body_of,
    fetched,
    hook,
    name_in,
    together,
)
from agentops_mcp.factors.guardrails.rules.programs.network_hosts import (
    exact,
    host_of,
    is_given,
    sent,
    valued_by,
    worded,
)
from agentops_mcp.factors.guardrails.rules.programs.network_requests import outcome_of
from agentops_mcp.factors.guardrails.rules.programs.reading import merged

_HTTPIE = (
    "pretty style print history-print output session session-read-only auth auth-type proxy max-redirects "
    "max-headers timeout verify ssl ciphers cert cert-key cert-key-pass response-charset response-mime "
    "format-options raw boundary default-scheme bearer curl-long resolve interface http-version"
)
_ARIA2 = (
    "dir out log input-file split max-connection-per-server checksum user-agent header "
    "max-concurrent-downloads on-download-complete on-download-start on-download-error on-download-stop "
    "on-bt-download-complete on-download-pause conf-path load-cookies save-session all-proxy http-proxy "
    "https-proxy http-user http-passwd"
)
_METHODS = frozenset("GET POST PUT PATCH DELETE HEAD OPTIONS PURGE".split())
_ITEMS = (":=@", "=@", "@", ":=", "==", "=", ":")


def outcome(call: Call, world: World) -> Outcome | None:
    """What one of these clients does."""
    found = _CLIENTS.get(call.name)
    return found(call, world) if found else None


def _httpie(call: Call, world: World) -> Outcome | None:
    given = exact(call.argv[1:], _HTTPIE, "soapA")
    words = list(given.operands)
    if not words or is_given(given, "offline"):
        return NOTHING
    named = words.pop(0).upper() if len(words) > 1 and (words[0].upper() in _METHODS or words[0].isupper()) else ""
    url, items = words[0], words[1:]
    if url.startswith(":"):
        url = "localhost" + (url if url[1:2].isdigit() else url[1:])
    bodies = [body for item in items if (body := _httpie_item(item, call, world)) is not None]
    bodies += [worded(value, call) for value in valued_by(given, ("raw",))]
    if call.stdin.text != "" and not is_given(given, "ignore-stdin", "I") and not bodies:
        bodies.append(call.stdin)
    method = named or ("POST" if bodies else "GET")
    output = fetched(url, call, world)
    found = [outcome_of(call, method, url, merged(bodies).text or "" if bodies else "", output)]
    found += [Outcome((sent(call, host_of(url), body),)) for body in bodies]
    saved = [name for name in valued_by(given, ("o", "output")) if name != "-"]
    if is_given(given, "d", "download") and not saved and name_in(url):
        saved = [name_in(url)]
    return together(found, output, saved, call, world)


def _httpie_item(item: str, call: Call, world: World) -> Stream | None:
    """The body that one request item makes: `name=value`, `name@file`, `name=@file`; headers and queries make none."""
    if item.startswith("@"):  # the whole body
        return body_of(item[1:], call, world)
    found = [(item.find(each), -len(each), each) for each in _ITEMS if item.find(each) > 0]
    if not found:
        return None
    start, _, separator = min(found)
    value = item[start + len(separator) :]
    if separator.endswith("@"):
        return body_of(value.split(";", 1)[0], call, world)
    return None if separator in {"==", ":"} else worded(value, call)


def _aria2(call: Call, world: World) -> Outcome | None:
    given = exact(call.argv[1:], _ARIA2, "dolisxjk")
    hooks = [value for name, value in given.given if name.startswith("on-")]
    folder = next(iter(valued_by(given, ("d", "dir"))), "")
    names = valued_by(given, ("o", "out")) or [name for url in given.operands if (name := name_in(url))]
    output = merged(fetched(url, call, world) for url in given.operands) if given.operands else Stream("")
    saved = [f"{folder}/{name}" if folder else name for name in names]
    return together([hook(each, call) for each in hooks], output, saved, call, world)


def _browser(call: Call, world: World) -> Outcome | None:
    """Text browsers and small fetchers: their operands are addresses, `-o` a file."""
    given = exact(call.argv[1:], "output config cookie-file cfg", "oTOU" if call.name in {"fetch", "axel"} else "")
    urls = [each for each in given.operands if "." in each or ":" in each]
    if not urls:
        return None
    output = merged(fetched(url, call, world) for url in urls)
    found = [outcome_of(call, "GET", url, "", output) for url in urls]
    saved: list[str] = []
    if call.name in {"fetch", "axel"}:
        named = valued_by(given, ("o", "output"))
        saved = [name for name in named or map(name_in, urls) if name not in {"", "-"}]
    return together(found, output, saved, call, world)


_CLIENTS: dict[str, Callable[[Call, World], Outcome | None]] = {
    **dict.fromkeys(("http", "https", "xh", "xhs"), _httpie), "aria2c": _aria2,
    **dict.fromkeys(("fetch", "axel", "lynx", "w3m", "links", "links2", "elinks"), _browser),
    **dict.fromkeys(("lwp-download", "lwp-request"), _browser),
}  # fmt: skip
