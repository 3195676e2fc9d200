# SPDX-License-Identifier: Apache-2.0
"""Bodies of requests and responses pass as they come: at once, in bounded memory, cut when cut."""
import json
import os
import re
import select
import subprocess
import threading
import time

import event_stream
import harness
import strict_http
import wire
from harness import PYTHON, expect, test

MIB = 1 << 20
BODY = 64 * MIB
MAX_GROWTH_KIB = 8192 * harness.SLOWER
POLICY = wire.policy()

origin = wire.Origin()
origin.scripts["/events/"] = event_stream.serve


def host_options():
    return ["--set", f"network.upstream-ca={origin.authority}"]


def run(script, *words, policy=POLICY):
    result = harness.run_recorded([PYTHON, "-I", "-c", wire.CLIENT + script, *words], policy,
                                  host_options(), timeout=30)
    expect(result.code == 0, result)
    return result


def name(way, secure):
    return f"{way} {'https' if secure else 'http'}"


@test("server-sent events arrive one by one and in order, and soon")
def _events():
    count, gap = 100, 4000
    for way, secure in (("direct", False), ("direct", True), *wire.TRANSPORTS):
        pieces, delays = event_stream.measure(origin, way, secure, count, gap, POLICY)
        p50, p99 = (event_stream.percentile(delays, part) * 1000 for part in (0.5, 0.99))
        print(f"# {name(way, secure):15} p50 {p50:.2f} ms, p99 {p99:.2f} ms, {pieces} pieces")
        expect(len(delays) == count, len(delays))
        # A busy machine may let some fall together; a proxy that collects them lets all.
        expect(pieces > count / 2 and p50 < 100 * harness.SLOWER, way, pieces, p50)


class Session:
    """A client in a box that says a line and waits for one, and the memory of its host."""

    def __init__(self, script, *words):
        self.errors = os.path.join(harness.private_scratch(), "stderr")
        with open(self.errors, "wb") as errors:
            self.host = harness.start_host(
                [PYTHON, "-I", "-u", "-c", wire.CLIENT + script, *words], POLICY, host_options(),
                stdin=subprocess.PIPE, stderr=errors, text=True)
        self.peak, self.before, self.done = 0, None, threading.Event()

    def resident_kib(self):
        with open(f"/proc/{self.host.pid}/status", encoding="utf-8") as stream:
            return next(int(line.split()[1]) for line in stream if line.startswith("VmRSS"))

    def _watch(self):
        while not self.done.wait(0.005):
            try:
                self.peak = max(self.peak, self.resident_kib())
            except (OSError, StopIteration):
                return

    def wait_for(self, word):
        readable, _, _ = select.select([self.host.stdout], [], [], 20 * harness.SLOWER)
        line = self.host.stdout.readline() if readable else "nothing"
        with open(self.errors, encoding="utf-8") as stream:
            expect(line.split()[:1] == [word], line, stream.read()[-3000:])
        return line.split()[1:]

    def say(self, word):
        self.host.stdin.write(word + "\n")
        self.host.stdin.flush()

    def begin_to_watch(self):
        self.before = self.peak = self.resident_kib()
        threading.Thread(target=self._watch, daemon=True).start()

    def finish(self):
        """Returns the growth of the host's memory in KiB."""
        self.done.set()
        self.host.communicate(timeout=20)
        with open(self.errors, encoding="utf-8") as stream:
            expect(self.host.returncode == 0, stream.read()[-3000:])
        return self.peak - self.before


def small(connection, _head, _rest):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    return True


origin.scripts["/small"] = small

WARM = r"""
def warm(way, secure):
    s = dial(way, secure)
    s.sendall(head(way, 'GET', '/small'))
    read_to(s, b'\r\n\r\nok')
    s.close()
    print('warm', flush=True)
    sys.stdin.readline()
way, secure = sys.argv[1], sys.argv[2] == 'yes'
warm(way, secure)
"""

UPLOAD = WARM + r"""
size, chunked = 64 << 20, sys.argv[3] == 'chunked'
s = dial(way, secure)
s.sendall(head(way, 'PUT', '/upload', 'Transfer-Encoding: chunked' if chunked else f'Content-Length: {size}'))
piece = b'u' * 65536
def send(count):
    for _ in range(count):
        s.sendall(b'10000\r\n' + piece + b'\r\n' if chunked else piece)
send(size // 65536 // 2)
print('half', flush=True)
assert sys.stdin.readline() == 'seen\n'
send(size // 65536 // 2)
if chunked: s.sendall(b'0\r\n\r\n')
print('answer', read_to(s, b'\r\n\r\n').split(b' ')[1].decode(), flush=True)
"""

