# SPDX-License-Identifier: Apache-2.0
"""What holds for every protocol that looks into HTTP: changes of protocol, what a log may show, what
cannot be inspected, and middlewares in front of GraphQL, MCP and WebSocket."""
import asyncio
import itertools
import json
import os
import socket
import threading

import websockets

import harness
import world
from harness import PYTHON, expect, test

ADDRESS = world.ADDRESS
API, RAW_PORT, SOCKET_PORT = world.API_PORT, 8092, 8083
MARK = "m4rk3r-"        # begins what no log may show; what is behind it says where it stood
UPGRADED = ("rest", "graphql", "json-rpc", "mcp")
RULES = {
    "rest": {"access": "full"},
    "graphql": {"rules": [{"allow": {"operation_type": "query", "fields": ["viewer"]}}]},
    "json-rpc": {"rules": [{"allow": {"method": "reports.list"}}]},
    "mcp": {"rules": [{"allow": {"method": "tools/call", "tool": "read"}}]},
    "websocket": {"access": "read-write"},
}
PORTS = {protocol: 8100 + number for number, protocol in enumerate(RULES)}


class Listener:
    """Keeps all that comes, and echoes it."""

    def __init__(self, port):
        self.received = b""
        self.listener = socket.create_server((ADDRESS, port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.settimeout(10)
        try:
            while data := connection.recv(4096):
                self.received += data
                connection.sendall(b"echo " + data)
        except OSError:
            pass
        connection.close()


class EchoServer:
    """A WebSocket server."""

    def __init__(self):
        self.messages = []
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        expect(ready.wait(10), "no server")

    def _run(self, ready):
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(websockets.serve(self._talk, ADDRESS, SOCKET_PORT))
        ready.set()
        loop.run_forever()

    async def _talk(self, connection, _path):
        try:
            async for message in connection:
                self.messages.append(message)
                await connection.send(message)
        except websockets.exceptions.ConnectionClosed:
            pass


origins = world.World()
listeners = {protocol: Listener(port) for protocol, port in PORTS.items()}
raw = Listener(RAW_PORT)
echo = EchoServer()


def endpoint(protocol, port, enforcement="enforce"):
    return {"host": ADDRESS, "port": port, "protocol": protocol, "enforcement": enforcement,
            **RULES[protocol]}


def middleware(config, **keys):
    """The text of network_middlewares with one entry for every host."""
    lines = ["network_middlewares:", "  filter:", "    middleware: openshell/regex",
             "    config: " + json.dumps(config)]
    lines += [f"    {key}: {value}" for key, value in keys.items() if value is not None]
    return "\n".join(lines) + f"\n    endpoints: {{include: [{ADDRESS}]}}\n"


# Sends each of a list of [port, bytes] on a connection of its own and prints what comes back.
TALK = """
import json, socket, sys
for port, text in json.load(sys.stdin):
    s = socket.create_connection(('%s', port), 10)
    s.settimeout(5)
    data = b''
    try:
        s.sendall(text.encode('latin-1'))
        s.shutdown(socket.SHUT_WR)
        while more := s.recv(65536):
            data += more
    except OSError:
        pass
    print(json.dumps(data.decode('latin-1')), flush=True)
""" % ADDRESS


def talk(pieces, policy):
    result = harness.run_recorded(["env", "-i", PYTHON, "-I", "-c", TALK], policy,
                                  stdin=json.dumps(pieces).encode())
    answers = [json.loads(line) for line in result.out.splitlines()]
    expect(result.code == 0 and len(answers) == len(pieces), result)
    return answers, result


def request(port, body, path="/", fields=(), method="POST"):
    content = ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {ADDRESS}:{port}", *content, *fields, "",
                        body])


