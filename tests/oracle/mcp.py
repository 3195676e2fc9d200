# SPDX-License-Identifier: Apache-2.0
"""The revisions of MCP: what a message may be in each (reference 45-openshell-0.1 section 7)."""

OLDEST, JUNE, NOVEMBER, SESSIONLESS = REVISIONS = (
    "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")
DEFAULT = [NOVEMBER]
MAX_BATCH = 64

_OF_2025 = {OLDEST, JUNE, NOVEMBER}
CORE = {}
for _methods, _revisions in (
        ("tools/list tools/call resources/list resources/templates/list resources/read prompts/list "
         "prompts/get completion/complete", set(REVISIONS)),
        ("initialize ping logging/setLevel notifications/cancelled resources/subscribe "
         "resources/unsubscribe notifications/initialized notifications/progress "
         "notifications/roots/list_changed", _OF_2025),
        ("tasks/get tasks/result tasks/list tasks/cancel notifications/tasks/status", {NOVEMBER}),
        ("server/discover subscriptions/listen", {SESSIONLESS})):
    CORE.update(dict.fromkeys(_methods.split(), _revisions))
SERVER_ONLY = set(
    "sampling/createMessage roots/list elicitation/create notifications/message "
    "notifications/elicitation/complete notifications/prompts/list_changed "
    "notifications/resources/list_changed notifications/resources/updated "
    "notifications/tools/list_changed".split())


def is_extension(method):
    return method not in CORE and method not in SERVER_ONLY


def fits(versions, question):
    """Is the message one of a revision that the endpoint accepts? Without a version of its own it may
    be any of them."""
    revisions = set(versions)
    if "mcp_version" in question:
        revisions &= {question["mcp_version"]}
    if question["method"] != "POST":  # the receive stream, which belongs to a session
        return bool(revisions & _OF_2025)
    rpc = question.get("jsonrpc") or {}
    method = rpc.get("method") if isinstance(rpc.get("method"), str) else None
    if method is not None and rpc.get("has_response"):  # two messages: a batch
        revisions &= {OLDEST}
    if rpc.get("has_response"):
        revisions &= _OF_2025
    if method in SERVER_ONLY:
        return False
    if method in CORE:
        revisions &= CORE[method]
    return bool(revisions)
