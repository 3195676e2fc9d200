# SPDX-License-Identifier: Apache-2.0
"""Names in the box: who answers, what is answered, and what leaves."""
import harness
import world
from harness import expect, test

origins = world.World()
CURL = ["curl", "-sS", "--max-time", "8"]


@test("a name in the policy works for a program that ignores proxy variables")
def _captured():
    result = harness.run_host(["env", "-i", *CURL, "http://api.example.test:8080/hello"],
                              world.policy("api.example.test:8080"))
    expect(result.code == 0 and '"hello": "world"' in result.out, result)
    expect(not result.denials(), result)


# A resolver of its own, so that each record type can be asked for.
RESOLVER = r"""
import os, socket, struct, sys
servers = [l.split()[1] for l in open('/etc/resolv.conf') if l.startswith('nameserver')]
def ask(name, kind, tcp=False, identity=7):
    q = struct.pack('>HHHHHH', identity, 0x100, 1, 0, 0, 0)
    q += b''.join(bytes([len(l)]) + l.encode() for l in name.split('.')) + b'\0'
    q += struct.pack('>HH', kind, 1)
    server = servers[0]
    family = socket.AF_INET6 if ':' in server else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
    s.settimeout(4); s.connect((server, 53))
    if tcp:
        s.send(struct.pack('>H', len(q)) + q); a = s.recv(4096)[2:]
    else:
        s.send(q); a = s.recv(4096)
    i, flags, _, answers, _, _ = struct.unpack('>HHHHHH', a[:12])
    assert i == identity
    if answers:
        offset = len(q)
        offset += 2 if a[offset] >= 192 else len(name) + 2
        size = struct.unpack('>H', a[offset + 8:offset + 10])[0]
        address = a[offset + 10:offset + 10 + size]
        if size in (4, 16):
            family = socket.AF_INET if size == 4 else socket.AF_INET6
            return flags & 15, socket.inet_ntop(family, address)
    return flags & 15, None
"""
RCODE_NOTIMP = 4


@test("the resolver answers a name that the policy allows, one address for one name")
def _dns_allowed():
    result = harness.run_python(
        RESOLVER + "print([ask('api.example.test', 1), ask('api.example.test', 1, tcp=True),\n"
        "       ask('origin.test', 1)])\n",
        world.policy("api.example.test:8080", "origin.test:8080"))
    expect(result.code == 0, result)
    first, again, other = eval(result.out)  # pylint: disable=eval-used
    expect(first[0] == 0 and first[1] and first == again and other[1] != first[1], result)
    expect(first[1] != world.ADDRESS, "the address must be synthetic:", result)


@test("the resolver refuses a name that the policy does not allow, says so, and asks nobody")
def _dns_refused():
    result = harness.run_python(RESOLVER + "print(ask('stolen-data.evil.test', 1))\n",
                                world.policy("api.example.test:8080"))
    expect(result.code == 0, result)
    expect(eval(result.out)[0] in (3, 5), result)  # pylint: disable=eval-used
    expect(len(result.denials()) == 1 and "evil.test" in result.denials()[0], result)


@test("HTTPS records get no data, TXT is not implemented")
def _dns_types():
    result = harness.run_python(
        RESOLVER + "print([ask('api.example.test', 65), ask('api.example.test', 16)])\n",
        world.policy("api.example.test:8080"))
    expect(result.code == 0, result)
    https, text = eval(result.out)  # pylint: disable=eval-used
    expect(https == (0, None) and text == (RCODE_NOTIMP, None), result)


@test("a query to any other server's port 53 is answered by the same resolver")
def _dns_elsewhere():
    result = harness.run_python(
        RESOLVER + "servers[:] = ['10.77.0.1']\nprint(ask('api.example.test', 1))\n",
        world.policy("api.example.test:8080"))
    expect(result.code == 0 and eval(result.out)[0] == 0, result)  # pylint: disable=eval-used


@test("an address that the resolver handed out leads to its name only on the allowed port")
def _dns_port():
    result = harness.run_host(["env", "-i", *CURL, "http://api.example.test:8081/"],
                              world.policy("api.example.test:8080"))
    expect('"error":"policy_denied"' in result.out and len(result.denials()) == 1, result)
    expect("api.example.test:8081" in result.denials()[0], result)
    expect(origins.refused.connections == 0, result)


harness.main()
