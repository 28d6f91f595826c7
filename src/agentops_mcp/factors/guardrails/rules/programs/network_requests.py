"""What an HTTP request does to the service that it reaches, told from its method, its address and its body."""

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call, Code, Outcome, Stream
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.programs.network_hosts import (
    host_of,
    is_metadata,
    is_near,
    path_of,
    port_of,
    sent,
    worded,
)

_DELETING = frozenset({"DELETE", "PURGE", "BAN", "UNLINK"})
_READING = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "SEARCH", "REPORT", "QUERY"})
_KNOWN = _DELETING | _READING | frozenset(
    "POST PUT PATCH MKCOL COPY MOVE LOCK UNLOCK LINK TRACE CONNECT VIEW PROPPATCH MKCALENDAR ACL CHECKOUT "
    "MERGE".split()
)  # fmt: skip
_ADMIN_PORTS = frozenset(
    # What listens there by default keeps data or steers others: Elasticsearch, Meilisearch, Typesense, RabbitMQ, etcd,
    # Consul, Vault, Nomad, Prometheus, Alertmanager, CouchDB, Kong, Docker, Kubernetes, InfluxDB, ClickHouse, Neo4j,
    # Qdrant, Weaviate, Solr, Schema Registry, Kafka Connect, NATS, Caddy, HAProxy data plane, Splunk, Pulsar.
    "9200 9201 7700 8108 15672 2379 8500 8200 4646 9090 9093 5984 8001 8444 2375 2376 6443 8086 8123 7474 "
    "6333 8983 8081 8083 8222 2019 5555 8089 9600 19530 9091".split()
)
_VERBS = frozenset("delete destroy purge drop remove wipe terminate flush truncate erase deprovision revoke".split())
_PLAIN_VERBS = frozenset("delete destroy purge terminate wipe truncate deprovision".split())
"""Those that say so also within a longer name (`purge_cache`); not `remove-background`."""

_ENDPOINTS = (
    # Written out by their manuals: Elasticsearch, Prometheus, Jenkins, Solr, Docker.
    "_delete_by_query", "delete_series", "dodelete", "delete-by-query", "deleteindex", "containers/prune",
    "volumes/prune", "images/prune", "system/prune", "networks/prune", "clean_tombstones", "objects/clear",
    "kv/deleterange",
)  # fmt: skip
_CHANGING = frozenset(
    "_close _freeze _shrink cancel clear quit shutdown stop restart disable archive suspend kill reset safeexit "
    "saferestart quietdown scripttext seal".split()
)
_CREDENTIALS = ("iam/", "credential", "token", "identity", "user-data", "userdata", "security-", "ssh-keys", "keys")
_PAYING = {
    "api.stripe.com": frozenset("charges payouts transfers refunds payment_intents subscriptions topups".split()),
    "api.paypal.com": frozenset("payouts payments capture refund subscriptions".split()),
    "api-m.paypal.com": frozenset("payouts payments capture refund subscriptions".split()),
    "squareup.com": frozenset("payments refunds subscriptions".split()),
    "api.adyen.com": frozenset("payments payouts refunds transfers".split()),
    "api.wise.com": frozenset({"transfers", "payments"}),
    "api.transferwise.com": frozenset({"transfers", "payments"}),
    "api.coinbase.com": frozenset({"transactions", "buys", "sells", "orders", "withdrawals"}),
    "api.godaddy.com": frozenset({"purchase"}),
}
"""Hosts, and the parts of paths with which a POST to them moves money."""

_PERSONS = frozenset({("r", "decide"), ("grants", "revoke")})
_LEAST_TOKEN = 20
"""What is shorter is a word of another program's address: `/sign-in/email`."""

_SQL = ("DROP ", "DELETE ", "TRUNCATE ", "ALTER ", "UPDATE ", "INSERT ", "GRANT ")
_LONGEST_BODY = 20_000


def effects(call: Call, method: str, url: str, body: str = "") -> tuple[Effect, ...]:
    """What one request does; `body` is what is known of the text it sends."""
    method = method.upper()
    host = host_of(url)
    if method not in _READING and is_near(host) and _is_of_a_person(url):
        traits = {"api", "local_host", "guard"}
        return (Effect("weaken", url.partition("://")[2] or url, "remote", call.traits | traits, call.text),)
    if is_metadata(host):
        grave = any(each in path_of(url).lower() for each in _CREDENTIALS)
        traits = {"metadata", "credentials"} if grave else {"metadata"}
        return (Effect("read_secret", url, "remote", call.traits | traits, call.text),)
    if method == "POST" and _spends(host, url) and "sk_test_" not in call.text:
        return (Effect("spend", url.partition("://")[2] or url, "remote", call.traits | {"api"}, call.text),)
    found = [_effect(call, kind, url, host) for kind in _kinds(method, url, body[:_LONGEST_BODY])]
    if any(HOLE in label for label in host.split(".")[:-2]):
        found.append(sent(call, host, worded(url, call), "name"))
    elif HOLE in path_of(url):
        found.append(sent(call, host, worded(url, call), "query"))
    return tuple(found)


