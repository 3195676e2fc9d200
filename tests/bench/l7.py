# SPDX-License-Identifier: Apache-2.0
"""l7.py [ROUNDS [MESSAGES]]: what inspection costs, for each message, against a tunnel.

One client in one box has a connection for each kind, and sends MESSAGES messages of equal size on
each in turn, ROUNDS times: one by one, and sixteen at a time, where fewer wake-ups are in the figure.
A figure is that of the fastest round, for whatever else the machine does only adds to it, in
microseconds for a message and its answer; "times" is that figure divided by the one of the tunnel
that carries the same bytes. "direct" is without a box. Run it in tests/e2e/outer-world:

    build/tests/e2e/outer-world env OSH_HOST=$PWD/build/host/openshell-host python3 -B \\
        tests/bench/l7.py
"""
import json
import os
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import harness  # pylint: disable=wrong-import-position
import world  # pylint: disable=wrong-import-position

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 40
MESSAGES = int(sys.argv[2]) if len(sys.argv) > 2 else 160
DEPTHS = (1, 16)
SIZE = 200              # bytes of a body, of a text
END = b"~END"           # stands in each message once, whatever the proxy writes around it
NAME, FILTERED = "in.example", "git.example.test"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nnull"
# RFC 6455 section 1.3.
KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
SWITCH = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n")
OPENING = ("GET /chat HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n")


def padded(body, member):
    """@body, a JSON object, with a member more that ends by END and makes it SIZE bytes long."""
    begin = json.dumps(body)[:-1] + f', "{member}": "'
    return begin + "x" * (SIZE - len(begin) - len(END) - 2) + END.decode() + '"}'


QUERY = padded({"query": "query Me { viewer { login name } repository { name } }"}, "extra")
CALL = padded({"jsonrpc": "2.0", "id": 1, "method": "reports.list"}, "params").replace(
    '"params": "', '"params": ["').replace('"}', '"]}').replace("xx", "", 1)
RULES = {"graphql": [{"allow": {"operation_type": "query", "fields": ["viewer", "repository"]}}],
         "json-rpc": [{"allow": {"method": "reports.list"}}]}
# kind → (host, protocol, body, the kind that carries the same without inspection)
KINDS = {
    "tunnel": (NAME, None, QUERY, "tunnel"),
    "rest": (NAME, "rest", QUERY, "tunnel"),
    "rest + graphql": (NAME, "graphql", QUERY, "tunnel"),
    "rest + json-rpc": (NAME, "json-rpc", CALL, "tunnel"),
    "rest + regex": (FILTERED, "rest", QUERY, "tunnel"),
    "tunnel of WebSocket": (NAME, None, None, "tunnel of WebSocket"),
    "WebSocket texts": (NAME, "websocket", None, "tunnel of WebSocket"),
}
PORTS = {kind: 9000 + number for number, kind in enumerate(KINDS)}

CLIENT = r"""
import json, socket, sys, time
rows, rounds, messages, depths = json.load(sys.stdin)
def talk(s, message, size, depth, count):
    block, expected, buffer = message * depth, size * depth, bytearray(1 << 16)
    began = time.perf_counter()
    for _ in range(count // depth):
        s.sendall(block)
        got = 0
        while got < expected:
            more = s.recv_into(buffer)
            if not more: sys.exit('the connection was closed')
            got += more
    return (time.perf_counter() - began) / (count // depth * depth)
connections = {}
for kind, host, port, opening, message, size in rows:
    s = socket.create_connection((host, port), 20)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if opening:
        s.sendall(opening.encode())
        head = b''
        while not head.endswith(b'\r\n\r\n'):
            head += s.recv(1)
        if b' 101 ' not in head: sys.exit(head.decode())
    connections[kind] = s, message.encode('latin-1'), size
found = {kind: {str(depth): [] for depth in depths} for kind in connections}
for turn in range(rounds + 1):
    for kind, (s, message, size) in connections.items():
        for depth in depths:
            seconds = talk(s, message, size, depth, messages)
            if turn: found[kind][str(depth)].append(seconds)
print(json.dumps(found))
"""


def request(host, port, path, body):
    return (f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: bench\r\nAccept: */*\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}")


def row(kind):
    """What the client sends and expects on the connection of a kind."""
    host, _, body, _ = KINDS[kind]
    port = PORTS[kind]
    if body is not None:
        return [kind, host, port, None, request(host, port, "/graphql", body), len(ANSWER)]
    text = b"x" * (SIZE - len(END)) + END
    # Masked by zeros, so that END can be found.
    frame = b"\x81\xfe" + len(text).to_bytes(2, "big") + bytes(4) + text
    return [kind, host, port, OPENING % f"{host}:{port}", frame.decode("latin-1"), len(TEXT)]


TEXT = b"\x81\x10" + b"y" * 16


def endpoint(kind):
    host, protocol, _, _ = KINDS[kind]
    keys = {"host": host, "port": PORTS[kind]}
    if protocol is not None:
        keys.update(protocol=protocol, enforcement="enforce")
        keys.update({"rules": RULES[protocol]} if protocol in RULES else {"access": "full"})
    return keys


REGEX = f"""network_middlewares:
  no-keys:
    middleware: openshell/regex
    config: {{action: deny, patterns: ["sk-[A-Za-z0-9_-]{{16,}}"]}}
    endpoints: {{include: [{FILTERED}]}}
"""


def serve(connection, is_socket):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data, answer = b"", ANSWER
    if is_socket:
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        connection.sendall(SWITCH)
        data, answer = data.partition(b"\r\n\r\n")[2], TEXT
    while more := connection.recv(65536):
        data += more
        if count := data.count(END):
            connection.sendall(answer * count)
            data = data[data.rindex(END) + len(END):]


def accept(listener, is_socket):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, is_socket), daemon=True).start()


def shown(found):
    """One line for each kind, of the seconds of its rounds."""
    base = {kind: found[KINDS[kind][3]] for kind in found}
    for kind, times in found.items():
        line = f"{kind:22}"
        for depth in times:
            best = min(times[depth])
            line += f"{best * 1e6:14.1f}{best / min(base[kind][depth]):7.2f}"
        print(line, flush=True)


def main():
    for kind, port in PORTS.items():
        listener = socket.create_server((world.ADDRESS, port))
        threading.Thread(target=accept, args=(listener, KINDS[kind][2] is None), daemon=True).start()
    given = json.dumps([[row(kind) for kind in KINDS], ROUNDS, MESSAGES, DEPTHS]).encode()
    command = [harness.PYTHON, "-I", "-c", CLIENT]
    direct = subprocess.run(command, input=given, capture_output=True, check=True, timeout=100)
    policy = world.policy(*map(endpoint, KINDS), extra=REGEX)
    result = harness.run_host(["env", "-i", *command], policy, stdin=given, timeout=100)
    if result.code != 0:
        sys.exit(str(result))
    print(f"{ROUNDS} rounds of {MESSAGES} messages of {SIZE} bytes; us for each\n"
          f"{'':22}" + "".join(f"{f'{depth} at a time':>14}{'times':>7}" for depth in DEPTHS))
    for kind in ("tunnel", "tunnel of WebSocket"):
        times = json.loads(direct.stdout)[kind]
        print(f"{kind.replace('tunnel', 'direct'):22}" + "".join(
            f"{min(times[depth]) * 1e6:14.1f}{'':7}" for depth in times))
    shown(json.loads(result.out))
    harness.leave(False)


main()
