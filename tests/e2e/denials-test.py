# SPDX-License-Identifier: Apache-2.0
"""docs/denials.md shows what really happens: each block of it is made again here, by a real client,
and held against the page. DENIALS_WRITE=1 writes the blocks into the page instead."""
import asyncio
import json
import os
import re
import threading

import websockets

import harness
import wire
import world
from harness import PYTHON, expect, test

PAGE = os.path.join(harness.SOURCE, "docs", "denials.md")
NAME = wire.NAME
SOCKET_PORT = 8083
UNTRUSTED_PORT = 8445
WIDTH = 98
SHOWN_PID = "4121"      # in place of the client's
SHOWN_ID = "e7"         # in place of the event's
WRITES = os.environ.get("DENIALS_WRITE") == "1"

origins = world.World()
clear = origins.serve(world.HttpServer((world.ADDRESS, wire.CLEAR_PORT), world.ApiHandler))
secure, AUTHORITY = origins.serve_https(harness.private_scratch(), port=wire.TLS_PORT)
# Its authority is unknown to every run here.
untrusted, _ = origins.serve_https(harness.private_scratch(), port=UNTRUSTED_PORT)


class SocketServer:
    """A WebSocket server that keeps what it is told."""

    def __init__(self):
        self.messages = []
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        expect(ready.wait(10), "no server")

    def _run(self, ready):
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(websockets.serve(self._talk, world.ADDRESS, SOCKET_PORT))
        ready.set()
        loop.run_forever()

    async def _talk(self, connection, _path):
        try:
            async for message in connection:
                self.messages.append(message)
        except websockets.exceptions.ConnectionClosed:
            pass


sockets = SocketServer()

SAYS = """
import asyncio, sys, websockets
async def say(url, text):
    async with websockets.connect(url) as connection:
        await connection.send(text)
        await connection.wait_closed()
        print(connection.close_code, connection.close_reason)
url, text, times = sys.argv[1:]
asyncio.run(say(url, text * int(times)))
"""
JSON = ["-H", "Content-Type: application/json"]
NO_KEYS = """network_middlewares:
  no-keys:
    middleware: openshell/regex
    config: {action: deny, patterns: ["sk-[a-z0-9]{16}"]}
    endpoints: {include: [in.example]}
"""


def endpoint(protocol, port=wire.CLEAR_PORT, host=NAME, **keys):
    return {"host": host, "port": port, "protocol": protocol, "enforcement": "enforce", **keys}


def allow(**keys):
    return {"allow": keys}


def curl(shown, *words, unaware=False):
    """What the page shows as typed, and what is run: with the head of the answer."""
    return shown, [*(["env", "-i"] if unaware else []), "curl", "-sS", "-g", "--max-time", "10", "-i",
                   *words]


def says(shown, text, times=1):
    return shown, [PYTHON, "-I", "-c", SAYS, f"ws://{NAME}:{SOCKET_PORT}/chat", text, str(times)]


READS = [allow(method="GET", path="/items/*"), allow(method="GET", path="/search", query={"q": "repo:*"})]
REST = endpoint("rest", rules=READS, deny_rules=[{"method": "*", "path": "/items/locked"}])
WRITABLE = endpoint("rest", access="read-write")
GRAPHQL = endpoint("graphql", path="/graphql", graphql_max_body_bytes=200,
                   rules=[allow(operation_type="query", fields=["viewer"])])
MCP = endpoint("mcp", path="/mcp", rules=[allow(method="initialize"), allow(method="tools/call", tool="read_*")])
RPC = endpoint("json-rpc", path="/rpc", rules=[allow(method="reports.list")])
SOCKET = endpoint("websocket", SOCKET_PORT, access="read-only")
URL = f"http://{NAME}"


def call(method, **params):
    return json.dumps({"jsonrpc": "2.0", "id": 3, "method": method, **({"params": params} if params else {})})


def query(text):
    return json.dumps({"query": text})


