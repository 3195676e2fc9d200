# SPDX-License-Identifier: Apache-2.0
"""The oracle of the policy language: slow, obviously correct, written from the reference alone.

`answer(row, policy)` gives for a row in the form of the decision vectors everything that can be
told about it. Decisions follow reference 40-policy sections 3, 5 and 6; each function names its
section. A matcher that fails (a malformed glob, a NUL) ends the whole decision: every candidate that
comes up is evaluated, none is skipped because an earlier one had matched.
"""
import ipaddress

import mcp as protocol_mcp
import patterns
import policy as policies
import primitives
from patterns import EvaluationError, glob, lower

# ---- who and where (sections 3.2, 3.3 and 5) -------------------------------------------------------


def _host_matches(endpoint, host):
    """Exact, wildcard (a pattern only if there is a star in it), or hostless with allowed_ips. A star
    could stand for an empty label, so a host with one is no match (section 3.1)."""
    written = lower(endpoint["host"])
    if "*" in written:
        return glob(written, (".",), lower(host)) and "" not in host.split(".")
    return written == lower(host) or written == "" and bool(endpoint["allowed_ips"])


def endpoint_matches(endpoint, question):
    host = _host_matches(endpoint, question["host"])  # evaluated even if the port is another
    return host and question["port"] in endpoint["ports"]


def _binary_matches(rule, question):
    """The executable or any ancestor; the command line never counts."""
    if question.get("binary_identity") == "relaxed":
        return True
    images = [question["binary"], *question.get("ancestors", [])]
    found = [glob(b["path"], ("/",), image) if "*" in b["path"] else b["path"] == image
             for b in rule["binaries"] for image in images]
    return any(found)


def _has_endpoint(rule, question):
    return any([endpoint_matches(e, question) for e in rule["endpoints"]])


def _matching(loaded, question):
    """The keys of the policies that match, in byte order: an endpoint AND a binary in one policy."""
    return [key for key in sorted(loaded.policies)
            if _has_endpoint(loaded.policies[key], question)
            and _binary_matches(loaded.policies[key], question)]


def _configs(loaded, question, names):
    return [e for key in names for e in loaded.policies[key]["endpoints"]
            if endpoint_matches(e, question) and policies.has_extended(e)]


def _is_exact(loaded, question):
    """An endpoint of exactly this host and port in a policy with this binary. Policies are tried in
    order up to the first that fits, so what comes behind it cannot fail."""
    for key in sorted(loaded.policies):
        rule = loaded.policies[key]
        if _binary_matches(rule, question) and any(
                "*" not in e["host"] and e["host"] and question["port"] in e["ports"] and
                lower(e["host"]) == lower(question["host"]) for e in rule["endpoints"]):
            return True
    return False


def _network_reason(loaded, question):
    """Section 5: the first reason that fits, as texts that it contains."""
    if not loaded.policies:
        return ["network connections not allowed by policy"]
    missed = [key for key in sorted(loaded.policies) if _has_endpoint(loaded.policies[key], question)]
    if not missed:
        return [f"endpoint {question['host']}:{question['port']} is not allowed by any policy"]
    ancestors = " -> ".join(question.get("ancestors", []))
    cmdline = ", ".join(question.get("cmdline", []))
    return [f"binary '{question['binary']}' not allowed in policy '{key}' "
            f"(ancestors: [{ancestors}], cmdline: [{cmdline}])." for key in missed] + \
        ["SYMLINK HINT", "readlink -f"]


def network(loaded, question):
    try:
        names = _matching(loaded, question)
        configs = _configs(loaded, question, names)
        exact = _is_exact(loaded, question)
    except EvaluationError:
        return {"action": "error"}
    first = configs[0] if configs else None
    answer = {"action": "allow" if names else "deny", "exact_declared_host": exact,
              "endpoint_config_count": len(configs),
              "endpoint_config": first and {name: first[name] for name in (
                  "protocol", "enforcement", "path") if first[name]},
              "allowed_ips": first["allowed_ips"] if first else []}
    if names:
        answer.update(policy_name=names[0], reason="")
    else:
        answer["reason_contains"] = _network_reason(loaded, question)
    return answer


# ---- requests (section 6) --------------------------------------------------------------------------

