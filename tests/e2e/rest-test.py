# SPDX-License-Identifier: Apache-2.0
"""protocol: rest on real traffic: each request is judged, over http and https, by real clients."""
import json
import os
import re
import socket
import threading
import time

import harness
import world
from harness import PYTHON, expect, test

origins = world.World()
secure, AUTHORITY = origins.serve_https(harness.private_scratch())

SCRIPT_PORT = 8082
SCRIPT_TLS_PORT = 8444
NAME = "origin.test"
HTTP = f"http://{world.ADDRESS}:{world.API_PORT}"
HTTPS = f"https://{world.ADDRESS}:{world.TLS_PORT}"
BUNDLE = "/run/openshell/ca-bundle.pem"
CURL = ["curl", "-sS", "--max-time", "10"]
UNAWARE = ["env", "-i"]
NODE = "/usr/bin/node"


class ScriptedServer:
    """Keeps every byte that each connection sends, and answers by what a test sets."""

    def __init__(self, port, context=None):
        self.context = context
        self.received = []          # of each connection, oldest first
        self.answer = b""
        self.waits_for = b"\r\n\r\n"
        self.then = lambda connection: None
        self.listener = socket.create_server((world.ADDRESS, port))
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, answer, waits_for=b"\r\n\r\n", then=lambda connection: None):
        """Answers once `waits_for` has come, then does `then`. Forgets what has come."""
        self.received, self.answer, self.waits_for, self.then = [], answer, waits_for, then

    def _accept(self):
        while True:
            connection, _ = self.listener.accept()
            self.received.append(b"")
            threading.Thread(target=self._serve, args=(connection, len(self.received) - 1),
                             daemon=True).start()

    def _serve(self, connection, number):
        answered = False
        received = self.received
        connection.settimeout(20)
        try:
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            while data := connection.recv(65536):
                received[number] += data
                if not answered and self.waits_for in received[number]:
                    answered = True
                    connection.sendall(self.answer)
                    self.then(connection)
        except OSError:
            pass
        connection.close()


scripted = ScriptedServer(SCRIPT_PORT)
secure_scripted = ScriptedServer(SCRIPT_TLS_PORT, secure.context)


def rest(port, host=world.ADDRESS, **keys):
    endpoint = {"host": host, "port": port, "protocol": "rest", "enforcement": "enforce"}
    if "rules" not in keys:
        endpoint["access"] = "read-only"
    return {**endpoint, **keys}


POLICY = world.policy(rest(world.API_PORT), rest(world.TLS_PORT),
                      rest(SCRIPT_PORT), rest(SCRIPT_TLS_PORT),
                      rest(world.TLS_PORT, NAME))


def run(command, policy=POLICY, **keywords):
    return harness.run_recorded(command, policy, ["--set", f"network.upstream-ca={AUTHORITY}"],
                                **keywords)


def python(script, policy=POLICY, **keywords):
    return run([PYTHON, "-I", "-c", script], policy, **keywords)


def requests_of(server, action):
    """What reaches the server meanwhile."""
    before = len(server.requests)
    result = action()
    return result, server.requests[before:]


def check_allowed(result, *wanted):
    """Each "METHOD PATH" has its event, and a response."""
    expect([f"{event['payload'][3]} {event['payload'][4]}" for event in result.events("l7.allowed")]
           == list(wanted), result, result.recorded)


def check_refusal(result, body, method, path, port, host=world.ADDRESS):
    """The answer says what the event says, and the line on standard error."""
    denied = [event for event in result.recorded if event["topic"] == "openshell.l7.denied/1"]
    expect(len(denied) == 1, result, result.recorded)
    payload = denied[0]["payload"]
    expect(payload[2:8] == ["policy", "rest", method, path, host, port], payload)
    answer = json.loads(body)
    wanted = {"error": "policy_denied", "policy": "allowed", "rule": f"{method} {path}",
              "detail": payload[10], "layer": "l7", "protocol": "rest", "method": method,
              "path": path, "host": host, "port": port, "binary": payload[8],
              "id": denied[0]["id"], "next_steps": [],
              "rule_missing": {"type": "rest_allow", "layer": "l7", "method": method, "path": path,
                               "host": host, "port": port, "binary": payload[8]}}
    expect(answer == wanted and payload[8].startswith("/"), answer, payload)
    expect("not permitted by policy" in answer["detail"], answer)
    [line] = result.denials()
    program = payload[8].rsplit("/", 1)[1]
    expect(re.fullmatch(rf"openshell: DENIED {denied[0]['id']} {re.escape(program)}\(\d+\) -> "
                        rf"{re.escape(host)}:{port} {method} {re.escape(path)} \[rest, policy "
                        r"allowed\] .*; next: openshell-host explain .*", line), line)


