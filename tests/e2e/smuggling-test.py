# SPDX-License-Identifier: Apache-2.0
"""Requests that two readers may read differently, through the whole proxy.

What reaches the origin is read by a strict reader of the test's own, and by nginx, Node and Python:
all must see the requests that the policy judged, which the recorded events name, and no other. The
cases are in tests/corpora; OSH_CORPORA names a folder with more of the seeds.
"""
import base64
import json
import os
import re
import select
import socket
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import harness
import makes
import strict_http
import world
from harness import PYTHON, expect, test

NAME = "in.example"
CLEAR_PORT, TLS_PORT, SLASH_PORT = 80, 443, 81
CORPORA = os.path.join(harness.SOURCE, "tests", "corpora")
MORE_CORPORA = os.environ.get("OSH_CORPORA")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
# Where a connection stays open, this request must be answered like any other.
PROBE = f"GET /probe HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()

# In the box: one case for each line on standard input, what was answered on standard output.
CLIENT = r"""
import base64, json, os, re, select, socket, ssl, sys, time
proxy = re.search(r'//([^/]+):(\d+)', os.environ['http_proxy']).groups()
context = ssl.create_default_context()
FINAL = re.compile(rb'HTTP/1\.[01] (?!1\d\d)\d{3}')

def connect(way, port):
    if way in ('captured', 'tls'):
        s = socket.create_connection(('%(name)s', port), 5)
        return context.wrap_socket(s, server_hostname='%(name)s') if way == 'tls' else s
    s = socket.create_connection((proxy[0], int(proxy[1])), 5)
    if way == 'connect':
        s.sendall(b'CONNECT %(name)s:%%d HTTP/1.1\r\nHost: %(name)s:%%d\r\n\r\n' %% (port, port))
        head = b''
        while not head.endswith(b'\r\n\r\n'):
            head += s.recv(1)
        assert head.startswith(b'HTTP/1.1 200 '), head
    return s

def read(s, out, enough, seconds):
    limit = time.monotonic() + seconds
    while len(FINAL.findall(out)) < enough:
        left = limit - time.monotonic()
        if left <= 0:
            return out, False
        s.settimeout(left)
        try:
            data = s.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            return out, False
        except OSError:
            return out, True
        if not data:
            return out, True
        out += data
    return out, False

for line in sys.stdin:
    case = json.loads(line)
    s = connect(case['way'], case['port'])
    try:
        for piece in case['pieces']:
            s.sendall(base64.b64decode(piece))
        if case['half']:
            s.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    out, ended = read(s, b'', case['enough'], case['seconds'])
    if case['probe'] and not ended:
        try:
            s.sendall(base64.b64decode(case['probe']))
        except OSError:
            pass
        out, ended = read(s, out, len(FINAL.findall(out)) + 1, 2)
    s.close()
    print(json.dumps([base64.b64encode(out).decode(), ended]), flush=True)
""" % {"name": NAME}


def rest(port, **keys):
    return {"host": NAME, "port": port, "protocol": "rest", "enforcement": "enforce",
            "access": "full", **keys}


POLICY = world.policy(rest(CLEAR_PORT), rest(TLS_PORT), rest(SLASH_PORT, allow_encoded_slash=True))


class Tap:
    """An origin that keeps each byte. It answers strictly by itself, or passes bytes on to `backend`,
    a port of another make."""

    def __init__(self, port, context=None):
        self.context, self.backend = context, None
        self.streams = []           # [bytes so far, whether it ended, what was wrong]
        self.lock = threading.Lock()
        self.listener = socket.create_server((world.ADDRESS, port), backlog=128)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            select.select([self.listener], [], [])
            with self.lock:
                connection, _ = self.listener.accept()
                stream = [b"", threading.Event()]
                self.streams.append(stream)
            threading.Thread(target=self._serve, args=(connection, stream), daemon=True).start()

    def _serve(self, connection, stream):
        try:
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            connection.settimeout(10)
            (self._answer if self.backend is None else self._pass_on)(connection, stream)
        except (OSError, ValueError):
            pass
        finally:
            stream[1].set()
            connection.close()

    @staticmethod
    def _answer(connection, stream):
        at, serving = 0, True
        while data := connection.recv(65536):
            stream[0] += data
            while serving and at < len(stream[0]):
                try:
                    request, end = strict_http.read_one(stream[0], at)
                except strict_http.NotHttp:
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                    return
                if request is None or end is None:
                    break
                at = end
                connection.sendall(ANSWER[:-2] if request.method == "HEAD" else ANSWER)
                serving = request.keeps_connection()

    def _pass_on(self, connection, stream):
        with socket.create_connection(("127.0.0.1", self.backend), 5) as origin:
            def back():
                try:
                    while data := origin.recv(65536):
                        connection.sendall(data)
                    connection.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
            thread = threading.Thread(target=back, daemon=True)
            thread.start()
            while data := connection.recv(65536):
                stream[0] += data
                origin.sendall(data)
            origin.shutdown(socket.SHUT_WR)
            thread.join(5)

    def take(self):
        """What came since the last call, by connection; each has ended."""
        with self.lock:
            while select.select([self.listener], [], [], 0)[0]:
                self.lock.release()
                self.lock.acquire()
            streams, self.streams = self.streams, []
        for stream in streams:
            expect(stream[1].wait(5), "a connection to the origin stays open", stream[0][-300:])
        return [stream[0] for stream in streams if stream[0]]