# Heading of the page → the endpoint of the policy, what is typed and run, and whether the line of the
# person is a refusal, a failure or a notice. More keys: extra (text of the policy), options.
CASES = {
    "No rule allows the request":
        (REST, curl(f"curl -X DELETE {URL}/items/1", "-X", "DELETE", f"{URL}/items/1"), "DENIED", {}),
    "A deny rule refuses the request":
        (REST, curl(f"curl {URL}/items/locked", f"{URL}/items/locked"), "DENIED", {}),
    "The query is not allowed":
        (REST, curl(f"curl '{URL}/search?q=everything'", f"{URL}/search?q=everything"), "DENIED", {}),
    "An upgrade is refused":
        (WRITABLE, curl(f"curl --noproxy '*' -H 'Connection: Upgrade' -H 'Upgrade: websocket' {URL}/chat",
                        "-H", "Connection: Upgrade", "-H", "Upgrade: websocket", f"{URL}/chat", unaware=True),
         "DENIED", {}),
    "GraphQL: an operation is not allowed":
        (GRAPHQL, curl("curl --json '" + query("mutation { drop }") + f"' {URL}/graphql",
                       *JSON, "-d", query("mutation { drop }"), f"{URL}/graphql"), "DENIED", {}),
    "GraphQL: a request that cannot be understood":
        (GRAPHQL, curl("curl --json '" + query("{ viewer") + f"' {URL}/graphql",
                       *JSON, "-d", query("{ viewer"), f"{URL}/graphql"), "DENIED", {}),
    "JSON-RPC: a method is not allowed":
        (RPC, curl("curl --json '" + call("reports.purge") + f"' {URL}/rpc",
                   *JSON, "-d", call("reports.purge"), f"{URL}/rpc"), "DENIED", {}),
    "MCP: a tool is not allowed":
        (MCP, curl("curl --json '" + call("tools/call", name="delete_file", arguments={"path": "/a"}) +
                   f"' -H 'MCP-Protocol-Version: 2025-11-25' {URL}/mcp", *JSON,
                   "-H", "MCP-Protocol-Version: 2025-11-25",
                   "-d", call("tools/call", name="delete_file", arguments={"path": "/a"}), f"{URL}/mcp"),
         "DENIED", {}),
    "MCP: a revision that the endpoint does not accept":
        (MCP, curl("curl --json '" + call("ping") + f"' -H 'MCP-Protocol-Version: 2025-03-26' {URL}/mcp",
                   *JSON, "-H", "MCP-Protocol-Version: 2025-03-26", "-d", call("ping"), f"{URL}/mcp"),
         "DENIED", {}),
    "WebSocket: a text is not allowed":
        (SOCKET, says(f"(a client says `hello` on ws://{NAME}:{SOCKET_PORT}/chat)", "hello"), "DENIED", {}),
    "WebSocket: a message is too large":
        (endpoint("websocket", SOCKET_PORT, access="read-write"),
         says(f"(a client says 2000 characters on ws://{NAME}:{SOCKET_PORT}/chat)", "x", 2000), "DENIED",
         {"options": ["--set", "l7-ws.text_size=1000"]}),
    "A request that opens no WebSocket":
        (SOCKET, curl(f"curl {URL}:{SOCKET_PORT}/chat", f"{URL}:{SOCKET_PORT}/chat"), "DENIED", {}),
    "A body is too large":
        (GRAPHQL, curl("curl --json @large.json " + f"{URL}/graphql", *JSON, "-d",
                       query("{ viewer } #" + "x" * 300), f"{URL}/graphql"), "DENIED", {}),
    "A middleware denies the content":
        (WRITABLE, curl(f"curl -d 'key=sk-0123456789abcdef' {URL}/say", "-d", "key=sk-0123456789abcdef",
                        f"{URL}/say"), "DENIED", {"extra": NO_KEYS}),
    "A middleware fails":
        (WRITABLE, curl(f"curl --data-binary @picture.png {URL}/say", "--data-binary", "@-", f"{URL}/say"),
         "DENIED", {"extra": NO_KEYS, "stdin": b"\x89PNG\r\n\x1a\n"}),
    "The certificate of the server is not trusted":
        (endpoint("rest", UNTRUSTED_PORT, host="origin.test", access="read-only"),
         curl(f"curl https://origin.test:{UNTRUSTED_PORT}/items/1",
              f"https://origin.test:{UNTRUSTED_PORT}/items/1"), "FAILED", {}),
    "The program does not trust the run":
        (endpoint("rest", wire.TLS_PORT, host="origin.test", access="read-only"),
         curl("env -u CURL_CA_BUNDLE -u SSL_CERT_FILE curl https://origin.test/items/1",
              "https://origin.test/items/1", unaware=True), "NOTICE", {}),
    "A destination that no policy has, by the proxy":
        (REST, curl("curl http://other.test/", "http://other.test/"), "DENIED", {}),
    "A destination that no policy has, in a tunnel":
        (REST, curl("curl https://other.test/", "https://other.test/"), "DENIED", {}),
    "A destination that no policy has, without the proxy":
        (REST, curl(f"curl --noproxy '*' http://{NAME}:8081/", f"http://{NAME}:8081/", unaware=True),
         "DENIED", {}),
    "A name that no policy has, without the proxy":
        (REST, curl("curl --noproxy '*' http://other.test/", "http://other.test/", unaware=True),
         "DENIED", {}),
}


