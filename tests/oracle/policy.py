# SPDX-License-Identifier: Apache-2.0
"""Reads one policy as OpenShell 0.1 does and says what is wrong with it.

`load` gives a Policy with the problems found, each a (stage, text); what is loaded is plain
dictionaries with every default filled in. Reference 40-policy sections 2 and 4, and what
45-openshell-0.1 changes of them.
"""
import collections
import functools
import ipaddress
import re

import mcp as protocol_mcp
import patterns
from primitives import net_class, parse_net

# ---- parse: strict types, unknown keys refused (section 2) ----------------------------------------

STRING, BOOL, ANY = "string", "bool", "any"


def _list(of):
    return ("list", of)


def _map(of):
    return ("map", of)


def _optional(of):
    return ("optional", of)


def _number(low, high):
    return ("number", low, high)


def _word(*words, absent=""):
    """One of a closed vocabulary, in exactly this spelling."""
    return ("word", words, absent)


U32 = _number(0, 2 ** 32 - 1)
U16 = _number(0, 65535)
MATCHER, PARAM = "matcher", "param"
RULE = {"method": STRING, "path": STRING, "command": STRING, "query": _map(MATCHER),
        "operation_type": STRING, "operation_name": STRING, "fields": _list(STRING),
        "tool": _optional(MATCHER), "params": _map(PARAM)}
ENDPOINT = {
    "host": STRING, "path": STRING, "port": U16, "ports": _list(U16), "protocol": STRING,
    "tls": _word("", "skip", "terminate", "passthrough"), "enforcement": _word("enforce", "audit"),
    "access": _word("read-only", "read-write", "full"), "rules": _list({"allow!": RULE}),
    "allowed_ips": _list(STRING), "deny_rules": _list(RULE), "allow_encoded_slash": BOOL,
    "websocket_credential_rewrite": BOOL, "request_body_credential_rewrite": BOOL,
    "allow_uninspected_credentials": BOOL, "persisted_queries": STRING,
    "graphql_persisted_queries": _map({"operation_type": STRING, "operation_name": STRING,
                                       "fields": _list(STRING)}),
    "graphql_max_body_bytes": U32, "credential_signing": STRING, "signing_service": STRING,
    "signing_region": STRING, "credential_binding": _optional({"provider!": STRING}),
    "json_rpc": _optional({"max_body_bytes": U32}),
    "mcp": _optional({"max_body_bytes": U32, "strict_tool_names": _optional(BOOL),
                      "pin_tools": _word("report", "refuse"),
                      "allow_all_known_mcp_methods": _optional(BOOL),
                      "versions": _optional(_list(STRING))}),
}
BINARY = ("binary", {"path!": STRING, "harness": BOOL})
MIDDLEWARE = {"name": STRING, "middleware!": STRING, "order": _number(-2 ** 31, 2 ** 31 - 1),
              "config": _map(ANY), "on_error": STRING,
              "on_uninspectable": _word("allow", "deny"),
              "endpoints": _optional({"include": _list(STRING), "exclude": _list(STRING)})}
POLICY = {
    "version!": _number(1, 1),
    "filesystem_policy": _optional({"include_workdir": BOOL, "read_only": _list(STRING),
                                    "read_write": _list(STRING)}),
    "landlock": _optional({"compatibility": _word("best_effort", "hard_requirement", absent="best_effort")}),
    "process": _optional({"run_as_user": STRING, "run_as_group": STRING}),
    "network_policies": _map({"name": STRING, "endpoints": _list(ENDPOINT),
                              "binaries": _list(BINARY)}),
    "network_middlewares": _map(MIDDLEWARE),
}
EMPTY = {STRING: "", BOOL: False}


class ParseError(Exception):
    pass


def _default(shape):
    if isinstance(shape, str):
        return EMPTY[shape]
    if shape[0] == "word":
        return shape[2]
    return {"list": [], "map": {}, "optional": None, "number": 0}[shape[0]]


