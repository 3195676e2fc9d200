# SPDX-License-Identifier: Apache-2.0
"""protocol: websocket on real traffic: the `ws` of Node in the box, `websockets` of Python outside,
captured and through CONNECT, in clear and over TLS."""
import asyncio
import base64
import hashlib
import json
import os
import re
import signal
import socket
import threading
import time

import websockets
from websockets.exceptions import ConnectionClosed

import harness
import world
from harness import PYTHON, expect, test

origins = world.World()
secure, AUTHORITY = origins.serve_https(harness.private_scratch())

CLEAR_PORT = 8083
SECURE_PORT = 8446
SCRIPT_PORT = 8084
NODE = "/usr/bin/node"
CLEAR = f"ws://{world.ADDRESS}:{CLEAR_PORT}"
SECURE = f"wss://{world.ADDRESS}:{SECURE_PORT}"
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT = "WEBSOCKET_TEXT"


class EchoServer:
    """Two WebSocket servers, in clear and over TLS, that say again what they are told."""

    def __init__(self):
        self.messages = []     # of all connections, in order
        self.paths = []
        self.extensions = []
        self.codes = []        # by which connections ended
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        expect(ready.wait(10), "no server")

    def _run(self, ready):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve())
        ready.set()
        self.loop.run_forever()

    async def _serve(self):
        for port, context in ((CLEAR_PORT, None), (SECURE_PORT, secure.context)):
            await websockets.serve(self._talk, world.ADDRESS, port, ssl=context, max_size=None,
                                   subprotocols=["chat"], close_timeout=5)

    async def _talk(self, connection, path):
        self.paths.append(path)
        self.extensions.append([type(one).__name__ for one in connection.extensions])
        if path.startswith("/greeting"):
            await connection.send("welcome")
        if path.startswith("/ping"):
            pong = await connection.ping(b"from the server")
            await asyncio.wait_for(pong, 5)
            await connection.send("the pong came")
        try:
            async for message in connection:
                self.messages.append(message)
                if path.startswith("/fragments"):
                    await connection.send([message[:3], message[3:5], message[5:]])
                else:
                    await connection.send(message)
        except ConnectionClosed:
            pass
        self.codes.append(connection.close_code)

    def forget(self):
        self.messages, self.paths, self.extensions, self.codes = [], [], [], []

    def code(self):
        """By which the one connection ended."""
        harness.wait_until(lambda: self.codes, 5, "the server's connection has not ended")
        return self.codes[0]


echo = EchoServer()

# Reads [URL, steps, options] and does the steps when the WebSocket is open. Says what happens in
# lines of JSON. Closes when it has got as many messages as `expect`.
CLIENT = r"""
const WebSocket = require('ws');
const crypto = require('crypto');
const [url, steps, options] = JSON.parse(process.argv[1]);
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const settings = {perMessageDeflate: options.deflate === false ? false : {threshold: 0}};
if (options.connect) {
    const Agent = require('https-proxy-agent');
    settings.agent = new Agent(process.env.HTTPS_PROXY);
}
const ws = new WebSocket(url, ['chat'], settings);
let got = 0;
const done = () => { if (got >= options.expect) ws.close(1000, 'done'); };
ws.on('open', () => {
    say({open: ws.protocol, extensions: ws.extensions});
    for (const step of steps) {
        if (step.text !== undefined) ws.send(step.text.repeat(step.times || 1));
        if (step.binary !== undefined) ws.send(Buffer.from(step.binary.repeat(step.times || 1), 'hex'));
        if (step.ping !== undefined) ws.ping(step.ping);
        if (step.fragments !== undefined)
            step.fragments.forEach((part, i) =>
                ws.send(part, {fin: i === step.fragments.length - 1}));
    }
    if (options.expect === 0) setTimeout(done, 200);
});
ws.on('message', (data, binary) => {
    const text = binary ? data.toString('hex') : data.toString();
    say({[binary ? 'binary' : 'text']: text.length <= 100 ? text
         : [text.length, crypto.createHash('sha256').update(data).digest('hex')]});
    got++;
    done();
});
ws.on('pong', (data) => { say({pong: data.toString()}); got++; done(); });
ws.on('ping', (data) => say({ping: data.toString()}));
ws.on('unexpected-response', (request, response) => {
    let body = '';
    response.on('data', (data) => body += data);
    response.on('end', () => { say({status: response.statusCode, body}); process.exit(0); });
});
ws.on('error', (error) => say({error: error.message}));
ws.on('close', (code, reason) => say({close: code, reason: reason.toString()}));
"""


