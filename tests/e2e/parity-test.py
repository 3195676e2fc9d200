# SPDX-License-Identifier: Apache-2.0
"""Parity: each control of the data plane holds on each transport, in clear and in TLS.

The controls are those of plugins/network/flow/control.h and the transports those that the sources
of plugins/network/ingress define; both are read here, so that one that is added without a row fails
the test. A cell is one attempt by a program in a box: what it is told, that nothing of it reaches
the server, and which control the event names.
"""
import json
import os
import re
import resource
import subprocess
import threading
import time

import harness
import world
from harness import PYTHON, expect, test

SOURCE = os.environ["OSH_SOURCE"]
origins = world.World()
secure, AUTHORITY = origins.serve_https(harness.private_scratch())
PORTS = {"clear": world.API_PORT, "tls": world.TLS_PORT}
SERVERS = {"clear": origins.api, "tls": secure}
OTHER_PROGRAM = "/tmp/other-program"


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as stream:
        return stream.read()


def controls():
    return re.findall(r'X\([A-Z_]+, "([a-z]+)"\)', read("plugins/network/flow/control.h"))


def transports():
    found = []
    for name in sorted(os.listdir(os.path.join(SOURCE, "plugins/network/ingress"))):
        if name.endswith(".c") and not name.endswith("-test.c"):
            found += re.findall(r'const OshTransport osh_transport_\w+ = \{\s*\.name = "([a-z]+)"',
                                read(f"plugins/network/ingress/{name}"))
    return found


# In the box: one attempt for each word of the command line, all at once; a line of JSON for each.
PROGRAM = r"""
import json, os, socket, ssl, struct, sys, threading, time
PROXY = os.environ['http_proxy'].removeprefix('http://').rstrip('/').rsplit(':', 1)
PORTS = {'clear': %(clear)d, 'tls': %(tls)d}
context = ssl.create_default_context(cafile=os.environ.get('SSL_CERT_FILE'))
context.check_hostname = False

class Refused(Exception): pass

def answer_of(s):
    data = b''
    try:
        while b'\r\n\r\n' not in data:
            more = s.recv(65536)
            if not more: break
            data += more
        head, _, body = data.partition(b'\r\n\r\n')
        status = head.split(b' ', 2)[1].decode() if head.startswith(b'HTTP/1') else 'closed'
        length = [l.split(b':')[1] for l in head.split(b'\r\n') if l.lower().startswith(b'content-length:')]
        while length and len(body) < int(length[0]):
            more = s.recv(65536)
            if not more: break
            body += more
        return status, body.decode('latin-1')
    except (ConnectionResetError, ssl.SSLError, BrokenPipeError): return 'reset', ''
    except socket.timeout: return 'silence', ''

def dial(transport, host, port):
    s = socket.create_connection((host, port) if transport == 'transparent' else (PROXY[0], int(PROXY[1])), 20)
    s.settimeout(20)
    if transport == 'connect':
        s.sendall(f'CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n'.encode())
        status, body = answer_of(s)
        if status != '200': raise Refused(status)
    if transport == 'socks':
        s.sendall(b'\x05\x01\x00'); s.recv(2)
        s.sendall(b'\x05\x01\x00\x03' + bytes([len(host)]) + host.encode() + struct.pack('>H', port))
        reply = s.recv(64)
        if reply[1:2] != b'\x00': raise Refused('socks')
    return s

def connected(transport, leg, host, name=None):
    s = dial(transport, host, PORTS[leg])
    if leg == 'tls': s = context.wrap_socket(s, server_hostname=name or host)
    return s

def say(s, transport, leg, host, path, method='GET', claim=None, fields='', target_host=None):
    at = f'{host}:{PORTS[leg]}'
    target = f'http://{at}{path}' if transport == 'forward' else path
    s.sendall(f'{method} {target} HTTP/1.1\r\nHost: {claim or at}\r\n{fields}\r\n'.encode())
    return answer_of(s)[0]

def identity(transport, leg, path):
    return say(connected(transport, leg, '10.77.0.1'), transport, leg, '10.77.0.1', path)

def policy(transport, leg, path):
    return say(connected(transport, leg, '10.77.0.1'), transport, leg, '10.77.0.1', path, 'DELETE')

def destination(transport, leg, path):
    return say(connected(transport, leg, 'api.example.test'), transport, leg, 'api.example.test', path)

def authority(transport, leg, path):
    if leg == 'tls':
        return say(connected(transport, leg, 'origin.test', 'evil.test'), transport, leg, 'origin.test', path)
    return say(connected(transport, leg, '10.77.0.1'), transport, leg, '10.77.0.1', path, claim='evil.test')

def framing(transport, leg, path):
    return say(connected(transport, leg, '10.77.0.1'), transport, leg, '10.77.0.1', path, 'GET',
               fields='Content-Length: 5\r\nTransfer-Encoding: chunked\r\n')

def audit(transport, leg, path):
    return say(connected(transport, leg, '10.77.0.1'), transport, leg, '10.77.0.1', path)

def reload(transport, leg, path):
    s = connected(transport, leg, '10.77.0.1')
    first = say(s, transport, leg, '10.77.0.1', path + '/before')
    if first != '200': return 'before: ' + first
    ready.release(); changed.wait(20)
    try: return say(s, transport, leg, '10.77.0.1', path)
    except OSError: return 'reset'

def limit(transport, leg, path):
    return say(connected(transport, leg, '10.77.0.1'), transport, leg, '10.77.0.1', path)

ready, changed = threading.Semaphore(0), threading.Event()
lock = threading.Lock()

def attempt(cell):
    control, transport, leg = cell.split('/')
    try: outcome = globals()[control](transport, leg, f'/{cell}')
    except Refused as error: outcome = str(error)
    except (ConnectionResetError, BrokenPipeError, ssl.SSLError) as error: outcome = 'reset'
    except OSError as error: outcome = f'{type(error).__name__}: {error}'
    with lock: print(json.dumps([cell, outcome]), flush=True)

cells = sys.argv[1:]
if cells[0] == 'hold':
    held = [dial('connect', '10.77.0.1', PORTS['clear']) for _ in range(int(cells[1]))]
    cells = cells[2:]
if cells[0] == 'wait':
    print('up', flush=True); sys.stdin.readline()
    cells = cells[1:]
    # What is recorded of these finds out that the log cannot grow.
    for _ in range(2):
        try: connected('connect', 'clear', '10.77.0.1').close()
        except Refused: pass
        time.sleep(0.4)
waits = any(cell.startswith('reload/') for cell in cells)
threads = [threading.Thread(target=attempt, args=(cell,)) for cell in cells]
for thread in threads: thread.start()
if waits:
    for _ in cells: ready.acquire()
    print('ready', flush=True); sys.stdin.readline(); changed.set()
for thread in threads: thread.join()
""" % PORTS

