# SPDX-License-Identifier: Apache-2.0
"""Policies and questions from a grammar and a seed, biased towards near hits.

`Generator(seed)` is a source of policies that load (as plain dictionaries), of questions about one
policy, of rows that need no policy and of policies with something wrong in them. The same seed gives
the same cases.
"""
import copy
import ipaddress
import random

import deviations
import mcp as protocol_mcp
import policy as policies

WORDS = ["a", "b", "api", "v1", "v2", "x", "users", "admin", "42", "a-b", "x_1", "A"]
DOMAINS = ["example.com", "corp.test", "s3.amazonaws.test", "a.test", "test.b"]
PORTS = [80, 443, 8080, 8443]
HOSTLESS_PORT = 7000
BINARIES = ["/usr/bin/curl", "/usr/bin/git", "/usr/bin/python3.11", "/usr/local/bin/node",
            "/opt/x/bin/tool", "/usr/bin", "/bin/sh", "/usr/bin/Curl"]
BINARY_GLOBS = ["/usr/bin/*", "/usr/**", "/**", "/opt/*/bin/tool", "/usr/**/node", "/usr/bin/c*l",
                "/usr/bin/{curl,git}*", "/usr/bin/[cg]*", "/**/curl", "/usr/local/*/n?de*", "/*/bin/*",
                "*", "**", "/usr/bin/python3.*", "/usr*/bin/**", "/usr/bin/**/", "\\/usr/bin/c*",
                "/usr/bin/cur?", "/usr/bin/[cg]it", "/usr/bin/{curl,git}"]
ADDRESSES = [["10.0.5.0/24"], ["172.16.0.0/12", "192.168.1.1"], ["10.0.0.5", "10.0.0.6"],
             ["fd00::/8"], ["8.8.8.8"]]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
COMPONENTS = ["*", "**", "a*", "*b", "?", "v?", "[ab]", "[!a]*", "{a,b}", "{a,v*}x", "\\*", "a**",
              "v[1-2]", "[^v]1", "{,a}", "{users,{a,b}}", "*-*", "{**,x}", "[a-]", "[]a]"]
MALFORMED = ["[a", "{a", "a}", "a\\", "[b-a]", "{a,{b}", "[!", "[]"]
VALUES = ["v1", "v1.2", "v1.2.3", "a", "b", "org/a", "org/a/b", "", "true", "a b", "x.y", "A", ".x"]
VALUE_GLOBS = ["v1", "v1.*", "*", "**", "v1.**", "org/*", "{a,b}", "[a-c]", "v?.?", "*.*", "**.y",
               "t*e", "x.{y,z}", "?", "[!b]", "v1.*.3", "a*", "{v1.2,b}", "\\a", "o**a", "*/b"]
OPERATIONS = ["query", "mutation", "subscription"]
NAMES = ["Viewer", "IssueCreate", "Issue", "Issue.x", "viewer", ""]
NAME_GLOBS = ["Viewer", "Issue*", "*", "?iewer", "{Viewer,Issue}", "Issue.*", "**", "[VI]*"]
FIELDS = ["viewer", "repository", "createIssue", "admin.log", "a"]
FIELD_GLOBS = ["viewer", "repository", "*", "create*", "*.log", "{viewer,a}", "[a-r]*", "**"]
RPC_METHODS = ["initialize", "tools/list", "tools/call", "reports.search", "ping", "vendor/x.y",
               "Initialize", "tasks/get", "server/discover", "resources/read", "roots/list",
               "notifications/progress", "tools/vendor", "sampling/createMessage", "tools/*"]
MCP_METHODS = ["initialize", "tools/list", "tools/call", "tools/*", "tools/c*", "ping", "vendor/x.y",
               "tools/[cl]*", "tools/**", "tasks/get", "server/discover", "resources/read",
               "roots/list", "tools/vendor", "tools/v*", "notifications/progress"]
VERSIONS = [None, None, None, *([one] for one in protocol_mcp.REVISIONS),
            [protocol_mcp.NOVEMBER, protocol_mcp.OLDEST], list(protocol_mcp.REVISIONS),
            [protocol_mcp.SESSIONLESS, protocol_mcp.JUNE]]