def websocket(port, **keys):
    endpoint = {"host": world.ADDRESS, "port": port, "protocol": "websocket",
                "enforcement": "enforce"}
    if "rules" not in keys:
        endpoint["access"] = "read-write"
    return {**endpoint, **keys}


def policy(**keys):
    return world.policy(*(websocket(port, **keys) for port in (CLEAR_PORT, SECURE_PORT, SCRIPT_PORT)))


POLICY = policy()


def run(command, text=POLICY, options=(), **keywords):
    return harness.run_recorded(command, text,
                                ["--set", f"network.upstream-ca={AUTHORITY}", *options], **keywords)


def client(url, steps, text=POLICY, options=(), connect=False, wanted=None, deflate=True):
    """Runs the client. Returns what it said, and the result."""
    echo.forget()
    arguments = [url, steps, {"connect": connect, "deflate": deflate,
                              "expect": len(steps) if wanted is None else wanted}]
    result = run(["env", "NODE_PATH=/usr/share/nodejs", NODE, "-e", CLIENT, json.dumps(arguments)],
                 text, options, timeout=40)
    return [json.loads(line) for line in result.out.splitlines()], result


def values(said, key):
    return [line[key] for line in said if key in line]


def allowed(result):
    return [f"{event['payload'][3]} {event['payload'][4]}" for event in result.events("l7.allowed")]


WAYS = [(url, connect) for url in (CLEAR, SECURE) for connect in (False, True)]


@test("a text goes there and back, captured and through CONNECT, in clear and over TLS, compressed "
      "in contexts that slide")
def _texts():
    line = "a line that comes again and again, which a context that slides makes short "
    for url, connect in WAYS:
        steps = [{"text": line, "times": 30}, {"text": line, "times": 30}, {"text": "h\u00e9 \u2713"}]
        said, result = client(f"{url}/chat?room=1", steps, connect=connect)
        digest = hashlib.sha256((line * 30).encode()).hexdigest()
        size = len(line) * 30
        expect(values(said, "text") == [[size, digest], [size, digest], "h\u00e9 \u2713"], said, result)
        [opened] = [one for one in said if "open" in one]
        expect(opened["open"] == "chat" and "permessage-deflate" in opened["extensions"] and
               "no_context_takeover" not in opened["extensions"], opened)
        expect(echo.messages == [line * 30, line * 30, "h\u00e9 \u2713"], echo.messages)
        expect(echo.paths == ["/chat?room=1"] and echo.code() == 1000, echo.paths)
        expect(values(said, "close") == [1000], said)
        expect(allowed(result) == ["GET /chat"] + [f"{TEXT} /chat"] * 3, allowed(result))
        expect(not result.denials(), result)


@test("a text that the policy refuses ends the WebSocket with 1008 on both sides, and none of it "
      "reaches the server")
def _refused():
    for url, connect in WAYS:
        said, result = client(f"{url}/chat", [{"text": "a secret plan"}],
                              policy(access="read-only"), connect=connect)
        expect(values(said, "close") == [1008] and len(values(said, "open")) == 1, said, result)
        expect(echo.messages == [] and echo.code() == 1008, echo.messages, echo.codes)
        [denied] = result.events("l7.denied")
        expect(denied["payload"][2:6] == ["policy", "websocket", TEXT, "/chat"], denied)
        [reason] = values(said, "reason")
        expect(f"(event {denied['id']})" in reason and "not permitted" in reason, reason, denied)
        [told] = result.denials()
        expect(TEXT in told and "/chat" in told, told)


@test("rules judge a text by the path and the query of the request that opened the WebSocket")
def _rules():
    rules = [{"allow": {"method": "GET", "path": "/**"}},
             {"allow": {"method": TEXT, "path": "/room/*", "query": {"mode": "talk"}}}]
    text = policy(rules=rules, deny_rules=[{"method": TEXT, "path": "/room/admin"}])
    for path, code in (("/room/a?mode=talk", 1000), ("/room/a?mode=listen", 1008), ("/room/a", 1008),
                       ("/room/admin?mode=talk", 1008), ("/other?mode=talk", 1008)):
        said, result = client(CLEAR + path, [{"text": "hello"}], text)
        expect(values(said, "close") == [code], path, said, result)
        expect(echo.messages == (["hello"] if code == 1000 else []), path, echo.messages)