def _parse(value, shape, where):
    if isinstance(shape, dict):
        return _parse_record(value, shape, where)
    if shape == ANY:
        return value
    if shape in (MATCHER, PARAM):
        return _parse_matcher(value, shape, where)
    if shape == STRING:
        return _expect(value, isinstance(value, str), where)
    if shape == BOOL:
        return _expect(value, isinstance(value, bool), where)
    if shape[0] == "optional":  # null is not absence
        return _parse(value, shape[1], where)
    if shape[0] == "word":
        return _expect(value, isinstance(value, str) and value in shape[1], where)
    if shape[0] == "binary":
        return _parse({"path": value} if isinstance(value, str) else value, shape[1], where)
    if shape[0] == "number":
        _expect(value, isinstance(value, int) and not isinstance(value, bool), where)
        return _expect(value, shape[1] <= value <= shape[2], where)
    if shape[0] == "list":
        _expect(value, isinstance(value, list), where)
        return [_parse(item, shape[1], f"{where}[{i}]") for i, item in enumerate(value)]
    _expect(value, isinstance(value, dict) and all(isinstance(k, str) for k in value), where)
    return {key: _parse(item, shape[1], f"{where}.{key}") for key, item in value.items()}


def _expect(value, is_right, where):
    if not is_right:
        raise ParseError(f"{where}: {value!r}")
    return value


def _parse_record(value, shape, where):
    _expect(value, isinstance(value, dict), where)
    fields = {key.rstrip("!"): one for key, one in shape.items()}
    for key in value:
        _expect(key, key in fields, where)
    for key in shape:
        _expect(key, not key.endswith("!") or key[:-1] in value, where)
    record = {key: _parse(value[key], one, f"{where}.{key}") if key in value else _default(one)
              for key, one in fields.items()}
    record["given"] = set(value)  # an empty list that is written is not the same as none
    return record


def _parse_matcher(value, shape, where):
    """A glob or {any: [globs]} becomes a list of globs; nested params become dictionaries."""
    if isinstance(value, str):
        return [value]
    _expect(value, isinstance(value, dict), where)
    if set(value) <= {"any"}:
        return _parse(value.get("any", []), _list(STRING), where)
    _expect(value, shape == PARAM, where)
    return _parse(value, _map(PARAM), where)


def _flatten(params, prefix=""):
    flat = {}
    for key, value in params.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def _normalise(endpoint):
    """One list of ports, lower-case protocol, flat fields for the nested stanzas, flat params."""
    endpoint["written_path"] = endpoint["path"]
    ports = endpoint["ports"] or [p for p in [endpoint["port"]] if p]
    endpoint["ports"], endpoint["protocol"] = ports, endpoint["protocol"].lower()
    mcp, rpc = endpoint["mcp"], endpoint["json_rpc"]
    endpoint["strict"], endpoint["profile"] = None, None
    endpoint["written_tls"] = endpoint["tls"]
    if endpoint["tls"] != "skip":  # the other words mean nothing any more
        endpoint["tls"] = ""
    endpoint["versions"] = mcp and mcp["versions"]
    endpoint["rpc_limit"] = rpc["max_body_bytes"] if rpc else 0
    if mcp:
        endpoint["rpc_limit"] = mcp["max_body_bytes"]
        endpoint["strict"] = mcp["strict_tool_names"]
        endpoint["profile"] = mcp["allow_all_known_mcp_methods"]
    endpoint["rules"] = [rule["allow"] for rule in endpoint["rules"]]
    for rule in endpoint["rules"] + endpoint["deny_rules"]:
        rule["params"] = _flatten(rule["params"])
        rule["both"] = rule["tool"] is not None and "name" in rule["params"]
        if rule["tool"] is not None:
            rule["params"].setdefault("name", rule["tool"])
    return endpoint


# ---- safety (section 4.1) --------------------------------------------------------------------------

def _identity_is_right(text):
    return text in ("", "sandbox") or \
        re.fullmatch(r"\+?[0-9]+", text) is not None and 1 <= int(text) <= 2 ** 32 - 2


