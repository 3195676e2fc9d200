# SPDX-License-Identifier: Apache-2.0
"""Names that a plugin answers: judged like any endpoint, over every transport, http and https."""
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time

import harness
import world
from harness import PYTHON, expect, test

origins = world.World()
secure, AUTHORITY = origins.serve_https(harness.private_scratch())

# Its authority is unknown to every run here.
untrusted, _ = origins.serve_https(harness.private_scratch(), port=8445)

ECHO = "echo.internal"
RELAY = "relay.internal"
OPEN = "open.internal"
CURL = ["curl", "-sS", "--max-time", "10"]
UNAWARE = ["env", "-i"]
BUNDLE = "/run/openshell/ca-bundle.pem"
SCRIPT_PORT = 8082
REFUSING_PORT = 8099  # nobody listens there
SILENT_PORT = 8083    # accepts, and never answers
UNTRUSTED_PORT = 8445
MEGABYTE = 1024 * 1024


def rest(host, port, access="full"):
    return {"host": host, "port": port, "protocol": "rest", "enforcement": "enforce",
            "access": access}


POLICY = world.policy(rest(ECHO, 80), rest(ECHO, 443), rest(RELAY, 80), rest(RELAY, 443))


def folder_with(*names):
    """A folder of plugins that the host may load."""
    folder = harness.private_scratch()
    for name in names:
        path = os.path.join(folder, name + ".so")
        shutil.copyfile(os.path.join(harness.BUILD, "tests", "plugins", name + ".so"), path)
        os.chmod(path, 0o755)
    return folder


PLUGINS = folder_with("virtual-host")


def options(*destinations, plugins=PLUGINS, more=()):
    chosen = ["--plugin-dir", plugins, "--set", f"network.upstream-ca={AUTHORITY}", *more]
    if destinations:
        chosen += ["--set", f"com.example.hosts.destinations={';'.join(destinations)}"]
    return chosen


def run(command, policy=POLICY, destinations=(), more=(), **keywords):
    return harness.run_recorded(command, policy, options(*destinations, more=more), **keywords)


def python(script, policy=POLICY, **keywords):
    return run([PYTHON, "-I", "-c", script], policy, **keywords)


def proxy_words(kind):
    return ["sh", "-c", f'exec curl -sS --max-time 10 {kind} "${{http_proxy#http://}}" "$@"', "curl"]

class CuttingServer:
    """Begins an answer of 100 bytes, and ends after ten of them."""

    def __init__(self):
        self.listener = socket.create_server((world.ADDRESS, SCRIPT_PORT))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            connection, _ = self.listener.accept()
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
            connection.close()


cutting = CuttingServer()
silent = socket.create_server((world.ADDRESS, SILENT_PORT))


def judged(result, host):
    """The requests that were allowed to `host`, each with its status."""
    allowed = [event for event in result.events("l7.allowed") if event["payload"][5] == host]
    statuses = {(event["payload"][0], event["payload"][1]): event["payload"][2]
                for event in result.events("l7.response")}
    return [(f"{event['payload'][3]} {event['payload'][4]}",
             statuses.get((event["payload"][0], event["payload"][1]))) for event in allowed]


def check_echo(words, scheme, port):
    result = run([*words, f"{scheme}://{ECHO}/echo?q=secret"])
    expect(result.code == 0 and f"{ECHO} GET /echo?q=secret\n" in result.out, result)
    expect(judged(result, ECHO) == [("GET /echo", 200)], result.recorded)
    [allowed] = result.events("network.allowed")
    expect(allowed["payload"][1:3] == [ECHO, port], allowed)
    [opened] = result.events("network.opened")
    expect(opened["payload"][3] == "", opened)
    expect("closed /echo complete" in result.err and "secret" not in json.dumps(result.recorded),
           result)


@test("over http a plugin answers for its name: captured, by proxy variables, by CONNECT and by SOCKS")
def _http():
    for words in ([*UNAWARE, *CURL], CURL, [*CURL, "-p"],
                  proxy_words("--noproxy '' --socks5-hostname")):
        check_echo(words, "http", 80)


@test("over https too, with a certificate of the run for the name, and no server behind it")
def _https():
    check_echo([*UNAWARE, *CURL, "--cacert", BUNDLE], "https", 443)
    check_echo(CURL, "https", 443)
    check_echo(proxy_words("--noproxy '' --socks5-hostname"), "https", 443)
    skipping = world.policy({**rest(ECHO, 443), "tls": "skip"}, rest(RELAY, 443))
    result = run([*CURL, f"https://{ECHO}/echo"], skipping)
    expect(judged(result, ECHO) == [("GET /echo", 200)], result, result.recorded)


