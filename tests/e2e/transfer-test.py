# SPDX-License-Identifier: Apache-2.0
"""Long, idle and unlucky transfers through the box: whole, in time, or ended so that it shows."""
import hashlib
import json
import os
import random
import socket
import threading
import time

import harness
import world
from harness import expect, test

PORT = 8077
TARGET = f"{world.ADDRESS}:{PORT}"
SIZE = 64 << 20

# What the program in the box shares: a tunnel through the proxy, or a captured connection.
CLIENT = (
    "import hashlib, os, re, socket, struct, sys, threading, time\n"
    "host, port = re.search(r'//([^/]+):(\\d+)', os.environ['http_proxy']).groups()\n"
    "def tunnel(target, wait=20):\n"
    "    s = socket.create_connection((host, int(port)), timeout=wait)\n"
    "    s.sendall(f'CONNECT {target} HTTP/1.1\\r\\n\\r\\n'.encode())\n"
    "    head = b''\n"
    "    while b'\\r\\n\\r\\n' not in head:\n"
    "        more = s.recv(1)\n"
    "        if not more: break\n"
    "        head += more\n"
    "    return s, head.decode().split('\\r\\n')[0]\n"
    "def direct(target):\n"
    "    name, _, number = target.rpartition(':')\n"
    "    return socket.create_connection((name, int(number)), timeout=20), 'direct'\n"
    "def end(s):\n"
    "    try:\n"
    "        while s.recv(65536): pass\n"
    "        return 'end'\n"
    "    except ConnectionResetError: return 'reset'\n"
    "    except TimeoutError: return 'timeout'\n")


def block(seed):
    return random.Random(seed).randbytes(1 << 20)


class Server:
    """Accepts connections one after the other, each handled by `handle` on a thread."""

    def __init__(self, handle, address=world.ADDRESS, backlog=16):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.create_server((address, PORT), family=family, backlog=backlog)
        self.handle, self.results = handle, []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                accepted, _ = self.socket.accept()
            except OSError:
                return
            accepted.settimeout(30)
            threading.Thread(target=self._one, args=(accepted,), daemon=True).start()

    def _one(self, accepted):
        try:
            self.results.append(self.handle(accepted))
        except OSError as error:
            self.results.append(type(error).__name__)
        accepted.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # A thread in accept keeps the socket listening until it is shut down.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def result(self, number=0, seconds=10):
        harness.wait_until(lambda: len(self.results) > number, seconds, "the server has not ended")
        return self.results[number]


def digest(count, seed):
    seen = hashlib.sha256()
    piece = block(seed)
    for _ in range(count):
        seen.update(piece)
    return seen.hexdigest()


def pausing(accepted):
    """Lets 64 MiB pile up in both directions before it takes any, and once more half way."""
    writer = threading.Thread(target=_send_all, args=(accepted, 2), daemon=True)
    writer.start()
    time.sleep(0.7)
    seen, size = hashlib.sha256(), 0
    while data := accepted.recv(1 << 20):
        seen.update(data)
        if size < SIZE // 2 <= size + len(data):
            time.sleep(0.5)
        size += len(data)
    writer.join()
    accepted.shutdown(socket.SHUT_WR)
    return size, seen.hexdigest()


def _send_all(accepted, seed):
    piece = block(seed)
    for _ in range(SIZE >> 20):
        accepted.sendall(piece)


@test("64 MiB each way past a server and a program that pause arrive whole")
def _long():
    folder = harness.scratch()
    with open(os.path.join(folder, "piece"), "wb") as stream:
        stream.write(block(1))
    script = CLIENT + (
        "piece = open('piece', 'rb').read()\n"
        f"s, said = {{}}('{TARGET}')\n"
        "def send():\n"
        f"    for _ in range({SIZE >> 20}): s.sendall(piece)\n"
        "    s.shutdown(1)\n"
        "threading.Thread(target=send).start()\n"
        "time.sleep(1)\n"
        "seen = hashlib.sha256(); size = 0\n"
        "while data := s.recv(1 << 20): seen.update(data); size += len(data)\n"
        "print(said, size, seen.hexdigest())\n")
    for way in ("tunnel", "direct"):
        with Server(pausing) as server:
            result = harness.run_python(script.replace("{}", way), world.policy(TARGET), cwd=folder,
                                        timeout=35)
            expect(result.code == 0, result)
            expect(result.out.split()[-2:] == [str(SIZE), digest(SIZE >> 20, 2)], way, result)
            expect(server.result() == (SIZE, digest(SIZE >> 20, 1)), way, server.results)