def _check_static(policy, bad):
    process, files = policy["process"], policy["filesystem_policy"]
    for field in ("run_as_user", "run_as_group"):
        if process and not _identity_is_right(process[field]):
            bad("safety", f"{field} must be 'sandbox' or a number")
    if not files:
        return
    count = len(files["read_only"]) + len(files["read_write"])
    if count > 256:
        bad("safety", f"too many filesystem paths ({count} > 256)")
    for path in files["read_only"] + files["read_write"]:
        if len(path.encode()) > 4096:
            bad("safety", "path exceeds maximum length")
            continue
        if not path.startswith("/"):
            bad("safety", "path must be absolute")
        if ".." in path.split("/"):
            bad("safety", "path contains '..'")
    if any(not path.rstrip("/") for path in files["read_write"]):
        bad("safety", "read-write path is overly broad")


def _check_host(endpoint, bad):
    host, is_tcp = endpoint["host"], endpoint["protocol"] == "tcp"
    if not host.strip():
        if is_tcp:
            bad("safety", "protocol tcp requires a DNS hostname")
        elif not endpoint["allowed_ips"]:
            bad("safety", "endpoint host must not be empty")
    elif is_tcp and _is_address(host):
        bad("safety", "must use a DNS hostname, not an IP literal")
    elif is_tcp and not _is_dns_selector(host):
        bad("safety", "invalid DNS host selector")
    if not endpoint["ports"]:
        bad("safety", "must declare at least one port")
    if 0 in endpoint["ports"]:
        bad("safety", "invalid port 0")
    labels = host.split(".")
    if "*" not in host:
        return
    if len(labels) <= 2:  # "*" and "**" alone among them
        bad("safety", f"TLD wildcard '{host}'")
    if "**" in labels[0] and labels[0] != "**" or \
            any("**" in label or "*" in label and label != "*" for label in labels[1:]):
        bad("safety", f"invalid host wildcard '{host}'")


def _is_address(text):
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_dns_selector(host):
    """Stars stand for one character; then it must be a name: labels of 1 to 63, 253 in all."""
    if host.strip() != host or host.endswith("."):
        return False
    try:
        patterns.host_labels(host)
    except patterns.PatternError:
        return False
    labels = ["x" if label == "**" else label.replace("*", "x") for label in host.split(".")]
    return len(".".join(labels)) <= 253 and all(
        len(label) <= 63 and re.fullmatch("[A-Za-z0-9_][A-Za-z0-9_-]*", label) for label in labels)


def _check_signing(endpoint, bad):
    signing = endpoint["credential_signing"]
    if signing and signing not in ("sigv4", "sigv4:body", "sigv4:no_body"):
        bad("safety", "unrecognized credential_signing value")
    if signing and not endpoint["signing_service"]:
        bad("safety", "signing_service is empty")
    if signing and endpoint["request_body_credential_rewrite"]:
        bad("safety", "mutually exclusive")


def _check_allowed_ips(endpoint, bad):
    """Section 5: an entry that does not parse or overlaps an always-blocked range is refused."""
    for entry in endpoint["allowed_ips"]:
        try:
            net = parse_net(entry.strip())  # as they are compared (section 4.3)
        except ValueError:
            bad("safety", "allowed_ips")
            continue
        if net_class(net) == "always_blocked":
            bad("safety", "allowed_ips")


# ---- L7 (section 4.2) ------------------------------------------------------------------------------

PROTOCOLS = ("rest", "websocket", "graphql", "sql", "json-rpc", "mcp")
OPERATIONS = ("query", "mutation", "subscription")
REST_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "*")
WEBSOCKET_METHODS = ("GET", "WEBSOCKET_TEXT", "WEBSOCKET_BINARY", "WEBSOCKET_SERVER_TEXT",
                     "WEBSOCKET_SERVER_BINARY", "*")


def _is_empty_rule(rule):
    return not any(rule[f] for f in ("method", "path", "command", "operation_type",
                                     "operation_name", "fields", "params"))


def _has_graphql(rule):
    return bool(rule["operation_type"] or rule["operation_name"] or "fields" in rule["given"])


def _has_transport(rule):
    return bool(rule["method"] or rule["path"] or rule["query"])