@test("a claimed name that the policy does not allow is denied, and its plugin hears nothing")
def _denied():
    for policy, reason in ((world.policy(rest(RELAY, 80)), "not allowed by any policy"),
                           (world.policy(f"{ECHO}:80"), "needs protocol: rest")):
        result = run([*CURL, "-i", f"http://{ECHO}/echo"], policy)
        expect("HTTP/1.1 403" in result.out and "closed" not in result.err, result)
        expect(reason in result.out and len(result.denials()) == 1, result)
        expect(not result.events("l7.allowed") and not result.events("network.allowed"), result)
    result = run([*CURL, "-d", "{}", f"http://{ECHO}/echo"], world.policy(rest(ECHO, 80, "read-only")))
    expect('"error":"policy_denied"' in result.out and "closed" not in result.err, result)


@test("a name that every program may read needs no entry for GET, and one for everything else")
def _open():
    for policy in (POLICY, world.policy()):
        result = run([*CURL, f"http://{OPEN}/echo"], policy)
        expect(result.code == 0 and f"{OPEN} GET /echo?" in result.out, result)
        expect(judged(result, OPEN) == [("GET /echo", 200)], result.recorded)
    result = run([*CURL, "-H", "Content-Type: application/json", "-d", "{}", f"http://{OPEN}/echo"])
    expect('"error":"policy_denied"' in result.out and len(result.denials()) == 1, result)
    result = run([*CURL, "-d", "{}", "-H", "Content-Type: application/json", f"http://{OPEN}/echo"],
                 world.policy(rest(OPEN, 80)))
    expect(f"{OPEN} POST /echo?" in result.out, result)
    result = run([*CURL, f"http://{OPEN}/echo"], world.policy(
        {"host": OPEN, "port": 80, "protocol": "rest", "enforcement": "enforce",
         "rules": [{"allow": {"method": "GET", "path": "/other"}}]}))
    expect('"error":"policy_denied"' in result.out, result)


BODIES = f"""
import http.client
c = http.client.HTTPConnection('{ECHO}', 80, timeout=8)
kind = {{'Content-Type': 'application/json'}}
for number in range(3):
    c.request('POST', '/echo?n=%d' % number, b'[%d]' % number, kind)
    print(c.getresponse().read().decode())
c.request('POST', '/echo', iter([b'[1,', b'2]']), kind, encode_chunked=True)
print(c.getresponse().read().decode())
c.request('HEAD', '/echo'); r = c.getresponse(); print('head', r.status, r.read())
for body in (b'x' * 1048577, iter([b'x' * 524288] * 3)):
    c = http.client.HTTPConnection('{ECHO}', 80, timeout=8)
    try:
        c.request('POST', '/echo', body, kind, encode_chunked=not isinstance(body, bytes))
    except (BrokenPipeError, ConnectionResetError):
        pass
    r = c.getresponse(); print('long', r.status, r.read().decode())
"""


@test("requests of one connection are handed over one after the other, bodies decoded; one that is "
      "too long is answered 413")
def _bodies():
    result = python(BODIES)
    for number in range(3):
        expect(re.search(rf"{ECHO} POST /echo\?n={number}\n[^\[]*\[{number}\]\n", result.out), result)
    expect("[1,2]\n" in result.out and "head 200 b''" in result.out, result)
    expect(result.out.count("long 413 ") == 2 and '"request_too_large"' in result.out, result)
    expect([status for _, status in judged(result, ECHO)] == [200] * 5 + [413] * 2, result.recorded)
    for field in ("Host", "Content-Length", "Transfer-Encoding", "Connection"):
        expect(f"{field}:" not in result.out, result)
    result = run([*CURL, "-v", "-H", "Expect: 100-continue", "-H", "Content-Type: application/json",
                  "-d", "[7]", f"http://{ECHO}/echo"])
    expect("HTTP/1.1 100 Continue" in result.err and "[7]" in result.out, result)


@test("a request from a web page is refused: with an Origin, of another site, or a POST of no JSON")
def _pages():
    for words in (["-H", "Origin: http://evil.example"], ["-H", "Sec-Fetch-Site: cross-site"],
                  ["-d", "a=b"], ["-H", "Content-Type: text/plain", "-d", "{}"]):
        result = run([*CURL, *words, f"http://{ECHO}/echo"])
        expect('"error":"request_refused"' in result.out and "closed" not in result.err, result)
        [denied] = result.events("network.denied")
        expect(denied["payload"][1] == "virtual-host", denied)
    result = run([*CURL, "-H", "Sec-Fetch-Site: same-origin", "-H",
                  "Content-Type: application/problem+json; charset=utf-8", "-d", "{}",
                  f"http://{ECHO}/echo"])
    expect("POST /echo" in result.out, result)