def _method_matches(actual, wanted):
    """Section 3.4: any case; a HEAD satisfies a GET rule, and so does what a WebSocket's server says."""
    return wanted == "*" or actual.upper() == wanted.upper() or \
        (wanted.upper() == "GET" and actual.upper() in
         ("HEAD", "WEBSOCKET_SERVER_TEXT", "WEBSOCKET_SERVER_BINARY"))


def _path_matches(path, wanted):
    return wanted == "**" or glob(wanted, ("/",), path)


def _value_matches(value, globs):
    return any([glob(one, (), value) for one in globs])


def _query_allows(rule, question):
    """Each key is there with at least one value, and all of its values match."""
    query = question.get("query") or {}
    found = [bool(query.get(key)) and all([_value_matches(v, globs) for v in query[key]])
             for key, globs in rule["query"].items()]
    return all(found)


def _query_denies(rule, question):
    """Each key is there, and one of its values matches; a key without values counts as matching."""
    query = question.get("query") or {}
    if any(key not in query for key in rule["query"]):
        return False
    found = [not query[key] or any([_value_matches(v, globs) for v in query[key]])
             for key, globs in rule["query"].items()]
    return all(found)


def _rest_matches(endpoint, rule, question, query_matches):
    """A rule without method or path never matches; these rules never apply to JSON-RPC and MCP."""
    return endpoint["protocol"] not in ("json-rpc", "mcp") and bool(rule["method"]) and \
        _method_matches(question["method"], rule["method"]) and bool(rule["path"]) and \
        _path_matches(question["path"], rule["path"]) and query_matches(rule, question)


# GraphQL (section 6.3)

def _operations(question):
    return (question.get("graphql") or {}).get("operations") or []


def _graphql_error(question):
    return (question.get("graphql") or {}).get("error") or ""


def _needs_registry(operation):
    return bool(operation.get("persisted_query")) and not operation.get("operation_type")


def _registered(endpoint, operation):
    key = operation.get("persisted_query_hash") or operation.get("persisted_query_id")
    return endpoint["graphql_persisted_queries"].get(key) if key else None


def _is_unregistered(endpoint, operation):
    return _needs_registry(operation) and (
        endpoint["persisted_queries"] != "allow_registered" or
        _registered(endpoint, operation) is None)


def _operation_matches(endpoint, rule, operation, every_field):
    """Allow: all fields of the operation match some glob. Deny: one field does."""
    if not rule["operation_type"]:
        return False
    if _needs_registry(operation):
        operation = _registered(endpoint, operation)
        if operation is None:
            return False
    kinds = {rule["operation_type"].lower(), (operation.get("operation_type") or "").lower()}
    if rule["operation_type"] != "*" and len(kinds) > 1 and (every_field or "*" not in kinds):
        return False  # what is registered for any type is denied by a rule about one of them
    name = operation.get("operation_name") or ""
    if rule["operation_name"] and not glob(rule["operation_name"], (), name):
        return False
    if not rule["fields"]:
        return True
    matched = [_value_matches(field, rule["fields"]) for field in operation.get("fields") or []]
    return bool(matched) and (all(matched) if every_field else any(matched))


def _allows_control(endpoint, question):
    """A text of a WebSocket that asks for no operation, where operations are judged."""
    graphql = question["graphql"]
    return bool(graphql.get("control")) and "operations" not in graphql and \
        not graphql.get("error") and endpoint["protocol"] == "websocket" and \
        policies.is_graphql_websocket(endpoint) and \
        question.get("method", "").upper() == "WEBSOCKET_TEXT"


def _graphql_allows(endpoint, question):
    operations = _operations(question)
    if isinstance(question.get("graphql"), dict) and _allows_control(endpoint, question):
        return True
    if not operations or _graphql_error(question) or \
            any(_is_unregistered(endpoint, operation) for operation in operations):
        return False
    allowed = [any([_operation_matches(endpoint, rule, operation, True)
                    for rule in endpoint["rules"]]) for operation in operations]
    return all(allowed)


def _graphql_denies(endpoint, question):
    """On these endpoints "not allowed here" is a deny, so no broader rule can rescue it."""
    denied = [_operation_matches(endpoint, rule, operation, False)
              for operation in _operations(question) for rule in endpoint["deny_rules"]]
    is_authority = endpoint["protocol"] in ("graphql", "websocket")
    return any(denied) or is_authority and isinstance(question.get("graphql"), dict) and \
        not _graphql_allows(endpoint, question)


# JSON-RPC and MCP (section 6.3)

def _is_rpc(endpoint):
    return endpoint["protocol"] in ("json-rpc", "mcp")