@test("a request that the rules do not allow opens no WebSocket, and the client gets a 403")
def _not_opened():
    text = policy(rules=[{"allow": {"method": "GET", "path": "/chat"}}])
    said, result = client(f"{CLEAR}/other", [], text)
    expect(values(said, "status") == [403] and echo.paths == [], said, result)
    expect(json.loads(values(said, "body")[0])["error"] == "policy_denied", said)


@test("in audit mode a text that the rules refuse is recorded and passes")
def _audit():
    said, result = client(f"{CLEAR}/chat", [{"text": "hello"}],
                          policy(access="read-only", enforcement="audit"))
    expect(values(said, "text") == ["hello"] and values(said, "close") == [1000], said, result)
    expect(allowed(result) == ["GET /chat", f"{TEXT} /chat"], allowed(result))


@test("a million bytes pass by default, and what is too large ends the WebSocket with 1009")
def _large():
    for url, deflate in ((CLEAR, True), (CLEAR, False), (SECURE, True), (SECURE, False)):
        said, result = client(f"{url}/chat", [{"text": "0123456789", "times": 100000}],
                              deflate=deflate)
        expect([one[0] for one in values(said, "text")] == [1000000], said, result)
        said, result = client(f"{url}/chat", [{"text": "0123456789", "times": 500000}],
                              deflate=deflate)
        expect(values(said, "close") == [1009] and echo.messages == [], said, result)
        expect(echo.code() == 1009, echo.codes)
        expect(len(result.events("l7.denied")) == 1, result.recorded)
    said, result = client(f"{CLEAR}/chat", [{"text": "0123456789", "times": 300}],
                          options=["--set", "l7-ws.text_size=2999"])
    expect(values(said, "close") == [1009], said, result)


@test("a binary message is judged as a text is, and as the configuration says")
def _binary():
    said, result = client(f"{SECURE}/chat", [{"binary": "00fe80"}, {"binary": "00ff", "times": 50000}])
    expect(values(said, "binary")[0] == "00fe80" and values(said, "binary")[1][0] == 200000,
           said, result)
    expect(echo.messages == [b"\x00\xfe\x80", b"\x00\xff" * 50000], len(echo.messages))
    for options, text in (([], policy(access="read-only")),
                          (["--set", "l7-ws.binary=own-method"], POLICY),
                          (["--set", "l7-ws.binary=refuse"], policy(access="full"))):
        said, result = client(f"{CLEAR}/chat", [{"binary": "00fe80"}], text, options)
        expect(values(said, "close") == [1008] and echo.messages == [], options, said, result)
    said, result = client(f"{CLEAR}/chat", [{"binary": "00"}], policy(access="full"),
                          ["--set", "l7-ws.binary=own-method"])
    expect(allowed(result) == ["GET /chat", "WEBSOCKET_BINARY /chat"], said, allowed(result))


@test("pings and pongs pass both ways and are no messages")
def _pings():
    said, result = client(f"{CLEAR}/ping", [{"ping": "from the client"}], policy(access="read-only"),
                          wanted=2)
    expect(values(said, "ping") == ["from the server"] and values(said, "pong") == ["from the client"]
           and values(said, "text") == ["the pong came"], said, result)
    expect(allowed(result) == ["GET /ping"], allowed(result))


@test("a text in fragments is one message, and stays in fragments")
def _fragments():
    for url, deflate in ((CLEAR, False), (SECURE, True)):
        said, result = client(f"{url}/fragments", [{"fragments": ["one ", "two ", "three"]}],
                              deflate=deflate)
        expect(values(said, "text") == ["one two three"], said, result)
        expect(echo.messages == ["one two three"], echo.messages)
        expect(allowed(result) == ["GET /fragments", f"{TEXT} /fragments"], allowed(result))


@test("a rule may refuse what the server says, and only a refusal is recorded")
def _server_messages():
    rules = [{"allow": {"method": "GET", "path": "/**"}}, {"allow": {"method": TEXT, "path": "/**"}}]
    text = policy(rules=rules, deny_rules=[{"method": "WEBSOCKET_SERVER_TEXT", "path": "/greeting"}])
    said, result = client(f"{CLEAR}/chat", [{"text": "hello"}], text)
    expect(values(said, "text") == ["hello"], said, result)
    expect(allowed(result) == ["GET /chat", f"{TEXT} /chat"], allowed(result))
    said, result = client(f"{SECURE}/greeting", [], text, wanted=1)
    expect(values(said, "close") == [1008] and not values(said, "text"), said, result)
    expect(echo.code() == 1008, echo.codes)
    [denied] = result.events("l7.denied")
    expect(denied["payload"][2:6] == ["policy", "websocket", "WEBSOCKET_SERVER_TEXT", "/greeting"],
           denied)


