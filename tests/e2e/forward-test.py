# SPDX-License-Identifier: Apache-2.0
"""Plain HTTP through the proxy: many requests on one connection, to many destinations, each judged;
and the answers of whatever is refused or fails.
"""
import json
import os
import socket
import struct
import threading
import time

import harness
import world
from harness import PYTHON, expect, test

PORT = 8180            # of both origins
NAME = "origin.test"   # of the first origin
FIRST, SECOND = f"{world.ADDRESS}:{PORT}", f"{world.OTHER_ADDRESS}:{PORT}"
REFUSED = f"{world.ADDRESS}:{world.REFUSED_PORT}"
CLOSED = f"{world.ADDRESS}:9"
CURL = ["curl", "-sS", "--max-time", "10"]


class Origin:
    """Serves HTTP/1.1 by hand: what a path says is what is answered, to the byte."""

    def __init__(self, address):
        self.connections = []  # of each its requests: (start line, body)
        self.listener = socket.create_server((address, PORT))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection, _ = self.listener.accept()
            self.connections.append([])
            threading.Thread(target=self._serve, args=(connection, self.connections[-1]),
                             daemon=True).start()

    def _serve(self, connection, requests):
        connection.settimeout(20)
        stream = connection.makefile("rb")
        try:
            while self._one(connection, stream, requests):
                pass
        except (OSError, ValueError):
            pass
        stream.close()
        connection.close()

    @staticmethod
    def _body(stream, fields):
        if fields.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(stream.readline().split(b";")[0], 16):
                body += stream.read(size)
                stream.readline()
            while stream.readline() != b"\r\n":
                pass
            return body
        return stream.read(int(fields.get("content-length", 0)))

    def _one(self, connection, stream, requests):
        line = stream.readline().decode().strip()
        if not line:
            return False
        fields = {}
        while (field := stream.readline().decode().strip()):
            name, _, value = field.partition(":")
            fields[name.lower()] = value.strip()
        path = line.split()[1]
        requests.append((line, None))
        if path == "/too-large":
            connection.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge")
            time.sleep(1)
            return False
        if path == "/continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if path == "/drop":
            return False
        requests[-1] = (line, self._body(stream, fields).decode())
        text = f"{line.split()[0]} {path} at {fields.get('host')}".encode()
        connection.sendall({
            "/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n"
                       b"0\r\nX-After: 1\r\n\r\n",
            "/none": b"HTTP/1.1 204 No Content\r\n\r\n",
            "/hints": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
                      b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "/torn": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe first half",
            "/torn-chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n",
            "/torn-rest": b"HTTP/1.1 200 OK\r\n\r\nthe first half",
            "/rest": b"HTTP/1.1 200 OK\r\n\r\nup to the end",
            "/garbage": b"220 mail.example ready\r\n\r\n",
        }.get(path, b"HTTP/1.1 200 OK\r\nContent-Length: " + str(len(text)).encode() + b"\r\n\r\n" +
              (text if line.split()[0] != "HEAD" else b"")))
        if path == "/torn-rest":
            time.sleep(0.2)  # so that the client has got what was sent
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return path not in ("/torn", "/torn-chunks", "/torn-rest", "/rest", "/then-close")


first, second = Origin(world.ADDRESS), Origin(world.OTHER_ADDRESS)

OPAQUE = world.policy(FIRST, SECOND, f"{NAME}:{PORT}", CLOSED)


def rest(host, port=PORT, **keys):
    return {"host": host, "port": port, "protocol": "rest", "enforcement": "enforce",
            "access": "full", **keys}


INSPECTED = world.policy(rest(world.ADDRESS), rest(world.OTHER_ADDRESS), rest(NAME))