def check_curl(words, origin, url, port, host=world.ADDRESS):
    """A GET comes through; a POST is answered with the reason, and the origin never hears of it."""
    result, seen = requests_of(origin, lambda: run([*words, f"{url}/hello?q=1"]))
    expect(result.code == 0 and '"hello": "world"' in result.out, result)
    expect(seen == ["GET /hello?q=1"], seen)
    check_allowed(result, "GET /hello")
    expect(not result.denials() and not result.events("l7.denied"), result)
    result, seen = requests_of(origin, lambda: run([*words, "-i", "-d", "secret=1",
                                                    f"{url}/items?q=secret"]))
    # In a tunnel curl shows the answer to CONNECT first.
    head, _, body = result.out[result.out.rindex("HTTP/1.1 "):].partition("\r\n\r\n")
    expect(head.startswith("HTTP/1.1 403 Forbidden"), result)
    expect("\r\nX-OpenShell-Policy: allowed\r\n" in head and "Connection: close" in head, head)
    expect("secret" not in result.out and seen == [], seen, result)
    check_refusal(result, body, "POST", "/items", port, host)
    expect(not result.events("l7.allowed") and not result.events("l7.response"), result.recorded)


def proxy_words(kind):
    """Shell words before curl's own; the address of the proxy is known inside the box."""
    return ["sh", "-c", f'exec curl -sS --max-time 10 {kind} "${{http_proxy#http://}}" "$@"', "curl"]


@test("over http each request is judged: captured, by proxy variables, by CONNECT and by SOCKS")
def _http():
    for words in ([*UNAWARE, *CURL], CURL, [*CURL, "-p"], proxy_words("--noproxy '' --socks5-hostname")):
        check_curl(words, origins.api, HTTP, world.API_PORT)


@test("over https each request is judged: captured without a variable, by proxy variables without "
      "a flag, by SOCKS, by name and by address")
def _https():
    check_curl([*UNAWARE, *CURL, "--cacert", BUNDLE], secure, HTTPS, world.TLS_PORT)
    check_curl(CURL, secure, HTTPS, world.TLS_PORT)
    check_curl(CURL, secure, f"https://{NAME}:{world.TLS_PORT}", world.TLS_PORT, NAME)
    check_curl(proxy_words("--noproxy '' --socks5-hostname"), secure, HTTPS, world.TLS_PORT)


@test("the certificate that a program sees is of this run, for the name it asked for")
def _certificate():
    result = run([*CURL, "-v", f"{HTTPS}/hello"])
    expect(result.code == 0 and re.search("issuer: .*OpenShell", result.err, re.IGNORECASE), result)
    expect("Authority of the test" not in result.err, result)
    result = run([*CURL, "-v", f"https://{NAME}:{world.TLS_PORT}/hello"])
    expect(result.code == 0 and f'host "{NAME}" matched' in result.err, result)


@test("tls: skip leaves TLS alone: the certificate is the server's and no request is judged, while "
      "plain HTTP is")
def _skip():
    policy = world.policy(rest(world.TLS_PORT, tls="skip"), rest(world.API_PORT, tls="skip"),
                          rest(SCRIPT_TLS_PORT), read_only=[AUTHORITY])
    result, seen = requests_of(secure, lambda: run(
        [*CURL, "--cacert", AUTHORITY, "-d", "x", f"{HTTPS}/skipped"], policy))
    expect(result.code == 0 and seen == ["POST /skipped"], result)
    expect(not result.events("l7.allowed") and not result.denials(), result)
    result, seen = requests_of(origins.api, lambda: run(
        [*CURL, "-p", "-d", "x", f"{HTTP}/plain"], policy))
    expect('"error":"policy_denied"' in result.out and seen == [], result)


PYTHON_CLIENTS = """
import http.client, json, ssl, urllib.error, urllib.request
context = ssl.create_default_context()
url = 'https://{address}:{port}'
print(json.load(urllib.request.urlopen(url + '/u', timeout=8))['path'])
try: urllib.request.urlopen(url + '/u', b'x', timeout=8)
except urllib.error.HTTPError as error: print(error.code, error.headers['X-OpenShell-Policy'])
c = http.client.HTTPSConnection('{address}', {port}, timeout=8, context=context)
c.request('GET', '/h'); r = c.getresponse(); print(r.status, json.load(r)['path'])
c.request('DELETE', '/h'); r = c.getresponse(); print(r.status, json.load(r)['rule'])
"""