DOWNLOAD = WARM + r"""
s = dial(way, secure)
s.sendall(head(way, 'GET', '/download', 'Connection: close'))
data = read_to(s, b'\r\n\r\n')
body = len(data.partition(b'\r\n\r\n')[2])
while body < 1 << 20:
    body += len(s.recv(65536))
print('first', flush=True)
sys.stdin.readline()
while more := s.recv(1 << 18):
    body += len(more)
print('answer', body, flush=True)
"""


class Upload:
    """Counts what of an upload has come."""

    def __init__(self):
        self.count, self.is_whole = 0, False

    def serve(self, connection, head, rest):
        data, self.count = rest, len(rest)
        chunked = b"chunked" in head
        tail = rest[-5:]
        while not (tail == b"0\r\n\r\n" if chunked else self.count >= BODY):
            data = connection.recv(MIB)
            if not data:
                return False
            self.count += len(data)
            tail = (tail + data)[-5:]
        self.is_whole = True
        return small(connection, head, b"")


@test("an upload of 64 MiB reaches the server while it is sent, in bounded memory")
def _upload():
    for way, secure, framing in (("captured", False, "length"), ("captured", True, "chunked"),
                                 ("forward", False, "chunked"), ("connect", True, "length")):
        upload = Upload()
        origin.scripts["/upload"] = upload.serve
        session = Session(UPLOAD, way, "yes" if secure else "no", framing)
        session.wait_for("warm")
        session.begin_to_watch()
        session.say("go")
        session.wait_for("half")
        # All but what the buffers on the way hold.
        harness.wait_until(lambda: upload.count > BODY // 4, 10, "nothing of the body arrives")
        expect(not upload.is_whole, "the body is there before it was sent")
        session.say("seen")
        expect(session.wait_for("answer") == ["200"] and upload.is_whole, upload.count)
        growth = session.finish()
        print(f"# {name(way, secure)}: the memory grew by {growth} KiB")
        expect(growth < MAX_GROWTH_KIB, growth)


@test("a download of 64 MiB reaches the client while the server sends it, in bounded memory, however "
      "slowly the client reads")
def _download():
    for way, secure in (("captured", False), ("captured", True), ("forward", False)):
        sent, go_on = [0], threading.Event()

        def serve(connection, _head, _rest):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BODY)
            piece = b"d" * 65536
            while sent[0] < BODY:
                # The second half waits until the client has some of the first.
                if sent[0] == BODY // 2:
                    go_on.wait(20)
                connection.sendall(piece)
                sent[0] += len(piece)

        origin.scripts["/download"] = serve
        session = Session(DOWNLOAD, way, "yes" if secure else "no")
        session.wait_for("warm")
        session.begin_to_watch()
        session.say("go")
        session.wait_for("first")
        time.sleep(0.3)
        held = sent[0]
        go_on.set()
        session.say("go on")
        expect(session.wait_for("answer") == [str(BODY)], sent)
        growth = session.finish()
        print(f"# {name(way, secure)}: {held // MIB} MiB were sent when the client had read 1 MiB; the "
              f"memory grew by {growth} KiB")
        expect(held < BODY // 2 and growth < MAX_GROWTH_KIB, held, growth)


RESPONSES = (
    ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b""),
    ("GET", b"HTTP/1.1 204 No Content\r\nX-N: 1\r\n\r\n", b""),
    ("GET", b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 77\r\n\r\n", b""),
    ("GET", b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
     b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", b"abc"),
    ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"),
    ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b""),
    ("GET", b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", b""),
    ("GET", b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\n", b"gone"),
)
SEVERAL = r"""
way, secure = sys.argv[1], sys.argv[2] == 'yes'
s = dial(way, secure)
for number, method in enumerate(sys.argv[3].split(',')):
    s.sendall(head(way, method, f'/response/{number}'))
    data = b''
    wanted = int(sys.argv[4].split(',')[number])
    while data.count(b'\r\n\r\n') < wanted:
        data += s.recv(65536)
    s.settimeout(0.02)
    try:
        while more := s.recv(65536): data += more
    except TimeoutError: pass
    s.settimeout(20)
    print(json.dumps(data.decode('latin-1')), flush=True)
"""


def without(text, *names):
    return re.sub(rb"(?im)^(" + b"|".join(names) + rb"):[^\r\n]*\r\n", b"", text)


@test("HEAD, 204, 304, and 102 and 103 in their order, are relayed as they are, and the connection "
      "goes on")
def _responses():
    def serve(connection, head, _rest):
        number = int(head.split(b" ")[1].rpartition(b"/")[2])
        connection.sendall(RESPONSES[number][1] + RESPONSES[number][2])
        return True

    origin.scripts["/response/"] = serve
    methods = ",".join(method for method, _, _ in RESPONSES)
    counts = ",".join(str((head + body).count(b"\r\n\r\n")) for _, head, body in RESPONSES)
    for way, secure in wire.TRANSPORTS:
        result = run(SEVERAL, way, "yes" if secure else "no", methods, counts)
        got = [without(json.loads(line).encode("latin-1"), b"via", b"connection", b"keep-alive")
               for line in result.out.splitlines()]
        wanted = [head + body for _, head, body in RESPONSES]
        expect(got == wanted, name(way, secure), *zip(got, wanted))
        expect([event["payload"][2] for event in result.events("l7.response")] ==
               [200, 204, 304, 200, 200, 200, 205, 404], result.recorded)


EXPECT = r"""
way, secure = sys.argv[1], sys.argv[2] == 'yes'
s = dial(way, secure)
s.sendall(head(way, 'PUT', '/continue', 'Expect: 100-continue', 'Content-Length: 4'))
answer = read_to(s, b'\r\n\r\n')
print(answer.split(b'\r\n')[0].decode())
s.sendall(b'body')
print(read_to(s, b'\r\n\r\nok').split(b'\r\n')[0].decode())
s.sendall(head(way, 'PUT', '/refused', 'Expect: 100-continue', 'Content-Length: 4'))
print(read_to(s, b'\r\n\r\n').split(b'\r\n')[0].decode())
"""


@test("the 100 of the server lets the client send; where the server refuses, its answer comes instead")
def _continue():
    bodies = []

    def serve(connection, head, rest):
        if b"/refused" in head:
            connection.sendall(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n"
                               b"Connection: close\r\n\r\n")
            return False
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(rest) < 4:
            rest += connection.recv(100)
        bodies.append(rest)
        return small(connection, head, b"")

    origin.scripts["/continue"] = origin.scripts["/refused"] = serve
    for way, secure in wire.TRANSPORTS:
        result = run(EXPECT, way, "yes" if secure else "no")
        expect(result.out.splitlines() == ["HTTP/1.1 100 Continue", "HTTP/1.1 200 OK",
                                           "HTTP/1.1 417 Expectation Failed"], name(way, secure), result)
    expect(bodies == [b"body"] * len(wire.TRANSPORTS), bodies)


EARLY = r"""
way, secure = sys.argv[1], sys.argv[2] == 'yes'
s = dial(way, secure)
s.sendall(head(way, 'PUT', '/early', f'Content-Length: {256 << 20}'))
sent, answer = 0, b''
s.setblocking(False)
piece = b'e' * 65536
limit = time.monotonic() + 15
while b'\r\n\r\n' not in answer and time.monotonic() < limit:
    select.select([s], [s] if sent < 256 << 20 else [], [], 0.5)
    try: answer += s.recv(65536)
    except (BlockingIOError, ssl.SSLWantReadError): pass
    except OSError as error: print('read', error); break
    try: sent += s.send(piece)
    except (BlockingIOError, ssl.SSLWantWriteError): pass
    except OSError: pass
print(answer.split(b'\r\n')[0].decode(), sent < 256 << 20)
"""


@test("an early 413 reaches a client that is still sending, also of a server that then closes at once")
def _early():
    def serve(connection, _head, rest):
        got = len(rest)
        while got < 100000:
            got += len(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n"
                           b"Connection: close\r\n\r\nbig")
        # As a server does whose answer must not be lost: it reads on for a while.
        limit = time.monotonic() + (2 if lingers else 0)
        while time.monotonic() < limit and connection.recv(65536):
            pass

    origin.scripts["/early"] = serve
    for lingers in (True, False):
        for way, secure in wire.TRANSPORTS:
            result = run(EARLY, way, "yes" if secure else "no")
            expect(result.out == "HTTP/1.1 413 Content Too Large True\n", name(way, secure), lingers,
                   result)


CUT = r"""
way, secure = sys.argv[1], sys.argv[2] == 'yes'
for path in sys.argv[3].split(','):
    s = dial(way, secure)
    s.sendall(head(way, 'GET', path))
    data, how = read_all(s)
    print(path, data.count(b'b'), b'\r\n0\r\n\r\n' in data, how, flush=True)
"""
# What the server sends, and how it ends. The last is the only one that is whole.
CUTS = {
    "/cut/length": (b"Content-Length: 1000\r\n", b"b" * 500, wire.cut),
    "/cut/length-reset": (b"Content-Length: 1000\r\n", b"b" * 500, wire.reset),
    "/cut/chunked": (b"Transfer-Encoding: chunked\r\n", b"3e8\r\n" + b"b" * 500, wire.cut),
    "/cut/chunked-last": (b"Transfer-Encoding: chunked\r\n", b"1f4\r\n" + b"b" * 500 + b"\r\n", wire.cut),
    "/cut/chunked-reset": (b"Transfer-Encoding: chunked\r\n", b"3e8\r\n" + b"b" * 500, wire.reset),
    "/cut/close-reset": (b"", b"b" * 500, wire.reset),
    "/cut/close": (b"", b"b" * 500, wire.cut),
    "/cut/whole": (b"", b"b" * 500, wire.end),
}


@test("a response that is cut never looks finished, by any transport, in TLS and without")
def _cut():
    def serve(connection, head, _rest):
        fields, body, how = CUTS[head.split(b" ")[1].decode()]
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + body)
        time.sleep(0.05)
        how(connection)

    origin.scripts["/cut/"] = serve
    for way, secure in wire.TRANSPORTS:
        result = run(CUT, way, "yes" if secure else "no", ",".join(CUTS))
        rows = {line.split()[0]: line.split()[1:] for line in result.out.splitlines()}
        expect(list(rows) == list(CUTS), result)
        for path, (count, has_end, how) in rows.items():
            what = (name(way, secure), path, count, has_end, how)
            expect(has_end == "False" and int(count) <= 500, what, result)
            # Without TLS a close-delimited body that the server ends is whole.
            whole = path == "/cut/whole" or (path == "/cut/close" and not secure)
            expect(not whole or (count == "500" and how == "end"), what, result)
            if path in ("/cut/close-reset", "/cut/close") and not whole:
                expect(how in ("ConnectionResetError", "SSLEOFError"), what, result)


CUT_UPLOAD = r"""
way, secure = sys.argv[1], sys.argv[2] == 'yes'
for kind in ('length', 'chunked'):
    for how in ('end', 'cut', 'reset'):
        s = dial(way, secure)
        fields = ['Content-Length: 1000'] if kind == 'length' else ['Transfer-Encoding: chunked']
        s.sendall(head(way, 'PUT', f'/put/{kind}-{how}', *fields))
        s.sendall(b'b' * 500 if kind == 'length' else b'1f4\r\n' + b'b' * 500 + b'\r\n')
        time.sleep(0.05)
        if how == 'reset':
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        if how == 'end' and secure:
            s.setblocking(False)
            try: s.unwrap()
            except OSError: pass
        os.close(s.detach())
        time.sleep(0.05)
"""


@test("a request whose client goes before its end never looks finished to the server")
def _cut_upload():
    received = {}

    def serve(connection, head, rest):
        path = head.split(b" ")[1].decode()
        received[path] = head + b"\r\n\r\n" + rest
        try:
            while data := connection.recv(65536):
                received[path] += data
        except OSError:
            pass
        received[path + " over"] = True

    origin.scripts["/put/"] = serve
    wanted = [f"/put/{kind}-{how}" for kind in ("length", "chunked") for how in ("end", "cut", "reset")]
    for way, secure in wire.TRANSPORTS:
        received.clear()
        run(CUT_UPLOAD, way, "yes" if secure else "no")
        harness.wait_until(lambda: all(path + " over" in received for path in wanted), 10, received)
        for path in wanted:
            [request] = strict_http.read_all(received[path])
            expect(not request.is_complete and len(request.body) <= 500, name(way, secure), path,
                   received[path][-100:])


harness.main()