def yaml(keys, extra):
    """The endpoint as the page shows it: one line for each key."""
    def flow(value):
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key}: {flow(one)}" for key, one in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(flow, value)) + "]"
        return json.dumps(value) if isinstance(value, str) and not re.match(r"[\w/]", value) else str(value)
    shown = {key: value for key, value in keys.items() if key not in ("host", "enforcement")}
    return ["policy", *folded("  " + ", ".join(f"{key}: {flow(value)}" for key, value in shown.items())),
            *("  " + line for line in extra.splitlines())]


def folded(line):
    """@line in lines that fit the page, ended behind blanks and commas; what goes on is further in."""
    inside = re.match(" *", line).group() + "  "
    lines = [""]
    for piece in re.findall(r"[^ ,]*[ ,]?", line):
        if lines[-1].strip() and len((lines[-1] + piece).rstrip()) > WIDTH:
            lines.append(inside)
        lines[-1] += piece
    return lines


def plain(text, folder):
    """@text without what differs from run to run."""
    text = re.sub(r"\be\d+\b", SHOWN_ID, text)
    text = re.sub(r"(curl|python3\.\d+)\(\d+\)", lambda found: f"{found.group(1)}({SHOWN_PID})", text)
    text = re.sub(r"python3\.\d+", "python3", text)
    return text.replace(folder + "/", "")


def answer(text):
    """What a client printed: the status line and the body of an HTTP answer, or all lines."""
    text = re.sub(r"^HTTP/1\.1 200 Connection Established\n(.+\n)*\n", "", text.replace("\r\n", "\n"))
    head, _, body = text.partition("\n\n")
    if not head.startswith("HTTP/"):
        return text.splitlines()
    return [head.splitlines()[0], *body.splitlines()]