@test("Python's urllib and http.client, and Node's fetch, trust the certificate without a flag")
def _clients():
    result, seen = requests_of(secure, lambda: python(
        PYTHON_CLIENTS.format(address=world.ADDRESS, port=world.TLS_PORT)))
    expect(result.code == 0 and result.out.splitlines() ==
           ["/u", "403 allowed", "200 /h", "403 DELETE /h"], result)
    expect(seen == ["GET /u", "GET /h"], seen)
    script = (f"const url = '{HTTPS}';"
              "(async () => { let r = await fetch(url + '/n'); let b = await r.json();"
              "console.log(r.status, b.path);"
              "r = await fetch(url + '/n', { method: 'POST', body: 'x' }); b = await r.json();"
              "console.log(r.status, b.error, b.method, b.path); })()")
    result, seen = requests_of(secure, lambda: run([NODE, "-e", script]))
    expect(result.code == 0 and result.out.splitlines() ==
           ["200 /n", "403 policy_denied POST /n"], result)
    expect(seen == ["GET /n"], seen)


KEEP_ALIVE = """
import http.client, ssl, sys
secure = sys.argv[1] == 'https'
make = http.client.HTTPSConnection if secure else http.client.HTTPConnection
c = make('{address}', int(sys.argv[2]), timeout=8, **({{'context': ssl.create_default_context()}} if secure else {{}}))
c.request('GET', '/one'); r = c.getresponse(); r.read(); print(r.status)
port = c.sock.getsockname()[1]
c.request('GET', '/two'); r = c.getresponse(); r.read(); print(r.status, c.sock.getsockname()[1] == port)
s = c.sock
c.request('POST', '/three', b'x'); r = c.getresponse(); print(r.status, r.headers['Connection'])
r.read()
"""


@test("on one connection each request is judged: the third is refused, and the connection ends")
def _keep_alive():
    for scheme, port, origin in (("http", world.API_PORT, origins.api),
                                 ("https", world.TLS_PORT, secure)):
        before = origin.connections
        result, seen = requests_of(origin, lambda: run(
            [PYTHON, "-I", "-c", KEEP_ALIVE.format(address=world.ADDRESS), scheme, str(port)]))
        expect(result.out.splitlines() == ["200", "200 True", "403 close"], result)
        expect(seen == ["GET /one", "GET /two"] and origin.connections == before + 1, seen)
        check_allowed(result, "GET /one", "GET /two")
        expect([event["payload"][1:3] for event in result.events("l7.response")] ==
               [[1, 200], [2, 200]], result.recorded)


RAW = """
import socket, sys
s = socket.create_connection(('{address}', {port}), 8); s.settimeout(8)
for piece in {pieces!r}:
    s.sendall(piece)
out = b''
try:
    while data := s.recv(65536): out += data
except ConnectionResetError: out += b'RESET'
sys.stdout.write(out.decode('latin-1'))
"""


def raw(*pieces, port=SCRIPT_PORT, policy=POLICY):
    return python(RAW.format(address=world.ADDRESS, port=port, pieces=list(pieces)), policy)


def head(method, target, *fields):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {world.ADDRESS}:{SCRIPT_PORT}", *fields]
    return "\r\n".join(lines + ["", ""]).encode()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@test("of a pipeline the requests before a refused one are answered in order, and nothing of it or "
      "after it reaches the server")
def _pipeline():
    scripted.set(OK)
    result = raw(head("GET", "/first") + head("POST", "/second", "Content-Length: 6") + b"secret" +
                 head("GET", "/third"))
    expect(result.out.startswith(OK.decode()) and result.out.count("HTTP/1.1 ") == 2, result)
    expect("HTTP/1.1 403 " in result.out and '"path":"/second"' in result.out, result)
    [received] = filter(None, scripted.received)
    expect(received.startswith(b"GET /first HTTP/1.1\r\n") and received.count(b"HTTP/1.1\r\n") == 1
           and b"secret" not in received and b"/third" not in received, received)