TOOLS = ["read_status", "read.status", "submit_a", "submit_payment", "a", "read_", "READ_status"]
TOOL_GLOBS = ["read_*", "*", "submit_{a,b}", "read_status", "**", "read.*", "?", "submit_*", "[rs]*"]
ENDPOINT_PATHS = ["", "", "", "/**", "**", "/v1/**", "/v1", "/v1/*", "/a/**", "/graphql", "/mcp",
                  "/{a,b}/**", "/[ab]", "/*/users", "/v?/**", "/v1/users/**", "/*"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.malformed = 0.0
        self.versions = None  # of MCP, at the site and path that is being made
        self.within = ""  # the endpoint path that rule paths had better lie in

    # ---- small parts ------------------------------------------------------------------------------

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, items):
        return self.random.choice(items)

    def some(self, items, low, high):
        return [self.pick(items) for _ in range(self.random.randint(low, high))]

    def glob(self, globs):
        return self.pick(MALFORMED) if self.chance(self.malformed) else self.pick(globs)

    def host(self):
        domain = self.pick(DOMAINS)
        word, other = self.pick(WORDS), self.pick(WORDS)
        return self.pick([
            f"{word}.{domain}", f"{word}.{other}.{domain}", domain, f"*.{domain}", f"**.{domain}",
            f"{word}-*.{domain}", f"*-{word}.{domain}", f"{word}*{other}.{domain}",
            f"*.{word}.*.{domain}", f"{word}.*.{domain}", f"[ab]*.{domain}", f"{{a,api}}*.{domain}",
            f"?*.{domain}", f"*[!a].{domain}", f"*.{{a,b}}.{domain}", f"**.{word}.{domain}",
            f"{word}.{domain}".upper(), f"*.{domain}".title(), "10.0.0.5", f"a?{word}.{domain}",
            "2001:db8::5"])

    def path_glob(self):
        if self.within and self.chance(0.6):
            within, self.within = self.within, ""
            path = within[:-3] + self.path_glob() if within.endswith("/**") else within
            self.within = within
            return path
        if self.chance(0.2):
            return self.pick(["**", "/**", "/", "*", "/*", "/v1/**", "/v1/*", "/**/users", "/a"])
        parts = [self.pick(WORDS) if self.chance(0.5) else self.glob(COMPONENTS)
                 for _ in range(self.random.randint(1, 4))]
        return "/" + "/".join(parts) + ("/" if self.chance(0.05) else "")

    def matcher(self, globs):
        if self.chance(0.7):
            return self.glob(globs)
        return {"any": [self.glob(globs) for _ in range(self.random.randint(1, 3))]}

    # ---- what a pattern could stand for -----------------------------------------------------------

    def instance(self, pattern, delimiter):
        """A text that the pattern matches, more often than not."""
        out, i = "", 0
        while i < len(pattern):
            c = pattern[i]
            i += 1
            if pattern[i - 1:i + 1] == "**":
                i += 1
                out += delimiter.join(self.some(WORDS, 0, 3))
            elif c == "*":
                out += self.pick(["", "x", *WORDS])
            elif c == "?":
                out += self.pick("axv1.")
            elif c == "[" and "]" in pattern[i + 1:]:
                end = pattern.index("]", i + 1)
                out += self.pick(pattern[i:end] + "av1")
                i = end + 1
            elif c == "{" and "}" in pattern[i:]:
                end = pattern.rindex("}")
                out += self.instance(self.pick(pattern[i:end].split(",")), delimiter)
                i = end + 1
            elif c != "\\":
                out += c
        return out

    def mutated(self, text, delimiter):
        """One small change, such as an attacker or a typist makes."""
        i = self.random.randint(0, len(text))
        other = self.pick(WORDS)
        return self.pick([
            text[:i] + text[i + 1:], text[:i] + text[i:i + 1] + text[i:], text.swapcase(),
            text[:i] + self.pick(delimiter + "-a*?[") + text[i:], text + delimiter + other,
            text + delimiter, other + text, other + delimiter + text, text + other,
            text[:i] + delimiter + text[i:], text.rpartition(delimiter)[0], other,
            text.partition(delimiter)[2], text.replace(delimiter, delimiter * 2, 1)])

    def near(self, pattern, delimiter, spoil=0.25):
        text = self.instance(pattern, delimiter)
        return self.mutated(text, delimiter) if self.chance(spoil) else text

    # ---- endpoints --------------------------------------------------------------------------------

    def rest_rule(self, methods):
        rule = {"method": self.pick([*methods, "*", self.pick(methods).lower()]),
                "path": self.path_glob()}
        if self.chance(0.3):
            rule["query"] = {key: self.matcher(VALUE_GLOBS) for key in self.some("qtv", 1, 2)}
        if self.chance(0.02):
            del rule[self.pick(["method", "path"])]
        return rule

    def graphql_rule(self):
        rule = {"operation_type": self.pick([*OPERATIONS * 4, "*"])}
        if self.chance(0.3):
            rule["operation_name"] = self.glob(NAME_GLOBS)
        if self.chance(0.6):
            rule["fields"] = [self.glob(FIELD_GLOBS) for _ in range(self.random.randint(1, 3))]
        return rule

    def mcp_rule(self, profile):
        rule = {}
        if self.chance(0.5):
            rule["tool" if self.chance(0.7) else "params"] = None
        if "tool" in rule:
            rule["tool"] = self.matcher(TOOL_GLOBS)
        if "params" in rule:
            rule["params"] = {"name": self.matcher(TOOL_GLOBS)}
        if rule and not (profile and self.chance(0.5)):
            rule["method"] = "tools/call"
        elif not rule:
            rule["method"] = self.pick(MCP_METHODS)
        return rule

    def ruled(self, make, presets=True):
        """Rules of one kind or a preset, and now and then deny rules."""
        if presets and self.chance(0.3):
            fields = {"access": self.pick(["read-only", "read-write", "full"])}
        else:
            fields = {"rules": [{"allow": make()} for _ in range(self.random.randint(1, 4))]}
        if self.chance(0.4):
            fields["deny_rules"] = [make() for _ in range(self.random.randint(1, 2))]
        return fields

    def websocket(self):
        if self.chance(0.4):
            return self.ruled(lambda: self.graphql_rule() if self.chance(0.6) else
                              self.rest_rule(["GET"]))
        return self.ruled(lambda: self.rest_rule(["GET", "WEBSOCKET_TEXT"]))

    def graphql(self):
        def make():
            rule = self.graphql_rule()
            return {**self.rest_rule(METHODS), **rule} if self.chance(0.1) else rule
        fields = self.ruled(make)
        if self.chance(0.4):
            fields["graphql_persisted_queries"] = {
                key: {**self.graphql_rule(), "fields": self.some(FIELDS, 1, 2),
                      "operation_type": self.pick([*OPERATIONS * 3, "*"])}
                for key in self.some(["abc", "def", "1"], 1, 2)}
        if self.chance(0.4):
            fields["persisted_queries"] = self.pick(["allow_registered", "deny"])
        return fields

    def mcp(self):
        fields, profile = {}, self.chance(0.5)
        if profile:
            fields["mcp"] = {"allow_all_known_mcp_methods": True}
        if self.versions is not None:
            fields.setdefault("mcp", {})["versions"] = self.random.sample(self.versions,
                                                                          len(self.versions))
        if not profile or self.chance(0.6):
            fields.update(self.ruled(lambda: self.mcp_rule(profile), presets=False))
        elif self.chance(0.4):
            fields["deny_rules"] = [self.mcp_rule(profile)]
        return fields

    def plain(self):
        if self.chance(0.7):
            return {}
        return {"rules": [{"allow": self.rest_rule(METHODS)}]} if self.chance(0.7) else \
            {"access": self.pick(["read-only", "full"])}

    def l7_fields(self, protocol):
        def rpc_rule():
            return {"method": self.pick([*RPC_METHODS, "*"])}

        def command():
            return {"command": self.pick(["SELECT", "*", "insert"])} if self.chance(0.5) else \
                self.rest_rule(METHODS)
        return {"": self.plain, "tcp": dict, "rest": lambda: self.ruled(
            lambda: self.rest_rule(METHODS)), "sql": lambda: self.ruled(command),
                "websocket": self.websocket, "graphql": self.graphql, "mcp": self.mcp,
                "json-rpc": lambda: self.ruled(rpc_rule, presets=False)}[protocol]()

    def endpoint(self, sites):
        """One endpoint. Endpoints of one domain agree on how to connect, those of one domain and
        path on how to read requests, or the policy would be ambiguous."""
        host = self.host()
        domain = next((d for d in DOMAINS if host.lower().endswith(d)), "")
        if self.chance(0.05):
            host, domain = "", "hostless"
        site = sites.setdefault(domain, {"tls": self.pick(["", "", "", "", "skip", "terminate"]),
                                         "ips": self.pick([[], [], [], self.pick(ADDRESSES)]),
                                         "tcp": self.chance(0.06)})
        if domain == "hostless":
            site["ips"] = site["ips"] or self.pick(ADDRESSES)
        path = self.pick(ENDPOINT_PATHS)
        protocol, enforcement = site.setdefault(path, (
            self.pick(["", "rest", "rest", "rest", "websocket", "graphql", "graphql", "sql",
                       "json-rpc", "mcp", "mcp", "mcp"]), self.pick(["enforce", "enforce", "audit", ""])))
        self.versions = site.setdefault((path, "versions"), self.pick(VERSIONS))
        if self.chance(0.1) and not site["tls"] and not site["ips"]:
            protocol = ""
        if site["tcp"]:
            path, protocol, enforcement = "", "tcp", ""
        ports = [HOSTLESS_PORT] if not host else self.some(PORTS, 1, 2)
        endpoint = {"port": ports[0]} if len(ports) == 1 else {"ports": ports}
        if self.chance(0.05):  # the list wins
            endpoint = {"port": 22, "ports": ports}
        if protocol == "sql":
            enforcement = "audit"
        fields = {"host": host, "path": path, "protocol": protocol, "tls": site["tls"],
                  "enforcement": enforcement, "allowed_ips": site["ips"]}
        endpoint.update({key: value for key, value in fields.items() if value})
        self.within = path
        endpoint.update(self.l7_fields(protocol))
        if protocol and self.chance(0.03):
            endpoint["protocol"] = self.pick([protocol.upper(), protocol.title()])
        return endpoint

    def policy(self, size=None):
        """(written, loaded): a policy that has nothing wrong with it."""
        self.malformed = self.pick([0.0] * 9 + [0.02])
        sites, accepted, written = {}, [], {}
        keys = self.random.sample(["a", "b", "B", "a_1", "zz", "_x", "a-b", "m", "ab", "é", "10", "9"],
                                  size or self.random.randint(1, 8))
        for key in keys:
            endpoints = []
            for _ in range(self.random.randint(1, 5)):
                one = self.endpoint(sites)
                parsed = policies.parse_endpoint(copy.deepcopy(one))
                if not policies.problems_of(parsed) and \
                        not any(deviations.loosely_ambiguous(parsed, other) for other in accepted):
                    accepted.append(parsed)
                    endpoints.append(one)
            binaries = [self.glob(BINARY_GLOBS) if self.chance(0.4) else self.pick(BINARIES)
                        for _ in range(self.pick([0, 1, 1, 2, 2, 3, 3, 4]))]
            binaries = [path if self.chance(0.2) else {"path": path} for path in binaries]
            written[key] = {"endpoints": endpoints, "binaries": binaries}
            if self.chance(0.2):
                written[key]["name"] = self.pick(["shown", "a", "zzz"])
        document = {"version": 1, "network_policies": written}
        return document, policies.load(copy.deepcopy(document))

    # ---- questions --------------------------------------------------------------------------------

    def connection(self, loaded, spoil=0.12):
        """(question, endpoint): mostly about something that the policy speaks of."""
        rules = list(loaded.policies.values())
        rule = self.pick(rules) if rules else {"endpoints": [], "binaries": []}
        if not rule["binaries"] and self.chance(0.8):
            rule = self.pick(rules or [rule])
        endpoint = self.pick(rule["endpoints"]) if rule["endpoints"] else None
        port = self.pick(PORTS + [HOSTLESS_PORT, 22])
        host = f"{self.pick(WORDS)}.{self.pick(DOMAINS)}"
        if endpoint:
            if endpoint["host"]:
                host = self.near(endpoint["host"], ".", spoil)
            if self.chance(1 - spoil / 2):
                port = self.pick(endpoint["ports"])
        if self.chance(spoil / 2):
            host = self.pick([host.upper(), host + ".", host + ".evil.test", "." + host,
                              host.replace(".", "-", 1)])
        if self.chance(0.004):
            host = host[:2] + "\0" + host[2:]
        question = {"host": host or "x", "port": port, "binary": self.image(rule, spoil),
                    "ancestors": [self.image(rule, spoil) for _ in range(self.pick([0, 0, 1, 2]))],
                    "cmdline": self.some(BINARIES, 0, 1)}
        if self.chance(0.02):
            question["binary_identity"] = "relaxed"
        return question, endpoint

    def image(self, rule, spoil):
        if not rule["binaries"] or self.chance(spoil / 2):
            return self.pick(BINARIES)
        return self.near(self.pick(rule["binaries"])["path"], "/", spoil) or "/"

    def request(self, loaded):
        question, endpoint = self.connection(loaded, 0.02)
        rules = endpoint["rules"] + endpoint["deny_rules"] if endpoint else []
        rule = self.pick(rules) if rules and self.chance(0.95) else None
        question["method"] = self.pick(METHODS)
        question["path"] = self.request_path(endpoint, rule)
        question["query"] = self.query(rule)
        if rule and rule["method"] not in ("", "*") and self.chance(0.85):
            question["method"] = rule["method"].upper()
        if question["method"] == "GET" and self.chance(0.1):
            question["method"] = "HEAD"
        protocol = endpoint["protocol"] if endpoint else ""
        if protocol == "graphql" or protocol == "websocket" and \
                self.chance(0.6 if policies.is_graphql_websocket(endpoint) else 0.05):
            question["method"] = "POST" if protocol == "graphql" else "WEBSOCKET_TEXT"
            if self.chance(0.93):
                question["graphql"] = self.graphql_data(endpoint, rule)
        elif protocol in ("json-rpc", "mcp"):
            question["jsonrpc"] = self.rpc_data(rule)
            called = (question["jsonrpc"] or {}).get("method")
            if self.chance(0.4):
                question["mcp_version"] = self.pick(
                    [*(endpoint["versions"] or protocol_mcp.DEFAULT) * 3, *protocol_mcp.REVISIONS,
                     "2024-11-05", ""])
            question["method"] = self.pick((["POST"] * 9 if called else ["GET", "GET"]) +
                                           ["POST", "GET", "PUT"])
        elif self.chance(0.03):
            question["graphql"] = self.graphql_data(endpoint, rule)
        return question

    def request_path(self, endpoint, rule):
        if rule and rule["path"] and self.chance(0.85):
            path = self.near(rule["path"], "/", 0.12)
        elif endpoint and endpoint["path"]:
            path = self.near(endpoint["path"], "/", 0.2)
        else:
            path = "/" + "/".join(self.some(WORDS, 0, 3))
        return path if path.startswith("/") else "/" + path

    def query(self, rule):
        query = {}
        for key, globs in (rule["query"] if rule else {}).items():
            if self.chance(0.9):
                query[key] = [self.near(self.pick(globs), ".", 0.2) if self.chance(0.8) else
                              self.pick(VALUES) for _ in range(self.pick([1, 1, 1, 2, 0]))]
        if self.chance(0.2):
            query[self.pick("qtvx")] = self.some(VALUES, 1, 2)
        return query

    def operation(self, endpoint, rule):
        operation = {"operation_type": self.pick(OPERATIONS), "fields": self.some(FIELDS, 0, 3),
                     "persisted_query": False}
        if rule and rule["operation_type"] and self.chance(0.8):
            operation["operation_type"] = self.pick([rule["operation_type"]] * 4 +
                                                    [rule["operation_type"].upper()])
            operation["fields"] = [self.near(self.pick(rule["fields"]), ".", 0.15)
                                   for _ in rule["fields"]] or operation["fields"]
            if rule["operation_name"]:
                operation["operation_name"] = self.near(rule["operation_name"], ".")
        elif self.chance(0.5):
            operation["operation_name"] = self.pick(NAMES)
        if self.chance(0.12 + 0.3 * bool(endpoint and endpoint["graphql_persisted_queries"])):
            operation["persisted_query"] = True
            operation[self.pick(["persisted_query_hash", "persisted_query_id"])] = \
                self.pick(["abc", "def", "1", "2"])
            if self.chance(0.8):
                operation["operation_type"] = ""
        return operation

    def graphql_data(self, endpoint, rule):
        data = {"operations": [self.operation(endpoint, rule)
                               for _ in range(self.pick([1, 1, 1, 2, 3, 0]))]}
        if self.chance(0.04):
            data["error"] = "cannot be read"
        return data

    def rpc_data(self, rule):
        if self.chance(0.03):
            return None
        data = {"method": self.pick(RPC_METHODS)}
        if rule and rule["method"] and self.chance(0.8):
            data["method"] = self.near(rule["method"], ".", 0.1)
        if self.chance(0.5) or data["method"] == "tools/call":
            globs = rule["params"].get("name") if rule else None
            data["params"] = {"name": self.near(self.pick(globs), ".", 0.15) if globs and
                              self.chance(0.8) else self.pick(TOOLS)}
            if self.chance(0.05):
                data["params"] = self.pick([{}, {"other": "a"}, None])
        extra = self.random.random()
        if extra < 0.06:
            data = {"has_response": True}
        elif extra < 0.12:
            data = self.pick([{"method": None, "receive_stream": True}, {"method": None}, {},
                              {**data, "receive_stream": True}])
        elif extra < 0.15:
            data = {"method": None, "error": "cannot be read"}
        return data

    # ---- rows without a policy --------------------------------------------------------------------

    def glob_input(self):
        delimiter = self.pick(["/", ".", ""])
        shown = delimiter or "."
        pieces = [*COMPONENTS, *WORDS, "**", "*", "", "a.b", "a/b", "é", "{a.b,c}", "{a/**,b}",
                  "[!-a]", "[a-c1-3]", "{a,}", "a{b,c}d", "{}", "{{a},b*}", "{a,**}", "{**/x,b}"]
        pieces += MALFORMED if self.chance(0.05) else []
        joined = [self.pick([shown, shown, shown, ""]) + self.pick(pieces)
                  for _ in range(self.random.randint(1, 4))]
        pattern = "".join(joined)[0 if self.chance(0.5) else 1:]
        value = self.near(pattern, shown, 0.3)
        return {"pattern": pattern, "delimiters": [delimiter] if delimiter else [], "value": value}

    def path_input(self):
        pieces = ["a", "b", "..", ".", "", "%2e%2e", "%2E", "%2f", "%2F", "a;x=1", "..;", ".;a", ";",
                  "%61", "%7e", "%25", "%252e", "%3B", "..%3b", "a%20b", "a b", "%C3%a9", "@:", "a*b",
                  "%2e%2e%2f", "..%2f", "~", "a&b=c", "%3f", "\"", "<", "...", "a%", "%zz", "%4", "%00",
                  "%0d", "%7F", "%1f", "%80", "|", "[x]", "\\", "^", "a+b", "!$'()"]
        weird = ["#", "é", "\t", "\x7f", "\x01", "?a=1", "?x/../y?z", "?", "//", "http://h/a"]
        path = "/" + "/".join(self.some(pieces, 0, 5))
        if self.chance(0.15):
            i = self.random.randint(0, len(path))
            path = path[:i] + self.pick(weird) + path[i:]
        elif self.chance(0.1):
            authority = self.pick(["h", "h:80", "H.test", "[::1]:80", "u@h", "h:x", "", "a:b:c", "h%41"])
            path = self.pick(["http", "https", "HTTP", "ftp", "a+b-c.1"]) + "://" + authority + \
                self.pick(["", path])
        elif self.chance(0.05):
            path = self.pick(["", "*", "a", "a/b", "?q", "/" + "a" * self.random.randint(4093, 4098)])
        elif self.chance(0.1):
            path += "?" + self.pick(["", "a=b", "x?y", "%zz", "a/../b", "é", "a#b"])
        return {"target": path, "allow_encoded_slash": self.chance(0.5),
                "strip_path_parameters": self.chance(0.85)}

    def selector(self):
        labels = self.some([*WORDS, "*", "**", "a*", "*b", "?", "[ab]", "[!a]", "api"], 1, 4)
        text = ".".join(labels)
        if self.chance(0.05):
            text = self.pick(["", "a..b", ".a", "a.", "a b.c", "{a,b}.c", "a**.b", "[a.b", "a.[].b",
                              "***", "a.***.b"])
        return text.upper() if self.chance(0.1) else text

    def host_pattern_input(self):
        kind = self.pick(["match", "match", "overlap", "selector_may_match"])
        if kind == "match":
            pattern = self.selector()
            return {"op": kind, "pattern": pattern, "host": self.near(pattern, ".", 0.3)}
        if kind == "overlap":
            left = self.selector()
            right = self.near(left, ".", 0.2) if self.chance(0.4) else self.selector()
            return {"op": kind, "left": left, "right": right}
        include = [self.selector() for _ in range(self.random.randint(1, 2))]
        exclude = [self.selector() for _ in range(self.random.randint(0, 2))]
        candidate = self.pick([self.selector(), self.pick(include), self.instance(include[0], ".")])
        if self.chance(0.3):
            exclude.append(self.pick([candidate, self.pick(include), "**", candidate.upper()]))
        return {"op": kind, "include": include, "exclude": exclude, "candidate": candidate}

    def ip_input(self):
        bases = ["127.0.0.0/8", "169.254.0.0/16", "0.0.0.0/32", "10.0.0.0/8", "172.16.0.0/12",
                 "192.168.0.0/16", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24",
                 "203.0.113.0/24", "198.18.0.0/15", "255.255.255.255/32", "8.8.8.0/24", "::1/128",
                 "::/128", "fe80::/10", "fc00::/7", "2606:4700::/32",
                 "224.0.0.0/4", "2001:db8::/32", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16",
                 "ff00::/8", "fec0::/10",
                 "100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::254/128", "0.0.0.0/8", "::/96"]
        if self.chance(0.05):
            name = self.pick(["metadata.google.internal", "api.github.com", "metadata.google.internal."])
            return {"hostname": self.pick([name, name.upper(), self.mutated(name, "."), f" {name} "])}
        net = ipaddress.ip_network(self.pick(bases))
        size = net.num_addresses
        number = int(net.network_address) + self.pick([-1, 0, size - 1, size,
                                                       self.random.randrange(size)])
        number = max(0, min(number, 2 ** net.max_prefixlen - 1))
        address = ipaddress.ip_address(number) if net.version == 6 or number > 2 ** 32 else \
            ipaddress.IPv4Address(number)
        if net.version == 6:
            address = ipaddress.IPv6Address(number)
        elif self.chance(0.3):
            # mapped, or behind NAT64
            address = ipaddress.IPv6Address(self.pick([0xFFFF << 32, 0x64FF9B << 96]) | number)
        if self.chance(0.5):
            return {"ip": str(address)}
        prefix = self.random.randint(0, address.max_prefixlen)
        return {"net": str(ipaddress.ip_network((int(address) >> 0, address.max_prefixlen))
                           if prefix == address.max_prefixlen else
                           ipaddress.ip_network(f"{address}/{prefix}", strict=False))}

    def endpoint_path_input(self):
        pieces = [*WORDS, "*", "**", "a*", "?", "[ab]", "[!a]", "[a-c]", "{a,b}", "\\*", "[]a]"]
        pieces += ["a**", "***", "[", "[]", "[!]", "**a"] if self.chance(0.1) else []
        pattern = "/" + "/".join(self.some(pieces, 0, 4))
        if self.chance(0.2):
            pattern += "/**"
        path = pattern if self.chance(0.05) else self.near(pattern, "/", 0.3)
        return {"pattern": pattern, "path": path if path.startswith("/") else "/" + path}

    def fs_path_input(self):
        path = "".join(self.pick(["/", "/", "//", ""]) + self.pick(["a", "b", ".", "..", "", "...", "usr"])
                       for _ in range(self.random.randint(1, 6)))
        return {"path": path, "mode": "symlink_join"} if self.chance(0.5) else {"path": path}