def is_graphql_websocket(endpoint):
    return bool(endpoint["graphql_persisted_queries"] or
                endpoint["persisted_queries"] not in ("", "deny") or
                any(_has_graphql(rule) for rule in endpoint["rules"] + endpoint["deny_rules"]))


def _uses_wildcard(glob):
    return any(c in "*?[]{}" for c in glob)


def _check_base(endpoint, bad):
    protocol, access, profile = endpoint["protocol"], endpoint["access"], endpoint["profile"]
    rules, denies = endpoint["rules"], endpoint["deny_rules"]
    if protocol not in ("", "tcp") + PROTOCOLS:
        bad("l7", "unknown protocol")
    if protocol == "tcp" and (access or rules or denies):
        bad("l7", "protocol tcp does not support access, rules, or deny_rules")
    if rules and access:
        bad("l7", "rules and access are mutually exclusive")
    if protocol in ("mcp", "json-rpc") and access:
        bad("l7", "does not support access presets")
    if protocol in ("rest", "websocket", "graphql", "sql", "json-rpc") and not rules and not access:
        bad("l7", "requires rules or access")
    if protocol == "mcp" and not rules and not access and not profile:
        bad("l7", "protocol mcp requires rules")
    if rules and all(map(_is_empty_rule, rules)) and not (protocol == "mcp" and profile):
        bad("l7", "rules would deny all traffic")
    if denies and protocol not in PROTOCOLS:
        bad("l7", "deny_rules require protocol")
    if denies and protocol != "mcp" and not rules and not access:
        bad("l7", "deny_rules require rules or access")
    for name in ("rules", "deny_rules"):
        if name in endpoint["given"] and not endpoint[name]:
            bad("l7", f"{name} list cannot be empty")


L7_ONLY = ("enforcement", "path", "allow_encoded_slash", "websocket_credential_rewrite",
           "request_body_credential_rewrite", "persisted_queries", "graphql_persisted_queries",
           "graphql_max_body_bytes", "rpc_limit", "credential_signing", "signing_service",
           "signing_region", "credential_binding")


def _check_fields(endpoint, bad, warn):
    protocol, path = endpoint["protocol"], endpoint["path"]
    extra = [name for name in L7_ONLY if endpoint[name]] + \
        [name for name in ("strict", "profile") if endpoint[name] is not None]
    if protocol == "tcp" and extra:
        bad("l7", f"L7-only fields: {', '.join(extra)}")
    if path and not path.startswith("/") and path != "**":
        bad("l7", "path must start with '/'")
    _check_glob(path, warn)
    if endpoint["persisted_queries"] not in ("", "deny", "allow_registered"):
        bad("l7", "persisted_queries must be")
    if "graphql_max_body_bytes" in endpoint["given"] and not endpoint["graphql_max_body_bytes"]:
        bad("l7", "graphql_max_body_bytes must be a positive integer")
    if protocol == "sql" and endpoint["enforcement"] == "enforce":
        bad("l7", "SQL enforcement requires full SQL parsing")
    if protocol != "mcp" and endpoint["mcp"] is not None:
        bad("l7", "mcp is only valid for protocol mcp")
    if protocol == "mcp" and endpoint["versions"] is not None:
        _check_versions(endpoint["versions"], bad)
    if protocol == "mcp" and not endpoint["host"].strip():
        bad("l7", "protocol mcp requires host")
    if endpoint["written_tls"] in ("terminate", "passthrough"):
        warn("is deprecated")
    if endpoint["tls"] == "skip" and protocol and 443 in endpoint["ports"]:
        warn("cannot work on encrypted traffic")
    if protocol not in ("graphql", "websocket") and endpoint["given"] & {
            "persisted_queries", "graphql_persisted_queries", "graphql_max_body_bytes"}:
        warn("GraphQL-specific endpoint fields are ignored")
    if protocol not in ("json-rpc", "mcp") and endpoint["rpc_limit"]:
        warn("JSON-RPC-specific endpoint fields are ignored")
    if endpoint["request_body_credential_rewrite"] and protocol != "rest":
        warn("request_body_credential_rewrite is ignored")
    if endpoint["websocket_credential_rewrite"] and protocol != "websocket":
        bad("l7", "websocket_credential_rewrite is only valid for protocol websocket")