def until_end(accepted):
    accepted.sendall(b"open")
    try:
        while accepted.recv(65536):
            pass
        return "end"
    except ConnectionResetError:
        return "reset"


@test("a tunnel cut by a reload ends by a reset on both sides, tunnelled or captured")
def _cut():
    for way in ("tunnel", "direct"):
        folder = harness.private_scratch()
        path = os.path.join(folder, "policy.yaml")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(world.policy(TARGET))
        with Server(until_end) as server:
            process = harness.start_host(
                [harness.PYTHON, "-I", "-c", CLIENT + f"s, said = {way}('{TARGET}')\n"
                 "print(s.recv(4), flush=True); print(end(s), flush=True)\n"], path)
            expect(process.stdout.readline() == b"b'open'\n", process)
            with open(path + ".new", "w", encoding="utf-8") as stream:
                stream.write(world.policy("other.test:99"))
            os.rename(path + ".new", path)
            out, err = process.communicate(timeout=15)
            expect(out == b"reset\n", way, out, err)
            expect(server.result() == "reset", way, server.results)


@test("an idle tunnel is closed at its time, one that moves bytes is not")
def _idle():
    def echo(accepted):
        accepted.sendall(b"open")
        while data := accepted.recv(65536):
            accepted.sendall(data)
        return time.monotonic()

    with Server(echo) as server:
        result = harness.run_python(
            CLIENT + f"idle, _ = tunnel('{TARGET}'); busy, _ = tunnel('{TARGET}')\n"
            "idle.recv(4); busy.recv(4); began = time.monotonic(); ended = []\n"
            "threading.Thread(target=lambda: ended.append((end(idle), time.monotonic() - began)),\n"
            "                 daemon=True).start()\n"
            "for _ in range(9):\n"
            "    time.sleep(0.3); busy.sendall(b'x'); assert busy.recv(1) == b'x'\n"
            "print(ended[0][0], ended[0][1])\n",
            world.policy(TARGET), options=["--set", "network.idle_timeout=1"])
        expect(result.code == 0, result)
        word, seconds = result.out.split()
        expect(word == "reset" and 0.9 < float(seconds) < 3.5, result)
        server.result(1)


def full_backlog(address):
    """A server whose queue is full: what wants to connect is not answered."""
    listener = socket.create_server((address, PORT), backlog=0)
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex((address, PORT))
    return [listener, *fillers]


def close_all(sockets):
    for opened in sockets:
        opened.close()


@test("a full backlog is answered with 504 within the time for connecting")
def _backlog():
    sockets = full_backlog(world.ADDRESS)
    result = harness.run_python(
        CLIENT + f"began = time.monotonic(); s, said = tunnel('{TARGET}')\n"
        "print(time.monotonic() - began, said)\n",
        world.policy(TARGET), options=["--set", "network.connect_timeout=1"])
    close_all(sockets)
    seconds, _, code = result.out.split()[:3]
    expect(code == "504" and 0.9 < float(seconds) < 3.5, result)


@test("a silent first address is overtaken within a second, whichever it is")
def _overtaken():
    both = {world.ADDRESS, world.OTHER_ADDRESS}
    for silent in both:
        (speaking,) = both - {silent}
        sockets = full_backlog(silent)
        with Server(lambda accepted: accepted.sendall(b"hello"), speaking):
            result = harness.run_python(
                CLIENT + f"began = time.monotonic(); s, said = tunnel('two.test:{PORT}')\n"
                "print(said.split()[1], s.recv(5), time.monotonic() - began < 1.5)\n",
                world.policy(f"two.test:{PORT}"))
            expect(result.out.split() == ["200", "b'hello'", "True"], silent, result)
        close_all(sockets)


@test("a name with only an IPv6 address is reached, tunnelled or captured")
def _six():
    for way in ("tunnel", "direct"):
        with Server(lambda accepted: accepted.sendall(b"six"), world.ADDRESS6):
            result = harness.run_python(
                CLIENT + f"s, said = {way}('six.test:{PORT}'); print(s.recv(3))\n",
                world.policy(f"six.test:{PORT}"))
            expect(result.out.strip() == "b'six'", way, result)


