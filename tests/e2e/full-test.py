# SPDX-License-Identifier: Apache-2.0
"""A disk without space and a table without descriptors: what is recorded is whole, and nothing is
served that is not recorded."""
import json
import os
import resource
import subprocess
import threading
import time

import harness
import world
from harness import expect, test

# One request for each line of standard input; says how it went. Names other servers as it goes, so
# that no denial is like the one before.
CLIENT = """
import http.client, sys
print('ready', flush=True)
for number, line in enumerate(sys.stdin):
    try:
        c = http.client.HTTPConnection('10.77.0.1', 8080, timeout=20)
        c.request('GET', f'/{number}'); r = c.getresponse(); r.read(); c.close()
        print(r.status, flush=True)
    except OSError as error: print('none', flush=True)
"""
POLICY = world.policy(f"{world.ADDRESS}:{world.API_PORT}", f"{world.ADDRESS}:{world.ECHO_PORT}")
WORLD = world.World()  # its servers


class Full:
    """A run whose files may not grow for a while: what it served, said and recorded."""

    def __init__(self, option, more):
        self.option, self.more = option, more
        self.path = os.path.join(harness.private_scratch(), "record")
        self.process = harness.start_host([harness.PYTHON, "-I", "-c", CLIENT], POLICY,
                                          [option, self.path], stdin=subprocess.PIPE,
                                          env=harness.clean_environment(no_proxy="10.77.0.1"))
        self.served = 0
        self.refused = False
        self.failure = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            self._scenario()
        except Exception as error:  # pylint: disable=broad-except
            self.failure = error
            self.process.kill()

    def _scenario(self):
        expect(self.process.stdout.readline() == b"ready\n")
        expect(self._ask() == "200")
        # A recording counts the equal rows of a second, and an event is on its way.
        time.sleep(1.3)
        self._limit(os.path.getsize(self.path) + self.more)
        for _ in range(4):
            if self._ask() != "200":
                self.refused = True
                break
            time.sleep(0.6)
        self.while_full = self.lines()
        self._limit(resource.RLIM_INFINITY)
        harness.wait_until(lambda: self._ask() == "200", 12, "it never goes on")
        self.said = self.process.communicate(timeout=15)[1].decode()
        self.recorded = self.lines()

    def _limit(self, size):
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def _ask(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().decode().strip()
        self.served += answer == "200"
        return answer

    def lines(self):
        with open(self.path, "rb") as stream:
            text = stream.read()
        expect(text.endswith(b"\n"), "half a line is left:", text[-200:])
        return [json.loads(line) for line in text.splitlines()]


_runs = []


def runs(option):
    """At the same time, because a denial for want of space takes its time."""
    if not _runs:
        _runs.extend(Full(*case) for case in (("--events", 0), ("--events", 70), ("--events", 333),
                                              ("--record", 0), ("--record", 40)))
        for run in _runs:
            run.thread.join()
    for run in _runs:
        expect(run.failure is None, run.option, run.more, run.failure)
    return [run for run in _runs if run.option == option]


def allowed(events):
    return sum(event["topic"] == "openshell.network.allowed/1" for event in events)


@test("an event log without space holds whole lines, is said in one, denies with audit-full, and goes "
      "on where there is space again")
def _events():
    for run in runs("--events"):
        expect(run.refused, "served without a record", run.more, run.said)
        expect(run.said.count("cannot be written: File too large") == 1, run.said)
        expect(run.said.count("is written again") == 1 and "audit-full" in run.said, run.said)
        expect(allowed(run.recorded) == run.served, run.served, run.recorded)


@test("a recording without space holds whole lines, is said in one, denies, and loses nothing where "
      "there is space again")
def _recording():
    for run in runs("--record"):
        expect(run.refused, "served without a record", run.more, run.said)
        expect(run.said.count("the recording cannot be written: File too large") == 1, run.said)
        expect(run.said.count("is written again") == 1, run.said)
        expect(run.recorded[-1].get("lost") == 0, run.recorded[-1])
        rows = sum(row.get("count", 1) for row in run.recorded if row.get("outcome") == "allowed")
        expect(rows >= run.served, rows, run.served)


@test("an event log that never has space is named, with the reason, and the run is no success")
def _never():
    result = harness.run_host(["true"], POLICY, ["--events", "/dev/full"])
    expect(result.code == 125 and "/dev/full cannot be written: No space left" in result.err, result)
    result = harness.run_host(["true"], POLICY, ["--record", "/dev/full"])
    expect(result.code == 125 and "not a regular file" in result.err, result)


@test("half a line that a killed run has left in an event log is cut off, and what is no event is "
      "kept")
def _half_line():
    path = os.path.join(harness.private_scratch(), "events")
    for text, kept in ((b'{"id":"e1"}\n{"id":"e2","seq', 1), (b'{"id":"e2","seq', 0), (b"mine", 1)):
        with open(path, "wb") as stream:
            stream.write(text)
        os.chmod(path, 0o600)
        result = harness.run_host(["true"], POLICY, ["--events", path])
        with open(path, "rb") as stream:
            lines = stream.read().splitlines()
        expect(result.code == 0 and lines[:kept] == text.splitlines()[:kept], lines[:2])
        for line in lines[kept:]:
            json.loads(line)


@test("a table without descriptors refuses connections, and every one that was served is recorded")
def _descriptors():
    path = os.path.join(harness.private_scratch(), "events")
    script = ("import socket, sys\n"
              "held, answered = [], 0\n"
              "for n in range(120):\n"
              "    s = socket.socket(); s.settimeout(2)\n"
              "    try:\n"
              "        s.connect(('10.77.0.1', 7007)); s.sendall(b'x')\n"
              "        answered += s.recv(10) == b'x'\n"
              "        held.append(s)\n"
              "    except OSError: s.close()\n"
              "print(answered)\n")
    process = harness.start_host([harness.PYTHON, "-I", "-c", script], POLICY, ["--events", path],
                                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE,
                                                                       (160, 160)))
    out, err = process.communicate(timeout=38)
    with open(path, encoding="utf-8") as stream:
        events = [json.loads(line) for line in stream]
    expect(process.returncode == 0 and 0 < int(out) < 120, process.returncode, out, err[-900:])
    expect(allowed(events) >= int(out), allowed(events), out)


@test("a table that is full from the start is one error, not half a run")
def _descriptors_at_start():
    for number in (5, 9, 16, 30, 63, 64, 70, 80):
        command = harness.host_command(["true"], POLICY, ["--quiet"])
        done = subprocess.run(["sh", "-c", f'ulimit -n {number}; exec "$@"', "sh", *command],
                              capture_output=True, timeout=15, check=False, cwd=harness.scratch(),
                              env=harness.clean_environment())
        expect(done.returncode in (0, 125, 127), number, done)
        expect(done.returncode == 0 or done.stderr.strip(), number, done)


harness.main()
