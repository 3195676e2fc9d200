# SPDX-License-Identifier: Apache-2.0
"""Which addresses a policy reaches: wildcards, NAT64, and a Host that contradicts its request."""
import harness
import world
from harness import expect, test

origins = world.World()
PORT = world.API_PORT
TRANSLATED = ("64:ff9b::a4d:1", "64:ff9b::c01f:c407", "64:ff9b:1:a4d:0:100::")
translators = {
    address: origins.serve(world.HttpServer((address, PORT), world.ApiHandler))
    for address in TRANSLATED}

CURL = "curl -gsS --max-time 8"
# By the proxy, by a tunnel, and without a word of a proxy.
TRANSPORTS = (CURL, f"{CURL} --proxytunnel", f"env -i {CURL}")


def ask(policy, *hosts, transports=TRANSPORTS):
    """How many of the requests, one for each host and transport, were served. Also the result."""
    script = "\n".join(f"{transport} http://{host}:{PORT}/hello || true"
                       for host in hosts for transport in transports)
    result = harness.run_shell(script, policy)
    return result.out.count('"hello": "world"'), result


@test("a wildcard reaches no private address that a client writes, whatever it matches as text")
def _wildcards():
    before = origins.api.connections, origins.api6.connections
    patterns = ("10.*.*.*", "**.0.1", "10.77.*.1", "1*.77.0.1", "*.77.0.1", "::ffff:10.77.*.*",
                "::ffff:1*.77.0.1")
    served, result = ask(world.policy(*({"host": pattern, "port": PORT} for pattern in patterns)),
                         "10.77.0.1", "[::ffff:10.77.0.1]")
    expect(served == 0, result)
    expect((origins.api.connections, origins.api6.connections) == before, result)
    expect("10.77.0.1 resolves to internal address 10.77.0.1" in result.err, result)


@test("a wildcard beside which the address, or its network, is written reaches it")
def _named():
    for endpoints in (({"host": "10.*.*.*", "port": PORT, "allowed_ips": ["10.77.0.0/24"]},),
                      ({"host": "10.*.*.*", "port": PORT}, {"host": "10.77.0.1", "port": PORT}),
                      ({"host": "10.77.0.1", "port": PORT},),
                      ({"port": PORT, "allowed_ips": ["10.77.0.1"]},)):
        served, result = ask(world.policy(*endpoints), "10.77.0.1")
        expect(served == len(TRANSPORTS), endpoints, result)


@test("a wildcard reaches a public address that a client writes")
def _public():
    served, result = ask(world.policy({"host": "192.*.*.*", "port": PORT}), world.PUBLIC_ADDRESS)
    expect(served == len(TRANSPORTS), result)


@test("an address of NAT64 is what it is translated to: public, private or loopback")
def _nat64():
    before = {address: server.connections for address, server in translators.items()}
    served, result = ask(world.policy({"host": "*.nat64.test", "port": PORT}),
                         "private.nat64.test", "loopback.nat64.test", "local.nat64.test")
    expect(served == 0 and before == {a: s.connections for a, s in translators.items()}, result)
    expect("always-blocked address 64:ff9b::7f00:1" in result.err, result)
    expect("internal address 64:ff9b::a4d:1" in result.err, result)
    expect("internal address 64:ff9b:1:a4d:0:100::" in result.err, result)
    served, result = ask(world.policy({"host": "*.nat64.test", "port": PORT}), "public.nat64.test")
    expect(served == len(TRANSPORTS), result)


@test("a private address of NAT64 is reached by its name, by itself, and as the IPv4 network")
def _nat64_named():
    for endpoint, hosts in (
            ({"host": "private.nat64.test", "port": PORT}, ["private.nat64.test"]),
            ({"host": "64:ff9b::a4d:1", "port": PORT}, ["[64:ff9b::a4d:1]"]),
            ({"host": "local.nat64.test", "port": PORT}, ["local.nat64.test"]),
            ({"port": PORT, "allowed_ips": ["10.77.0.0/16"]},
             ["private.nat64.test", "[64:ff9b::a4d:1]"])):
        served, result = ask(world.policy(endpoint), *hosts, transports=TRANSPORTS[:2])
        expect(served == 2 * len(hosts), endpoint, result)


@test("loopback behind NAT64 is refused although the policy names it")
def _nat64_loopback():
    policy = world.policy({"host": "loopback.nat64.test", "port": PORT},
                          {"host": "64:ff9b::7f00:1", "port": PORT},
                          {"host": "64:ff9b:1:7f00:0:100::", "port": PORT})
    served, result = ask(policy, "loopback.nat64.test", "[64:ff9b::7f00:1]",
                         "[64:ff9b:1:7f00:0:100::]", transports=TRANSPORTS[:2])
    expect(served == 0 and result.err.count("always-blocked") >= 3, result)


@test("a request whose Host is not where it goes is refused, by the proxy and by a tunnel")
def _host():
    before = origins.api.connections, origins.api_other.connections
    result = harness.run_python(
        "import os, re, socket\n"
        "host, port = re.search(r'//([^/]+):(\\d+)', os.environ['http_proxy']).groups()\n"
        "def ask(text):\n"
        "    s = socket.create_connection((host, int(port)), timeout=5)\n"
        "    s.sendall(text.encode()); a = b''\n"
        "    while b'\\r\\n\\r\\n' not in a or (b'403' in a and b'}' not in a):\n"
        "        d = s.recv(4096)\n"
        "        if not d: break\n"
        "        a += d\n"
        "    print(a[9:12].decode(), 'mismatch' if b'request_authority_mismatch' in a else '-')\n"
        "for fields in ('Host: other.test:8080', 'Host: 10.77.0.1:8080\\r\\nHost: other.test:8080',\n"
        "               'Host: ', 'Host: 10.77.0.1:81', 'Host: 10.77.0.1.other.test:8080',\n"
        "               'Host: 10.77.0.1:8080', 'X: y'):\n"
        "    ask('GET http://10.77.0.1:8080/hello HTTP/1.1\\r\\n%s\\r\\n\\r\\n' % fields)\n"
        "    ask('CONNECT 10.77.0.1:8080 HTTP/1.1\\r\\n%s\\r\\n\\r\\n' % fields)\n"
        "ask('CONNECT 10.77.0.1:8080 HTTP/1.1\\r\\nHost: 10.77.0.1\\r\\n\\r\\n')\n",
        world.policy(f"10.77.0.1:{PORT}", f"other.test:{PORT}"))
    lines = result.out.splitlines()
    expect(lines == ["403 mismatch"] * 10 + ["200 -"] * 5, result)
    expect(origins.api.connections == before[0] + 5, result)
    expect(origins.api_other.connections == before[1], result)
    expect("10.77.0.1:8080" in result.denials()[0] and "Host" in result.denials()[0], result)


harness.main()
