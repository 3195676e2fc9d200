# SPDX-License-Identifier: Apache-2.0
"""Reloads under thousands of live connections: what stays allowed stays, the rest closes in time.

reload.py SECONDS [CONNECTIONS]: as many as descriptors allow, at most 10,000 unless given. Half of
them go to a port that every policy allows, half to one that every other policy drops.
"""
import os

import resource
import selectors
import socket
import subprocess
import sys
import threading
import time

import harness
import world

CONNECTIONS = 10000
KEPT_PORT, DROPPED_PORT, PULSE_PORT = 7011, 7012, 7013
WITHIN = 1.0            # seconds from the change of the file to the last connection closed
STILL_RELOADS = 4       # between two that drop connections, reloads that drop none
HOST_SPARE = 1024 + 64  # descriptors of the host beside two for each connection


def raise_limit():
    """Every process here inherits it. Returns how many descriptors one may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (65536, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
            break
        except (ValueError, OSError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def serve(ports):
    """Echoes on every port, in one thread."""
    selector = selectors.EpollSelector()
    for port in ports:
        listener = socket.create_server((world.ADDRESS, port), backlog=1024)
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ, True)

    def loop():
        while True:
            for key, _ in selector.select():
                if key.data:
                    try:
                        accepted = key.fileobj.accept()[0]
                    except BlockingIOError:
                        continue
                    accepted.setblocking(False)
                    selector.register(accepted, selectors.EVENT_READ, False)
                    continue
                try:
                    data = key.fileobj.recv(4096)
                    if data:
                        key.fileobj.send(data)
                        continue
                except OSError:
                    pass
                selector.unregister(key.fileobj)
                key.fileobj.close()
    threading.Thread(target=loop, daemon=True).start()


# In the box. Commands on stdin, one answer line each on stdout.
CLIENT = r"""
import os, re, selectors, socket, sys, threading, time
ADDRESS = '%s'
PULSE_PORT = %d
WINDOW = 256
proxy = re.search(r'//([^/]+):(\d+)', os.environ['http_proxy']).groups()
proxy = (proxy[0], int(proxy[1]))
selector = selectors.EpollSelector()
open_ones, last_close, failed, echoed = {}, {}, {}, {}

class One:
    def __init__(self, port):
        self.port, self.state = port, 'asked'
        self.socket = socket.socket()
        self.socket.connect(proxy)
        self.socket.setblocking(False)
        self.socket.send(b'CONNECT %%s:%%d HTTP/1.1\r\n\r\n' %% (ADDRESS.encode(), port))
        selector.register(self.socket, selectors.EVENT_READ, self)

    def end(self):
        selector.unregister(self.socket)
        self.socket.close()
        if self.state == 'open':
            open_ones[self.port].discard(self)
            last_close[self.port] = time.monotonic()
        else:
            failed[self.port] = failed.get(self.port, 0) + 1
        self.state = 'ended'

    def ready(self):
        try:
            data = self.socket.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b''
        if not data:
            self.end()
        elif self.state == 'asked' and data.startswith(b'HTTP/1.1 200'):
            self.state = 'open'
            open_ones.setdefault(self.port, set()).add(self)
        elif self.state == 'asked':
            self.end()
        else:
            echoed[self.port] = echoed.get(self.port, 0) + len(data)

def turn(wait):
    for key, _ in selector.select(wait):
        if key.data is None:
            return os.read(0, 4096)
        key.data.ready()
    return b''

def connect(port, count):
    pending, made = [], 0
    limit = time.monotonic() + 120
    while made < count or pending:
        while made < count and len(pending) < WINDOW:
            pending.append(One(port)); made += 1
        turn(0.05)
        pending = [one for one in pending if one.state == 'asked']
        if time.monotonic() > limit:
            break

def ping(port):
    ones = list(open_ones.get(port, ()))
    echoed[port] = 0
    for number, one in enumerate(ones):
        try:
            one.socket.send(b'x')
        except OSError:
            pass
        if number %% 64 == 0:
            turn(0)
    limit = time.monotonic() + 20
    while echoed[port] < len(ones) and time.monotonic() < limit:
        turn(0.05)
    return echoed[port]

# A few tunnels that say how long the longest answer took: none may wait for a reload.
longest = [0.0]
def pulse(one):
    while True:
        began = time.monotonic()
        one.send(b'p')
        if not one.recv(16):
            longest[0] = float('inf')
            return
        longest[0] = max(longest[0], time.monotonic() - began)
        time.sleep(0.002)

def start_pulses():
    for _ in range(4):
        one = socket.create_connection(proxy)
        one.send(b'CONNECT %%s:%%d HTTP/1.1\r\n\r\n' %% (ADDRESS.encode(), PULSE_PORT))
        assert one.recv(4096).startswith(b'HTTP/1.1 200')
        threading.Thread(target=pulse, args=(one,), daemon=True).start()