def _has_response(question):
    return bool((question.get("jsonrpc") or {}).get("has_response"))


def _rpc_method(question):
    method = (question.get("jsonrpc") or {}).get("method")
    return method if isinstance(method, str) else ""


def _rpc_rule_matches(endpoint, rule, question):
    method = _rpc_method(question)
    if not method or not rule["method"]:
        return False
    if endpoint["protocol"] == "json-rpc":
        return rule["method"] in ("*", method)
    if not glob(rule["method"], (), method):
        return False
    params = question["jsonrpc"].get("params", {})
    found = [isinstance(params, dict) and isinstance(params.get(key), str) and
             _value_matches(params[key], globs) for key, globs in rule["params"].items()]
    return all(found)


def _mcp_allows(endpoint, question):
    rpc = question.get("jsonrpc")
    if not isinstance(rpc, dict) or rpc.get("error"):
        return False
    if not protocol_mcp.fits(_versions(endpoint), question):
        return False
    if question["method"] == "GET":  # the receive stream
        return bool(rpc.get("receive_stream")) and rpc.get("method") is None and \
            not rpc.get("has_response")
    if question["method"] != "POST":
        return False
    if rpc.get("has_response"):
        return True
    narrowed = _rpc_method(question) == "tools/call" and \
        any("name" in rule["params"] for rule in endpoint["rules"])
    return bool(endpoint["profile"]) and _rpc_method(question) != "" and not narrowed and \
        not protocol_mcp.is_extension(_rpc_method(question))


def _versions(endpoint):
    return endpoint["versions"] or protocol_mcp.DEFAULT


def _mcp_rule_may_allow(endpoint, rule, question):
    """A method of MCP needs a revision that has it, any other a rule with exactly its name."""
    if endpoint["protocol"] != "mcp":
        return True
    method = _rpc_method(question)
    exact = rule["method"] == method and not any(c in method for c in "*?[]{}\\")
    return protocol_mcp.fits(_versions(endpoint), question) and \
        (exact or not protocol_mcp.is_extension(method))


def _rpc_allows(endpoint, question):
    by_rule = question["method"] == "POST" and not _has_response(question) and \
        any([_rpc_rule_matches(endpoint, rule, question) for rule in endpoint["rules"]
             if _mcp_rule_may_allow(endpoint, rule, question)])
    return by_rule or endpoint["protocol"] == "mcp" and _mcp_allows(endpoint, question)


def _rpc_denies(endpoint, question):
    if question["method"] != "POST":
        return False
    by_rule = any([_rpc_rule_matches(endpoint, rule, question) for rule in endpoint["deny_rules"]])
    return by_rule or endpoint["protocol"] == "json-rpc" and _has_response(question)


# All of them together (section 6.1)

def _allows(endpoint, question):
    by_rest = any([_rest_matches(endpoint, rule, question, _query_allows)
                   for rule in endpoint["rules"]])
    by_graphql = _graphql_allows(endpoint, question)
    by_rpc = _is_rpc(endpoint) and _rpc_allows(endpoint, question)
    return by_rest or by_graphql or by_rpc


def _denies(endpoint, question):
    by_rest = any([_rest_matches(endpoint, rule, question, _query_denies)
                   for rule in endpoint["deny_rules"]])
    by_graphql = _graphql_denies(endpoint, question)
    by_rpc = _is_rpc(endpoint) and _rpc_denies(endpoint, question)
    return by_rest or by_graphql or by_rpc


def _policy_says(rule, question, says):
    """`says` is asked of every endpoint that matches and whose path matches by the RULE glob."""
    answers = []
    for endpoint in rule["endpoints"]:
        if endpoint_matches(endpoint, question) and \
                (not endpoint["path"] or _path_matches(question["path"], endpoint["path"])):
            answers.append(says(endpoint, question))
    return any(answers)


def _some_policy_says(loaded, question, says):
    """Policies are asked in order up to the first that says so."""
    for key in sorted(loaded.policies):
        rule = loaded.policies[key]
        if _has_endpoint(rule, question) and _binary_matches(rule, question) and \
                _policy_says(rule, question, says):
            return True
    return False