STREAM = f"""
import socket, sys, time
s = socket.create_connection(('{ECHO}', 80), 8)
s.sendall(b'GET /stream/{64 * MEGABYTE} HTTP/1.1\\r\\nHost: {ECHO}\\r\\nConnection: close\\r\\n\\r\\n')
total = len(s.recv(65536))
print('begun', flush=True)
sys.stdin.readline()
while piece := s.recv(262144):
    total += len(piece)
print('ended', total > {64 * MEGABYTE}, flush=True)
sys.stdin.readline()
"""


def resident(pid, key="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii") as stream:
        return next(int(line.split()[1]) for line in stream if line.startswith(key + ":")) * 1024


@test("64 MiB are streamed at the client's pace, and a slow one costs no memory")
def _stream():
    process = harness.start_host([PYTHON, "-I", "-c", STREAM], harness.write_policy(POLICY),
                                 options(), stdin=subprocess.PIPE)
    try:
        expect(process.stdout.readline() == b"begun\n", "the answer did not begin")
        time.sleep(0.5)
        before = resident(process.pid)
        process.stdin.write(b"go\n")
        process.stdin.flush()
        expect(process.stdout.readline() == b"ended True\n", "the answer is not whole")
        grown = resident(process.pid, "VmHWM") - before
        expect(grown < 8 * MEGABYTE or harness.SLOWER > 1, f"{grown} bytes more")
    finally:
        process.stdin.close()
        process.wait(15)
    expect(b"closed /stream/67108864 complete after many" in process.stderr.read(), "not told")


TICKS = f"""
import http.client, time
c = http.client.HTTPConnection('{ECHO}', 80, timeout=8)
c.request('GET', '/ticks'); r = c.getresponse(); print(r.headers['Content-Type'])
began = time.monotonic()
while line := r.readline():
    if line.strip(): print(line.decode().strip(), round((time.monotonic() - began) * 1000))
"""


@test("what a plugin says arrives when it says it")
def _ticks():
    result = python(TICKS)
    times = [int(line.split()[-1]) for line in result.out.splitlines() if "tick" in line]
    expect("text/event-stream" in result.out and len(times) == 5, result)
    expect(times[-1] - times[0] >= 150, result)


@test("a client that goes away in the middle is told to the plugin, which can go on serving others")
def _gone():
    result = python(f"""
import http.client, socket, time
for path in ('/stream/{64 * MEGABYTE}', '/ticks'):
    s = socket.create_connection(('{ECHO}', 80), 8)
    s.sendall(b'GET %s HTTP/1.1\\r\\nHost: {ECHO}\\r\\n\\r\\n' % path.encode())
    s.recv(100)
    s.close()
c = http.client.HTTPConnection('{ECHO}', 80, timeout=8)
c.request('GET', '/echo'); print(c.getresponse().status)
time.sleep(0.5)
""")
    expect("200" in result.out, result)
    for path in (f"/stream/{64 * MEGABYTE}", "/ticks"):
        expect(f"closed {path} incomplete" in result.err, result)
    ends = [event["payload"][4] for event in result.events("network.closed")]
    expect(len(ends) == 3 and "stopping" not in ends, ends)


@test("a plugin that fails is answered for: 502 with its own words")
def _fails():
    result = run([*CURL, f"http://{ECHO}/error"])
    expect('"error":"virtual_host_failed","detail":"the \\"test\\" wants it so"' in result.out, result)
    expect(judged(result, ECHO) == [("GET /error", 502)], result.recorded)
    result = run([*CURL, f"http://{ECHO}/silent"])
    expect("failed without an error" in result.out, result)


@test("a plugin that breaks the contract ends its connection and is named; the run goes on")
def _breaks():
    for path, rule in (("status", "the status of an answer"), ("field", "holds a control character"),
                       ("capacity", "needs capacity")):
        result = run(["sh", "-c", f"curl -sS --max-time 10 -w '%{{http_code}} ' -o /dev/null "
                                  f"http://{ECHO}/break/{path}; echo $?; "
                                  f"curl -sS --max-time 10 http://{ECHO}/echo"])
        status, code = result.out.split("\n")[0].split()
        expect(status == "502" or code not in ("0", "28"), result)
        expect("GET /echo" in result.out, result)
        expect(re.search(rf"the plugin com\.example\.hosts broke a rule.*{rule}", result.err), result)
        [failed] = result.events("network.failed")
        expect(failed["payload"][1] == "relay" and "com.example.hosts" in failed["payload"][4], failed)