UPGRADES = (("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
            ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAA"))


@test("a change of protocol is refused on rest, graphql, json-rpc and mcp, to websocket and to h2c, in "
      "enforce and in audit mode, and the server sees nothing")
def _upgrades():
    rows = list(itertools.product(UPGRADED, UPGRADES))
    pieces = [[PORTS[protocol], request(PORTS[protocol], "", fields=fields, method="GET")]
              for protocol, fields in rows]
    for enforcement in ("enforce", "audit"):
        policy = world.policy(*(endpoint(protocol, PORTS[protocol], enforcement)
                                for protocol in UPGRADED))
        answers, result = talk(pieces, policy)
        for (protocol, fields), answer in zip(rows, answers):
            expect(answer.startswith("HTTP/1.1 403 ") and
                   json.loads(answer.partition("\r\n\r\n")[2])["error"] == "unsupported_l7_protocol",
                   enforcement, protocol, fields[0], answer)
            expect(listeners[protocol].received == b"", listeners[protocol].received)
        denied = [event["payload"][2:4] for event in result.events("l7.denied")]
        expect(sorted(denied) == sorted(["protocol", protocol] for protocol, _ in rows), denied)
        expect(not result.events("l7.allowed"), result.recorded)


@test("no line, event or recording shows a query, a header, a body, variables, params or the text of a "
      "WebSocket, of what is allowed and of what is refused")
def _logs():
    def mark(place):
        return MARK + place

    def call(method, **params):
        return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})

    fields = [f"X-Note: {mark('header')}", f"Authorization: Bearer {mark('bearer')}"]
    mcp = [*fields, "MCP-Protocol-Version: 2025-11-25"]
    query = {"variables": {"x": mark("variable")}}
    pieces = []
    for protocol, body, more in (
            ("rest", mark("body"), fields),
            ("graphql", json.dumps({"query": "{ viewer(x: \"" + mark("argument") + "\") }", **query}), fields),
            ("graphql", json.dumps({"query": "{ secret(x: \"" + mark("argument") + "\") }", **query}), fields),
            ("graphql", json.dumps({"query": "{ " + mark("syntax"), **query}), fields),
            ("json-rpc", call("reports.list", x=mark("param")), fields),
            ("json-rpc", call("reports.purge", x=mark("param")), fields),
            ("json-rpc", '{"x":"' + mark("broken"), fields),
            ("mcp", call("tools/call", name="read", arguments={"x": mark("argument")}), mcp),
            ("mcp", call("tools/call", name="rm", arguments={"x": mark("argument")}), mcp)):
        pieces.append([PORTS[protocol], request(PORTS[protocol], body, f"/?q={mark('query')}", more)])
    reads = {**endpoint("rest", API), "access": "read-only"}
    pieces.append([API, request(API, mark("refused"), f"/?q={mark('query')}", fields)])
    policy = world.policy(*(endpoint(protocol, PORTS[protocol]) for protocol in UPGRADED), reads,
                          extra=middleware({"patterns": ["never-there"]}))
    recording = os.path.join(harness.scratch(), "recording")
    events = os.path.join(harness.scratch(), "events.jsonl")
    result = harness.run_host(["env", "-i", PYTHON, "-I", "-c", TALK], policy,
                              ["--verbose", "--events", events, "--record", recording],
                              stdin=json.dumps(pieces).encode())
    answers = [json.loads(line) for line in result.out.splitlines()]
    expect(len(answers) == len(pieces), result)
    # The bodies of what is allowed arrive: it is the logs that do not have them.
    for protocol, place in (("rest", "body"), ("graphql", "argument"), ("json-rpc", "param"),
                            ("mcp", "argument")):
        expect(mark(place).encode() in listeners[protocol].received, protocol, answers)
    expect(len(result.denials()) == 6, result)
    said, left = texts_and_denials(mark)
    written = "".join([result.err, said, *(open(path, encoding="utf-8", errors="replace").read()
                                           for path in (events, recording))])
    expect(left == 1 and "POST" in written and "reports.purge" in written and "rm" in written, written[:2000])
    expect(MARK not in written, [line for line in written.splitlines() if MARK in line])


def texts_and_denials(mark):
    """What is written of a WebSocket with an allowed text, and of one with a refused one."""
    written, denials = "", 0
    for access in ("read-write", "read-only"):
        policy = world.policy({**endpoint("websocket", SOCKET_PORT), "access": access})
        result = say([mark("text")], policy)
        written += result.err + json.dumps(result.recorded)
        denials += len(result.denials())
    return written, denials


SAY = """
import asyncio, json, sys, websockets
async def talk(texts):
    async with websockets.connect('ws://%s:%d/chat') as connection:
        try:
            for text in texts:
                await connection.send(text)
                print(await asyncio.wait_for(connection.recv(), 10))
        except websockets.exceptions.ConnectionClosed as closed:
            print(closed.rcvd.code if closed.rcvd else 'reset')
asyncio.run(talk(json.load(sys.stdin)))
""" % (ADDRESS, SOCKET_PORT)


