# SPDX-License-Identifier: Apache-2.0
"""network_middlewares on real traffic: what real clients send is redacted or refused on the way."""
import gzip
import http.server
import json
import os
import socket
import threading
import time

import harness
import world
from harness import PYTHON, expect, test

ADDRESS = world.ADDRESS
CLEAR_PORT, TLS_PORT, RAW_PORT = 8091, 8451, 8092
CURL = ["curl", "-sS", "--max-time", "10"]


SAID = b"the key is secret-77, and secret-8.\n"
LARGE = b"x" * (5 * 1024 * 1024)


class Handler(http.server.BaseHTTPRequestHandler):
    """Keeps the body of each request, and answers with its length, or with what its path names."""
    protocol_version = "HTTP/1.1"

    def send(self, body, **fields):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def stream(self, *events):
        """One event after another, as a chunk each."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in events:
            self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
            self.wfile.flush()
            time.sleep(0.3)
        self.wfile.write(b"0\r\n\r\n")

    def do_GET(self):
        wants_gzip = "gzip" in (self.headers.get("Accept-Encoding") or "")
        if self.path == "/said" and not wants_gzip:
            self.send(SAID, Content_Type="text/plain; charset=utf-8", ETag='"e"')
        elif self.path in ("/said", "/coded"):
            self.send(gzip.compress(SAID), Content_Encoding="gzip")
        elif self.path == "/kept":
            self.send(SAID, Cache_Control="no-transform")
        elif self.path == "/forbidden":
            self.send(b"what is forbidden\n")
        elif self.path == "/large":
            self.send(LARGE)
        elif self.path == "/events":
            self.stream(b"data: secret-1\n\n", b"data: none\n\n", b"data: secret-2\n\n")
        elif self.path == "/bad-events":
            self.stream(b"data: one\n\n", b"data: forbidden\n\n", b"data: three\n\n")
        else:
            self.reply()

    do_HEAD = do_GET

    def reply(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.server.bodies.append((self.command, self.rfile.read(length),
                                   self.headers.get("Transfer-Encoding")))
        text = f"got {length}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_PUT = reply

    def log_message(self, *_):
        pass


origins = world.World()
clear = origins.serve(world.HttpServer((ADDRESS, CLEAR_PORT), Handler))
secure, AUTHORITY = origins.serve_https(harness.private_scratch(), port=TLS_PORT, handler=Handler)
clear.bodies, secure.bodies = [], []
CLEAR, SECURE = f"http://{ADDRESS}:{CLEAR_PORT}", f"https://{ADDRESS}:{TLS_PORT}"


class Raw:
    """Greets before the client speaks, and echoes."""

    def __init__(self):
        self.listener = socket.create_server((ADDRESS, RAW_PORT))
        self.received = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        connection.settimeout(10)
        try:
            while data := connection.recv(4096):
                self.received.append(data)
                connection.sendall(b"echo " + data)
        except OSError:
            pass
        connection.close()


raw = Raw()


def rest(port):
    return {"host": ADDRESS, "port": port, "protocol": "rest", "enforcement": "enforce",
            "access": "full"}


def middleware(name="redact", order=0, **keys):
    config = keys.pop("config", None)
    lines = [f"  {name}:", "    middleware: " + keys.pop("middleware", "openshell/regex"),
             f"    order: {order}"]
    if config is not None:
        lines.append("    config: " + json.dumps(config))
    include = keys.pop("include", [ADDRESS])
    lines += [f"    {key}: {value}" for key, value in keys.items()]
    lines.append("    endpoints: {include: " + json.dumps(include) + "}")
    return "\n".join(lines) + "\n"


def policy(*endpoints, entries):
    return world.policy(*endpoints, extra="network_middlewares:\n" + "".join(entries))


REDACTS = middleware(config={"patterns": ["secret-[0-9]+"], "replacement": "[gone]"})
DENIES = middleware("refuse", 1, config={"action": "deny", "patterns": ["forbidden"]})
JUDGED = policy(rest(CLEAR_PORT), rest(TLS_PORT), entries=[REDACTS, DENIES])
UNJUDGED = policy(f"{ADDRESS}:{CLEAR_PORT}", f"{ADDRESS}:{TLS_PORT}", f"{ADDRESS}:{RAW_PORT}",
                  entries=[REDACTS, DENIES])


def run(command, text=JUDGED, options=(), **keywords):
    return harness.run_recorded(
        command, text, ["--set", f"network.upstream-ca={AUTHORITY}", *options], **keywords)


def post(server, url, body, text=JUDGED, *words):
    server.bodies.clear()
    result = run([*CURL, "-i", *words, "--data-binary", body, url + "/say"], text)
    return result, [got for _, got, _ in server.bodies]


def check_redacted(server, url, text, *words):
    result, bodies = post(server, url, "a secret-12 and secret-3.", text, *words)
    expect(result.code == 0 and "got 20" in result.out, result)
    expect(bodies == [b"a [gone] and [gone]."], bodies)
    [allowed] = result.events("l7.allowed")
    expect(allowed["payload"][-1].get("middleware") == "redact changed it", allowed)
    expect("secret-12" not in json.dumps(result.recorded), result.recorded)


def check_refused(server, url, text, *words):
    result, bodies = post(server, url, "a forbidden secret-12", text, *words)
    expect("HTTP/1.1 403" in result.out and bodies == [], result, bodies)
    answer = json.loads(result.out[result.out.index('{"error'):])
    expect(answer["error"] == "middleware_denied" and answer["middleware"] == "refuse" and
           answer["reason_code"] == "pattern_matched" and "rule_missing" not in answer, answer)
    [denied] = result.events("l7.denied")
    expect(denied["payload"][2] == "content", denied)
    expect("forbidden" not in json.dumps(result.recorded), result.recorded)
    expect(len(result.denials()) == 1 and "middleware refuse" in result.denials()[0], result)


@test("a body is redacted on its way, over http and https, and its length follows")
def redacted():
    for server, url in ((clear, CLEAR), (secure, SECURE)):
        check_redacted(server, url, JUDGED)


@test("a chunked body is redacted as well")
def redacted_chunked():
    check_redacted(clear, CLEAR, JUDGED, "-H", "Transfer-Encoding: chunked")


@test("a body that a middleware denies does not leave, and the client is told by a 403")
def refused():
    for server, url in ((clear, CLEAR), (secure, SECURE)):
        check_refused(server, url, JUDGED)


@test("an endpoint without a protocol is read for its middlewares, over http and https")
def without_protocol():
    for server, url in ((clear, CLEAR), (secure, SECURE)):
        check_redacted(server, url, UNJUDGED)
        check_refused(server, url, UNJUDGED)
    result = run([*CURL, f"{SECURE}/plain"], UNJUDGED)
    expect(result.code == 0 and "got 0" in result.out, result)


@test("a request without a body goes on, and keep-alive with it")
def bodiless():
    clear.bodies.clear()
    before = clear.connections
    result = run([*CURL, f"{CLEAR}/a", f"{CLEAR}/b", "-d", "secret-1", f"{CLEAR}/c"])
    expect(result.code == 0, result)
    expect([body for _, body, _ in clear.bodies] == [b"[gone]"] * 3, clear.bodies)
    expect(clear.connections == before + 1, clear.connections - before)


SPEAK = (f"import socket; s = socket.create_connection(('{ADDRESS}', {RAW_PORT})); s.settimeout(5); "
         "s.sendall(b'\\x01\\x02raw\\n'); print(s.recv(100))")


@test("what is not HTTP is refused where a middleware has to see it")
def raw_refused():
    raw.received.clear()
    result = run([PYTHON, "-I", "-c", SPEAK], UNJUDGED)
    expect("echo" not in result.out and raw.received == [], result, raw.received)


@test("what is not HTTP goes on with a notice where the policy says so")
def raw_allowed():
    lenient = middleware(config={"patterns": ["secret-[0-9]+"]}, on_uninspectable="allow")
    result = run([PYTHON, "-I", "-c", SPEAK], policy(f"{ADDRESS}:{RAW_PORT}", entries=[lenient]))
    expect("echo" in result.out, result)
    [notice] = result.events("network.notice")
    expect("uninspected" in json.dumps(notice), notice)


@test("protocol: tcp is refused under a middleware that denies what it cannot inspect")
def tcp_refused():
    endpoint = {"host": "origin.test", "port": RAW_PORT, "protocol": "tcp",
                "allowed_ips": [ADDRESS]}
    speak = SPEAK.replace(ADDRESS, "origin.test")
    result = run([PYTHON, "-I", "-c", speak],
                 policy(endpoint, entries=[middleware(include=["origin.test"])]))
    [denied] = result.events("network.denied")
    expect("middleware 'redact' has to inspect" in json.dumps(denied), denied)
    lenient = middleware(include=["origin.test"], on_uninspectable="allow")
    result = run([PYTHON, "-I", "-c", speak], policy(endpoint, entries=[lenient]))
    expect("echo" in result.out, result)
    [allowed] = result.events("network.allowed")
    expect(allowed["payload"][-1].get("uninspected") == "redact", allowed)


@test("a middleware that cannot match the content refuses it, or is passed over where it may be")
def failing():
    body = os.path.join(harness.scratch(), "body")
    with open(body, "wb") as stream:
        stream.write(b"\xff\xfe not text")
    harness.open_up(os.path.dirname(body))
    result, bodies = post(clear, CLEAR, "@" + body, world.policy(
        rest(CLEAR_PORT), read_only=[os.path.dirname(body)],
        extra="network_middlewares:\n" + REDACTS))
    expect("middleware_failed" in result.out and "not_utf8" in result.out and bodies == [], result)
    result, bodies = post(clear, CLEAR, "@" + body, world.policy(
        rest(CLEAR_PORT), read_only=[os.path.dirname(body)],
        extra="network_middlewares:\n" + middleware(on_error="fail_open",
                                                    on_uninspectable="deny")))
    expect("HTTP/1.1 200" in result.out and bodies == [b"\xff\xfe not text"], result, bodies)
    [allowed] = result.events("l7.allowed")
    expect("redact failed and was passed over (not_utf8)" in json.dumps(allowed), allowed)


@test("an encoded body is refused, or passed over where the entry says so, and no pattern sees it")
def encoded():
    body = os.path.join(harness.scratch(), "body.gz")
    with open(body, "wb") as stream:
        stream.write(gzip.compress(b"a secret-12"))
    harness.open_up(os.path.dirname(body))

    def post_encoded(entry, *words):
        return post(clear, CLEAR, "@" + body, world.policy(
            rest(CLEAR_PORT), read_only=[os.path.dirname(body)],
            extra="network_middlewares:\n" + entry), *words)

    coded = ["-H", "Content-Encoding: gzip"]
    lenient = middleware(on_uninspectable="allow")
    for words in (coded, ["-H", "Content-Type: text/plain; charset=utf-7"]):
        result, bodies = post_encoded(middleware(on_error="fail_open", on_uninspectable="deny"), *words)
        answer = json.loads(result.out[result.out.index('{"error'):])
        expect(answer["error"] == "middleware_failed" and answer["reason_code"] == "encoded" and
               bodies == [], result, bodies)
    result, bodies = post_encoded(lenient, *coded)
    expect("HTTP/1.1 200" in result.out and len(bodies) == 1 and
           gzip.decompress(bodies[0]) == b"a secret-12", result, bodies)
    [allowed] = result.events("l7.allowed")
    expect("redact was passed over (encoded)" in json.dumps(allowed), allowed)


ANSWERS = [middleware(config={"patterns": ["secret-[0-9]+"], "replacement": "[gone]",
                              "direction": "response"}),
           middleware("refuse", 1, config={"action": "deny", "patterns": ["forbidden"],
                                           "direction": "both"})]
ANSWERED = policy(rest(CLEAR_PORT), rest(TLS_PORT), entries=ANSWERS)
UNJUDGED_ANSWERED = policy(f"{ADDRESS}:{CLEAR_PORT}", f"{ADDRESS}:{TLS_PORT}", entries=ANSWERS)


def notes(result):
    return [event["payload"][-1].get("middleware") for event in result.events("l7.response")]


@test("what a server says is redacted, over http and https, and its length follows")
def redacted_answer():
    left = SAID.replace(b"secret-77", b"[gone]").replace(b"secret-8", b"[gone]").decode()
    for url in (CLEAR, SECURE):
        for text in (ANSWERED, UNJUDGED_ANSWERED):
            result = run([*CURL, "-i", "--compressed", url + "/said", url + "/said"], text)
            expect(result.code == 0 and result.out.count(left) == 2, result)
            expect(result.out.count(f"Content-Length: {len(left)}") == 2 and "ETag" not in result.out,
                   result)
            expect(notes(result) == ["redact changed it"] * 2, result.recorded)
            expect("secret-77" not in json.dumps(result.recorded), result.recorded)
    result = run([*CURL, "-I", CLEAR + "/said"], ANSWERED)
    expect(result.code == 0 and f"Content-Length: {len(SAID)}" in result.out, result)


@test("each direction has its own middlewares")
def directions():
    result, bodies = post(clear, CLEAR, "a secret-12", ANSWERED)
    expect("got 11" in result.out and bodies == [b"a secret-12"], result, bodies)
    result = run([*CURL, CLEAR + "/said"], JUDGED)
    expect(result.out == SAID.decode() and notes(result) == [None], result)
    result, bodies = post(clear, CLEAR, "forbidden", ANSWERED)
    expect("middleware_denied" in result.out and bodies == [], result, bodies)


@test("an answer that a middleware denies is not delivered, and the client is told by a 502")
def refused_answer():
    for url in (CLEAR, SECURE):
        result = run([*CURL, "-i", url + "/forbidden"], ANSWERED)
        expect("HTTP/1.1 502" in result.out and "what is" not in result.out, result)
        answer = json.loads(result.out[result.out.index('{"error'):])
        expect(answer["error"] == "response_delivery_failed" and answer["middleware"] == "refuse" and
               answer["reason_code"] == "pattern_matched", answer)
        [denied] = result.events("l7.denied")
        expect(denied["payload"][2] == "content", denied)
        expect(len(result.denials()) == 1 and "middleware refuse" in result.denials()[0], result)


@test("events of a stream are redacted one by one, and one that is denied cuts the stream")
def stream():
    result = run([*CURL, "-N", CLEAR + "/events"], ANSWERED)
    expect(result.code == 0 and
           result.out == "data: [gone]\n\ndata: none\n\ndata: [gone]\n\n", result)
    expect(notes(result) == ["redact changed it"], result.recorded)
    result = run([*CURL, "-N", CLEAR + "/bad-events"], ANSWERED)
    expect(result.code in (18, 56) and result.out == "data: one\n\n", result)
    expect(len(result.events("l7.denied")) == 1, result.recorded)


@test("an answer that cannot be inspected is refused, or passed over where the entry says so")
def uninspectable_answer():
    lenient = policy(rest(CLEAR_PORT), entries=[middleware(
        config={"patterns": ["secret-[0-9]+"], "direction": "response"}, on_uninspectable="allow")])
    for path, code, body in (("/coded", "encoded", gzip.compress(SAID)),
                             ("/kept", "no_transform", SAID)):
        result = run([*CURL, CLEAR + path], ANSWERED)
        answer = json.loads(result.out)
        expect(answer["error"] == "response_delivery_failed" and answer["reason_code"] == code, answer)
        result = run([*CURL, "--compressed", CLEAR + path], lenient)
        expect(result.out == SAID.decode(), result)
        expect(notes(result) == [f"redact was passed over ({code})"], result.recorded)


@test("a large answer goes on as it comes where no middleware looks into it, and else is refused")
def large_answer():
    result = run([*CURL, "-o", "/dev/null", "-w", "%{http_code} %{size_download}", CLEAR + "/large"])
    expect(result.out == f"200 {len(LARGE)}", result)
    result = run([*CURL, "-i", CLEAR + "/large"], ANSWERED)
    expect("HTTP/1.1 502" in result.out and '"reason_code":"over_limit"' in result.out and
           "xxxx" not in result.out, result)
    lenient = policy(rest(CLEAR_PORT), entries=[middleware(
        config={"direction": "response"}, on_error="fail_open", on_uninspectable="deny")])
    result = run([*CURL, "-o", "/dev/null", "-w", "%{http_code} %{size_download}", CLEAR + "/large"],
                 lenient)
    expect(result.out == f"200 {len(LARGE)}", result)
    expect(notes(result) == ["redact was passed over (over_limit)"], result.recorded)


@test("an unknown middleware and a configuration that its plugin does not take stop the start")
def refused_at_start():
    result = harness.run_host(["true"], policy(rest(CLEAR_PORT), entries=[middleware(middleware="openshell/regx")]))
    expect(result.code == 125 and "no plugin of this run serves middleware 'openshell/regx'; did you "
           "mean openshell/regex?" in result.err, result)
    result = harness.run_host(["true"], policy(rest(CLEAR_PORT),
                                               entries=[middleware(config={"patterns": ["(a"]})]))
    expect(result.code == 125 and "network_middlewares.redact: config.patterns" in result.err, result)
    result = harness.run_host(["true"], JUDGED, ["--disable", "regex"])
    expect(result.code == 125 and "network_middlewares are not enforced by this run" in result.err,
           result)


harness.main()