@test("query matchers, deny rules and presets decide by method, path and query")
def _rules():
    rules = [{"allow": {"method": "GET", "path": "/search", "query": {"q": "repo:*"}}},
             {"allow": {"method": "POST", "path": "/items/*"}}]
    deny = [{"method": "POST", "path": "/items/locked"}]
    cases = (
        (rest(world.API_PORT, rules=rules, deny_rules=deny),
         ("GET /search?q=repo%3Ax 200", "GET /search?q=user 403", "GET /search 403",
          "GET /search?q=repo:x&q=other 403", "POST /items/1 200", "POST /items/1/2 403",
          "POST /items/locked 403", "POST /items/%6cocked 403", "POST /items/x/../locked 403",
          "GET /items/1 403")),
        (rest(world.API_PORT, access="read-only"),
         ("GET /a 200", "HEAD /a 200", "POST /a 403", "PUT /a 403", "DELETE /a 403")),
        (rest(world.API_PORT, access="read-write"),
         ("GET /a 200", "POST /a 200", "PUT /a 200", "PATCH /a 200", "DELETE /a 403")),
        (rest(world.API_PORT, access="full"), ("GET /a 200", "DELETE /a 200")),
    )
    for endpoint, rows in cases:
        commands = []
        for row in rows:
            method, target, _ = row.split()
            body = "-I" if method == "HEAD" else f"-X {method}"
            commands.append(f"curl -sS -g --path-as-is --max-time 8 -o /dev/null -w '{method} "
                            f"{target.replace('%', '%%')} %{{http_code}}\\n' {body} '{HTTP}{target}'")
        result, seen = requests_of(origins.api, lambda: run(
            ["env", "-i", "sh", "-c", "\n".join(commands)], world.policy(endpoint)))
        expect(result.out.splitlines() == list(rows), rows, result)
        expect(len(seen) == sum(row.endswith(" 200") for row in rows), seen)
        expect(len(result.events("l7.denied")) + len(seen) == len(rows), result.recorded)


@test("an encoded slash reaches the endpoint that allows it, and no other of its host, in audit mode "
      "neither; the endpoint is chosen by the path")
def _encoded_slash():
    policy = world.policy(
        rest(world.API_PORT, path="/names/**", allow_encoded_slash=True),
        rest(world.API_PORT, path="/paths/**", enforcement="audit"),
        rest(world.API_PORT, path="/full/**", access="full"))
    rows = ("GET /names/a%2fb/./c 200", "POST /names/a%2Fb 403", "GET /names/..%2fb 400",
            "GET /paths/a%2Fb 403", "GET /paths/ab 200", "POST /paths/ab 200", "GET /full/a%2fb 403",
            "DELETE /full/ab 200", "GET /elsewhere 403", "GET /full/../paths%2fx 403")
    commands = [f"curl -sS --path-as-is --max-time 8 -o /dev/null -w '{method} "
                f"{target.replace('%', '%%')} %{{http_code}}\\n' -X {method} '{HTTP}{target}'"
                for method, target, _ in (row.split() for row in rows)]
    result, seen = requests_of(origins.api, lambda: run(
        ["env", "-i", "sh", "-c", "\n".join(commands)], policy))
    expect(result.out.splitlines() == list(rows), result)
    expect(seen == ["GET /names/a%2Fb/c", "GET /paths/ab", "POST /paths/ab", "DELETE /full/ab"], seen)
    expect('GET "/paths/a%2Fb" [rest, policy allowed] the path holds an encoded slash; that needs '
           "allow_encoded_slash" in result.err, result)
    # What was refused was never called allowed.
    expect(len(result.events("l7.allowed")) == 4, result.recorded)


@test("with enforcement: audit a request that no rule allows is forwarded and recorded")
def _audit():
    policy = world.policy(rest(world.API_PORT, enforcement="audit"))
    result, seen = requests_of(origins.api, lambda: run(
        [*UNAWARE, *CURL, "-d", "x", f"{HTTP}/audited"], policy))
    expect(result.code == 0 and '"method": "POST"' in result.out and seen == ["POST /audited"], result)
    [event] = result.events("l7.allowed")
    details = event["payload"][-1]
    expect(details.get("audited") is True and "POST /audited not permitted" in details["reason"],
           event)
    expect(not result.events("l7.denied") and not result.denials(), result)


@test("with --audit each request that would be refused is forwarded, and one line says so")
def _audited_run():
    result, seen = requests_of(origins.api, lambda: harness.run_recorded(
        ["sh", "-c", f"for n in 1 2; do env -i curl -sS --max-time 8 -d x {HTTP}/audited; done"],
        POLICY, ["--audit"]))
    expect(result.code == 0 and seen == ["POST /audited"] * 2, seen, result)
    lines = [line for line in result.err.splitlines() if "openshell: AUDIT e" in line]
    expect(len(lines) == 1 and "POST /audited [rest, policy allowed] would be refused: " in lines[0],
           result)