# A client of the proxy that sends what it wants and reads by the framing; for use in the box.
CLIENT = r"""
import os, socket, sys, time
FIRST, SECOND, REFUSED = {first!r}, {second!r}, {refused!r}
HOST, PORT = os.environ['http_proxy'].split('//')[1].rstrip('/').split(':')
class Client:
    def __init__(self):
        self.socket = socket.create_connection((HOST, int(PORT)), 10)
        self.file = self.socket.makefile('rb')
    def send(self, method, where, path, fields='', body='', version='1.1'):
        self.socket.sendall(f'{{method}} http://{{where}}{{path}} HTTP/{{version}}\r\nHost: {{where}}\r\n'
                            f'{{fields}}\r\n{{body}}'.encode())
    def head(self):
        line = self.file.readline().decode().strip()
        fields = {{}}
        while (field := self.file.readline().decode().strip()):
            fields[field.split(':')[0].lower()] = field.split(':', 1)[1].strip()
        return (line.split() + [''] * 2)[1], fields
    def answer(self, method='GET'):
        status, fields = self.head()
        body = b''
        if method == 'HEAD' or status in ('204', '304') or status[:1] == '1': pass
        elif fields.get('transfer-encoding') == 'chunked':
            while True:
                line = self.file.readline()
                if not line: return status, fields, 'TORN'
                size = int(line, 16)
                if size == 0: break
                body += self.file.read(size); self.file.readline()
            while self.file.readline() != b'\r\n': pass
        elif 'content-length' in fields: body = self.file.read(int(fields['content-length']))
        else: body = self.file.read()
        return status, fields, body.decode()
    def ask(self, method, where, path, *rest, **more):
        self.send(method, where, path, *rest, **more)
        return self.answer(method)
    def ends(self):
        try: return 'end' if self.file.read() == b'' else 'bytes'
        except ConnectionResetError: return 'reset'
def show(answer): print(answer[0], answer[2].strip(), flush=True)
"""


def client(script, policy=OPAQUE, **keywords):
    text = CLIENT.format(first=FIRST, second=SECOND, refused=REFUSED) + script
    return harness.run_recorded([PYTHON, "-I", "-c", text], policy, **keywords)


def connections(action):
    """The requests of each connection that the origins saw meanwhile."""
    before = len(first.connections), len(second.connections)
    result = action()
    return result, [[line for line, _ in requests] for requests in
                    first.connections[before[0]:] + second.connections[before[1]:]]


def reasons(result, topic="network.denied"):
    return [event["payload"] for event in result.events(topic)]


@test("curl asks three destinations over one connection, and each is judged: the refused one ends it")
def _curl():
    for policy in (OPAQUE, INSPECTED):
        result, seen = connections(lambda p=policy: harness.run_recorded(
            [*CURL, "-v", f"http://{FIRST}/one", f"http://{SECOND}/two", f"http://{REFUSED}/three",
             f"http://{FIRST}/four"], p))
        expect(result.code == 0 and result.err.count("Re-using existing") == 2, result)
        expect(f"GET /one at {FIRST}GET /two at {SECOND}" in result.out, result)
        expect('"error":"policy_denied"' in result.out, result)
        expect(result.out.endswith(f"GET /four at {FIRST}"), result)
        expect(seen == [["GET /one HTTP/1.1"], ["GET /four HTTP/1.1"], ["GET /two HTTP/1.1"]], seen)
        expect(len(result.events("network.allowed")) == 3, result.recorded)
        expect(len(result.events("network.denied")) == 1, result.recorded)


MANY = """
c = Client()
show(c.ask('POST', FIRST, '/echo', 'Content-Length: 5\\r\\n', 'hello'))
show(c.ask('POST', FIRST, '/echo', 'Transfer-Encoding: chunked\\r\\n', '5\\r\\nhello\\r\\n0\\r\\n\\r\\n'))
show(c.ask('GET', FIRST, '/chunks'))
show(c.ask('HEAD', FIRST, '/head'))
show(c.ask('GET', FIRST, '/none'))
c.send('GET', FIRST, '/hints'); show(c.answer()); show(c.answer())
c.send('POST', FIRST, '/continue', 'Content-Length: 2\\r\\nExpect: 100-continue\\r\\n')
show(c.answer()); c.socket.sendall(b'hi'); show(c.answer())
show(c.ask('GET', SECOND, '/other'))
show(c.ask('GET', FIRST, '/back'))
"""


@test("bodies, chunks, HEAD, 204, 103 and 100-continue: the next request follows on the same "
      "connection, also to the server")
def _many():
    for policy in (OPAQUE, INSPECTED):
        result, seen = connections(lambda p=policy: client(MANY, p))
        expect(result.out.splitlines() == [
            f"200 POST /echo at {FIRST}", f"200 POST /echo at {FIRST}", "200 onetwo", "200 ", "204 ",
            "103 ", "200 ok", "100 ", f"200 POST /continue at {FIRST}", f"200 GET /other at {SECOND}",
            f"200 GET /back at {FIRST}"], result)
        expect([len(requests) for requests in seen] == [7, 1, 1], seen)


