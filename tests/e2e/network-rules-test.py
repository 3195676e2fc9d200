# SPDX-License-Identifier: Apache-2.0
"""What an attacker in the box tries on the network, and what therefore holds."""
import re

import harness
import world
from harness import expect, test

origins = world.World()

API = f"{world.ADDRESS}:{world.API_PORT}"
CURL = ["curl", "-sS", "--max-time", "8"]


@test("a datagram is refused at once, and none leaves")
def _udp():
    result = harness.run_python(
        "import socket, time\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)\n"
        f"s.connect(('{world.ADDRESS}', {world.UDP_PORT}))\n"
        "began = time.monotonic()\n"
        "try: s.send(b'x'); s.recv(10); print('answered')\n"
        "except OSError as e: print(type(e).__name__)\n"
        "print('quick' if time.monotonic() - began < 1 else 'slow')\n", world.policy(API))
    expect(result.out.split() == ["ConnectionRefusedError", "quick"], result)
    expect(not origins.udp_datagrams, origins.udp_datagrams)


@test("raw and packet sockets are refused")
def _raw():
    result = harness.run_python(
        "import socket\n"
        "for family, kind, protocol in ((socket.AF_INET, socket.SOCK_RAW, 1),\n"
        "    (socket.AF_INET6, socket.SOCK_RAW, 58), (socket.AF_PACKET, socket.SOCK_RAW, 0),\n"
        "    (socket.AF_PACKET, socket.SOCK_DGRAM, 0)):\n"
        "    try: socket.socket(family, kind, protocol); print('opened', family, kind)\n"
        "    except OSError: print('refused')\n", world.policy(API))
    expect(result.code == 0 and result.out.split() == ["refused"] * 4, result)


@test("a loopback destination is refused although the policy names it, by address and by name")
def _loopback():
    for url, endpoint in (("http://127.0.0.1:8080/", "127.0.0.1:8080"),
                          ("http://localhost:8080/", "localhost:8080"),
                          ("http://sneaky.test:8080/", "sneaky.test:8080"),
                          ("http://[::ffff:127.0.0.1]:8080/", "[::ffff:127.0.0.1]:8080")):
        result = harness.run_host(
            ["sh", "-c", f"curl -sS -g --max-time 8 --noproxy '' -x \"$http_proxy\" '{url}'"],
            world.policy(endpoint))
        expect("hello" not in result.out, url, result)
        expect(origins.loopback.connections == 0, url, result)


@test("a wildcard listener in the box does not answer for a foreign address")
def _wildcard_listener():
    result = harness.run_python(
        "import socket, threading\n"
        "s = socket.socket(); s.bind(('0.0.0.0', 8081)); s.listen()\n"
        "t = socket.socket(socket.AF_INET6); t.bind(('::', 8082)); t.listen()\n"
        "for family, address in ((socket.AF_INET, ('10.77.0.1', 8081)),\n"
        "                        (socket.AF_INET6, ('fd77::1', 8082))):\n"
        "    c = socket.socket(family); c.settimeout(3)\n"
        "    try:\n"
        "        c.connect(address); c.send(b'GET / HTTP/1.0\\r\\n\\r\\n'); print(c.recv(100))\n"
        "    except OSError as e: print('refused')\n"
        "for l in (s, t):\n"
        "    l.settimeout(0.2)\n"
        "    try: l.accept(); print('answered for it')\n"
        "    except OSError: print('silent')\n", world.policy(API))
    expect(result.code == 0 and "answered for it" not in result.out, result)
    expect(result.out.split().count("silent") == 2, result)


@test("a server in the box is reached by the box's own programs on its loopback")
def _own_loopback():
    result = harness.run_python(
        "import socket\n"
        "for family, address in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):\n"
        "    s = socket.socket(family); s.bind((address, 0)); s.listen()\n"
        "    c = socket.create_connection(s.getsockname()[:2], timeout=3); s.accept(); print('ok')\n",
        world.policy(API))
    expect(result.out.split() == ["ok", "ok"], result)
    expect(not result.denials(), result)


@test("the Host header never supplies the name of a captured connection")
def _host_header():
    result = harness.run_host(
        ["env", "-i", *CURL, "-f", "-H", "Host: api.example.test:8080", f"http://{API}/hello"],
        world.policy("api.example.test:8080"))
    expect(result.code != 0 and "hello" not in result.out, result)
    expect(len(result.denials()) == 1 and world.ADDRESS in result.denials()[0], result)


@test("a request whose Host contradicts its destination does not arrive with that Host")
def _contradiction():
    before = len(origins.api.requests)
    result = harness.run_host([*CURL, "-f", "-H", "Host: other.test:8080", f"http://{API}/hello"],
                              world.policy(API))
    expect('"host": "other.test' not in result.out, result)
    if result.code == 0:
        expect(f'"host": "{API}"' in result.out, result)
    else:
        expect(len(origins.api.requests) == before, result)


