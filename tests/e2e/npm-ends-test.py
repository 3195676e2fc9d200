# SPDX-License-Identifier: Apache-2.0
"""GraphQL, MCP and JSON-RPC between clients and servers of other projects, from the npm registry.

The programs and the list of packages are in npm-ends/; scripts/install-deps installs the packages
into a cache, and without them every test is skipped. The servers run in the outer world, the
clients in the box: over http and https, captured and through a tunnel of the proxy (CONNECT). The
suites of graphql-http and of MCP are run without the host too, and must find the same.
"""
import atexit
import concurrent.futures
import hashlib
import os
import re
import shutil
import subprocess

import harness
import world
from harness import Skip, expect, test

ENDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "npm-ends")
NODE = "/usr/bin/node"
NAME = "origin.test"
PORTS = {"http": 8092, "https": 8447}
GRAPHQL, WEBSOCKET, MCP, RPC = range(4)     # of npm-ends/server.mjs
UNAWARE = ["env", *(word for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
                    for each in (name, name.upper()) for word in ("-u", each))]
CELLS = [(way, scheme) for way in ("captured", "connect") for scheme in ("http", "https")]
CONFORMANCE = "node_modules/@modelcontextprotocol/conformance/dist/index.js"


def packages():
    """Where scripts/install-deps has put the packages."""
    with open(os.path.join(ENDS, "package-lock.json"), "rb") as stream:
        name = "npm-ends-" + hashlib.sha256(stream.read()).hexdigest()[:16]
    own = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    for cache in ("/var/cache", own):
        folder = os.path.join(cache, "openshell-host-tests", name, "node_modules")
        if os.path.exists(os.path.join(folder, ".package-lock.json")):
            return folder
    print("# NOT INSTALLED: the packages of tests/e2e/npm-ends; scripts/install-deps would install them")
    return None


MODULES = packages()


class Ends:
    """The servers: one process of Node, begun by the first test that needs it."""

    def __init__(self):
        self.folder = None

    def begin(self):
        if MODULES is None or not os.path.exists(NODE):
            raise Skip("the packages of npm-ends are not installed")
        if self.folder:
            return
        self.folder = folder = harness.private_scratch()
        self.authority, certificate, key = world.make_certificate(
            folder, f"DNS:{NAME}")
        self.log = os.path.join(folder, "log")
        with open(self.log, "w", encoding="utf-8"):
            pass
        place_programs(folder)
        server = subprocess.Popen(
            [NODE, "server.mjs", world.ADDRESS, str(PORTS["http"]), str(PORTS["https"]), certificate,
             key, self.log], cwd=folder, env=harness.clean_environment(), stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL)
        atexit.register(server.kill)
        expect(server.stdout.readline() == b"ready\n", "the servers did not begin")

    def seen(self):
        with open(self.log, encoding="utf-8") as stream:
            return stream.read().splitlines()


ends = Ends()


def place_programs(folder):
    for name in os.listdir(ENDS):
        if name.endswith("js"):
            shutil.copy(os.path.join(ENDS, name), folder)
    os.symlink(MODULES, os.path.join(folder, "node_modules"))


def url(kind, scheme, path):
    return f"{scheme}://{NAME}:{PORTS[scheme] + kind}{path}"


def policy(kind, **keys):
    return world.policy(*({"host": NAME, "port": port + kind, "enforcement": "enforce", **keys}
                          for port in PORTS.values()), read_only=(MODULES,))


def quote(words):
    return " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)


def run(cells, text):
    """Runs (way, words) of Node, one after the other, in one box. Returns the result, what each
    printed, and what reached the servers meanwhile."""
    folder = harness.scratch()
    place_programs(folder)
    before = len(ends.seen())
    script = []
    for way, words in cells:
        command = [*UNAWARE, NODE] if way == "captured" else [NODE, "--require", "./through-proxy.cjs"]
        script += ["echo @@", quote([*command, *words])]
    result = harness.run_recorded(["/bin/sh", "-c", "\n".join(script)], text,
                                  ["--set", f"network.upstream-ca={ends.authority}"], cwd=folder,
                                  timeout=35)
    transports = {event["payload"][3] for event in result.events("network.allowed")}
    expect(transports == {"transparent" if way == "captured" else way for way, _ in cells},
           transports, result)
    # A client that ends while one of its connections is being made has lost nothing.
    failed = [line for line in result.err.splitlines() if line.startswith("openshell: FAILED") and
              "the connection with the client is lost" not in line]
    expect(not failed, failed, result)
    printed = [piece.strip().splitlines() for piece in result.out.split("@@\n")[1:]]
    expect(len(printed) == len(cells), result)
    return result, printed, ends.seen()[before:]