class Run:
    """One host with one client in its box, for all cases."""

    def __init__(self):
        folder = harness.private_scratch()
        names = [f"IP:{world.ADDRESS}", f"DNS:{NAME}"]
        authority, certificate, key = world.make_certificate(folder, *names)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.taps = {CLEAR_PORT: Tap(CLEAR_PORT), TLS_PORT: Tap(TLS_PORT, context),
                     SLASH_PORT: Tap(SLASH_PORT)}
        self.events_path = os.path.join(harness.scratch(), "events.jsonl")
        self.errors_path = os.path.join(folder, "stderr")
        self.n_events = 0
        with open(self.errors_path, "wb") as errors:
            self.host = harness.start_host(
                [PYTHON, "-I", "-u", "-c", CLIENT], POLICY,
                ["--events", self.events_path, "--set", f"network.upstream-ca={authority}"],
                stdin=subprocess.PIPE, stderr=errors)

    def send(self, way, pieces, port=CLEAR_PORT, enough=1, seconds=2.0, probe=None, half=False):
        """Returns the answer, whether the connection ended, and what reached the origin."""
        case = {"way": way, "port": port, "enough": enough, "seconds": seconds, "half": half,
                "pieces": [base64.b64encode(piece).decode() for piece in pieces],
                "probe": base64.b64encode(probe).decode() if probe else None}
        self.host.stdin.write(json.dumps(case).encode() + b"\n")
        self.host.stdin.flush()
        line = self.host.stdout.readline()
        with open(self.errors_path, "rb") as stream:
            expect(line, "the client ended", stream.read()[-2000:])
        out, ended = json.loads(line)
        return base64.b64decode(out), ended, self.taps[port].take()

    def judged(self):
        """The requests that were allowed since the last call, as the recorded events have them."""
        self.host.stdin.flush()
        with open(self.events_path, encoding="utf-8") as stream:
            lines = stream.readlines()
        lines, self.n_events = lines[self.n_events:], len(lines)
        events = [json.loads(line) for line in lines]
        return [f"{event['payload'][3]} {event['payload'][4]}" for event in events
                if event["topic"] == "openshell.l7.allowed/1"]


run = Run()
origins = makes.start_all()


def corpus(name, count):
    with open(os.path.join(CORPORA, name), encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    expect(len(rows) == count, f"{name} has {len(rows)} rows, not {count}")
    return rows


def compare_makes(streams, found):
    """Each make must see in these bytes what the strict reader sees, or refuse what comes then."""
    def look(item):
        name, data = item
        seen, status = makes.ask(origins[name], data)
        return name, data, seen, status

    work = [(name, data) for name in origins for data in streams]
    with ThreadPoolExecutor(8) as pool:
        for name, data, seen, status in pool.map(look, work):
            requests = strict_http.read_all(data)
            wanted = [f"{request.method} {request.target}" for request in requests]
            is_cut = wanted and not requests[-1].is_complete
            if seen == wanted or (is_cut and seen == wanted[:-1]):
                continue
            if seen == wanted[:len(seen)] and status >= 400:
                continue
            found.append(f"{name} sees {seen}, status {status}, in {data[:400]!r}; not {wanted}")


class Verdicts:
    """The rows that failed, what reached the origin, and how often an origin was reached."""

    def __init__(self):
        self.failed, self.streams, self.judged, self.reached, self.n = [], {}, [], 0, 0

    def requests(self, row, streams):
        """The requests in what reached the origin, by the strict reader."""
        self.n += 1
        requests = []
        for data in streams:
            try:
                requests += strict_http.read_all(data)
            except strict_http.NotHttp as error:
                self.failed.append(f"{row}: {error} in {data[:400]!r}")
                return None
            self.streams.setdefault(data, row)
        self.reached += bool(requests)
        self.judged += [request.name() for request in requests]
        return requests

    def finish(self, what):
        compare_makes(self.streams, self.failed)
        judged = run.judged()
        if judged != self.judged:
            at = next((i for i, pair in enumerate(zip(judged, self.judged)) if pair[0] != pair[1]),
                      min(len(judged), len(self.judged)))
            self.failed.append(f"the events say {judged[at:at + 3]} where the origin got "
                               f"{self.judged[at:at + 3]} ({len(judged)} and {len(self.judged)})")
        print(f"# {self.n} {what}, {self.reached} of them reached the origin, "
              f"{len(self.streams)} different streams read by {', '.join(origins)}")
        expect(not self.failed, f"{len(self.failed)} failures", *self.failed[:20])


def agrees(outcome, requests, ended, out, row):
    """Whether this is what happened. The probe is gone from @requests."""
    forward = outcome["forward"]
    cut = requests and not requests[-1].is_complete
    if cut and outcome["end"] != "more":
        # Its head goes on before its body is read.
        begun = row.get("may_begin") or next(
            (one["forward"][0] for one in row["expect"] if one["forward"]), None)
        if not begun or (requests[-1].method, requests[-1].target) != (begun["method"], begun["target"]):
            return False
        requests = requests[:-1]
    if [(request.method, request.target) for request in requests] != \
            [(one["method"], one["target"]) for one in forward]:
        return False
    for request, one in zip(requests, forward):
        body = base64.b64decode(one.get("body", ""))
        if request.body != body and not (not request.is_complete and body.startswith(request.body)):
            return False
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3})", out)]
    if outcome["end"] == "reject":
        refusals = [status for status in statuses if status >= 400]
        return ended and len(refusals) <= 1 and statuses[len(statuses) - len(refusals):] == refusals
    return ended == (outcome["end"] == "stop") and not any(status >= 400 for status in statuses)