REAL_PYTHON = os.path.realpath(PYTHON)


def endpoint(leg, host=world.ADDRESS, **keys):
    return {"host": host, "port": PORTS[leg], "protocol": "rest", "access": "read-only",
            "enforcement": "enforce", **keys}


ENDPOINTS = [endpoint(leg, host) for leg in PORTS
             for host in (world.ADDRESS, "origin.test", "*.example.test")]
POLICY = world.policy(*ENDPOINTS, binaries=[REAL_PYTHON])
NOTHING = world.policy(f"{world.OTHER_ADDRESS}:1", binaries=[REAL_PYTHON])
OPTIONS = ["--set", f"network.upstream-ca={AUTHORITY}"]

# A cell that cannot be, with the reason. An https URL in absolute form is refused: see the test.
FORWARD_TLS = "https through an explicit proxy is CONNECT"


def cells(control):
    for transport in transports():
        for leg in PORTS:
            if (transport, leg) != ("forward", "tls"):
                yield f"{control}/{transport}/{leg}"


class Cells:
    """What became of the cells of some controls."""

    def __init__(self, *of):
        self.expected = [cell for control in of for cell in cells(control)]
        self.outcomes, self.recorded = {}, []

    def took(self, out):
        for line in out.splitlines():
            if line.startswith("["):
                cell, outcome = json.loads(line)
                self.outcomes[cell] = outcome

    def check(self, words, named):
        """Each attempt got one of `words`, no server heard of it, and as many events as there are
        cells name one of the controls `named`."""
        expect(sorted(self.outcomes) == sorted(self.expected), self.outcomes, self.expected)
        wrong = {cell: outcome for cell, outcome in self.outcomes.items()
                 if outcome not in words}
        expect(not wrong, wrong, self.recorded[-20:])
        for server in SERVERS.values():
            heard = [request for request in server.requests
                     if any(request.endswith(f" /{cell}") for cell in self.expected)]
            expect(not heard, heard)
        denied = [event for event in self.recorded
                  if event["topic"] in ("openshell.network.denied/1", "openshell.l7.denied/1")
                  and event["payload"][-1].get("control") in named]
        count = sum(event["count"] for event in denied)
        expect(count >= len(self.expected), count, denied, self.recorded)