selector.register(0, selectors.EVENT_READ, None)
start_pulses()
print('ready', flush=True)
text = b''
while True:
    text += turn(None)
    while b'\n' in text:
        line, text = text.split(b'\n', 1)
        word, *numbers = line.split()
        numbers = [int(number) for number in numbers]
        if word == b'end':
            sys.exit(0)
        if word == b'open':
            connect(*numbers)
        answer = [len(open_ones.get(numbers[0], ())), last_close.get(numbers[0], 0),
                  failed.get(numbers[0], 0), ping(numbers[0]) if word == b'ping' else 0, longest[0]]
        if word == b'pulse':
            longest[0] = 0.0
        print(*answer, flush=True)
""" % (world.ADDRESS, PULSE_PORT)


class Load:
    """The host, its policy file and the client in its box."""

    def __init__(self):
        self.path = os.path.join(harness.private_scratch(), "policy.yaml")
        self.folder = harness.scratch()
        self.changes = 0
        self.write(True)
        with open(os.path.join(self.folder, "stderr"), "wb") as errors:
            self.process = harness.start_host([harness.PYTHON, "-I", "-c", CLIENT], self.path,
                                              cwd=self.folder, stderr=errors, bufsize=1, text=True,
                                              stdin=subprocess.PIPE)
        assert self.process.stdout.readline() == "ready\n", self.said()

    def write(self, everything):
        """Renames a new policy over the old one. Returns when, on the clock of everybody here."""
        ports = (KEPT_PORT, PULSE_PORT) + ((DROPPED_PORT,) if everything else ())
        self.changes += 1
        text = world.policy(*(f"{world.ADDRESS}:{port}" for port in ports),
                            extra=f"# {self.changes}\n")
        with open(self.path + ".new", "w", encoding="utf-8") as stream:
            stream.write(text)
        os.rename(self.path + ".new", self.path)
        return time.monotonic()

    def said(self):
        with open(os.path.join(self.folder, "stderr"), encoding="utf-8", errors="replace") as stream:
            return stream.read()

    def wait_in_force(self):
        harness.wait_until(lambda: f"generation {self.changes} is in force" in self.said(), 10,
                           f"generation {self.changes} never comes: {self.said()[-2000:]}")

    def ask(self, *words):
        """Returns open ones, when the last closed, failures, echoes, the longest pulse."""
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        assert len(answer) == 5, self.said()[-2000:]
        return [float(piece) if "." in piece or "inf" in piece else int(piece) for piece in answer]


def drop_and_restore(load, half, closings):
    """One round. Returns what is wrong, or None."""
    began = load.write(False)
    load.wait_in_force()
    while load.ask("count", DROPPED_PORT)[0] > 0:
        if time.monotonic() - began > 10:
            return f"{load.ask('count', DROPPED_PORT)[0]} connections are open that nothing allows"
        time.sleep(0.02)
    closings.append(load.ask("count", DROPPED_PORT)[1] - began)
    if closings[-1] > WITHIN:
        return f"the last of {half} connections closed after {closings[-1]:.2f} s"
    load.write(True)
    load.wait_in_force()
    made = load.ask("open", DROPPED_PORT, half)[0]
    if made != half:
        return f"only {made} of {half} connections were made again"
    for _ in range(STILL_RELOADS):
        load.write(True)
        load.wait_in_force()
    left = load.ask("count", DROPPED_PORT)[0]
    return None if left == half else f"{half - left} connections closed that were allowed"


def main():
    seconds = int(sys.argv[1])
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else CONNECTIONS
    half = min(wanted, (raise_limit() - HOST_SPARE) // 2) // 2
    serve((KEPT_PORT, DROPPED_PORT, PULSE_PORT))
    load = Load()
    problems, closings = [], []
    for port in (KEPT_PORT, DROPPED_PORT):
        made = load.ask("open", port, half)[0]
        if made != half:
            problems.append(f"only {made} of {half} connections to port {port} were made")
    load.ask("pulse", KEPT_PORT)
    time.sleep(1)
    quiet = load.ask("pulse", KEPT_PORT)[4]
    limit = time.monotonic() + seconds
    still = 0.0
    while not problems:
        problem = drop_and_restore(load, half, closings)
        if problem:
            problems.append(problem)
        load.ask("pulse", KEPT_PORT)
        for _ in range(STILL_RELOADS):
            load.write(True)
            load.wait_in_force()
        still = max(still, load.ask("pulse", KEPT_PORT)[4])
        if time.monotonic() > limit:
            break
    kept, _, failures, echoes, _ = load.ask("ping", KEPT_PORT)
    if kept != half or echoes != half:
        problems.append(f"of {half} connections that were always allowed {kept} are open and "
                        f"{echoes} work")
    load.process.stdin.write("end\n")
    load.process.stdin.flush()
    code = load.process.wait(30)
    if code != 0:
        problems.append(f"the host ended with {code}")
    if "error" in load.said():
        problems.append(load.said()[-2000:])
    print(f"{2 * half} connections, {load.changes - 1} reloads, {failures} failures; the last of "
          f"{half} closed {max(closings, default=0):.2f} s after the file changed")
    print(load.said()) if os.environ.get("SHOW") else None
    print(f"longest answer: {quiet * 1000:.1f} ms at rest, {still * 1000:.1f} ms while policies "
          "that change nothing were loaded")
    print(f"reload: {'; '.join(problems) or 'all as it should be'} after {seconds} s", flush=True)
    harness.leave(bool(problems))


main()