def _check_versions(versions, bad):
    """Section 7: distinct names of revisions, at least one."""
    if not versions:
        bad("l7", "mcp.versions is empty")
    for i, version in enumerate(versions):
        if version not in protocol_mcp.REVISIONS:
            bad("l7", f"unknown revision {version}")
        if version in versions[:i]:
            bad("l7", f"{version} is listed twice")


def _check_glob(glob, warn):
    """Unbalanced brackets and braces only warn; evaluation fails."""
    for low, high in ("[]", "{}"):
        depth = 0
        for c in glob:
            depth += (c == low) - (c == high)
            if depth < 0:
                return warn(f"unmatched '{high}'")
        if depth:
            return warn(f"unclosed '{low}'")


def _check_rule(endpoint, rule, bad, warn):
    protocol = endpoint["protocol"]
    for globs in rule["query"].values():
        if not globs or globs == [""]:
            bad("l7", "matcher")
        for glob in globs:
            _check_glob(glob, warn)
    method, methods = rule["method"].upper(), WEBSOCKET_METHODS
    if protocol == "rest":
        methods = REST_METHODS
        if rule["command"]:
            warn("command is for SQL")
    if protocol in ("rest", "websocket") and method and method not in methods:
        warn("Unknown HTTP")
    if protocol in ("json-rpc", "mcp"):
        if rule["path"] or rule["query"]:
            bad("l7", "not path/query")
        (_check_rpc_rule if protocol == "json-rpc" else _check_mcp_rule)(endpoint, rule, bad, warn)
    elif rule["params"]:
        bad("l7", "only valid for protocol mcp")
    _check_graphql_rule(endpoint, rule, bad, warn)


def _check_rpc_rule(_endpoint, rule, bad, _warn):
    if not rule["method"]:
        bad("l7", "method: required")
    elif rule["method"] != "*" and _uses_wildcard(rule["method"]):
        bad("l7", "do not support glob")
    if rule["params"]:
        bad("l7", "do not support params")


def _check_mcp_rule(endpoint, rule, bad, warn):
    method, tools = rule["method"], rule["params"].get("name")
    _check_glob(method, warn)
    if _uses_wildcard(method) and not method.startswith("tools/"):
        bad("l7", "only valid for the tools/ method family")
    if not method and not endpoint["profile"]:
        bad("l7", "method: required")
    if "name" in rule["params"] and method not in ("", "tools/call"):
        bad("l7", "must be tools/call")
    if rule["both"]:
        bad("l7", "not both")
    if any(key != "name" for key in rule["params"]):
        bad("l7", "argument matching is not supported")
    if tools is not None and (not tools or tools == [""]):
        bad("l7", "matcher")
    if tools and endpoint["strict"] is False and any(map(_uses_wildcard, tools)):
        bad("l7", "require mcp.strict_tool_names")
    for glob in tools or []:
        _check_glob(glob, warn)


def _reaches_every_tool(rule, profile):
    if "name" in rule["params"]:
        return False
    tokens = patterns._read_simple(rule["method"])
    return rule["method"] == "" and bool(profile) or \
        tokens is not None and patterns._simple_matches(tokens, "tools/call")


def _check_mcp_tools(endpoint, bad):
    if not any("name" in rule["params"] for rule in endpoint["rules"]):
        return
    for rule in endpoint["rules"]:
        if _reaches_every_tool(rule, endpoint["profile"]):
            bad("l7", "allows every tool call")
    for rule in endpoint["deny_rules"]:
        if _reaches_every_tool(rule, False):
            bad("l7", "denies every tool call")


def _check_graphql_rule(endpoint, rule, bad, warn):
    protocol = endpoint["protocol"]
    if protocol == "websocket" and _has_graphql(rule) and _has_transport(rule):
        bad("l7", "must not combine")
    if protocol == "graphql" or protocol == "websocket" and _has_graphql(rule):
        _check_operation(rule, protocol == "graphql", bad, warn)
    elif _has_graphql(rule):
        warn("GraphQL rule fields are ignored")