def run(cells_of, command, policy=POLICY, options=()):
    result = harness.run_recorded(command, policy, [*OPTIONS, *options], timeout=40)
    expect(result.code == 0, result)
    cells_of.took(result.out)
    cells_of.recorded = result.recorded
    return result


def program(*arguments, python=PYTHON):
    return [python, "-I", "-c", PROGRAM, *arguments]


@test("identity: a program that the policy does not name gets nothing of what it names another for")
def _identity():
    found = Cells("identity")
    script = f'cp {REAL_PYTHON} {OTHER_PROGRAM} && exec {OTHER_PROGRAM} "$@"'
    run(found, ["/bin/sh", "-c", script, "sh", "-I", "-c", PROGRAM, *found.expected])
    found.check(("403", "socks", "reset", "closed"), ("policy",))
    programs = {event["payload"][4] for event in found.recorded
                if event["topic"] == "openshell.network.denied/1"}
    expect(programs == {OTHER_PROGRAM}, programs)


@test("the program that the policy names gets through on each transport, in clear and in TLS")
def _control_group():
    found = Cells("identity")
    run(found, program(*found.expected))
    expect(set(found.outcomes.values()) == {"200"}, found.outcomes, found.recorded)
    for leg, server in SERVERS.items():
        seen = {request for request in server.requests if request.endswith(f"/{leg}")}
        expect(len(seen) == sum(cell.endswith(f"/{leg}") for cell in found.expected), seen)
        server.requests.clear()


@test("policy: a request that no rule allows is refused")
def _policy():
    found = Cells("policy")
    run(found, program(*found.expected))
    found.check(("403",), ("policy",))


@test("destination: a name that a wildcard allows does not lead to a private address")
def _destination():
    found = Cells("destination")
    run(found, program(*found.expected))
    found.check(("403", "socks", "reset", "closed"), ("destination",))


@test("authority: a Host or a server name that contradicts the target is refused")
def _authority():
    found = Cells("authority")
    run(found, program(*found.expected))
    found.check(("403", "reset", "closed"), ("authority",))


@test("framing: a request with two lengths is refused")
def _framing():
    found = Cells("framing")
    run(found, program(*found.expected))
    found.check(("400",), ("framing",))


@test("credential: a policy under which credentials are written is not run without a provider")
def _credential():
    for leg in PORTS:
        policy = world.policy(endpoint(leg, request_body_credential_rewrite=True))
        result = harness.run_host(["/bin/true"], policy, OPTIONS)
        expect(result.code == 125 and "request_body_credential_rewrite" in result.err, result)


@test("audit: what cannot be recorded is not let through")
def _audit():
    found = Cells("audit")
    path = os.path.join(harness.private_scratch(), "events.jsonl")
    host = harness.start_host(program("wait", *found.expected), POLICY,
                              ["--events", path, *OPTIONS], stdin=subprocess.PIPE)
    expect(host.stdout.readline() == b"up\n")
    time.sleep(0.5)
    resource.prlimit(host.pid, resource.RLIMIT_FSIZE,
                     (os.path.getsize(path) + 10, resource.RLIM_INFINITY))
    out, said = host.communicate(b"\n", timeout=60)
    found.took(out.decode())
    found.recorded = []
    expect(sorted(found.outcomes) == sorted(found.expected), found.outcomes, said)
    wrong = {cell: outcome for cell, outcome in found.outcomes.items() if outcome == "200"}
    expect(not wrong, wrong, said)
    for server in SERVERS.values():
        expect(not [request for request in server.requests if "/audit/" in request],
               server.requests)