def run_directly(words):
    """The lines that a program of Node prints without the host."""
    done = subprocess.run([NODE, *words], cwd=ends.folder, capture_output=True, text=True, timeout=35,
                          env=harness.clean_environment(NODE_EXTRA_CA_CERTS=ends.authority), check=False)
    return done.stdout.strip().splitlines()


def at_once(*calls):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return [future.result() for future in [pool.submit(*call) for call in calls]]


def check_denials(result, *endings):
    """The lines say what was refused and nothing else; one that repeats another is only counted."""
    found = {line.rpartition("endpoint policy: ")[2] for line in result.denials()}
    expect(found == set(endings), found, result)


def check_same(found, wanted, result):
    expect(found == wanted, "\n".join(line for line in found if line not in wanted), "--- without the host",
           "\n".join(line for line in wanted if line not in found), result)


# What the server would answer with 400, or with 200 and errors. The host never lets a message through
# that it does not understand: whether the policy allows it cannot be said. Its answer is a 403, and the
# specification only recommends the other statuses (SHOULD, MAY).
NOT_UNDERSTOOD = {
    "A5BF", "423L", "BCF8", "B7N8",             # no body, no query, no JSON
    "LKJ0", "LKJ1", "LKJ2", "LKJ3",             # a query that is no string
    "6C00", "6C01", "6C02", "6C03",             # an operationName that is no string
    "58B0", "58B1", "58B2", "58B3", "3E3A",     # extensions that are no object
    "572B", "FDE2", "556A", "74FF",             # a document that does not parse
}

ANY_OPERATION = [{"allow": {"operation_type": kind, "fields": ["*"]}} for kind in ("query", "mutation")]


@test("the audits of graphql-http find the same in its server with the host between as without, but "
      "for the status of what is not understood, which the host refuses itself")
def _audits():
    ends.begin()
    text = policy(GRAPHQL, path="/graphql", protocol="graphql", rules=ANY_OPERATION)
    cells = [(way, ["graphql-client.mjs", url(GRAPHQL, scheme, "/graphql")]) for way, scheme in CELLS]
    wanted = run_directly(cells[0][1])
    expect(len(wanted) > 50, wanted)
    result, printed, _ = run(cells, text)
    expect(all(re.match(r"\S+ ok ", line) for line in wanted), wanted)
    for lines in printed:
        found = dict(line.split(" ", 1) for line in lines)
        for name in NOT_UNDERSTOOD:
            expect(re.match(r"(notice MAY|warn SHOULD) use \d+ .* is not \d+$", found[name]), found[name])
        check_same([line for line in lines if line.split()[0] not in NOT_UNDERSTOOD],
                   [line for line in wanted if line.split()[0] not in NOT_UNDERSTOOD], result)


@test("the client of graphql-http gets what the policy allows, and an error for what it refuses")
def _graphql():
    ends.begin()
    rules = [{"allow": {"operation_type": "query", "fields": ["viewer"]}},
             {"allow": {"operation_type": "mutation", "fields": ["star"]}}]
    documents = ["{ me: viewer }", "{ secret }", 'mutation { star(id: "1") }', "mutation { drop }",
                 "query { viewer ...F } fragment F on Query { secret }", "{ viewer }"]
    result, printed, seen = run(
        [(way, ["graphql-client.mjs", url(GRAPHQL, scheme, "/graphql"), *documents])
         for way, scheme in CELLS],
        policy(GRAPHQL, path="/graphql", protocol="graphql", rules=rules))
    for lines in printed:
        expect(lines == ['{"me":"somebody"}', "error 403", '{"star":"1"}', "error 403", "error 403",
                         '{"viewer":"somebody"}'], lines, result)
    expect(seen == ["viewer", "star 1", "viewer"] * len(CELLS), seen)
    check_denials(result, "query of secret", "mutation of drop", "query of secret, viewer")


@test("graphql-ws: subscriptions and queries that the policy allows come through, one that it "
      "refuses ends the connection, and the next operation has a new one")