@test("the listeners of the box cannot be hijacked by SO_REUSEADDR or SO_REUSEPORT")
def _hijack():
    result = harness.run_python(
        "import os, re, socket\n"
        "host, port = re.search(r'//([^/]+):(\\d+)', os.environ['http_proxy']).groups()\n"
        "resolver = re.search(r'nameserver (\\S+)', open('/etc/resolv.conf').read()).group(1)\n"
        "for kind, address in ((1, (host, int(port))), (1, ('0.0.0.0', int(port))),\n"
        "                      (2, (resolver, 53)), (2, ('0.0.0.0', 53))):\n"
        "    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):\n"
        "        s = socket.socket(socket.AF_INET, kind); s.setsockopt(1, option, 1)\n"
        "        try:\n"
        "            s.bind(address)\n"
        "            if kind == 1: s.listen()\n"
        "            print('TAKEN', kind, address)\n"
        "        except OSError as e: print('refused')\n", world.policy(API))
    expect(result.code == 0 and "TAKEN" not in result.out, result)
    expect(result.out.count("refused") == 8, result)


@test("a TLS client may ask for the name that it was allowed to reach and for no other, tunnelled or captured")
def _tls_name():
    endpoint = f"api.example.test:{world.ECHO_PORT}"
    result = harness.run_recorded(
        [harness.PYTHON, "-I", "-c",
        "import os, socket, ssl, urllib.parse\n"
        "def hello(name):\n"
        "    context = ssl.create_default_context()\n"
        "    out = ssl.MemoryBIO()\n"
        "    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)\n"
        "    try: client.do_handshake()\n"
        "    except ssl.SSLWantReadError: return out.read()\n"
        "def captured():\n"
        f"    return socket.create_connection(('api.example.test', {world.ECHO_PORT}), timeout=5)\n"
        "def tunnelled():\n"
        "    proxy = urllib.parse.urlsplit(os.environ['http_proxy'])\n"
        "    s = socket.create_connection((proxy.hostname, proxy.port), timeout=5)\n"
        f"    s.sendall(b'CONNECT {endpoint} HTTP/1.1\\r\\n\\r\\n')\n"
        "    assert s.recv(1000).startswith(b'HTTP/1.1 200 ')\n"
        "    return s\n"
        "for way in captured, tunnelled:\n"
        "    for name in 'api.example.test', 'API.example.test', 'other.example.test':\n"
        "        for pieces in 1, 3:\n"
        "            s = way(); text = hello(name); got = b''\n"
        "            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)\n"
        "            try:\n"
        "                for i in range(pieces):\n"
        "                    s.sendall(text[len(text) * i // pieces:len(text) * (i + 1) // pieces])\n"
        "                while len(got) < len(text): got += s.recv(4096) or exit('ended')\n"
        "                print('passed' if got == text else 'changed')\n"
        "            except ConnectionResetError: print('reset', len(got))\n"],
        world.policy({"host": "api.example.test", "port": world.ECHO_PORT,
                      "allowed_ips": [f"{world.ADDRESS}/32"]}))
    expect(result.out.splitlines() == (["passed"] * 4 + ["reset 0"] * 2) * 2, result)
    reasons = [event["payload"][6] for event in result.events("network.denied")]
    expect(reasons and all("asks for other.example.test" in reason for reason in reasons), reasons)
    expect(any("other.example.test" in line for line in result.denials()), result)


@test("a flood of denials becomes few lines and does not starve another program's allow")
def _flood():
    result = harness.run_recorded(
        ["sh", "-c",
         f"{harness.PYTHON} -I -c '\n"
         "import socket\n"
         "for number in range(400):\n"
         "    s = socket.socket(); s.settimeout(2)\n"
         "    try: s.connect((\"10.77.0.1\", 8081)); s.send(b\"x\"); s.recv(1)\n"
         "    except OSError: pass\n"
         "    s.close()\n"
         f"' & env -i {' '.join(CURL)} http://{API}/hello; wait"],
        world.policy(API))
    expect('"hello": "world"' in result.out, result)
    expect(1 <= len(result.denials()) <= 20, f"{len(result.denials())} lines", result)
    counted = sum(event.get("count", 1) for event in result.events("network.denied"))
    expect(counted == 400, f"{counted} denials are recorded of 400")
    expect(origins.refused.connections == 0, "the other side saw them")


@test("what the box says reaches no terminal unescaped: its program's name, a host it asks for")
def _escapes():
    result = harness.run_shell(
        "cp /usr/bin/nc \"$(printf './\\033]0;owned\\007\\033[31mnc')\"\n"
        "\"$(printf './\\033]0;owned\\007\\033[31mnc')\" -w 3 10.77.0.1 8081\n"
        "printf 'CONNECT \\033[31mred.test:80 HTTP/1.1\\r\\n\\r\\n' | "
        "nc -w 3 127.0.0.1 \"$(echo $http_proxy | sed 's/.*:\\([0-9]*\\).*/\\1/')\"\n"
        "exit 0", world.policy(API))
    expect(result.code == 0, result)
    expect(len(result.denials()) >= 1, result)
    bad = re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", result.err)
    expect(not bad, "control characters on stderr:", repr(result.err))


@test("a hint is offered only for what passes its grammar")
def _hints():
    result = harness.run_shell(
        "cp /usr/bin/nc './n c;$(touch x)'; './n c;$(touch x)' -w 3 10.77.0.1 8081; exit 0",
        world.policy(API))
    for line in result.denials():
        expect("$(touch" not in line.split("allow", 1)[-1] or "'" in line, line)


harness.main()