@test("an end that comes with the request is passed on, a reset arrives as a reset")
def _ends():
    def collect(accepted):
        data = b""
        while more := accepted.recv(65536):
            data += more
        accepted.sendall(b"got " + data)
        return data

    def reset(accepted):
        accepted.recv(1)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with Server(collect) as server:
        result = harness.run_python(
            CLIENT + "s = socket.create_connection((host, int(port)), timeout=8)\n"
            f"s.sendall(b'CONNECT {TARGET} HTTP/1.1\\r\\n\\r\\nall of it'); s.shutdown(1)\n"
            "data = b''\n"
            "while more := s.recv(4096): data += more\n"
            "print(data.endswith(b'\\r\\n\\r\\ngot all of it'))\n", world.policy(TARGET))
        expect(result.out.strip() == "True", result, server.results)
    with Server(reset):
        result = harness.run_python(
            CLIENT + "for way in (tunnel, direct):\n"
            f"    s, _ = way('{TARGET}'); s.sendall(b'x'); print(end(s))\n", world.policy(TARGET))
        expect(result.out.split() == ["reset", "reset"], result)


@test("a program has so many connections open and no more, and those that ended do not count")
def _limit():
    def hold(accepted):
        accepted.sendall(b"open")
        accepted.recv(1)

    with Server(hold):
        result = harness.run_recorded(
            [harness.PYTHON, "-I", "-c", CLIENT +
             "import json\n"
             "words = []\n"
             "for _ in range(3):\n"
             f"    held = [tunnel('{TARGET}') for _ in range(3)]\n"
             "    for s, said in held[:2]: s.recv(4)\n"
             "    words += [said.split()[1] for _, said in held]\n"
             "    for s, _ in held: s.close()\n"
             "    time.sleep(0.4)\n"
             "print(json.dumps(words))\n"],
            world.policy(TARGET), options=["--set", "network.max_connections_per_process=2"])
        expect(json.loads(result.out) == ["200", "200", "503"] * 3, result)


# The last thing that a program does is to send; nothing waits for an answer.
SEND = f"import os, socket; s = socket.create_connection(('{world.ADDRESS}', {PORT}))\n"
LAST_WORDS = {
    "a line of a shell": (["/bin/bash", "-c", f"echo hello > /dev/tcp/{world.ADDRESS}/{PORT}"], 6),
    "more than a socket holds": (
        [harness.PYTHON, "-I", "-c", SEND + "s.sendall(b'x' * 200000)"], 200000),
    "an end of its own": (
        [harness.PYTHON, "-I", "-c", SEND + "s.sendall(b'x' * 200000); s.shutdown(1); s.close()"], 200000),
    "no end at all": (
        [harness.PYTHON, "-I", "-c", SEND + "s.sendall(b'x' * 3000); os.kill(os.getpid(), 9)"], 3000),
    "a request through the proxy": (
        [harness.PYTHON, "-I", "-c", CLIENT + "s = socket.create_connection((host, int(port)))\n"
         f"s.sendall(b'POST http://{TARGET}/ HTTP/1.1\\r\\nHost: {TARGET}\\r\\n"
         "Content-Length: 5000\\r\\n\\r\\n' + b'x' * 5000)"], None),
    "a child that is ended with it": (
        ["/bin/sh", "-c", f"\"$0\" -I -c \"{SEND}s.sendall(b'x' * 3000); import time; time.sleep(9)\" & "
         "sleep 0.2", harness.PYTHON], 3000),
}


@test("what a program sent just before it ended arrives, and what was refused then is said")
def _last_words():
    def size(accepted):
        total = 0
        while data := accepted.recv(1 << 16):
            total += len(data)
        return total

    for what, (command, expected) in LAST_WORDS.items():
        with Server(size) as server:
            for number in range(8):
                result = harness.run_host(command, world.policy(TARGET))
                got = server.result(number)
                expect(got == expected or expected is None and got > 5000, what, number, got, result)
    for number in range(8):
        result = harness.run_recorded(LAST_WORDS["a line of a shell"][0], world.policy("example.test:1"))
        expect(len(result.denials()) == 1 and len(result.events("network.denied")) == 1, number, result)


@test("what cannot be delivered in time at the end of a run is cut off, and a line says so")
def _cut_off():
    with Server(lambda accepted: time.sleep(8)):
        began = time.monotonic()
        result = harness.run_recorded(
            [harness.PYTHON, "-I", "-c", SEND + "s.setblocking(False)\nimport time\n"
             "for i in range(200):\n"
             "    try: s.send(b'x' * 1000000)\n"
             "    except BlockingIOError: time.sleep(0.002)\n"], world.policy(TARGET))
        expect(result.code == 0 and time.monotonic() - began < 7, time.monotonic() - began, result)
        expect("1 connection was cut off at the end of the run" in result.err, result)
        expect(len(result.events("network.closed")) == 1, result)


harness.main()