def _is_of_a_person(url: str) -> bool:
    """Whether an address is one of this server's own page with which only a person decides or signs in."""
    parts = path_of(url).partition("?")[0].lower().strip("/").split("/")
    if len(parts) == 2:
        return parts[0] == "sign-in" and len(parts[1]) >= _LEAST_TOKEN
    return len(parts) == 3 and (parts[0], parts[2]) in _PERSONS


def _spends(host: str, url: str) -> bool:
    """Whether a request moves money: what services of payments and of registrars name so in their manuals."""
    parts = path_of(url).split("?", 1)[0].strip("/").split("/")
    return any(host.endswith(name) and paths.intersection(parts) for name, paths in _PAYING.items())


def statements(url: str, body: str) -> tuple[Code, ...]:
    """SQL that a request carries, as databases take it over HTTP: the whole body, or the parameter `q` or `query`."""
    texts = [body, *(part.partition("=")[2] for part in (path_of(url).partition("?")[2]).split("&"))]
    texts += [body.partition("=")[2]] if body[:6].lower().startswith(("q=", "query=")) else []
    plain = [each.replace("+", " ").replace("%20", " ").strip() for each in texts]
    return tuple(Code("sql", Stream(each)) for each in plain if each.upper().startswith(_SQL))


def outcome_of(call: Call, method: str, url: str, body: str, output: Stream) -> Outcome:
    """One request as an outcome."""
    return Outcome(effects(call, method, url, body), output, statements(url, body))


def _kinds(method: str, url: str, body: str) -> list[str]:
    if HOLE in method or method not in _KNOWN:
        return ["change_infrastructure"]
    if method in _DELETING:
        return ["destroy_infrastructure"]
    if method in _READING and "mutation" not in body:
        return []
    path = path_of(url).lower()
    segments = frozenset(path.replace("?", "/").replace("=", "/").replace("&", "/").split("/"))
    parts = frozenset(part for each in segments for part in each.replace("_", "-").replace(".", "-").split("-"))
    named = segments & _VERBS or parts & _PLAIN_VERBS or any(each in path for each in _ENDPOINTS)
    if named or _calls(url) or _destroys(body):
        return ["destroy_infrastructure"]
    if (segments | parts) & _CHANGING or _is_mutation(body):
        return ["change_infrastructure"]
    return []


def _calls(url: str) -> frozenset[str]:
    """Verbs with which parts of the path begin, as remote procedures are named: `/api/deleteUser`."""
    parts = path_of(url).split("?", 1)[0].split("/")
    return frozenset(
        verb for each in parts for verb in _VERBS if each.startswith(verb) and each[len(verb) :][:1].isupper()
    )


def _destroys(body: str) -> bool:
    """Whether a body calls something by a verb of destruction: `{"event": "deleteUser"}`, a mutation, an RPC."""
    for verb in ("delete", "destroy", "purge", "terminate", "truncate", "wipe", "remove"):
        for start in _places(body.lower(), verb):
            before, after = body[start - 1 : start], body[start + len(verb) : start + len(verb) + 1]
            called = _is_mutation(body) and (after.isupper() or after in {"_", "("})
            named = before == '"' and (after.isupper() or after in {"_", '"', "-"}) and _is_value(body, start)
            if called or named:
                return True
    return False


def _is_value(body: str, start: int) -> bool:
    """Whether the quoted word at `start` is the value of a key that names what is to be done."""
    key = body[: start - 1].rstrip().removesuffix(":").rstrip().rpartition('"')[0].rpartition('"')[2].lower()
    return key in {
        "event",
        "action",
        "method",
        "type",
        "command",
        "cmd",
        "op",
        "operation",
        "operationname",
        "tool",
        "name",
    }


def _places(text: str, verb: str) -> list[int]:
    found: list[int] = []
    start = text.find(verb)
    while start >= 0:
        found.append(start)
        start = text.find(verb, start + 1)
    return found


def _is_mutation(body: str) -> bool:
    """Whether a body is a GraphQL document that changes something."""
    start = body.find("mutation")
    return start >= 0 and body[start + 8 : start + 9] in {" ", "{", "(", "\\", "\n"}


def _effect(call: Call, kind: str, url: str, host: str) -> Effect:
    traits = {"api"}
    if is_near(host):
        traits.add("local_host")
        if port_of(url) in _ADMIN_PORTS:
            traits.add("admin_port")
    return Effect(kind, url.partition("://")[2] or url, "remote", call.traits | traits, call.text)
