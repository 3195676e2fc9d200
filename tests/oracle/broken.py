# SPDX-License-Identifier: Apache-2.0
"""Policies to be refused or not: small ones that load, with one or two fields set to something else."""
import copy

FIELDS = {
    "host": ["", " ", "*", "**", "*.com", "**.com", "a*.com", "*.a.*", "*.s3.**.test", "a**.b.test",
             "a.b*.test", "**.a.test", "10.0.0.1", "2001:db8::1", "a..test", "a.test.", "*-a.b.test",
             "a.*", "x.*.test", "A.TEST", " a.test", "a.test ", "-a.test", "a_b.test", "[a.b.test",
             "**.*.test", "*.*.test", "x" * 64 + ".test", 5, None, True, ["a"]],
    "port": [0, 1, 65535, 65536, -1, "443", None, 443.5, True, 80],
    "ports": [[], [0], [80, 0], [65536], [80, 443], ["80"], 80, [1, 1], None],
    "protocol": ["", "rest", "REST", "websocket", "graphql", "sql", "tcp", "TCP", "json-rpc", "mcp",
                 "http", "rest ", "json_rpc", 1],
    "tls": ["", "skip", "terminate", "passthrough", "auto", "SKIP", " skip", 1, None],
    "enforcement": ["", "enforce", "audit", "block", "Enforce", "enforce ", False, None],
    "access": ["", "read-only", "read-write", "full", "none", "Full", "readonly", [], None],
    "path": ["", "/", "/a/**", "**", "a", "*", "/[a", "/{a}", "/a]", 7],
    "allowed_ips": [[], ["10.0.0.0/8"], ["10.0.0.5"], ["0.0.0.0/0"], ["127.0.0.1"], ["nonsense"],
                    ["10.0.0.0/33"], ["169.254.1.0/24"], ["::1"], ["fe80::1/64"], ["10.0.0.0/8", "x"],
                    ["fd00::/8"], [""], "10.0.0.0/8", [5], ["10.0.0"], ["::ffff:127.0.0.1"]],
    "allow_encoded_slash": [True, False, "true", 1],
    "websocket_credential_rewrite": [True, False, "yes"],
    "request_body_credential_rewrite": [True, False, 0],
    "allow_uninspected_credentials": [True, False],
    "persisted_queries": ["deny", "allow_registered", "allow_all", "", 1],
    "graphql_persisted_queries": [{"a": {"operation_type": "query"}}, {"a": {"operation_type": "read"}},
                                  {"a": {}}, {"a": {"operation_type": "query", "extra": 1}}, [],
                                  {"a": {"operation_type": "query", "fields": [""]}}],
    "decode_content": [["gzip"], ["br", "deflate", "gzip"], [], ["zstd"], ["GZIP"], ["br", "br"], "gzip",
                       [1], None],
    "graphql_max_body_bytes": [1, 65536, 0, -1, "1", 2 ** 32],
    "credential_signing": ["", "sigv4", "sigv4:body", "sigv4:no_body", "sigv5", 4],
    "signing_service": ["", "bedrock"],
    "signing_region": ["us-east-1"],
    "credential_binding": [{"provider": "x"}, {}, {"provider": "x", "y": 1}, "x", None],
    "json_rpc": [{"max_body_bytes": 1}, {}, {"other": 1}, {"max_body_bytes": "1"}, None],
    "mcp": [{}, {"strict_tool_names": False}, {"strict_tool_names": True},
            {"allow_all_known_mcp_methods": True}, {"allow_all_known_mcp_methods": False},
            {"max_body_bytes": 5}, {"other": 1}, {"strict_tool_names": "no"}, None,
            {"versions": ["2025-11-25"]}, {"versions": ["2025-03-26", "2026-07-28"]},
            {"versions": []}, {"versions": None}, {"versions": "2025-11-25"}, {"versions": [20251125]},
            {"versions": ["2025-11-25", "2025-11-25"]}, {"versions": ["2024-11-05"]},
            {"versions": ["2025-11-25 "]}, {"strict_tool_names": None},
            {"versions": ["2025-06-18"], "allow_all_known_mcp_methods": True}],
    "rules": [[], [{}], [{"allow": {}}], [{"allow": {"method": "GET"}}], [{"deny": {}}], "GET",
              [{"allow": {"method": "GET", "path": "/a"}}], [{"allow": None}],
              [{"allow": {"operation_type": "query"}}], [{"allow": {"command": "SELECT"}}],
              [{"allow": {"method": "WEBSOCKET_TEXT", "path": "/a"}},
               {"allow": {"operation_type": "query"}}],
              [{"allow": {"method": "initialize"}}], [{"allow": {"tool": "a"}}],
              [{"allow": {"method": "tools/call", "tool": "a*"}}]],
    "deny_rules": [[], [{}], [{"method": "GET", "path": "/a"}], [{"operation_type": "query"}],
                   [{"method": "tools/call"}], [{"allow": {"method": "GET"}}], [{"tool": "a"}],
                   [{"method": "tools/call", "tool": "a"}], [{"method": "initialize"}]],
    "unknown_key": [1], "Host": ["a.test"], "provider_credentialed": [True],
}
RULE_FIELDS = {
    "method": ["", "GET", "get", "FETCH", "*", "WEBSOCKET_TEXT", "tools/call", "tools/*", "tools/[a",
               "init*", "initialize", "*/call", 1, None],
    "path": ["", "/a", "**", "a", "/[a", 1],
    "query": [{"a": "x"}, {"a": {"any": ["x"]}}, {"a": {"any": []}}, {"a": {}}, {"a": 1}, [], {},
              {"a": {"mode": "x"}}, {"a": {"any": [1]}}, None, {"a": None}, {"a": "{x"}, {"a": {"any": ["[x"]}}, "a",
              {"a": ["x"]}],
    "operation_type": ["*", "query", "mutation", "subscription", "read", "", 1],
    "operation_name": ["A*", "", "[A"],
    "fields": [["a"], ["a*", "[b"], [1], "a", [""]],
    "command": ["SELECT", "*", ""],
    "tool": ["a", "a*", {"any": ["a", "b*"]}, {"any": []}, 1, None, "{a", {"glob": "a", "any": []}],
    "params": [{"name": "a"}, {"name": {"any": ["a*"]}}, {"arguments": {"x": "y"}}, {"other": "a"}, {},
               {"name": 1}, {"name": "a", "x": "y"}, "a"],
    "unknown": [1],
}
FILES = ["/usr", "/", "//", "/tmp/", "relative", "", "/a/../b", "/a/..b", "/..", "/a/./b", "/" + "a" * 4095,
         "/" + "a" * 4096, 5]