def say(texts, policy):
    echo.messages.clear()
    return harness.run_recorded(["env", "-i", PYTHON, "-I", "-c", SAY], policy,
                                stdin=json.dumps(texts).encode())


@test("a middleware changes and refuses texts of a WebSocket, and a refusal ends it with 1008")
def _texts():
    policy = world.policy(endpoint("websocket", SOCKET_PORT), extra=middleware(
        {"patterns": ["secret-[0-9]+"], "replacement": "[gone]"}))
    result = say(["a secret-12", "plain"], policy)
    expect(result.out.split("\n")[:2] == ["a [gone]", "plain"] and
           echo.messages == ["a [gone]", "plain"], result, echo.messages)
    policy = world.policy(endpoint("websocket", SOCKET_PORT), extra=middleware(
        {"action": "deny", "patterns": ["secret-[0-9]+"]}))
    result = say(["plain", "a secret-12", "later"], policy)
    expect(result.out.split("\n")[:2] == ["plain", "1008"] and echo.messages == ["plain"], result,
           echo.messages)
    [line] = result.denials()
    expect("middleware filter denies it (pattern_matched)" in line and "secret" not in line, line)


@test("what a middleware makes of a request is judged again, as GraphQL and as MCP")
def _again():
    policy = world.policy(endpoint("graphql", PORTS["graphql"]), endpoint("mcp", PORTS["mcp"]),
                          extra=middleware({"patterns": ["viewer", "\"read\""],
                                            "replacement": "\"rm\""}))
    listeners["graphql"].received = listeners["mcp"].received = b""
    call = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "read"}})
    graphql, mcp = (PORTS[name] for name in ("graphql", "mcp"))
    answers, result = talk([[graphql, request(graphql, '{"query":"{ viewer }"}')],
                            [mcp, request(mcp, call, fields=["MCP-Protocol-Version: 2025-11-25"])]],
                           policy)
    expect("HTTP/1.1 403 " in answers[0] and '"error":{"code":-32050' in answers[1], answers)
    expect(listeners["graphql"].received + listeners["mcp"].received == b"", result)
    denied = result.events("l7.denied")
    expect(len(denied) == 2 and "rm" in json.dumps(denied[1]), denied)


# on_uninspectable, on_error → whether what cannot be inspected goes on.
UNINSPECTABLE = {(None, None): False, (None, "fail_closed"): False, (None, "fail_open"): True,
                 ("deny", None): False, ("deny", "fail_open"): False,
                 ("allow", None): True, ("allow", "fail_open"): True}


@test("on_uninspectable, else on_error, decides whether bytes that are no HTTP go on, with a notice, "
      "and whether a policy with tls: skip loads")
def _uninspectable():
    for (uninspectable, error), goes_on in UNINSPECTABLE.items():
        extra = middleware({"patterns": ["x"]}, on_uninspectable=uninspectable, on_error=error)
        raw.received = b""
        [answer], result = talk([[RAW_PORT, "\1\2raw\n"]],
                                world.policy(f"{ADDRESS}:{RAW_PORT}", extra=extra))
        row = uninspectable, error
        expect(("echo" in answer) == goes_on == (raw.received != b""), row, answer, result)
        notices = json.dumps(result.events("network.notice"))
        expect(("uninspected" in notices) == goes_on, row, notices)
        expect(len(result.denials()) == (not goes_on), row, result)
        skips = world.policy({"host": ADDRESS, "port": 443, "tls": "skip"}, extra=extra)
        checked = harness.run_host(None, None, ["check", harness.write_policy(skips)])
        expect((checked.code == 0) == goes_on, row, checked)
        expect(("without on_uninspectable" in checked.out + checked.err) == (row == (None, "fail_open")),
               row, checked)


@test("HTTP/2 is refused where a middleware has to see it, as a change of protocol and by prior "
      "knowledge")
def _http2():
    for protocol in (None, "rest"):
        port = RAW_PORT
        one = endpoint("rest", port) if protocol else f"{ADDRESS}:{port}"
        raw.received = b""
        answers, result = talk([[port, request(port, "", fields=UPGRADES[1], method="GET")],
                                [port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]],
                               world.policy(one, extra=middleware({"patterns": ["x"]})))
        expect(answers[0].startswith("HTTP/1.1 403 ") and "echo" not in "".join(answers), protocol, answers)
        expect(raw.received == b"" and len(result.denials()) >= 1, protocol, raw.received, result)


harness.main()