def run_row(verdicts, row, way, raw, outcomes, port=CLEAR_PORT):
    counts = [len(outcome["forward"]) for outcome in outcomes]
    ends = {outcome["end"] for outcome in outcomes}
    is_open = "open" in ends
    out, ended, streams = run.send(
        way, [raw], port, enough=max(counts) if is_open else 100,
        seconds=0.15 if "more" in ends else 3, probe=PROBE if is_open else None)
    requests = verdicts.requests(row["id"], streams)
    if requests is None:
        return
    probed = requests and requests[-1].target == "/probe"
    if probed:
        requests = requests[:-1]
    for outcome in outcomes:
        if (outcome["end"] == "open") == bool(probed) and agrees(outcome, requests, ended, out, row):
            return
    verdicts.failed.append(f"{row['id']}: {requests}, {'ended' if ended else 'open'}, probe "
                           f"{'answered' if probed else 'not forwarded'}, answer {out[:300]!r}; "
                           f"not {json.dumps(row['expect'])[:300]}")


REFUSED = {"forward": [], "end": "reject"}
# Refused by a rule that the row does not have: what it says is forwarded need not be.
STRICTER = {
    "plain-obs-text": "a head that is not UTF-8 is refused",
    "chunk-data-last-then-two-bytes": "its trailer has a Host",
}


def tunnel_rows():
    """Each with its bytes and its right outcomes."""
    for row in corpus("http1-smuggling/cases.jsonl", 444):
        if row["at"] == "tunnel":
            outcomes = row["expect"] + [REFUSED] * (row["id"] in STRICTER)
            yield row, base64.b64decode(row["raw"]), outcomes


@test("of smuggled requests in a tunnel by CONNECT nothing reaches the origin that was not judged")
def _connect():
    verdicts = Verdicts()
    for row, raw, outcomes in tunnel_rows():
        run_row(verdicts, row, "connect", raw, outcomes)
    verdicts.finish("rows by CONNECT")


@test("nor of those in TLS that is intercepted")
def _tls():
    verdicts = Verdicts()
    for row, raw, outcomes in tunnel_rows():
        if row["id"] == "request-line-target-https-in-clear":
            continue
        # There the default port is another one, and the scheme.
        if b":80" in raw or b"http:" in raw.lower():
            outcomes = outcomes + [REFUSED]
        run_row(verdicts, row, "tls", raw, outcomes, TLS_PORT)
    verdicts.finish("rows in TLS")


@test("nor of those whose target is absolute, at the proxy")
def _absolute():
    verdicts = Verdicts()
    for row, raw, outcomes in tunnel_rows():
        absolute = re.sub(rb"\A([A-Za-z]+ )(/)", rb"\1http://in.example\2", raw)
        # Where the target has the authority, a Host is not needed.
        if absolute == raw or raw.startswith(b"CONNECT") or row["id"] == "host-none":
            continue
        # A request that follows it has an origin-form target, which a proxy refuses.
        outcomes = outcomes + [{"forward": outcome["forward"][:n], "end": end}
                               for outcome in outcomes for n in (0, 1) for end in ("reject", "stop")]
        run_row(verdicts, row, "proxy", absolute, outcomes)
    verdicts.finish("rows in absolute form")