@test("reload: a policy that no longer allows it refuses the next request of an open connection")
def _reload():
    found = Cells("reload")
    path = harness.write_policy(POLICY)
    log = os.path.join(harness.private_scratch(), "events.jsonl")
    host = harness.start_host(program(*found.expected), path, ["--events", log, *OPTIONS],
                              stdin=subprocess.PIPE)
    said = []
    threading.Thread(target=lambda: said.append(host.stderr.read()), daemon=True).start()
    lines = []
    while (line := host.stdout.readline().decode()) and line != "ready\n":
        lines.append(line)
    expect(line == "ready\n", lines, said)
    with open(path + ".new", "w", encoding="utf-8") as stream:
        stream.write(NOTHING)
    os.rename(path + ".new", path)

    def reloaded():
        with open(log, encoding="utf-8") as stream:
            return sum('"openshell.policy.changed/1"' in line for line in stream) >= 2

    harness.wait_until(reloaded, 10, "the policy is not read again")
    host.stdin.write(b"\n")
    host.stdin.flush()
    out = host.stdout.read().decode()
    host.wait(timeout=30)
    found.took(out)
    with open(log, encoding="utf-8") as stream:
        found.recorded = [json.loads(line) for line in stream]
    found.check(("403", "reset", "closed", "BrokenPipeError: [Errno 32] Broken pipe"),
                ("reload", "policy"))


@test("limit: with as many connections as a program may have, the next is refused")
def _limit():
    found = Cells("limit")
    for cell in found.expected:
        # The limit is small, so one attempt at a time; what is held are tunnels.
        one = Cells("limit")
        one.expected = [cell]
        result = run(one, program("hold", "2", cell),
                     options=["--set", "network.max_connections_per_process=2"])
        expect(one.outcomes[cell] in ("503", "socks", "reset", "closed"), one.outcomes, result)
        expect([event for event in one.recorded if event["topic"] == "openshell.network.denied/1"
                and event["payload"][-1].get("control") == "limit"], result, one.recorded)


@test("an https URL in absolute form is refused, and CONNECT named")
def _forward_tls():
    script = ("import os, socket\n"
              "host, port = os.environ['http_proxy'].removeprefix('http://').rstrip('/').rsplit(':', 1)\n"
              "s = socket.create_connection((host, int(port)), 8); s.settimeout(8)\n"
              "s.sendall(b'GET https://10.77.0.1:8443/ HTTP/1.1\\r\\nHost: 10.77.0.1:8443\\r\\n\\r\\n')\n"
              "print(s.recv(65536).decode('latin-1'))\n")
    result = harness.run_host([PYTHON, "-I", "-c", script], POLICY, OPTIONS)
    expect("HTTP/1.1 400 " in result.out and "CONNECT" in result.out, result)


# Queries to the resolver are of no connection; what holds of each control is shown elsewhere, or
# cannot be.
DNS = {
    "identity": None,     # an answer is the same for every program; what connects is identified
    "policy": "the resolver refuses a name that the policy does not allow, says so, and asks nobody",
    "destination": "the resolver answers a name that the policy allows, one address for one name",
    "authority": "an address that the resolver handed out leads to its name only on the allowed port",
    "framing": "HTTPS records get no data, TXT is not implemented",
    "credential": None,   # no answer holds any
    "audit": None,        # nothing leaves by a query, see "policy"
    "reload": None,       # the next query is answered by the policy in force
    "limit": None,        # one answer for one name; the pool is tested in network-synthetic-names
}


@test("what a query to the resolver is subject to is shown by its own tests")
def _dns():
    expect(set(DNS) == set(controls()), set(DNS) ^ set(controls()))
    text = read("tests/e2e/dns-test.py")
    for control, sentence in DNS.items():
        expect(sentence is None or f'@test("{sentence}")' in text, control, sentence)


@test("every control has its test here, and every transport its attempt")
def _complete():
    tested = {sentence.split(":")[0] for sentence, _ in harness._tests}
    expect(set(controls()) <= tested, set(controls()) - tested)
    expect(len(controls()) >= 9 and len(transports()) >= 4, controls(), transports())
    for transport in transports():
        expect(transport == "forward" or f"transport == '{transport}'" in PROGRAM, transport)


if __name__ == "__main__":
    harness.main()