@test("a pipelined request waits for its turn; behind a refused one nothing is served")
def _pipeline():
    script = ("c = Client()\nfor where, path in ((FIRST, '/one'), (SECOND, '/two'), "
              "(REFUSED, '/three'), (FIRST, '/four')): c.send('GET', where, path)\n"
              "for _ in range(3): show(c.answer())\nprint(c.ends())")
    for policy in (OPAQUE, INSPECTED):
        result, seen = connections(lambda p=policy: client(script, p))
        lines = result.out.splitlines()
        expect(lines[:2] == [f"200 GET /one at {FIRST}", f"200 GET /two at {SECOND}"], result)
        expect(lines[2].startswith("403 {") and lines[-1] == "end", result)
        expect(seen == [["GET /one HTTP/1.1"], ["GET /two HTTP/1.1"]], seen)


@test("a request of the same authority that its rules refuse is told the rule, on a kept connection")
def _rules():
    policy = world.policy(rest(world.ADDRESS, access="read-only"), SECOND)
    script = ("c = Client()\nshow(c.ask('GET', FIRST, '/one'))\nshow(c.ask('GET', SECOND, '/two'))\n"
              "show(c.ask('GET', FIRST, '/three?q=1'))\nshow(c.ask('POST', FIRST, '/four'))\n"
              "print(c.ends())")
    result, seen = connections(lambda: client(script, policy))
    lines = result.out.splitlines()
    expect(lines[:3] == [f"200 GET /one at {FIRST}", f"200 GET /two at {SECOND}",
                         f"200 GET /three?q=1 at {FIRST}"], result)
    expect('"rule":"POST /four"' in lines[3] and lines[4] == "end", result)
    expect([requests for requests in seen if "POST /four HTTP/1.1" in requests] == [], seen)
    expect([event["payload"][4] for event in result.events("l7.allowed")] == ["/one", "/three"],
           result.recorded)


@test("a server that closes an idle connection is dialled anew; a request that may not be sent twice "
      "is a 502")
def _server_closes():
    script = ("c = Client()\nfor _ in range(3): show(c.ask('GET', FIRST, '/then-close')); "
              "time.sleep(0.1)\nshow(c.ask('GET', FIRST, '/one'))\n"
              "show(c.ask('POST', FIRST, '/drop'))\nprint(c.ends())")
    result, seen = connections(lambda: client(script))
    lines = result.out.splitlines()
    expect(lines[:4] == [f"200 GET /then-close at {FIRST}"] * 3 + [f"200 GET /one at {FIRST}"], result)
    expect(lines[4].startswith("502 {") and lines[5] == "end", result)
    expect(seen == [["GET /then-close HTTP/1.1"]] * 3 +
           [["GET /one HTTP/1.1", "POST /drop HTTP/1.1"]], seen)
    # A GET is sent once more, on a new connection, and then no more.
    result, seen = connections(lambda: client(
        "c = Client()\nshow(c.ask('GET', FIRST, '/one'))\nshow(c.ask('GET', FIRST, '/drop'))"))
    expect(seen == [["GET /one HTTP/1.1", "GET /drop HTTP/1.1"], ["GET /drop HTTP/1.1"]], seen)
    expect(result.out.splitlines()[1].startswith("502 {"), result)


@test("HTTP/1.0 and Connection: close end the connection, and the answer says so")
def _close():
    script = """
for fields, version in (('Connection: close\\r\\n', '1.1'), ('', '1.0'),
                        ('Proxy-Connection: close\\r\\n', '1.1')):
    c = Client()
    answer = c.ask('GET', FIRST, '/one', fields, version=version)
    print(answer[0], answer[1].get('connection'), c.ends())
c = Client()
answer = c.ask('GET', FIRST, '/one', 'Connection: keep-alive\\r\\n', version='1.0')
print(answer[0], answer[1].get('connection'))
answer = c.ask('GET', FIRST, '/rest')
print(answer[0], answer[1].get('connection'), answer[2], c.ends())
"""
    result = client(script)
    expect(result.out.splitlines() == ["200 close end"] * 3 + ["200 keep-alive",
                                                               "200 close up to the end end"], result)


@test("an early 413 reaches a client that goes on sending")
def _early():
    script = ("c = Client()\nc.send('POST', FIRST, '/too-large', 'Content-Length: 50000000\\r\\n')\n"
              "sent = 0\ntry:\n    while sent < 8000000: sent += c.socket.send(b'x' * 65536)\n"
              "except OSError: pass\nanswer = c.answer()\n"
              "print(answer[0], answer[1].get('connection'), answer[2], c.ends())")
    result = client(script)
    expect(result.out.splitlines() == ["413 close large end"], result)