def relayed(result):
    """The allowed, denied and failed events of the destinations, with the connection's number."""
    own = [event for event in result.events("network.allowed") if event["payload"][1] == RELAY]
    kinds = {"network.allowed": 3, "network.denied": 1, "network.failed": 1}
    told = []
    for event in result.recorded:
        topic = event["topic"].removeprefix("openshell.").removesuffix("/1")
        if topic in kinds and event not in own:
            expect(event["correlation"] == own[0]["correlation"], event, own)
            host, port = event["payload"][1:3] if topic == "network.allowed" else event["payload"][2:4]
            told.append((topic[8:], event["payload"][kinds[topic]], f"{host}:{port}"))
    return told


API = f"{world.ADDRESS}:{world.API_PORT}"
JSON = ["-H", "Content-Type: application/json", "-d", "[1,2]"]


@test("a forward is a request of ours to the plugin's destination, over http and verified https, "
      "recorded under the connection")
def _forward():
    for destination, url in ((API, f"http://{RELAY}"), (f"tls:{world.ADDRESS}:{world.TLS_PORT}",
                                                       f"https://{RELAY}")):
        result = run([*CURL, "-i", *JSON, f"{url}/some/path?q=1"], destinations=[destination])
        seen = json.loads(result.out[result.out.index("{"):])
        expect((seen["method"], seen["path"], seen["body"]) == ("POST", "/some/path?q=1", "[1,2]"), seen)
        expect(seen["host"] == destination.removeprefix("tls:"), seen)
        expect(sorted(seen["headers"]) == ["Connection", "Content-Length", "Host", "X-Relayed"], seen)
        expect("X-Tried: 0" in result.out, result)
        expect(relayed(result) == [("allowed", "virtual-host", destination.removeprefix("tls:"))],
               result.recorded)
        expect("secret" not in json.dumps(result.recorded) and "q=1" not in json.dumps(result.recorded),
               result.recorded)
    result = run([*CURL, "-I", f"http://{RELAY}/head"], destinations=[API])
    expect("HTTP/1.1 200" in result.out and "X-Tried: 0" in result.out, result)
    result = run([*CURL, "-o", "/dev/null", "-w", "%{size_download}", f"http://{RELAY}/big/20000000"],
                 destinations=[API])
    expect(result.out == "20000000", result)


@test("a destination that refuses, is silent, has a bad certificate or may not be dialled is passed "
      "over, and each is told")
def _fails_over():
    bad = [f"{world.ADDRESS}:{REFUSING_PORT}", f"127.0.0.1:{world.API_PORT}",
           f"tls:{world.ADDRESS}:{UNTRUSTED_PORT}", f"{world.ADDRESS}:{SILENT_PORT}",
           "no-such-name.internal:80"]
    result = run([*CURL, "-i", *JSON, f"http://{RELAY}/x"], destinations=[*bad, API],
                 more=["--set", "com.example.hosts.first_byte=400"])
    expect("X-Tried: 5" in result.out and '"body": "[1,2]"' in result.out, result)
    expect(relayed(result) == [
        ("allowed", "virtual-host", bad[0]), ("failed", "connect", bad[0]),
        ("denied", "destination", bad[1]),
        ("allowed", "virtual-host", bad[2][4:]), ("failed", "tls", bad[2][4:]),
        ("allowed", "virtual-host", bad[3]), ("failed", "timeout", bad[3]),
        ("failed", "resolve", bad[4]),
        ("allowed", "virtual-host", API)], result.recorded)
    for number, words in enumerate(("refused", "always-blocked", "certificate", "in time", "")):
        expect(re.search(f"destination {number}: .*{words}", result.err), number, result)
    result = run([*CURL, "-i", f"http://{RELAY}/x"], destinations=bad[:2])
    expect("HTTP/1.1 502" in result.out and '"error":"upstream_unreachable"' in result.out, result)
    expect(judged(result, RELAY) == [("GET /x", 502)], result.recorded)


@test("a credential is written into a forward over verified TLS to the host that it is bound to, and "
      "nowhere else")