def _request_reason(loaded, question, denied):
    """Section 6.4, the first that fits."""
    configs = _configs(loaded, question, _matching(loaded, question))
    if _graphql_error(question):
        return f"GraphQL request rejected: {_graphql_error(question)}"
    if configs and any(_is_unregistered(configs[0], o) for o in _operations(question)):
        return "GraphQL persisted query is not registered"
    if _operations(question):
        return "GraphQL operation " + \
            ("blocked by endpoint policy" if denied else "not permitted by policy")
    if _has_response(question):
        if configs and configs[0]["protocol"] == "json-rpc":
            return "JSON-RPC response frames are not permitted from client to server"
        return "request denied by policy"
    return f"{question['method']} {question['path']} " + \
        ("blocked by deny rule" if denied else "not permitted by policy")


def _is_no_mcp(loaded, question):
    """What is meant for an MCP endpoint has to be MCP as that endpoint accepts it; no rule of another
    one enables what its revisions lack."""
    endpoint = selected(loaded, question)
    return endpoint is not None and endpoint["protocol"] == "mcp" and \
        not protocol_mcp.fits(_versions(endpoint), question)


def l7(loaded, question):
    try:
        allowed = _some_policy_says(loaded, question, _allows)
        denied = _some_policy_says(loaded, question, _denies)
        if allowed and not denied and not _is_no_mcp(loaded, question):
            return {"action": "allow"}
        return {"action": "deny", "reason_contains": [_request_reason(loaded, question, denied)]}
    except EvaluationError:
        return {"action": "error"}


def selected(loaded, question):
    """Section 6.1: the config that the relay reads a request by: of those whose endpoint path selects
    it the one with most characters that are no star, the last of several."""
    best = None
    for endpoint in _configs(loaded, question, _matching(loaded, question)):
        if patterns.endpoint_path(endpoint["path"], question["path"]) and (
                best is None or
                policies.specificity(endpoint["path"]) >= policies.specificity(best["path"])):
            best = endpoint
    return best


def fails_somewhere(loaded, question):
    """Is there a policy that matches and whose rules cannot all be evaluated?"""
    try:
        for key in _matching(loaded, question):
            _policy_says(loaded.policies[key], question, _allows)
            _policy_says(loaded.policies[key], question, _denies)
    except EvaluationError:
        return True
    return False


# ---- the other kinds -------------------------------------------------------------------------------

def _path(_loaded, question):
    try:
        path, query, rewritten = primitives.canonical(
            question["target"], question.get("allow_encoded_slash", False),
            question.get("strip_path_parameters", True))
    except primitives.PathError as error:
        return {"error": str(error)}
    answer = {"path": path, "rewritten": rewritten}
    return answer if query is None else {**answer, "query": query}


def _glob(_loaded, question):
    return {"match": glob(question["pattern"], tuple(question["delimiters"]), question["value"])}


def _host_pattern(_loaded, question):
    try:
        if question["op"] == "match":
            return {"match": patterns.host_matches(question["pattern"], question["host"])}
        if question["op"] == "overlap":
            return {"match": patterns.host_overlaps(question["left"], question["right"])}
        return {"match": patterns.selector_may_match(question["include"], question["exclude"],
                                                     question["candidate"])}
    except patterns.PatternError:
        return {"error": True}


def _ip(_loaded, question):
    if "hostname" in question:
        return {"metadata_hostname": primitives.is_metadata_hostname(question["hostname"])}
    if "ip" in question:
        return {"class": primitives.net_class(ipaddress.ip_network(question["ip"]))}
    kind = primitives.net_class(primitives.parse_net(question["net"]))
    return {"always_blocked": kind == "always_blocked", "internal": kind != "public"}


def _endpoint_path(_loaded, question):
    return {"match": patterns.endpoint_path(question["pattern"], question["path"])}


def _fs_path(_loaded, question):
    fold = question.get("mode") == "symlink_join"
    return {"normalized": primitives.file_path(question["path"], fold)}


def _validate(loaded, _question):
    if loaded.problems:
        return {"result": "reject", "contains": [], "stages": loaded.stages(),
                "problems": loaded.problems}
    return {"result": "warn" if loaded.warnings else "accept", "warnings": loaded.warnings}


KINDS = {"network": network, "l7": l7, "path": _path, "glob": _glob, "host_pattern": _host_pattern,
         "ip": _ip, "endpoint_path": _endpoint_path, "fs_path": _fs_path, "validate": _validate}


def answer(row, loaded):
    """What the reference says about this row; a glob that cannot be evaluated is an error."""
    try:
        return KINDS[row["kind"]](loaded, row["input"])
    except EvaluationError:
        return {"error": True}
