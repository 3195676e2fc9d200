# SPDX-License-Identifier: Apache-2.0
"""The box's network: each way of capture, what is refused, who it was, and what a flood costs."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import harness
import world
from harness import expect, test

origins = world.World()

API = f"{world.ADDRESS}:{world.API_PORT}"
API6 = f"[{world.ADDRESS6}]:{world.API_PORT}"
CURL = ["curl", "-sS", "--max-time", "8"]
NO_NETWORK = ["--disable", "network"]
CAPTURES = ("tproxy", "redirect")
# A sender that lives until its refusals have been looked up.
SEND = ("import socket, sys, time\n"
        "def udp(address, port, connect):\n"
        "    s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET,\n"
        "                      socket.SOCK_DGRAM)\n"
        "    s.settimeout(5)\n"
        "    began = time.monotonic()\n"
        "    try:\n"
        "        if connect:\n"
        "            s.connect((address, port)); s.send(b'x'); s.recv(9)\n"
        "        else:\n"
        "            s.sendto(b'x', (address, port)); time.sleep(0.2); return 'sent'\n"
        "    except OSError as e:\n"
        "        return type(e).__name__ + (' quick' if time.monotonic() - began < 1 else ' slow')\n"
        "    finally: time.sleep(0.2)\n")


def capture(kind):
    return ["--set", f"process.capture={kind}"]


def captures_of(result, **wanted):
    """The capture denials whose fields and details are as wanted."""
    found = []
    for event in result.events("network.denied"):
        _, layer, host, port, binary, _, reason, _, details = event["payload"]
        entry = {"layer": layer, "host": host, "port": port, "binary": binary, "reason": reason,
                 "count": event.get("count", 1), **details}
        if layer == "capture" and all(entry.get(key) == value for key, value in wanted.items()):
            found.append(entry)
    return found


def plugin_folder(name):
    folder = tempfile.mkdtemp(prefix="osh-plugins-", dir=os.path.dirname(harness.scratch()))
    shutil.copy(os.path.join(harness.BUILD, "tests/plugins", name + ".so"), folder)
    return folder


@test("direct connect refused fast: each way of capture serves what is allowed and refuses the rest")
def _captures():
    for kind in CAPTURES:
        for address, url in ((API, API), (API6, API6)):
            result = harness.run_host(["env", "-i", *CURL, f"http://{url}/hello"],
                                      world.policy(address), capture(kind))
            expect('"hello": "world"' in result.out, kind, result)
            expect(f"| {kind} |" in result.err, result)
        began = time.monotonic()
        result = harness.run_host(["env", "-i", *CURL, "-f", f"http://{world.ADDRESS}:8081/"],
                                  world.policy(API), capture(kind))
        expect(result.code != 0 and len(result.denials()) == 1, kind, result)
        expect("curl(" in result.denials()[0] and time.monotonic() - began < 3, kind, result)


@test("a name works with each way of capture")
def _names():
    for kind in CAPTURES:
        result = harness.run_host(["env", "-i", *CURL, "http://api.example.test:8080/hello"],
                                  world.policy("api.example.test:8080"), capture(kind))
        expect('"hello": "world"' in result.out, kind, result)


TWO_FROM_ONE_PORT = (
    "import socket\n"
    "answers = []\n"
    "sockets = []\n"
    f"for address in ('{world.ADDRESS}', '{world.OTHER_ADDRESS}'):\n"
    "    s = socket.socket(); s.settimeout(5)\n"
    "    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
    "    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)\n"
    "    s.bind(('10.200.0.2', 4444))\n"
    "    try:\n"
    f"        s.connect((address, {world.API_PORT}))\n"
    "        s.send(b'GET /hello HTTP/1.0\\r\\n\\r\\n')\n"
    "        answer = b''\n"
    "        while data := s.recv(4096): answer += data\n"
    "        answers.append('served' if b'hello' in answer else 'nothing')\n"
    "    except OSError as e: answers.append('refused')\n"
    "    sockets.append(s)\n"
    "print(*answers)\n")


@test("a tuple that is not found exactly is denied: two connections from one port, redirected")
def _exact_tuple():
    both = world.policy(API, f"{world.OTHER_ADDRESS}:{world.API_PORT}")
    result = harness.run_python(TWO_FROM_ONE_PORT, both, options=capture("redirect"))
    expect(result.out.split()[0] == "served" and result.out.split()[1] in ("nothing", "refused"),
           result)
    expect(len(result.denials()) == 1 and "[identity]" in result.denials()[0] and
           "not known here" in result.denials()[0], result)
    result = harness.run_python(TWO_FROM_ONE_PORT, both, options=capture("tproxy"))
    expect(not result.denials() and result.out.split()[0] == "served", result)


@test("without capture: refused unless given up by name, then only the proxy is served")
def _no_capture():
    result = harness.run_host(["true"], world.policy(API), capture("none"))
    expect(result.code == 125 and "--allow-degraded=capture" in result.err, result)
    options = [*capture("none"), "--allow-degraded=capture"]
    result = harness.run_host([*CURL, f"http://{API}/hello"], world.policy(API), options)
    expect('"hello": "world"' in result.out, result)
    expect("degraded" in result.err and "WITHOUT capture" in result.err, result)
    before = len(origins.api.requests)
    result = harness.run_python(
        SEND + "s = socket.socket(); s.settimeout(5)\n"
        f"try: s.connect(('{world.ADDRESS}', {world.API_PORT})); print('connected')\n"
        "except OSError as e: print(e.strerror)\n"
        f"print(udp('{world.ADDRESS}', {world.UDP_PORT}, True))\n",
        world.policy(API), options=options)
    expect("connected" not in result.out and "Network is unreachable" in result.out, result)
    expect("OSError quick" in result.out, result)
    expect(len(origins.api.requests) == before and not origins.udp_datagrams, result)


@test("a capture that does not exist is an error that names those that do")
def _bad_capture():
    result = harness.run_host(["true"], world.policy(API), capture("magic"))
    expect(result.code == 125 and '"redirect"' in result.err, result)


@test("netns create/drop: only lo, its addresses and routes; no name; all gone after")
def _create_drop():
    with harness.nothing_left():
        before = {place: os.listdir(place) if os.path.isdir(place) else None
                  for place in ("/run/netns", "/var/run/netns")}
        result = harness.run_python(
            "import os, socket\n"
            "print('links', *[name for _, name in socket.if_nameindex()])\n"
            "print('v6', *sorted(line.split()[0] for line in open('/proc/net/if_inet6')))\n"
            "for line in open('/proc/net/fib_trie'):\n"
            "    if '10.200.0' in line: print('v4', line.split()[-1])\n"
            "print('net', os.readlink('/proc/self/ns/net'))\n", world.policy(API))
        for place, names in before.items():
            expect((os.listdir(place) if os.path.isdir(place) else None) == names, place)
    lines = result.out.splitlines()
    expect("links lo" in lines, result)
    expect(f"v6 {'0' * 31}1 fd000200{'0' * 23}1 fd000200{'0' * 23}2" in lines, result)
    expect("v4 10.200.0.1" in lines and "v4 10.200.0.2" in lines, result)
    expect(f"net {namespace_of(os.getpid())}" not in lines, result)


@test("trusted helper lookup: none is looked up, for no part of ours can run a program outside")
def _no_helper():
    starters = re.compile(r"\b(exec[lv]\w*|fexecve|posix_spawnp?|popen|system|g_spawn_\w+|"
                          r"g_subprocess_\w+)(@|$)")
    for path in (harness.HOST, *(os.path.join(harness.PLUGINS, name, f"openshell-{name}.so")
                                 for name in ("process", "network"))):
        done = subprocess.run(["nm", "-D", "--undefined-only", path], capture_output=True,
                              text=True, check=True)
        found = [line for line in done.stdout.splitlines() if starters.search(line)]
        expect(not found, path, found)
    # Nor does a search path that leads nowhere keep a box from its network.
    result = harness.run_host(["/usr/bin/env", "-i", "/usr/bin/" + CURL[0], *CURL[1:],
                               f"http://{API}/hello"], world.policy(API),
                              env=harness.clean_environment(PATH="/nowhere"))
    expect('"hello": "world"' in result.out, result)


@test("a failure of the network is fatal: no program runs, and nothing is left")
def _fatal():
    with harness.nothing_left():
        result = harness.run_shell("echo ran", world.policy(API), options=capture("none"))
    expect(result.code == 125 and "ran" not in result.out, result)


@test("bypass event: a refused datagram names program, pid, uid, address, port and protocol")
def _attributed():
    targets = [(address, port, connect)
               for address in (world.ADDRESS, "203.0.113.7", world.ADDRESS6, "2001:db8::7")
               for port, connect in ((443, True), (9999, False))]
    result = harness.run_recorded(
        [harness.PYTHON, "-I", "-c", SEND + "import os\nprint(os.getuid())\n" + "\n".join(
            f"print(udp('{address}', {port}, {connect}))" for address, port, connect in targets)],
        world.policy(API))
    uid = int(result.out.split()[0])
    for address, port, connect in targets:
        found = captures_of(result, host=address, port=port, protocol="udp", uid=uid)
        expect(found, address, port, result, result.recorded)
        expect(re.fullmatch(r"/usr/bin/python3[.0-9]*", found[0]["binary"]) and found[0]["pid"] > 0,
               found)
    expect(result.out.count("ConnectionRefusedError quick") == 4, result)
    expect(not origins.udp_datagrams, "a datagram left")


@test("hints: QUIC, a resolver, other datagrams, multicast and a box without network")
def _hints():
    script = SEND + "udp('203.0.113.7', 443, False); udp('203.0.113.7', 123, False)\n"
    result = harness.run_recorded([harness.PYTHON, "-I", "-c", script], world.policy(API))
    expect("fall back to TCP" in captures_of(result, port=443)[0]["hint"], result)
    expect("TCP form" in captures_of(result, port=123)[0]["hint"], result)
    expect(any("; next: QUIC is not carried" in line for line in result.denials()), result)
    result = harness.run_recorded(
        [harness.PYTHON, "-I", "-c", SEND + "print(udp('224.0.0.251', 5353, False))\n"
         "print(udp('239.1.1.1', 7, False))\n"], world.policy(API))
    expect("nameserver" in captures_of(result, port=5353)[0]["hint"], result)
    expect("stay in the box" in captures_of(result, port=7)[0]["hint"], result)
    expect(result.out.count("PermissionError quick") == 2, result)
    result = harness.run_recorded(
        [harness.PYTHON, "-I", "-c", SEND + "udp('203.0.113.7', 53, False)\n"
         "try: socket.create_connection(('203.0.113.7', 443), 5)\n"
         "except OSError as e: print(type(e).__name__)\n"], world.policy(), NO_NETWORK)
    expect("network_policies" in captures_of(result, port=53)[0]["hint"], result)
    expect(captures_of(result, port=443, protocol="tcp"), result)
    expect("ConnectionRefusedError" in result.out, result)


QUIC = ("const dgram = require('dgram');\n"
        "const began = Date.now();\n"
        "const s = dgram.createSocket(process.argv[1].includes(':') ? 'udp6' : 'udp4');\n"
        "s.on('error', e => { console.log(e.code, Date.now() - began < 1500 ? 'quick' : 'slow');\n"
        "                     setTimeout(() => process.exit(0), 100); });\n"
        "s.connect(443, process.argv[1], () => s.send('initial'));\n"
        "setTimeout(() => { console.log('hangs'); process.exit(1); }, 6000);\n")


@test("a client of QUIC falls back at once: its datagram socket sees ECONNREFUSED, also by IPv6")
def _quic():
    for kind in CAPTURES:
        for address in ("203.0.113.7", "2001:db8::7"):
            result = harness.run_host(["node", "-e", QUIC, address], world.policy(API),
                                      capture(kind))
            expect(result.out.split() == ["ECONNREFUSED", "quick"], kind, address, result)
            expect(len(result.denials()) == 1 and "node(" in result.denials()[0], result)


FLOOD = (
    "import os, socket, time\n"
    "def one_socket(n):\n"
    "    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setblocking(False)\n"
    "    sent = 0\n"
    "    for i in range(n):\n"
    "        try: s.sendto(b'x', (f'198.18.{i >> 8 & 255}.{i & 255}', 4000)); sent += 1\n"
    "        except OSError: pass\n"
    "    return sent\n"
    "def many_sockets(n):\n"
    "    sent = 0\n"
    "    for i in range(n):\n"
    "        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
    "        s.sendto(b'x', ('198.19.0.1', 4001)); s.close(); sent += 1\n"
    "    return sent\n")


@test("a flood is counted to the last packet and another program's refusal keeps its name")
def _flood_counted():
    victim = SEND + "time.sleep(0.3)\nudp('203.0.113.9', 7777, False)\n"
    result = harness.run_recorded(
        ["sh", "-c", f"cp {harness.PYTHON} ./victim; ./victim -I -c \"$1\" & "
         f"{harness.PYTHON} -I -c \"$0\"; wait",
         FLOOD + "began = time.monotonic(); sent = 0\n"
         "while time.monotonic() - began < 1.5:\n"
         "    sent += one_socket(300) + many_sockets(20); time.sleep(0.01)\n"
         "print(sent); time.sleep(0.3)\n", victim],
        world.policy(API))
    sent = int(result.out.split()[0])
    found = captures_of(result, host="203.0.113.9", port=7777)
    flood = [entry for entry in captures_of(result) if entry["host"] != "203.0.113.9"]
    losses = [entry for entry in flood if "were not recorded" in entry["reason"]]
    told = sum(entry["packets"] * entry["count"] for entry in flood)
    expect(losses, "the loss is not told", result)
    expect(len(flood) < 600, f"{len(flood)} events")
    # A buffer that ran over is a loss of unknown size: then the sum is less, and says so.
    if any(entry["packets"] == 0 for entry in losses):
        expect(told <= sent, told, sent)
        return
    expect(found and found[0]["binary"].endswith("/victim"), found, result)
    expect(told == sent, f"{told} packets are told of {sent}", flood[:5])


@test("a flood of refused datagrams starves nobody: others are identified and served meanwhile")
def _flood_starves_nobody():
    result = harness.run_host(
        ["sh", "-c", f"{harness.PYTHON} -I -c \"$0\" & sleep 0.3; "
         f"for i in 1 2 3 4 5; do env -i {' '.join(CURL)} -w '%{{time_total}}\\n' -o /dev/null "
         f"http://{API}/hello; done; kill $!",
         FLOOD + "while True: one_socket(500); many_sockets(100)\n"], world.policy(API))
    times = [float(line) for line in result.out.split()]
    expect(len(times) == 5 and max(times) < 3, result)


@test("ambiguous owner: two programs that hold one socket are told as uncertain, not as one of them")
def _ambiguous():
    result = harness.run_recorded(
        ["sh", "-c", f"cp {harness.PYTHON} ./other; {harness.PYTHON} -I -c \"$0\"",
         "import os, socket, subprocess, time\n"
         "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.set_inheritable(True)\n"
         "c = subprocess.Popen(['./other', '-c', 'import time; print(1, flush=True); "
         "time.sleep(2)'], close_fds=False, stdout=subprocess.PIPE)\n"
         "c.stdout.readline(); s.sendto(b'x', ('203.0.113.7', 4242)); time.sleep(0.3); c.kill()\n"],
        world.policy(API))
    found = captures_of(result, port=4242)
    expect(found and found[0]["binary"] == "-" and "different programs" in found[0]["problem"],
           found, result)


@test("a forged source is dropped and its sender named while its connection is not answered")
def _forged():
    result = harness.run_recorded(
        [harness.PYTHON, "-I", "-c",
         "import socket, time\n"
         "for family, source, target in ((socket.AF_INET, '8.8.8.8', '10.200.0.2'),\n"
         "                               (socket.AF_INET6, '2001:db8::8', 'fd00:200::2')):\n"
         "    s = socket.socket(family); s.settimeout(0.4)\n"
         "    s.setsockopt(socket.SOL_IP if family == socket.AF_INET else 41,\n"
         "                 15 if family == socket.AF_INET else 78, 1)\n"
         "    s.bind((source, 0))\n"
         "    try: s.connect((target, 4000)); print('connected')\n"
         "    except OSError as e: print('refused')\n"], world.policy(API))
    expect(result.out.split() == ["refused"] * 2, result)
    for host, source in (("10.200.0.2", "8.8.8.8"), ("fd00:200::2", "2001:db8::8")):
        found = captures_of(result, host=host, port=4000, protocol="tcp")
        expect(found and source in found[0]["reason"] and "python" in found[0]["binary"], host,
               found, result)


@test("ping and raw sockets do not leave; a datagram of another protocol is refused and told")
def _protocols():
    result = harness.run_recorded(
        [harness.PYTHON, "-I", "-c",
         "import socket, time\n"
         "for family, kind, protocol in ((2, 2, 1), (10, 2, 58), (2, 3, 1), (2, 3, 255),\n"
         "                               (10, 3, 58), (2, 5, 132), (2, 1, 132)):\n"
         "    try: socket.socket(family, kind, protocol); print('opened', family, kind, protocol)\n"
         "    except OSError: print('refused')\n"
         "s = None\n"
         "try: s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 136)\n"
         "except OSError: print('no udplite')\n"
         "if s:\n"
         "    try: s.sendto(b'x', ('203.0.113.7', 99)); print('sent')\n"
         "    except OSError as e: print(type(e).__name__)\n"
         "    time.sleep(0.2)\n"], world.policy(API))
    expect("opened" not in result.out and result.out.count("refused") == 7, result)
    if "no udplite" not in result.out:
        expect(captures_of(result, host="203.0.113.7", port=99, protocol="udplite"), result,
               result.recorded)
        expect("sent" not in result.out, result)


SERVER = ("import socket, sys, time\n"
          "s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET)\n"
          "s.bind((sys.argv[1], 8099)); s.listen(); s.settimeout(8)\n"
          "c, peer = s.accept(); c.send(b'hello from the box'); print(peer[0]); time.sleep(0.5)\n")


@test("forward reaches ns loopback, not host: a server in the box, by IPv4 and by IPv6")
def _connect_loopback():
    for address in ("127.0.0.1", "::1"):
        result = harness.run_host(
            [harness.PYTHON, "-I", "-c", SERVER, address], world.policy(API),
            ["--plugin-dir", plugin_folder("box-client"), "--set", "box-client.port=8099"])
        expect("the server said: hello from the box" in result.err, address, result)
        expect(result.out.split() == [address], result)
        expect(result.err.count("is not a program's") == 2, result)
    # The origin of the tests listens on the host's loopback, and the box has nothing there.
    result = harness.run_host(
        ["sleep", "0.3"], world.policy(API),
        ["--plugin-dir", plugin_folder("box-client"), "--set", "box-client.port=8080"])
    expect("the server said" not in result.err and origins.loopback.connections == 0, result)


@test("peer identity: an exact tuple gives the program, on the thread that asked, in time or not")
def _peer_identity():
    result = harness.run_host(
        [harness.PYTHON, "-I", "-c", SERVER, "127.0.0.1"], world.policy(API),
        ["--plugin-dir", plugin_folder("box-client"), "--set", "box-client.port=8099"])
    for thread in ("main", "shard"):
        expect(re.search(rf"on {thread}: uid \d+, pid \d+, /usr/bin/python3[.0-9]*, hash of 64, "
                         r"0 ancestors, fresh", result.err), thread, result)
    expect(re.search(r"on main: owners 4: ", result.err), "another tuple is not CLOSED", result)
    # What was read of the owners late is an answer as well.
    expect(len(re.findall(r"on main: uid \d+, pid \d+, ", result.err)) >= 2,
           "owners that were read after the deadline are not told", result)
    expect("lookup on main: the connection was not made by a connect(2) that is known" in result.err,
           "a socket without a connect(2) has an identity", result)


@test("nothing is left after kill -9 of the host: no process, mount, file or named namespace")
def _killed():
    places = ("/run", "/run/netns", "/var/run/netns", "/tmp", "/dev/shm")

    def files():
        # Others of this machine use /tmp too.
        return {(place, name) for place in places if os.path.isdir(place)
                for name in os.listdir(place) if place != "/tmp" or "openshell" in name}

    for kind in CAPTURES:
        before = files()
        with harness.nothing_left():
            process = harness.start_host(
                ["sh", "-c", "setsid sh -c 'trap \"\" TERM HUP INT; sleep 100' & "
                 "env -i curl -s http://10.77.0.1:8080/sleep/100 & echo up; sleep 100"],
                world.policy(API), capture(kind))
            expect(process.stdout.readline() == b"up\n", "the box does not start")
            namespaces = [namespace_of(pid) for pid in harness.all_processes()]
            inner = set(namespaces) - {namespace_of(os.getpid()), None}
            expect(inner, "there is no other network namespace")
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            process.stderr.close()
        left = {namespace_of(pid) for pid in harness.all_processes()} & inner
        expect(not left and not files() - before, left, files() - before)


def namespace_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return None


harness.main()
