"""Programs that fetch from, and send to, a web address."""

from collections.abc import Callable, Iterable

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import Options
from agentops_mcp.factors.guardrails.rules.programs.network_fetching import (
    body_of,
    fetched,
    hook,
    local,
    name_in,
    settings,
    together,
)
from agentops_mcp.factors.guardrails.rules.programs.network_hosts import (
    MOST_OPERANDS,
    exact,
    host_of,
    is_given,
    path_of,
    sent,
    too_many,
    valued_by,
    worded,
)
from agentops_mcp.factors.guardrails.rules.programs.network_requests import outcome_of
from agentops_mcp.factors.guardrails.rules.programs.reading import merged

_CURL = (
    "abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout "
    "connect-to continue-at cookie cookie-jar create-file-mode crlfile curves data data-ascii data-binary "
    "data-raw data-urlencode delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url "
    "dump-header ech egd-file engine etag-compare etag-save expect100-timeout form form-string ftp-account "
    "ftp-alternative-to-user ftp-method ftp-port ftp-ssl-ccc-mode happy-eyeballs-timeout-ms "
    "haproxy-clientip header hostpubmd5 hostpubsha256 hsts interface ip-tos json keepalive-time "
    "keepalive-cnt key key-type krb libcurl limit-rate local-port login-options mail-auth mail-from "
    "mail-rcpt max-filesize max-redirs max-time netrc-file noproxy oauth2-bearer output output-dir "
    "parallel-max pass pinnedpubkey preproxy proto proto-default proto-redir proxy proxy-cacert proxy-cert "
    "proxy-header proxy-key proxy-pass proxy-user proxy1.0 pubkey quote random-file range rate referer "
    "request request-target resolve retry retry-delay retry-max-time sasl-authzid service-name socks4 "
    "socks4a socks5 socks5-hostname speed-limit speed-time stderr telnet-option tftp-blksize time-cond "
    "tls-max tls13-ciphers tlspassword tlsuser trace trace-ascii trace-config unix-socket upload-file "
    "upload-flags url url-query user user-agent variable vlan-priority write-out"
)
_CURL_LETTERS = "AbcCdDeEFhHKmoPQrtTuUwxXyYz"
_DATA = {"d", "data", "data-ascii", "data-binary", "json"}
_WGET = (
    "append-output base bind-address body-data body-file ca-certificate ca-directory certificate "
    "certificate-type config connect-timeout crl-file cut-dirs default-page directory-prefix dns-timeout "
    "domains egd-file exclude-directories exclude-domains execute follow-tags header http-password "
    "http-user ignore-tags include-directories input-file level limit-rate load-cookies local-encoding "
    "max-redirect method output-document output-file password post-data post-file prefer-family private-key "
    "private-key-type progress proxy-password proxy-user quota random-file read-timeout referer reject "
    "reject-regex remote-encoding restrict-file-names save-cookies secure-protocol start-pos timeout tries "
    "use-askpass user user-agent wait waitretry accept accept-regex"
)


def outcome(call: Call, world: World) -> Outcome | None:
    """What a web client does."""
    found = _CLIENTS.get(call.name)
    return found(call, world) if found else None


def _curl(call: Call, world: World) -> Outcome | None:
    given = exact(call.argv[1:], _CURL, _CURL_LETTERS)
    every = [*given.operands, *valued_by(given, ("url",))]
    urls = every[:MOST_OPERANDS]
    bodies = _curl_bodies(given, call, world)
    output = merged(fetched(url, call, world) for url in urls) if urls else Stream("")
    found = [settings(valued_by(given, ("K", "config")), call), Outcome(too_many(call, every))]
    for url in urls:
        near = "unix:" if is_given(given, "unix-socket", "abstract-unix-socket") else ""
        method = _curl_method(given, has_body=bool(bodies))
        address = f"127.0.0.1/{path_of(url)}" if near else url
        if url.lower().startswith("file:"):
            found.append(local(url, call, world))
            continue
        known = "" if is_given(given, "G", "get") else merged(bodies).text or ""
        found.append(outcome_of(call, method, address, known, output))
        found += [Outcome((sent(call, host_of(address), body),)) for body in bodies]
        found.append(_orders(valued_by(given, ("Q", "quote")), url, call))
    saved = _curl_saved(given, urls)
    return together(found, output, saved, call, world)


def _curl_method(given: Options, *, has_body: bool) -> str:
    for header in valued_by(given, ("H", "header")):
        name, _, value = header.lower().partition(":")
        if name.strip() in {"x-http-method-override", "x-http-method", "x-method-override"}:
            return value.strip()
    if named := valued_by(given, ("X", "request")):
        return named[-1]
    if is_given(given, "T", "upload-file"):
        return "PUT"
    if is_given(given, "I", "head"):
        return "HEAD"
    return "POST" if has_body and not is_given(given, "G", "get") else "GET"