# --- Servers and clients of a script -------------------------------------------------------------


def accept_for(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


class ScriptedServer:
    """Answers the requests of each connection by what a test sets, and keeps what follows."""

    def __init__(self):
        self.answers = []
        self.received = b""
        self.ended = threading.Event()
        self.listener = socket.create_server((world.ADDRESS, SCRIPT_PORT))
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, *answers):
        """One for each request; {accept} stands for what belongs to its key."""
        self.answers, self.received = list(answers), b""
        self.ended.clear()

    def _accept(self):
        while True:
            connection, _ = self.listener.accept()
            connection.settimeout(20)
            try:
                self._serve(connection)
            except OSError:
                pass
            connection.close()
            self.ended.set()

    def _serve(self, connection):
        data = b""
        for answer in list(self.answers):
            while b"\r\n\r\n" not in data:
                more = connection.recv(65536)
                if not more:
                    return
                data += more
            head, _, data = data.partition(b"\r\n\r\n")
            self.received += head + b"\r\n\r\n"
            key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
            accept = accept_for(key.group(1).decode()) if key else ""
            connection.sendall(answer.replace(b"{accept}", accept.encode()))
        self.received += data
        while more := connection.recv(65536):
            self.received += more


scripted = ScriptedServer()
SWITCH = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"Sec-WebSocket-Accept: {accept}\r\n\r\n")
NOT_THIS = (b"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 99\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nContent-Length: 9\r\n\r\nnot today")
KEY = "dGhlIHNhbXBsZSBub25jZQ=="

# Sends each piece after the one before was answered by what has to end the answer; prints all.
RAW = r"""
import socket, sys, json
pieces = json.loads(sys.argv[1])
s = socket.create_connection((sys.argv[2], int(sys.argv[3])), timeout=10)
for piece, until in pieces:
    s.sendall(piece.encode('latin-1'))
    data = b''
    while until.encode('latin-1') not in data or not until:
        more = s.recv(65536)
        if not more:
            break
        data += more
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
"""


def opening(*fields, path="/chat", method="GET", without=()):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {world.ADDRESS}:{SCRIPT_PORT}"]
    for line in ("Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {KEY}",
                 "Sec-WebSocket-Version: 13"):
        if line.partition(":")[0] not in without:
            lines.append(line)
    return "\r\n".join([*lines, *fields]) + "\r\n\r\n"


def masked(first, payload, key=b"\x37\xfa\x21\x3d"):
    body = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
    return (bytes([first, 0x80 | len(payload)]) + key + body).decode("latin-1")


def raw(*pieces, text=POLICY, **keywords):
    return run([PYTHON, "-I", "-c", RAW, json.dumps(pieces), world.ADDRESS, str(SCRIPT_PORT)], text,
               **keywords)


@test("an answer that is no 101 is relayed, and the connection is good for another attempt")
def _relayed():
    scripted.set(NOT_THIS, SWITCH)
    result = raw((opening(), "not today"), (opening(), "\r\n\r\n"))
    expect(result.out.startswith("HTTP/1.1 426 ") and "Sec-WebSocket-Version: 99" in result.out and
           "not today" in result.out, result)
    expect("HTTP/1.1 101 " in result.out and accept_for(KEY) in result.out, result)
    expect(allowed(result) == ["GET /chat", "GET /chat"], allowed(result))


@test("the first frame of a server that is glued to its 101 comes first")
def _glued():
    scripted.set(SWITCH + b"\x81\x05first" + b"\x81\x06second")
    result = raw((opening(), "second"))
    expect(re.search("\r\n\r\n\ufffd\x05first\ufffd\x06second$", result.out), result.out)