@test("a response that is cut short never looks finished")
def _torn():
    script = """
for path in ('/torn', '/torn-chunks', '/torn-rest'):
    c = Client()
    c.send('GET', FIRST, path)
    try: print(c.answer()[2], c.ends())
    except ConnectionResetError: print('reset')
"""
    for policy in (OPAQUE, INSPECTED):
        result = client(script, policy)
        expect(len(result.out.splitlines()) == 3, result)
        expect(all(line.endswith("reset") for line in result.out.splitlines()), result)


@test("what fails is told in JSON: closed ports, no such name, no response, garbage, a bad head")
def _failures():
    script = """
import json
def told(text):
    c = Client()
    c.socket.sendall(text.encode())
    status, fields, body = c.answer()
    print(status, json.loads(body)['error'], fields['connection'], c.ends())
for where, path in (('{closed}', '/'), ('no-such.test:80', '/'), (FIRST, '/drop'), (FIRST, '/garbage')):
    told(f'GET http://{{where}}{{path}} HTTP/1.1\\r\\nHost: {{where}}\\r\\n\\r\\n')
told('CONNECT {closed} HTTP/1.1\\r\\n\\r\\n')
told('GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')
told('GET http://x/ HTTP/1.1\\r\\nBad Field: 1\\r\\n\\r\\n')
told('GET http://x/ HTTP/1.1\\r\\nX: ' + 'y' * 9000 + '\\r\\n\\r\\n')
told(f'POST http://{{FIRST}}/ HTTP/1.1\\r\\nHost: {{FIRST}}\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\nzz\\r\\n')
c = Client()
c.send('HEAD', REFUSED, '/')
print(c.head()[0], c.ends())
""".replace("{closed}", CLOSED).replace("{{", "{").replace("}}", "}")
    result = client(script, world.policy(FIRST, CLOSED, "no-such.test:80"))
    expect(result.out.splitlines() == [
        "502 upstream_unreachable close end", "502 upstream_unreachable close end",
        "502 upstream_response_invalid close end", "502 upstream_response_invalid close end",
        "502 upstream_unreachable close end", "400 invalid_request_target close end",
        "400 invalid_request_head close end", "431 head_too_large close end",
        "400 invalid_request_body close end", "403 end"], result)


@test("a client that knows of no proxy is told of a refusal if it speaks HTTP, else it sees a reset")
def _captured():
    for where, error in ((REFUSED, "policy_denied"), (CLOSED, "upstream_unreachable")):
        # On a busy machine curl may say nothing for as long as a client is waited for.
        for _ in range(5):
            result = harness.run_recorded(["env", "-i", *CURL, f"http://{where}/x"], OPAQUE)
            if result.code == 0:
                break
        expect(result.code == 0 and json.loads(result.out)["error"] == error, result)
    script = ("import socket\nc = socket.create_connection(('%s', %d), 5)\nc.sendall(b'HELO x\\r\\n')\n"
              "try: print(c.recv(10))\nexcept OSError as error: print(type(error).__name__)" %
              (world.ADDRESS, world.REFUSED_PORT))
    result = harness.run_recorded([PYTHON, "-I", "-c", script.replace("HELO", "\\x16\\x03\\x01")],
                                  OPAQUE)
    expect(result.out.strip() == "ConnectionResetError", result)


RELOADED = """
c = Client()
show(c.ask('GET', FIRST, '/one'))
open('ready', 'w').close()
while not os.path.exists('changed'): time.sleep(0.02)
show(c.ask('GET', SECOND, '/two'))
show(c.ask('GET', FIRST, '/three'))
print(c.ends())
"""


@test("after a reload the next request on a kept connection is judged by the new policy")
def _reload():
    folder = harness.scratch()
    path = os.path.join(harness.private_scratch(), "policy.yaml")

    def write(*endpoints):
        with open(path + ".new", "w", encoding="utf-8") as stream:
            stream.write(world.policy(*endpoints))
        os.rename(path + ".new", path)

    write(FIRST)
    text = CLIENT.format(first=FIRST, second=SECOND, refused=REFUSED) + RELOADED
    run = harness.start_host([PYTHON, "-I", "-c", text], path, cwd=folder)
    harness.wait_until(lambda: os.path.exists(os.path.join(folder, "ready")), 15, "no request")
    write(SECOND)
    time.sleep(1.5)
    with open(os.path.join(folder, "changed"), "wb"):
        pass
    out, err = run.communicate(timeout=20)
    lines = out.decode().splitlines()
    expect(lines[:2] == [f"200 GET /one at {FIRST}", f"200 GET /two at {SECOND}"], out, err.decode())
    expect(lines[2].startswith("403 {") and lines[3] == "end", out, err.decode())


harness.main()