def _curl_bodies(given: Options, call: Call, world: World) -> list[Stream]:
    found: list[Stream] = []
    for name, value in given.given:
        if name in _DATA:
            found.append(body_of(value[1:], call, world) if value.startswith("@") else worded(value, call))
        elif name == "data-raw" or name == "form-string":
            found.append(worded(value, call))
        elif name in {"data-urlencode", "url-query"}:
            at = value.find("@")
            reads = at >= 0 and "=" not in value[:at]
            found.append(body_of(value[at + 1 :], call, world) if reads else worded(value, call))
        elif name in {"F", "form"}:
            found += _curl_form(value, call, world)
        elif name in {"T", "upload-file"}:
            found.append(call.stdin if value in {"-", "."} else body_of(value, call, world))
        elif name in {"H", "header"} and value.startswith("@"):
            found.append(body_of(value[1:], call, world))
        elif name in {"H", "header", "A", "user-agent", "e", "referer", "b", "cookie"} and HOLE in value:
            found += _secret_in(value, call)
        elif name in {"b", "cookie"} and value and "=" not in value:
            found += _secret_in_file(value, call, world)
    return found


def _secret_in(value: str, call: Call) -> list[Stream]:
    """A header of an unknown value: only a secret in it is told, for versions and the like stand there every day."""
    stream = worded(value, call)
    return [stream] if "secret" in stream.taints else []


def _secret_in_file(path: str, call: Call, world: World) -> list[Stream]:
    """A file of cookies: each goes to the site that set it, so only a file of other secrets is told."""
    stream = body_of(path, call, world)
    return [stream._replace(text=None)] if "secret" in stream.taints else []


def _curl_form(value: str, call: Call, world: World) -> list[Stream]:
    content = value.partition("=")[2]
    if not content.startswith(("@", "<")):
        return [worded(content, call)]
    return [body_of(each.split(";", 1)[0].strip('"'), call, world) for each in content[1:].split(",")]


def _curl_saved(given: Options, urls: Iterable[str]) -> list[str]:
    folder = next(iter(valued_by(given, ("output-dir",))), "")
    names = [each for each in valued_by(given, ("o", "output")) if each != "-"]
    if is_given(given, "O", "remote-name", "remote-name-all"):
        names += [name for url in urls if (name := name_in(url))]
    return [f"{folder}/{name}" if folder and not name.startswith("/") else name for name in names]


def _wget(call: Call, world: World) -> Outcome | None:
    given = exact(call.argv[1:], _WGET, "aABDeGiIloOPQRtTUwX")
    bodies = [worded(value, call) for value in valued_by(given, ("post-data", "body-data"))]
    orders = [each.replace(" ", "").lower().partition("=") for each in valued_by(given, ("e", "execute"))]
    files = [
        *valued_by(given, ("post-file", "body-file")),
        *(value for name, _, value in orders if name.endswith("_file")),
    ]
    bodies += [body_of(value, call, world) for value in files]
    headers = valued_by(given, ("header", "U", "user-agent", "referer"))
    bodies += [body for value in headers for body in _secret_in(value, call)]
    method = next(iter(valued_by(given, ("method",))), "POST" if bodies else "GET")
    output = merged(fetched(url, call, world) for url in given.operands) if given.operands else Stream("")
    found = [
        settings(valued_by(given, ("config",)), call),
        *(hook(each, call) for each in valued_by(given, ("use-askpass",))),
    ]
    for url in given.operands:
        found.append(outcome_of(call, method, url, merged(bodies).text or "" if bodies else "", output))
        found += [Outcome((sent(call, host_of(url), body),)) for body in bodies]
    documents = valued_by(given, ("O", "output-document"))
    folder = next(iter(valued_by(given, ("P", "directory-prefix"))), "")
    names = documents or [name for url in given.operands if (name := name_in(url) or "index.html")]
    if is_given(given, "spider", "delete-after"):
        names = []
    saved = [
        name if not folder or documents else f"{folder}/{name}" for name in names if name not in {"-", "/dev/stdout"}
    ]
    return together(found, output, saved, call, world)


def _orders(orders: Iterable[str], url: str, call: Call) -> Outcome:
    """Orders to an FTP or SFTP server: those that delete."""
    deleting = [
        each for each in orders if each.lstrip("-+*").split(" ", 1)[0].upper() in {"DELE", "RMD", "RM", "RMDIR"}
    ]
    target = host_of(url)
    return Outcome(tuple(Effect("delete", f"{target}: {each}", "remote", call.traits, call.text) for each in deleting))


_CLIENTS: dict[str, Callable[[Call, World], Outcome | None]] = {
    "curl": _curl, "curlie": _curl, "wget": _wget, "wget2": _wget,
}  # fmt: skip