def happened(heading):
    """The block of a heading, as a run of it makes it; what may not have reached a server."""
    keys, (shown, command), word, more = CASES[heading]
    policy = world.policy(keys, extra=more.get("extra", ""))
    folder = harness.private_scratch()
    path = os.path.join(folder, "policy.yaml")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(policy)
    before = [len(server.requests) for server in (clear, secure, untrusted)] + [len(sockets.messages)]
    # What a client says of its own accord is kept apart: in one stream the two could be mixed.
    work = harness.scratch()
    command = ["sh", "-c", 'exec "$@" 2>said', "sh", *command]
    result = harness.run_host(command, path, ["--set", f"network.upstream-ca={AUTHORITY}",
                                              *more.get("options", ())], cwd=work, stdin=more.get("stdin"))
    reached = [len(server.requests) for server in (clear, secure, untrusted)] + [len(sockets.messages)]
    expect(reached == before, heading, "it reached a server", result)
    with open(os.path.join(work, "said"), encoding="utf-8") as stream:
        own = stream.read().splitlines()[:1]
    told = [line for line in result.err.splitlines()
            if re.match("openshell: (DENIED|FAILED|NOTICE)", line)]
    expect(told and all(f"openshell: {word}" in line for line in told), heading, word, result)
    lines = [*yaml(keys, more.get("extra", "")), "", *folded(f"$ {shown}"), "", "the agent sees"]
    for line in [*answer(plain(result.out, folder)), *own]:
        lines += folded(f"  {line}")
    lines += ["", "the person sees"]
    for line in told:
        lines += folded(f"  {plain(line, folder)}")
    return "\n".join(line.rstrip() for line in lines) + "\n"


BLOCK = re.compile(r"^### (?P<heading>.*)\n(?P<prose>(?:(?!#|```).*\n)*)"
                   r"```text\n(?P<block>(?:(?!```).*\n)*)```\n", re.MULTILINE)
TABLE = re.compile(r"^\| what happened \|.*\n\|---.*\n(?:\|.*\n)*", re.MULTILINE)


def page():
    with open(PAGE, encoding="utf-8") as stream:
        return stream.read()


def blocks():
    return {found["heading"]: found["block"] for found in BLOCK.finditer(page())}


def table():
    """The summary, of the blocks of the page."""
    rows = ["| what happened | the agent sees | the person sees |", "|---|---|---|"]
    for heading, block in blocks().items():
        _, _, block = block.partition("the agent sees\n")
        agent, _, person = block.partition("the person sees\n")
        agent, person = (re.sub(r"\s+", " ", text) for text in (agent, person))
        status = re.search(r"HTTP/1\.1 (\d+)", agent) or re.match(r" *(\d+) ", agent)
        error = re.search(r'"error":"(\w+)"', agent)
        code = re.search(r'"code":(-\d+)', agent)
        tool = re.search(r"curl: \(\d+\)", agent)
        seen = " ".join(filter(None, (
            ("close " if status and "HTTP/" not in agent else "") + status[1] if status else "",
            code and f"error {code[1]}", error and f"`{error[1]}`", tool and f"`{tool[0]}`")))
        word, place = re.search(r"openshell: ([A-Z]+) .*?(\[[a-z].*?\])", person).groups()
        rows.append(f"| {heading} | {seen} | `{word}` … `{place}` |")
    return "\n".join(rows) + "\n"


def write(heading, block):
    text = BLOCK.sub(lambda found: found.group() if found["heading"] != heading else
                     f"### {heading}\n{found['prose']}```text\n{block}```\n", page())
    with open(PAGE, "w", encoding="utf-8") as stream:
        stream.write(text)


def compare(heading):
    made = happened(heading)
    if WRITES:
        write(heading, made)
    shown = blocks().get(heading, "nothing\n")
    expect(shown == made, "the page shows\n" + shown, "made now\n" + made)


@test("docs/denials.md has one block for each kind of denial that is made here, and no other")
def _headings():
    expect(list(blocks()) == list(CASES), list(blocks()), list(CASES))


for _heading in CASES:
    test(f"docs/denials.md shows what happens: {_heading}")(lambda heading=_heading: compare(heading))


@test("the table of docs/denials.md says of each block what the block shows")
def _table():
    if WRITES:
        text = TABLE.sub(lambda _: table(), page())
        with open(PAGE, "w", encoding="utf-8") as stream:
            stream.write(text)
    found = TABLE.search(page())
    expect(found and found.group() == table(), found and found.group(), table())


harness.main()