@test("what is asked of the proxy itself reaches the origin that it names, or nothing does")
def _proxy():
    verdicts, rows = Verdicts(), 0
    for row in corpus("http1-smuggling/cases.jsonl", 444):
        if row["at"] != "proxy":
            continue
        rows += 1
        raw, outcomes = base64.b64decode(row["raw"]), row["expect"]
        out, ended, streams = run.send("proxy", [raw], enough=1, seconds=2, half=True)
        requests = verdicts.requests(row["id"], streams)
        status = int(out[9:12] or b"0") if out.startswith(b"HTTP/1.1 ") else 0
        got = [f"{one.method} {one.target}" for one in requests or []]
        for outcome in outcomes:
            if "connect" in outcome:
                early = [f"{one.method} {one.target}"
                         for one in strict_http.read_all(base64.b64decode(outcome["early"]))]
                if status == (200 if outcome["connect"] == f"{NAME}:{CLEAR_PORT}" else 403) and \
                        got == early:
                    break
            elif got == [f"{one['method']} {one['target']}" for one in outcome["forward"]] and \
                    (status >= 400) == (outcome["end"] == "reject"):
                break
        else:
            verdicts.failed.append(f"{row['id']}: {got}, {out[:200]!r}; not {outcomes}")
    expect(rows == 26, rows)
    verdicts.finish("rows at the proxy")


@test("live nginx, Node and Python see the requests that were judged, in each order of answers")
def _live():
    for name, port in origins.items():
        run.taps[CLEAR_PORT].backend = port
        verdicts = Verdicts()
        for row, raw, outcomes in tunnel_rows():
            if not any(outcome["forward"] for outcome in outcomes):
                continue
            _, _, streams = run.send("connect", [raw], enough=100, half=True)
            requests = verdicts.requests(row["id"], streams) or []
            got = [(one.method, one.target) for one in requests]
            # The origin may have ended the connection before the last of them.
            if not any(got == [(one["method"], one["target"]) for one in outcome["forward"][:len(got)]]
                       for outcome in outcomes):
                verdicts.failed.append(f"{name}: {row['id']}: {requests}; not {row['expect']}")
        run.taps[CLEAR_PORT].backend = None
        verdicts.finish(f"rows with {name} behind the proxy")


@test("fuzz seeds of an HTTP server are forwarded as strict HTTP, or not at all")
def _seeds():
    name, count = "http1-seeds/http1.jsonl", 200
    if MORE_CORPORA:
        with open(os.path.join(MORE_CORPORA, name), encoding="utf-8") as stream:
            seeds = [json.loads(line) for line in stream]
        expect(len(seeds) == 1972, len(seeds))
    else:
        seeds = corpus(name, count)
    verdicts = Verdicts()
    for seed in seeds:
        data = re.sub(rb"(?im)^(host:[ \t]*)[^\r\n]*", rb"\1in.example", base64.b64decode(seed["data"]))
        _, _, streams = run.send("connect", data.split(b"\n--MARK--\n"), enough=100, half=True)
        verdicts.requests(seed["name"], streams)
    verdicts.finish("seeds")


@test("each target of the path vectors reaches the origin in its canonical form, or not at all")
def _paths():
    verdicts, rows = Verdicts(), 0
    for folder in ("cases", "extra"):
        with open(os.path.join(harness.SOURCE, "tests", "vectors", folder, "cases.jsonl"),
                  encoding="utf-8") as stream:
            vectors = [json.loads(line) for line in stream]
        for row in vectors:
            target = row["input"].get("target", "")
            # Not every target can stand in a request, and another authority is refused.
            if row["kind"] != "path" or row["input"].get("strip_path_parameters") is False or \
                    re.match(r"(?!http://host)(?!/)", target) or " " in target:
                continue
            rows += 1
            port = SLASH_PORT if row["input"].get("allow_encoded_slash") else CLEAR_PORT
            host = NAME if port == CLEAR_PORT else f"{NAME}:{port}"
            target = target.replace("http://host", f"http://{host}").encode()
            raw = b"GET %b HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % (
                target, host.encode())
            out, _, streams = run.send("connect", [raw], port, enough=100)
            requests = verdicts.requests(row["id"], streams) or []
            _, mark, query = target.decode("latin-1").partition("?")
            # A query that cannot be decoded cannot be judged.
            wanted = [] if "error" in row["expect"] or query == "%zz" else \
                [row["expect"]["path"] + mark + query]
            if [one.target for one in requests] != wanted or \
                    out.startswith(b"HTTP/1.1 200") != bool(wanted):
                verdicts.failed.append(f"{row['id']}: {target!r} gives {requests}, {out[:200]!r}; not "
                                       f"{row['expect']}")
    expect(rows >= 100, rows)
    verdicts.finish("path vectors")


harness.main()