def _credentials():
    both = folder_with("virtual-host", "virtual-credentials")
    bound, clear = f"tls:{world.ADDRESS}:{world.TLS_PORT}", API
    elsewhere = f"tls:origin.test:{world.TLS_PORT}"
    more = ["--set", "com.example.hosts.slot=true", "--set",
            f"com.example.credentials.host={world.ADDRESS}"]
    result = harness.run_recorded([*CURL, "-i", f"http://{RELAY}/x"], POLICY,
                                  options(clear, elsewhere, bound, plugins=both, more=more))
    expect("X-Tried: 2" in result.out and '"Authorization": "Bearer s3cret"' in result.out, result)
    expect([told for told in relayed(result) if told[0] == "denied"] == [
        ("denied", "credential", clear), ("denied", "credential", elsewhere[4:])], result.recorded)
    expect("s3cret" not in result.err + json.dumps(result.recorded), result)


@test("an answer that breaks off ends in the plugin's words, or looks broken off")
def _breaks_off():
    cut = f"{world.ADDRESS}:{SCRIPT_PORT}"
    result = run([*CURL, f"http://{RELAY}/cut/words"], destinations=[cut])
    expect(result.code == 0 and result.out == "0123456789event: error\n\n", result)
    for words in ([], ["--http1.0"]):
        result = run([*CURL, *words, f"http://{RELAY}/cut"], destinations=[cut])
        expect(result.code in (18, 56) and result.out in ("0123456789", ""), result)
        expect(("failed", "relay", cut) in relayed(result), result.recorded)


@test("a malformed forward is refused to the plugin, which answers itself")
def _malformed():
    for destination in ("a_b..c:80", f"{world.ADDRESS}:0", f"{world.ADDRESS}:70000"):
        result = run([*CURL, f"http://{RELAY}/x"], destinations=[destination])
        expect(result.out == "the forward is malformed\n", result)


@test("one connection of a client may ask virtual hosts and servers in turn, each judged")
def _turns():
    policy = world.policy(rest(ECHO, 80), rest(OPEN, 80), rest(world.ADDRESS, world.API_PORT))
    result = python(f"""
import http.client, os
proxy = os.environ['http_proxy'].removeprefix('http://')
c = http.client.HTTPConnection(proxy, timeout=8)
for host in ('{ECHO}', '{API}', '{ECHO}', '{ECHO}', '{OPEN}', '{API}'):
    c.request('GET', 'http://%s/echo' % host); r = c.getresponse(); body = r.read().decode()
    print(r.status, 'world' if 'hello' in body else body.split()[0])
c.request('GET', 'http://{RELAY}/'); print(c.getresponse().status)
""", policy)
    expect(result.out.split() == ["200", ECHO, "200", "world", "200", ECHO, "200", ECHO, "200", OPEN,
                                  "200", "world", "403"], result)


@test("a policy that no longer allows the name ends its open connections")
def _reload():
    path = os.path.join(harness.private_scratch(), "policy.yaml")
    script = f"""
import http.client, time
c = http.client.HTTPConnection('{ECHO}', 80, timeout=8)
c.request('GET', '/echo'); r = c.getresponse(); r.read(); print(r.status, flush=True)
time.sleep(1.5)
try:
    c.request('GET', '/echo'); print(c.getresponse().status)
except (ConnectionError, http.client.HTTPException) as error: print(type(error).__name__)
"""
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(POLICY)
    process = harness.start_host(["env", "-u", "http_proxy", PYTHON, "-I", "-c", script], path, options())
    expect(process.stdout.readline() == b"200\n", "no answer")
    with open(path + ".new", "w", encoding="utf-8") as stream:
        stream.write(world.policy(rest(RELAY, 80)))
    os.rename(path + ".new", path)
    out, err = process.communicate(timeout=15)
    expect(b"200" not in out and (b"Error" in out or b"Disconnected" in out or b"BadStatus" in out),
           out, err)


@test("a name that two plugins claim, or that is none of a virtual host, stops the start")
def _claims():
    both = folder_with("virtual-host", "virtual-host-twin")
    result = harness.run_host(["true"], harness.write_policy(POLICY), options(plugins=both))
    expect(result.code != 0 and "claimed by" in result.err and "com.example.twin" in result.err
           and "com.example.hosts" in result.err and ECHO in result.err, result)
    for name in ("api.example.com", "Echo.internal", "internal", "10.0.0.1"):
        result = harness.run_host(["true"], harness.write_policy(POLICY), options(
            plugins=both, more=["--disable", "com.example.hosts", "--set",
                                f"com.example.twin.name={name}"]))
        expect(result.code != 0 and name in result.err and "com.example.twin" in result.err, result)
    result = harness.run_host(["true"], harness.write_policy(POLICY), options(
        plugins=both, more=["--disable", "com.example.twin"]))
    expect(result.code == 0, result)


harness.main()