@test("a change of protocol is refused, in audit mode too, and nothing of it reaches the server")
def _upgrade():
    for enforcement in ("enforce", "audit"):
        policy = world.policy(rest(SCRIPT_PORT, enforcement=enforcement, access="full"))
        for fields in (("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
                       ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAA")):
            scripted.set(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            result = raw(head("GET", "/live", *fields), policy=policy)
            expect(result.out.startswith("HTTP/1.1 403 "), result)
            answer = json.loads(result.out.partition("\r\n\r\n")[2])
            [denied] = result.events("l7.denied")
            expect(answer["error"] == "unsupported_l7_protocol" and answer["path"] == "/live" and
                   answer["id"] == denied["id"] and denied["payload"][2:6] ==
                   ["protocol", "rest", "GET", "/live"], answer, denied)
            expect(not any(scripted.received), scripted.received)
            expect(len(result.denials()) == 1 and not result.events("l7.allowed"), result)


@test("what no policy can allow gets a JSON answer with its event, in audit mode too, and nothing of "
      "it reaches the server")
def _problems():
    here = f"{world.ADDRESS}:{SCRIPT_PORT}"
    rows = (
        (f"GET /a%zz?q=1 HTTP/1.1\r\nHost: {here}\r\n\r\n", 400, "invalid_request_target", "GET", "/a%zz"),
        (f"PUT /a/../b?q=1 HTTP/1.1\r\nHost: {here}\r\nContent-Length: 1\r\n"
         "Transfer-Encoding: chunked\r\n\r\n", 400, "invalid_request_head", "PUT", "/b"),
        (f"GET /x HTTP/1.1\r\nHost: {world.ADDRESS}\r\n\r\n", 403, "request_authority_mismatch", "GET", "/x"),
        ("GET /y HTTP/1.1\r\nHost: other.test\r\n\r\n", 403, "request_authority_mismatch", "GET", "/y"),
        (f"GET http://other.test/x HTTP/1.1\r\nHost: {here}\r\n\r\n", 403, "request_authority_mismatch",
         "GET", "/x"),
        (f"GET /x HTTP/1.1\r\nHost: {here}\r\nHost: {here}\r\n\r\n", 400, "invalid_request_head", "GET", "/x"),
        ("GET /x HTTP/1.1\r\n\r\n", 400, "invalid_request_head", "GET", "/x"),
        (f"TRACE /x HTTP/1.1\r\nHost: {here}\r\n\r\n", 403, "unsupported_l7_protocol", "TRACE", "/x"),
        (f"CONNECT {here} HTTP/1.1\r\nHost: {here}\r\n\r\n", 403, "unsupported_l7_protocol", "CONNECT", ""),
        (f"GET /x HTTP/1.1\r\nHost: {here}\r\nX: {'x' * 16384}\r\n\r\n", 431, "invalid_request_head",
         "GET", "/x"),
    )
    for enforcement in ("enforce", "audit"):
        policy = world.policy(rest(SCRIPT_PORT, enforcement=enforcement, access="full"))
        scripted.set(OK)
        result = python("\n".join(RAW.format(address=world.ADDRESS, port=SCRIPT_PORT,
                                             pieces=[row[0].encode()]) + "print()" for row in rows),
                        policy)
        answers = [answer for answer in re.split(r"(?m)^HTTP/1\.1 ", result.out) if answer]
        denied = result.events("l7.denied")
        expect(len(answers) == len(denied) == len(rows) and not any(scripted.received),
               scripted.received, result)
        # Connections of two shards may be recorded in another order than they were answered.
        events = {event["id"]: event for event in denied}
        for (_, status, error, method, path), answer in zip(rows, answers):
            head_, _, body = answer.partition("\r\n\r\n")
            body = json.loads(body)
            event = events.pop(body["id"])
            expect(head_.startswith(str(status)) and "\r\nConnection: close" in head_, answer)
            expect({key: body.get(key, "") for key in ("error", "method", "path", "host", "port",
                                                       "id", "layer", "protocol")} ==
                   {"error": error, "method": method, "path": path, "host": world.ADDRESS,
                    "port": SCRIPT_PORT, "id": body["id"], "layer": "l7", "protocol": "rest"}, body)
            expect(event["payload"][2:6] == ["protocol", "rest", method, path], event)
        expect(not result.events("l7.allowed"), result.recorded)


EXPECTING = """
import socket, sys
s = socket.create_connection(('{address}', {port}), 8); s.settimeout(8)
s.sendall({head!r})
out = b''
while b'\\r\\n\\r\\n' not in out: out += s.recv(65536)
if out.startswith(b'HTTP/1.1 100 '): s.sendall(b'the body')
while data := s.recv(65536): out += data
sys.stdout.write(out.decode())
"""


@test("a client that expects 100-continue gets it, or the final response in its place")
def _expecting():
    policy = world.policy(rest(SCRIPT_PORT, access="full"))
    wanted = head("PUT", "/e", "Expect: 100-continue", "Content-Length: 8", "Connection: close")
    script = EXPECTING.format(address=world.ADDRESS, port=SCRIPT_PORT, head=wanted)

    bodies = []

    def after_body(connection):
        bodies.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
                           b"Link: </a>\r\n\r\n" + OK)
        connection.close()

    scripted.set(b"HTTP/1.1 100 Continue\r\n\r\n", then=after_body)
    result = python(script, policy)
    expect(result.out.encode() == b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
           b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, result)
    expect(bodies == [b"the body"], bodies)
    refusal = b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"
    scripted.set(refusal, then=socket.socket.close)
    result = python(script, policy)
    expect(result.out.encode() == refusal, result)
    # Of connections that were refused before, some may be accepted only now.
    [received] = filter(None, scripted.received)
    expect(received.endswith(b"\r\n\r\n"), received)


UPLOAD = """
import socket, ssl, threading
s = socket.create_connection(('{address}', {port}), 8); s.settimeout(8)
if {secure}: s = ssl.create_default_context().wrap_socket(s, server_hostname='{address}')
size = 16 * 1024 * 1024
s.sendall(b'PUT /u HTTP/1.1\\r\\nHost: {address}:{port}\\r\\nContent-Length: %d\\r\\n\\r\\n' % size)
sent, cut = 0, ''
try:
    while sent < size: s.sendall(b'u' * 65536); sent += 65536
except OSError as error: cut = type(error).__name__
out, end = b'', 'end'
try:
    while data := s.recv(65536): out += data
except OSError as error: end = type(error).__name__
print(out.decode().splitlines()[0], out.endswith(b'too large'), end, cut or 'all sent')
"""


@test("an early 413 reaches a client that is still sending, and the connection then ends in good order")
def _early_response():
    policy = world.policy(rest(SCRIPT_PORT, access="full"), rest(SCRIPT_TLS_PORT, access="full"))
    for server, port in ((scripted, SCRIPT_PORT), (secure_scripted, SCRIPT_TLS_PORT)):
        server.set(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 9\r\n\r\ntoo large",
                   then=lambda connection: time.sleep(0.1))
        result = python(UPLOAD.format(address=world.ADDRESS, port=port,
                                      secure=server is secure_scripted), policy)
        expect(result.out.split("\n")[0] == "HTTP/1.1 413 Too Large True end all sent", port, result)
        expect([event["payload"][1:3] for event in result.events("l7.response")] == [[1, 413]],
               result.recorded)


@test("a client that is refused while it uploads gets all of the refusal")
def _refused_upload():
    policy = world.policy(rest(SCRIPT_PORT), rest(SCRIPT_TLS_PORT))
    for server, port in ((scripted, SCRIPT_PORT), (secure_scripted, SCRIPT_TLS_PORT)):
        server.set(OK)
        result = python(UPLOAD.format(address=world.ADDRESS, port=port,
                                      secure=server is secure_scripted)
                        .replace("out.endswith(b'too large')", "out.endswith(b'[]}\\n')"), policy)
        expect(result.out.startswith("HTTP/1.1 403 Forbidden True end "), port, result)
        expect(not any(server.received), server.received)


EVENTS = """
import socket, ssl, time
s = socket.create_connection(('{address}', {port}), 8); s.settimeout(8)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
if {secure}: s = ssl.create_default_context().wrap_socket(s, server_hostname='{address}')
s.sendall(b'GET /events HTTP/1.1\\r\\nHost: {address}:{port}\\r\\n\\r\\n')
delays, out = [], b''
while data := s.recv(65536):
    now = time.monotonic(); out += data
    for line in data.split(b'\\n'):
        if line.startswith(b'data: '): delays.append(now - float(line[6:]))
delays.sort()
print(len(delays), delays[len(delays) // 2], delays[-1])
"""


@test("server-sent events reach the client one by one, as they are sent")
def _events():
    def send_events(connection):
        for _ in range(40):
            connection.sendall(b"data: %.9f\n\n" % time.monotonic())
            time.sleep(0.01)
        getattr(connection, "unwrap", lambda: connection)().close()

    for server, port in ((scripted, SCRIPT_PORT), (secure_scripted, SCRIPT_TLS_PORT)):
        server.set(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n",
                   then=send_events)
        result = python(EVENTS.format(address=world.ADDRESS, port=port,
                                      secure=server is secure_scripted))
        count, median, _ = result.out.split()
        # A busy machine may be late; a proxy that gathers is late by the pauses of the server.
        expect(int(count) == 40 and float(median) < 0.005, result)


@test("a body that a server adds to the answer to HEAD is no answer to the next request")
def _added_body():
    scripted.set(b"HTTP/1.1 200 OK\r\nContent-Length: 36\r\n\r\n"
                 b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    result = raw(head("HEAD", "/one") + head("GET", "/two"))
    expect(result.out.count("HTTP/1.1 200 OK") == 1 and "/two" not in str(scripted.received), result)
    expect(any("no request asked for" in event["payload"][4]
               for event in result.events("network.failed")), result.recorded)


SLOW = """
import hashlib, socket, ssl, time
size = {size}
def connect():
    s = socket.create_connection(('{address}', {port}), 20)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    return ssl.create_default_context().wrap_socket(s, server_hostname='{address}') if {secure} else s
s = connect()
s.sendall(b'GET /big/%d HTTP/1.1\\r\\nHost: {address}:{port}\\r\\nConnection: close\\r\\n\\r\\n' % size)
got, pauses = bytearray(), 0
while data := s.recv(65536):
    got += data
    if pauses < 20 and len(got) > pauses * 200000: time.sleep(0.05); pauses += 1
head, _, body = got.partition(b'\\r\\n\\r\\n')
print(len(body), body == b'x' * size, pauses)
"""


@test("a client that reads slowly gets all of a large response")
def _slow_reader():
    size = 6 * 1024 * 1024
    for port, is_secure in ((world.API_PORT, False), (world.TLS_PORT, True)):
        result = python(SLOW.format(address=world.ADDRESS, port=port, secure=is_secure, size=size),
                        timeout=30)
        expect(result.out.split() == [str(size), "True", "20"], result)
        expect(not result.events("network.failed"), result)


def unchunked(body):
    content = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        if length == 0:
            expect(body == b"\r\n", body)
            return content
        content, body = content + body[:length], body[length + 2:]


@test("a chunked upload arrives whole, and one of 8 MiB, and a response of 8 MiB")
def _bodies():
    size = 8 * 1024 * 1024
    policy = world.policy(rest(world.API_PORT, access="full"), rest(world.TLS_PORT, access="full"),
                          rest(SCRIPT_PORT, access="full"))
    for url in (HTTP, HTTPS):
        result = run(["sh", "-c", f"unset http_proxy all_proxy ALL_PROXY; head -c {size} /dev/zero "
                      f"| tr '\\0' z > body; curl -sS --max-time 20 -o answer -T body {url}/put && "
                      "tr -cd z < answer | wc -c; "
                      f"curl -sS --max-time 20 {url}/big/{size} | tr -cd x | wc -c"], policy,
                     timeout=40)
        expect([int(line) for line in result.out.split()] == [size, size], result)
    scripted.set(OK, waits_for=b"\r\n0\r\n\r\n")
    result = raw(head("POST", "/c", "Transfer-Encoding: chunked", "Connection: close") +
                 b"3\r\nabc\r\n", b"4;x=y\r\ndefg\r\n", b"0\r\n\r\n", policy=policy)
    expect(result.out.startswith(OK.decode()), result)
    [received] = filter(None, scripted.received)
    body = received.partition(b"\r\n\r\n")[2]
    expect(unchunked(body) == b"abcdefg", body)


STREAMED = """
import os, socket, ssl, time
s = ssl.create_default_context().wrap_socket(
    socket.create_connection(('{address}', {port}), 8), server_hostname='{address}')
s.settimeout(20)
def wait(name):
    while not os.path.exists(name): time.sleep(0.01)
s.sendall(b'PUT /big HTTP/1.1\\r\\nHost: {address}:{port}\\r\\nContent-Length: %d\\r\\n\\r\\n' % {size})
s.sendall(b'b' * 65536)
open('ready', 'w').close(); wait('seen')
for _ in range({size} // 65536 - 1): s.sendall(b'b' * 65536)
answer = s.recv(65536)
open('sent', 'w').close(); wait('measured')
print(answer.decode().splitlines()[0])
"""


def memory(process, key):
    """Kilobytes, as /proc/PID/status has them."""
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as stream:
        return int(re.search(rf"(?m)^{key}:\s+(\d+) kB", stream.read()).group(1))


@test("of a body of 64 MiB the first bytes arrive before the last are read, and none of it is kept")
def _streamed():
    size = 64 * 1024 * 1024
    folder = harness.scratch()
    received = []
    path = os.path.join(harness.private_scratch(), "policy.yaml")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(world.policy(rest(SCRIPT_TLS_PORT, access="full")))

    def take(connection):
        count = 0
        while count < size:
            count += len(connection.recv(262144)) or size
            if not received:
                received.append(count)
                open(os.path.join(folder, "seen"), "wb").close()
        connection.sendall(OK)

    def there(name):
        return lambda: os.path.exists(os.path.join(folder, name))

    secure_scripted.set(b"HTTP/1.1 102 Processing\r\n\r\n", then=take)
    run_ = harness.start_host([PYTHON, "-I", "-c", STREAMED.format(
        address=world.ADDRESS, port=SCRIPT_TLS_PORT, size=size)], path,
        ["--set", f"network.upstream-ca={AUTHORITY}"], cwd=folder)
    harness.wait_until(there("ready"), 15, "nothing was sent")
    before = memory(run_, "VmRSS")
    harness.wait_until(there("sent"), 30, "not all was sent")
    grown = memory(run_, "VmHWM") - before
    open(os.path.join(folder, "measured"), "wb").close()
    out, err = run_.communicate(timeout=20)
    expect(b"HTTP/1.1 102" in out and grown < 8192 and received[0] <= 131072, grown, received, out,
           err.decode())


@test("a response that is cut short never looks whole")
def _cut():
    def reset(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + b"x" * 500
    until_close = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 500
    for answer, end in ((whole, socket.socket.close), (chunked, socket.socket.close),
                        (whole, reset), (chunked, reset), (until_close, reset)):
        def end_later(connection, end=end):
            time.sleep(0.2)
            end(connection)

        scripted.set(answer, then=end_later)
        result = run([*UNAWARE, *CURL, "-o", "/dev/null", f"http://{world.ADDRESS}:{SCRIPT_PORT}/x"])
        expect(result.code in (18, 56), answer[:60], end, result)
    scripted.set(until_close, then=socket.socket.close)
    result = run([*UNAWARE, *CURL, f"http://{world.ADDRESS}:{SCRIPT_PORT}/x"])
    expect(result.code == 0 and result.out == "x" * 500, result)
    # The end of a TLS stream is said; where it is not, what came may be a part.
    url = f"https://{world.ADDRESS}:{SCRIPT_TLS_PORT}/x"
    secure_scripted.set(until_close, then=lambda connection: connection.unwrap().close())
    result = run([*CURL, url])
    expect(result.code == 0 and result.out == "x" * 500, result)
    for answer in (whole, chunked, until_close):
        secure_scripted.set(answer, then=socket.socket.close)
        result = run([*CURL, "-o", "/dev/null", url])
        expect(result.code in (18, 56), answer[:60], result)


RELOADED = """
import http.client, os, time
c = http.client.HTTPConnection('{address}', {port}, timeout=8)
def ask(path):
    try:
        c.request('GET', path); r = c.getresponse(); r.read(); print(r.status, flush=True)
    except (OSError, http.client.HTTPException) as error: print(type(error).__name__, flush=True)
ask('/a/one')
open('ready', 'w').close()
while not os.path.exists('changed'): time.sleep(0.02)
ask('/a/two'); ask('/b/three')
"""


@test("after a reload the next request of an open connection is judged by the new policy")
def _reload():

    folder = harness.scratch()
    path = os.path.join(harness.private_scratch(), "policy.yaml")

    def write(pattern):
        with open(path + ".new", "w", encoding="utf-8") as stream:
            stream.write(world.policy(rest(world.API_PORT, rules=[
                {"allow": {"method": "GET", "path": pattern}}])))
        os.rename(path + ".new", path)

    write("/a/*")
    before = origins.api.connections
    run_ = harness.start_host([PYTHON, "-I", "-c", RELOADED.format(
        address=world.ADDRESS, port=world.API_PORT)], path, cwd=folder)
    harness.wait_until(lambda: os.path.exists(os.path.join(folder, "ready")), 15, "no request")
    write("/b/*")
    time.sleep(1.5)
    with open(os.path.join(folder, "changed"), "wb"):
        pass
    out, err = run_.communicate(timeout=20)
    expect(out.decode().split() == ["200", "403", "200"], out, err.decode())
    expect(b"/a/two" in err and b"generation 2 is in force" in err, err.decode())
    # The refusal ended the connection; nothing else did.
    expect(origins.api.connections == before + 2, origins.api.connections - before)


harness.main()