def _check_operation(rule, authored, bad, warn):
    """Section 4.2: the gateway refuses other case on a graphql endpoint. "*" is refused by 0.1 and
    taken here, with a warning."""
    kind = rule["operation_type"]
    if not kind or kind.lower() not in OPERATIONS + ("*",):
        bad("l7", "operation_type")
    elif kind == "*":
        warn('operation_type "*"')
    elif authored and kind not in OPERATIONS:
        bad("operation_type", "operation_type must be query, mutation, or subscription")
    if "fields" in rule["given"] and not rule["fields"] or "" in rule["fields"]:
        bad("l7", "fields")
    for glob in [rule["operation_name"], *rule["fields"]]:
        _check_glob(glob, warn)


def _check_endpoint(endpoint, bad, warn):
    _check_host(endpoint, bad)
    _check_signing(endpoint, bad)
    _check_allowed_ips(endpoint, bad)
    _check_base(endpoint, bad)
    _check_fields(endpoint, bad, warn)
    for rule in endpoint["rules"] + endpoint["deny_rules"]:
        _check_rule(endpoint, rule, bad, warn)
    for rule in endpoint["rules"]:
        if endpoint["protocol"] == "websocket" and is_graphql_websocket(endpoint) and \
                rule["method"].upper() == "WEBSOCKET_TEXT":
            bad("l7", "instead of WEBSOCKET_TEXT")
    for rule in endpoint["deny_rules"]:
        _check_glob(rule["path"], warn)
    if endpoint["protocol"] == "mcp":
        _check_mcp_tools(endpoint, bad)
    for operation in endpoint["graphql_persisted_queries"].values():  # names here, not globs
        _check_operation(operation, endpoint["protocol"] == "graphql", bad,
                         lambda text: warn(text) if text.startswith("operation_type") else None)


def _check_rules(policy, bad, warn):
    """45-openshell-0.1 section 3: names that are kept for providers, and the key without effect."""
    for key, rule in policy["network_policies"].items():
        if key.startswith("_provider_"):
            bad("parse", "names of policies cannot start with _provider_")
        if any("harness" in binary["given"] for binary in rule["binaries"]):
            warn("harness has no effect")


# ---- middleware (section 9) ------------------------------------------------------------------------

def _check_middlewares(policy, bad, warn):
    middlewares = policy["network_middlewares"]
    if len(middlewares) > 10:
        bad("safety", "too many middleware configs")
    orders = collections.Counter(one["order"] for one in middlewares.values())
    if any(count > 1 for count in orders.values()):
        bad("safety", "duplicate order")
    for key, one in middlewares.items():
        if not key:
            bad("safety", "name must not be empty")
        if not one["middleware"]:
            bad("safety", "middleware must not be empty")
        if one["on_error"] not in ("", "fail_closed", "fail_open"):
            bad("safety", "invalid on_error")
        if one["on_error"] == "fail_open" and not one["on_uninspectable"]:
            warn("is deprecated")
        _check_selector(policy, one, bad)


def _check_selector(policy, middleware, bad):
    selector = middleware["endpoints"]
    if selector is None:
        return bad("safety", "endpoint selector is required")
    include, exclude = selector["include"], selector["exclude"]
    if not include:
        return bad("safety", "must include at least one host pattern")
    if len(include) + len(exclude) > 32:
        return bad("safety", f"too many selector patterns ({len(include) + len(exclude)} > 32)")
    try:
        for pattern in include + exclude:
            patterns.host_labels(pattern)
            if ":" in pattern and not _is_address(pattern):
                return bad("safety", f"a selector has no port: {pattern}")
    except patterns.PatternError:
        return bad("safety", "invalid host pattern")
    if middleware["on_uninspectable"] == "allow" or \
            not middleware["on_uninspectable"] and middleware["on_error"] == "fail_open":
        return None
    for rule in policy["network_policies"].values():
        for endpoint in rule["endpoints"]:
            if endpoint["tls"] == "skip" and _may_select(include, exclude, endpoint["host"]):
                bad("safety", "tls: skip endpoint")
    return None