IDENTITIES = ["", "sandbox", "root", "0", "1", "1000", "4294967294", "4294967295", "4294967296", "-1",
              "007", "1.0", "sandbox ", "0x10", 1000, None]
SELECTORS = [{"include": ["a.test"]}, {"include": []}, {}, {"include": ["*.test"], "exclude": ["a.test"]},
             {"include": ["[a.test"]}, {"include": ["**"]}, {"include": ["a..b"]}, {"include": ["{a,b}.c"]},
             {"include": [f"h{i}.test" for i in range(32)]}, {"exclude": ["a"]}, {"include": ["*.b.test"]},
             {"include": [f"h{i}.test" for i in range(33)]}, None, {"include": "a"}, {"other": []},
             {"include": ["a.test:443"]}, {"include": ["*.test"], "exclude": ["a.test:443"]},
             {"include": ["*.test:*"]}, {"include": ["fd00::1"]}, {"include": ["[::1]:443"]},
             {"include": ["**"]}, {"include": ["**"]}]


class Breaker:
    """Sets fields of valid policies to values that may or may not fit."""

    def __init__(self, generator):
        self.generator, self.pick = generator, generator.pick

    def document(self):
        document, _ = self.generator.policy(self.pick([1, 1, 2]))
        document = copy.deepcopy(document)
        endpoints = [e for rule in document["network_policies"].values() for e in rule["endpoints"]]
        for _ in range(self.pick([0, 1, 1, 1, 2])):
            if not isinstance(document["network_policies"], dict):
                break
            change = self.pick([self.set_field] * 6 + [self.set_rule_field] * 4 +
                               [self.set_static, self.set_middleware, self.set_frame, self.repeat])
            change(document, endpoints)
        return document

    def set_field(self, _document, endpoints):
        if not endpoints:
            return
        endpoint, key = self.pick(endpoints), self.pick(list(FIELDS))
        endpoint[key] = copy.deepcopy(self.pick(FIELDS[key]))
        if key == "ports" and self.generator.chance(0.7):
            endpoint.pop("port", None)
        if self.generator.chance(0.1):
            endpoint.pop(self.pick(list(endpoint)))

    def set_rule_field(self, _document, endpoints):
        rules = [rule for e in endpoints for name in ("rules", "deny_rules")
                 for rule in (e.get(name) if isinstance(e.get(name), list) else [])]
        if not rules:
            return
        rule, key = self.pick(rules), self.pick(list(RULE_FIELDS))
        rule = rule.get("allow", rule)
        if isinstance(rule, dict):
            rule[key] = copy.deepcopy(self.pick(RULE_FIELDS[key]))
            if self.generator.chance(0.2):
                rule.pop(self.pick(list(rule)))

    def repeat(self, document, endpoints):
        """The same endpoint once more, with another value of one field: ambiguous or not."""
        if not endpoints:
            return
        endpoint = copy.deepcopy(self.pick(endpoints))
        key = self.pick(["tls", "allowed_ips", "protocol", "enforcement", "path", "host", "mcp",
                         "allow_encoded_slash", "graphql_max_body_bytes", "credential_binding",
                         "websocket_credential_rewrite", "json_rpc", "access", "ports"])
        if self.generator.chance(0.8):
            endpoint[key] = copy.deepcopy(self.pick(FIELDS[key]))
        rule = {"endpoints": [endpoint], "binaries": []}
        document["network_policies"].setdefault("repeat", rule)

    def set_static(self, document, _endpoints):
        files = {key: self.generator.some(FILES, 0, 2) for key in ("read_only", "read_write")}
        many = {"read_only": [f"/p/{i}" for i in range(self.pick([255, 256, 257]))]}
        document.update(self.pick([
            {"filesystem_policy": files}, {"filesystem_policy": many},
            {"filesystem_policy": {"include_workdir": self.pick([True, False, "yes", 1])}},
            {"filesystem": files}, {"landlock": {"compatibility": self.pick(
                ["", "x", "best_effort", "hard_requirement", "hard-requirement", "BEST_EFFORT", 1])}},
            {key: None for key in self.generator.some(["landlock", "process", "filesystem_policy",
                                             "network_policies", "network_middlewares"], 1, 1)},
            {"landlock": {"mode": "x"}}, {"process": {"run_as_user": self.pick(IDENTITIES)}},
            {"process": {"run_as_group": self.pick(IDENTITIES)}}, {"process": {"user": "sandbox"}}]))

    def set_middleware(self, document, _endpoints):
        count = self.pick([1, 1, 1, 2, 10, 11])
        entries = {f"m{i}": {"middleware": "openshell/regex", "order": i, "endpoints":
                             {"include": ["nowhere.invalid"]}} for i in range(count)}
        first = entries["m0"]
        first["endpoints"] = copy.deepcopy(self.pick(SELECTORS))
        if self.generator.chance(0.6):
            first.update({key: self.pick(words) for key, words in
                          {"on_error": ["fail_open", "fail_closed"],
                           "on_uninspectable": ["allow", "deny", "allow", "deny", "", "maybe", "Allow",
                                                None]}.items() if self.generator.chance(0.6)})
        if self.generator.chance(0.3):
            key = self.pick(["order", "on_error", "middleware", "unknown", "name"])
            first[key] = self.pick({"order": [1, -1, "0", 2 ** 31, 0], "middleware": ["", 1, "x/y"],
                                    "on_error": ["fail_open", "fail_closed", "open", ""],
                                    "unknown": [1], "name": ["x", ""]}[key])
        document["network_middlewares"] = entries

    def set_frame(self, document, _endpoints):
        rules = [r for r in document["network_policies"].values() if isinstance(r, dict)]
        rule = self.pick(rules or [{}])
        self.pick([lambda: document.pop("version", None),
                   lambda: document.update(version=self.pick([1, "1", -1, None, 1.5, 0, 2])),
                   lambda: document.update(unknown=1),
                   lambda: document.update(network_policies=[]),
                   lambda: rule.update(binaries=self.pick([[{}], [{"path": 1}], ["/bin/sh"], "x", [], [5],
                                                           [{"path": "/bin/sh", "harness": True}],
                                                           [{"path": "/bin/sh", "extra": 1}]])),
                   lambda: rule.update(endpoints=self.pick([[], {}, ["a.test:443"], [{}]])),
                   lambda: rule.update(unknown=1),
                   lambda: document["network_policies"].update(new=self.pick([{}, [], "x", None])),
                   lambda: document["network_policies"].update(
                       {self.pick(["_provider_x", "provider_x", "x_provider_", "_provider", "_Provider_x",
                                   "<<"]): {}})])()
