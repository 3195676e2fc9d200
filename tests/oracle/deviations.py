# SPDX-License-Identifier: Apache-2.0
"""Where the product differs from upstream on purpose, each as narrow as it is.

All but one are stricter: they refuse, or say no, where upstream does not. `excludes` leaves such cases
out; `tolerates` is for answers that are another way of refusing.
"""
import copy
import re

import oracle
import policy as policies


def endpoints_of(document):
    rules = document.get("network_policies")
    rules = rules.values() if isinstance(rules, dict) else []
    return [e for rule in rules if isinstance(rule, dict)
            for e in (rule.get("endpoints") if isinstance(rule.get("endpoints"), list) else [])
            if isinstance(e, dict)]


def graphql_type(row, answer, _document):
    """Upstream's gateway refuses upper case as an operation type; its runtime, its documents and we
    take it. The one place where we are not the stricter."""
    return row["kind"] == "validate" and answer.get("stages") == {"operation_type"}


def selected_by_middleware(row, answer, document):
    """What a fail-closed selector may match: a hostless `tls: skip` endpoint admits any host, and one
    with braces in its host admits what they stand for, though neither is a host pattern upstream."""
    return row["kind"] == "validate" and answer["result"] != "reject" and \
        bool(document.get("network_middlewares")) and any(
            e.get("tls") == "skip" and (not e.get("host") or "{" in e["host"])
            for e in endpoints_of(document))


def _loose(text):
    return re.sub(r"\[[^\]]*\]?|\{[^}]*\}?|\?|\\.?", "*", text)


def loosely_ambiguous(left, right):
    """Ambiguous if a class, a brace or "?" in a host or path could stand for anything."""
    left, right = copy.copy(left), copy.copy(right)
    for one in (left, right):
        one["host"] = _loose(one["host"])
    if policies.conflicts(left, right):
        return True
    for one in (left, right):
        one["path"] = ""
    return bool(policies.conflicts(left, right)) and \
        any(re.search(r"[\[{\\?]", p) for p in (left["written_path"], right["written_path"]))


def ambiguous_patterns(row, answer, document):
    """Upstream compares hosts with only the stars of a pattern understood, and paths without braces;
    here the other wildcards count as well, so that what can really overlap is found."""
    if row["kind"] != "validate" or answer["result"] == "reject":
        return False
    parsed = [policies.parse_endpoint(copy.deepcopy(e)) for e in endpoints_of(document)]
    return any(loosely_ambiguous(left, right) for i, left in enumerate(parsed)
               for right in parsed[i + 1:])


def mcp_deny_all(row, answer, document):
    """A deny rule that names neither method nor tool denies every tool call, which is refused beside
    allow rules about tools; upstream fills in its method too late to see that."""
    return row["kind"] == "validate" and answer["result"] != "reject" and any(
        any(rule["allow"].get("tool") or rule["allow"].get("params") for rule in e.get("rules") or [])
        and any(not (rule.get("method") or rule.get("tool") or rule.get("params"))
                for rule in e.get("deny_rules") or [])
        for e in endpoints_of(document) if str(e.get("protocol")).lower() == "mcp")


EXCLUDED = (graphql_type, selected_by_middleware, ambiguous_patterns, mcp_deny_all)


def excludes(row, answer, document):
    return any(one(row, answer, document) for one in EXCLUDED)


def no_graphql_facts(loaded, question, said):
    """A request that is to be read by a graphql endpoint and brings no GraphQL data is refused, though
    a rule of that endpoint may allow its method and path."""
    return said == "expected action allow, got deny" and not question.get("graphql") and \
        (oracle.selected(loaded, question) or {}).get("protocol") == "graphql"


def later_malformed(loaded, question, said):
    """Where upstream stops asking at the first policy that allows, the next one's malformed rule
    counts here."""
    return said == "expected action allow, got error" and oracle.fails_somewhere(loaded, question)


def tolerates(row, document, said):
    """Another way of refusing. An evaluation that fails and a deny are both refusals; which of the two
    comes first is not promised."""
    if row["kind"] == "network" and "\0" in row["input"]["host"] and \
            said.startswith("expected reason with"):
        return True  # control bytes are escaped in what people read
    if row["kind"] not in ("network", "l7") or not said.startswith("expected action"):
        return False
    if said == "expected action error, got deny":
        return True
    if row["kind"] == "network":
        return False
    loaded = policies.load(copy.deepcopy(document))
    return no_graphql_facts(loaded, row["input"], said) or \
        later_malformed(loaded, row["input"], said)