def _may_select(include, exclude, host):
    try:
        return patterns.selector_may_match(include, exclude, host)
    except patterns.PatternError:
        return False


# ---- ambiguity (section 4.3) -----------------------------------------------------------------------

def _host_tokens(host):
    """Here only stars are special: one stays in its label, two or more do not."""
    star = {"*": ("label",)}
    return tuple(part if part[0] != "*" else star.get(part, ("any",))
                 for part in re.findall(r"\*+|[^*]", host.lower()))


@functools.lru_cache(maxsize=None)
def _path_tokens(path):
    """Every star crosses "/"; None when malformed. "**/" is one star."""
    tokens = patterns._read_simple(path)
    return None if tokens is None else tuple(
        token[1] if token[0] == "literal" else
        ("any",) if token[0] in ("star", "components") else
        ("one",) if token[0] == "any" else ("class", token[1], tuple(token[2]))
        for token in tokens)


@functools.lru_cache(maxsize=None)
def _languages_meet(left, right, delimiter):
    """Is there a text that both match? Walks all pairs of places in the two patterns."""
    todo, seen = [(0, 0)], set()
    while todo:
        i, j = todo.pop()
        if (i, j) in seen:
            continue
        seen.add((i, j))
        if i == len(left) and j == len(right):
            return True
        star_i = i < len(left) and left[i] in (("any",), ("label",))
        star_j = j < len(right) and right[j] in (("any",), ("label",))
        if star_i:
            todo.append((i + 1, j))
        if star_j:
            todo.append((i, j + 1))
        if i < len(left) and j < len(right) and _share(left[i], right[j], delimiter):
            todo.append((i + (not star_i), j + (not star_j)))
    return False


def _accepts(token, c, delimiter):
    if isinstance(token, str):
        return token == c
    if token[0] == "class":
        return patterns._in_class(token, c)
    return token[0] != "label" or c != delimiter


def _share(left, right, delimiter):
    """Is there one character that both take? The ends of all ranges and a stranger will do."""
    tries = {"\x02", delimiter}
    for token in (left, right):
        for low, high in token[2] if token[0] == "class" else ():
            tries |= {chr(min(0x10FFFF, max(0, ord(c) + d))) for c in (low, high)
                      for d in (-1, 0, 1)}
        if isinstance(token, str):
            tries.add(token)
    return any(_accepts(left, c, delimiter) and _accepts(right, c, delimiter) for c in tries)


def _hosts_meet(left, right):
    return not left or not right or _languages_meet(_host_tokens(left), _host_tokens(right), ".")


def _paths_meet(left, right):
    if left in ("", "**", "/**") or right in ("", "**", "/**"):
        return True
    left, right = _path_tokens(left), _path_tokens(right)
    return left is None or right is None or _languages_meet(left, right, "/")


def specificity(path):
    return len(path.replace("*", ""))


def has_extended(endpoint):
    return bool(endpoint["protocol"] not in ("", "tcp") or endpoint["allowed_ips"] or
                endpoint["tls"])


def _connection(endpoint):
    return {"tcp": endpoint["protocol"] == "tcp", "tls": endpoint["tls"] == "skip",
            "allowed_ips": {entry.strip().lower() for entry in endpoint["allowed_ips"]}}


def _request(endpoint):
    protocol = "" if endpoint["protocol"] == "tcp" else endpoint["protocol"]
    fields = {name: endpoint[name] for name in (
        "allow_encoded_slash", "websocket_credential_rewrite", "request_body_credential_rewrite",
        "credential_signing", "signing_service", "signing_region")}
    fields["protocol"] = protocol
    fields["enforcement"] = endpoint["enforcement"] == "enforce"
    fields["credential_binding"] = (endpoint["credential_binding"] or {"provider": ""})["provider"]
    if protocol == "websocket":
        fields["websocket_graphql_policy"] = is_graphql_websocket(endpoint)
    if protocol == "graphql":
        fields["graphql_max_body_bytes"] = endpoint["graphql_max_body_bytes"] or 65536
    if protocol in ("json-rpc", "mcp"):
        fields["json_rpc_max_body_bytes"] = endpoint["rpc_limit"] or 65536
    if protocol == "mcp":
        fields["mcp.strict_tool_names"] = endpoint["strict"] is not False
        fields["mcp.versions"] = set(endpoint["versions"] or protocol_mcp.DEFAULT)
    return fields