def _websocket():
    ends.begin()
    rules = [{"allow": {"method": "GET", "path": "/graphql"}},
             {"allow": {"operation_type": "subscription", "fields": ["ticks"]}},
             {"allow": {"operation_type": "query", "fields": ["viewer"]}}]
    documents = ["subscription { ticks(upto: 3) }", "{ viewer }", "subscription { secrets }",
                 "{ secret }", "{ viewer }"]
    result, printed, seen = run(
        [(way, ["websocket-client.mjs", url(WEBSOCKET, scheme, "/graphql").replace("http", "ws"), *documents])
         for way, scheme in CELLS],
        policy(WEBSOCKET, path="/graphql", protocol="websocket", rules=rules))
    for lines in printed:
        expect(lines == ['{"ticks":1} {"ticks":2} {"ticks":3} complete', '{"viewer":"somebody"} complete',
                         "closed 1008", "closed 1008", '{"viewer":"somebody"} complete'], lines, result)
    expect(seen == ["ticks", "viewer", "viewer"] * len(CELLS), seen)
    check_denials(result, "subscription of secrets", "query of secret")


@test("the client of the MCP SDK: lists the tools that it may call, is told of a refused call as an "
      "error of the call, and goes on in its session, with notifications and a stream that is cut; "
      "the end of the session, which no rule can name, is refused")
def _mcp():
    ends.begin()
    rules = [{"allow": {"method": method}} for method in
             ("initialize", "notifications/initialized", "tools/list", "ping")]
    rules += [{"allow": {"method": "tools/call", "tool": "read", "mcp_arguments": {"path": "/work/*"}}},
              {"allow": {"method": "tools/call", "tool": "{announce,test_reconnection}"}}]
    result, printed, seen = run([(way, ["mcp-client.mjs", url(MCP, scheme, "/mcp")])
                                 for way, scheme in CELLS],
                                policy(MCP, protocol="mcp", rules=rules))
    refused = "error -32050: MCP error -32050: "
    for lines in printed:
        found = dict(line.split(": ", 1) for line in lines)
        for step in ("rm", "read elsewhere"):
            expect(found.pop(step, "").startswith(refused), lines, result)
        expect(found == {
            "initialize": "npm-ends 2025-11-25 true", "ping": "{}", "tools": "announce read test_reconnection",
            "read": "reading, did read /work/a", "read again": "reading, did read /work/b",
            "announce": "announced", "receive stream": "announced by the server",
            "cut off": "reconnected",
            "end of session": "error 403: Streamable HTTP error: Failed to terminate session: Forbidden"},
            lines, result)
    expect(not any("rm" in line or line == "DELETE" for line in seen) and seen.count("tools/call read") == 2 * len(CELLS), seen)


@test("the conformance suite of MCP finds the same in a server of the SDK with the host between as "
      "without")
def _conformance():
    ends.begin()
    text = policy(MCP, protocol="mcp", rules=[{"allow": {"method": "tools/call", "tool": "*"}}],
                  mcp={"versions": ["2025-03-26", "2025-06-18", "2025-11-25"],
                       "allow_all_known_mcp_methods": True})
    command = [CONFORMANCE, "server", "--suite", "all", "--url"]
    clear, secure = (url(MCP, scheme, "/mcp") for scheme in ("http", "https"))

    def verdicts(lines):
        return [line for line in lines if re.search(r"\d+ passed, \d+ failed", line)]

    # Some scenarios give up by the clock, on a busy machine without the host as well: what differs
    # because of the host differs each time.
    for _ in range(3):
        wanted, *runs = at_once((run_directly, [*command, clear]),
                                (run, [("captured", [*command, clear])], text),
                                (run, [("connect", [*command, secure])], text))
        if len(verdicts(wanted)) > 30 and all(verdicts(printed[0]) == verdicts(wanted)
                                              for _, printed, _ in runs):
            return
    expect(len(verdicts(wanted)) > 30, wanted)
    for result, printed, _ in runs:
        check_same(verdicts(printed[0]), verdicts(wanted), result)


@test("jayson: calls and batches that the policy allows are answered by the server, each call that "
      "it refuses by an error")
def _rpc():
    ends.begin()
    rules = [{"allow": {"method": method}} for method in ("reports.list", "reports.fail")]
    result, printed, seen = run([(way, ["rpc-client.mjs", url(RPC, scheme, "/rpc")])
                                 for way, scheme in CELLS],
                                policy(RPC, protocol="json-rpc", rules=rules))
    reports = '["first","second"]'
    for lines in printed:
        expect(lines == [f"list: {reports}", "purge: error -32050", "fail: error 17",
                         f"batch: {reports}, error 17", "batch with purge: error -32050, error -32050",
                         "notification: ", f"list again: {reports}"], lines, result)
    expect(seen == ["reports.list", "reports.fail", "reports.list", "reports.fail", "reports.list",
                    "reports.list"] * len(CELLS), seen)


harness.main()