@test("an opening that is malformed is a 4xx, and nothing of it reaches the server")
def _malformed():
    rows = (opening(without=["Sec-WebSocket-Key"]),
            opening(without=["Sec-WebSocket-Version"]),
            opening("Sec-WebSocket-Version: 8", without=["Sec-WebSocket-Version"]),
            opening(f"Sec-WebSocket-Key: {KEY}"),
            opening("Sec-WebSocket-Protocol: a b"),
            opening(method="POST"),
            opening(without=["Connection"]),
            opening(without=["Upgrade"]),
            opening("Content-Length: 3") + "abc",
            opening().replace("Upgrade: websocket", "Upgrade: h2c"))
    for row in rows:
        for enforcement in ("enforce", "audit"):
            scripted.set(SWITCH)
            result = raw((row, ""), text=policy(access="full", enforcement=enforcement))
            expect(re.match(r"HTTP/1\.1 4\d\d ", result.out), row, result)
            expect(scripted.received == b"", row, scripted.received)


@test("a 101 that does not agree to the request is not forwarded")
def _disagreeing():
    for answer in (SWITCH.replace(b"{accept}", b"s3pPLMBiTxaQ9kYGzzhZRbK+xO0="),
                   SWITCH.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: chat\r\n\r\n"),
                   SWITCH.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
                   SWITCH.replace(b"Upgrade: websocket\r\n", b"")):
        scripted.set(answer + b"\x81\x05first")
        result = raw((opening(), ""))
        expect(result.out.startswith("HTTP/1.1 502 ") and "first" not in result.out, result)


@test("only the extension that is understood is offered to the server")
def _offer():
    for field, sent in (("x-other, permessage-deflate; client_max_window_bits; x", None),
                        ("x-other; a=1, permessage-deflate; client_max_window_bits",
                         b"permessage-deflate; client_max_window_bits"),
                        ("x-other", None)):
        scripted.set(SWITCH)
        raw((opening(f"Sec-WebSocket-Extensions: {field}"), "\r\n\r\n"))
        scripted.ended.wait(5)
        found = re.search(rb"(?i)sec-websocket-extensions: *([^\r]*)", scripted.received)
        expect((found.group(1) if found else None) == sent, field, scripted.received)


@test("a frame leaves byte for byte, mask and all, and one that is malformed ends with 1002")
def _bytes():
    scripted.set(SWITCH)
    good = masked(0x81, b"hello") + masked(0x01, b"in ") + masked(0x80, b"pieces")
    result = raw((opening(), "\r\n\r\n"), (good + masked(0x83, b"no such opcode"), ""))
    expect(scripted.ended.wait(5), "the server's connection has not ended")
    frames = scripted.received.partition(b"\r\n\r\n")[2]
    expect(frames.startswith(good.encode("latin-1")), frames)
    rest = frames[len(good):]
    expect(rest[:2] == b"\x88\x82" and
           bytes(a ^ b for a, b in zip(rest[6:], rest[2:6])) == b"\x03\xea", rest)
    expect("\x03\xeaa frame has a reserved opcode" in result.out.replace("\ufffd", "\xea"), result)


@test("a server whose frames are malformed is a failure, and no denial")
def _bad_server():
    scripted.set(SWITCH + b"\x81\x85KEYShello")
    result = raw((opening(), ""))
    expect("a frame of the server is masked" in result.out, result)
    expect(not result.denials() and not result.events("l7.denied"), result)


@test("a new policy that refuses the connection ends a WebSocket with 1012")
def _reload():
    folder = harness.private_scratch()
    path = os.path.join(folder, "policy.yaml")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(POLICY)
    echo.forget()
    arguments = json.dumps([f"{CLEAR}/greeting", [], {"expect": 100}])
    process = harness.start_host(["env", "NODE_PATH=/usr/share/nodejs", NODE, "-e", CLIENT, arguments],
                                 path)
    try:
        harness.wait_until(lambda: echo.paths, 15, "the WebSocket is not open")
        time.sleep(0.3)
        with open(path + ".new", "w", encoding="utf-8") as stream:
            stream.write(world.policy(websocket(SCRIPT_PORT)))
        os.rename(path + ".new", path)
        out, _ = process.communicate(timeout=20)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=10)
    said = [json.loads(line) for line in out.decode().splitlines()]
    expect(values(said, "text") == ["welcome"] and values(said, "close") == [1012], said)
    expect(echo.code() == 1012, echo.codes)


@test("check --run enforces what a WebSocket endpoint says, and refuses it without the plugin")
def _check():
    path = harness.write_policy(POLICY)
    result = harness.run_host(None, None, ["check", "--run", path])
    expect(result.code == 0 and "not enforced" not in result.out + result.err, result)
    result = harness.run_host(["true"], POLICY, ["--disable", "l7-ws"])
    expect(result.code == 125 and "protocol websocket is declared by plugin l7-ws, which is not used"
           in result.err, result)


harness.main()