def conflicts(left, right):
    """The fields that must agree and do not, for two endpoints that one request can reach. A field
    that only one protocol has is compared only between two endpoints of that protocol."""
    if not set(left["ports"]) & set(right["ports"]) - {0} or \
            not _hosts_meet(left["host"], right["host"]):
        return []
    pairs = [(_connection(left), _connection(right))]
    if all(has_extended(e) or e["credential_binding"] for e in (left, right)) and \
            specificity(left["path"]) == specificity(right["path"]) and \
            _paths_meet(left["path"], right["path"]):
        pairs.append((_request(left), _request(right)))
    return [name for one, other in pairs for name in one
            if name in other and one[name] != other[name]]


# ---- presets (section 6.2), after every check ------------------------------------------------------

def _rule(**fields):
    rule = {name: _default(shape) for name, shape in RULE.items()}
    return {**rule, "both": False, "given": set(fields), **fields}


def _preset(protocol, access):
    if protocol == "graphql":
        kinds = {"read-only": ["query"], "read-write": ["query", "mutation"], "full": ["*"]}
        return [_rule(operation_type=kind) for kind in kinds.get(access, [])]
    methods = {"read-only": ["GET", "HEAD", "OPTIONS"], "full": ["*"],
               "read-write": ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH"]}
    if protocol == "websocket":
        methods = {"read-only": ["GET"], "read-write": ["GET", "WEBSOCKET_TEXT"], "full": ["*"]}
    return [_rule(method=method, path="**") for method in methods.get(access, [])]


def _expand(endpoint):
    protocol, profile = endpoint["protocol"], endpoint["profile"]
    if endpoint["access"] and not endpoint["rules"]:
        endpoint["rules"] = _preset(protocol, endpoint["access"])
    if protocol != "mcp" or not profile:
        return
    for rule in endpoint["rules"] + endpoint["deny_rules"]:
        if not rule["method"]:
            rule["method"] = "tools/call" if "name" in rule["params"] else "*"


# ---- the whole -------------------------------------------------------------------------------------

class Policy:
    def __init__(self):
        self.problems, self.warnings, self.policies = [], [], {}

    def stages(self):
        return {stage for stage, _ in self.problems}


def parse_endpoint(written):
    """One endpoint alone, for whoever builds policies that must load."""
    return _normalise(_parse(written, ENDPOINT, "endpoint"))


def problems_of(endpoint):
    problems = []
    _check_endpoint(endpoint, lambda stage, text: problems.append((stage, text)), lambda _: None)
    return problems


def load(document):
    """`document` is what YAML gave. Problems are collected over all stages but the first."""
    policy = Policy()

    def bad(stage, text):
        policy.problems.append((stage, text))
    try:
        parsed = _parse(document, POLICY, "policy")
    except ParseError as error:
        bad("parse", str(error))
        return policy
    endpoints = [_normalise(endpoint) for rule in parsed["network_policies"].values()
                 for endpoint in rule["endpoints"]]
    _check_static(parsed, bad)
    for endpoint in endpoints:
        _check_endpoint(endpoint, bad, policy.warnings.append)
    _check_rules(parsed, bad, policy.warnings.append)
    _check_middlewares(parsed, bad, policy.warnings.append)
    for i, left in enumerate(endpoints):
        for right in endpoints[i + 1:]:
            fields = conflicts(left, right)
            if fields:
                bad("ambiguity", f"{left['host']} and {right['host']}: {', '.join(fields)}")
    for endpoint in endpoints:
        _expand(endpoint)
    policy.policies = parsed["network_policies"]
    return policy
