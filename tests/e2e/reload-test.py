# SPDX-License-Identifier: Apache-2.0
"""The policy of a run follows its file: what is open, what is new, and what is said about it."""
import json
import os
import pty
import signal
import socket
import subprocess
import time

import harness
import world
from harness import expect, test

origins = world.World()

API = f"{world.ADDRESS}:{world.API_PORT}"
OTHER = f"{world.OTHER_ADDRESS}:{world.API_PORT}"
BOTH = world.policy(API, OTHER)
ONE = world.policy(API)
BAD = "version: 1\nnetwork_policies:\n  web:\n    endpoint: []\n"
QUICK = 2.0  # a second, and what a busy machine adds

# Reads commands from "commands", one shell line each, and runs each aside: NAME COMMAND...
CLERK = r"""
tail -n +1 -f commands 2>/dev/null | while read -r name line; do
    [ "$name" = end ] && exit 0
    ( sh -c "$line" > "$name.out" 2> "$name.err"; echo $? > "$name.tmp"; mv "$name.tmp" "$name.code" ) &
done
"""


class Run:
    """A host whose policy file the test changes, and a program that does what it is told."""

    def __init__(self, policy, options=(), path=None, command=("sh", "-c", CLERK)):
        self.folder = harness.scratch()
        self.path = path or os.path.join(harness.private_scratch(), "policy.yaml")
        self.events_path = os.path.join(harness.scratch(), "events.jsonl")
        self.count = 0
        if path is None:
            self.write(policy)
        with open(os.path.join(self.folder, "commands"), "wb"):
            pass
        harness.open_up(self.folder)
        with open(os.path.join(self.folder, "stderr"), "wb") as errors:
            self.process = harness.start_host(
                list(command) if command else None, self.path,
                ["--events", self.events_path, *options], cwd=self.folder, stderr=errors)
        harness.wait_until(lambda: "openshell: " in self.said() or self.process.poll() is not None,
                           15, "no start line")
        expect(self.process.poll() is None, self.said())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)

    def write(self, text):
        """As an editor does: a new file, renamed over the old one."""
        with open(self.path + ".new", "w", encoding="utf-8") as stream:
            stream.write(text)
        os.rename(self.path + ".new", self.path)

    def said(self):
        with open(os.path.join(self.folder, "stderr"), encoding="utf-8", errors="replace") as stream:
            return stream.read()

    def wait_said(self, text, seconds=6):
        harness.wait_until(lambda: text in self.said(), seconds,
                           f"it never says {text!r}, but:\n{self.said()}")

    def generation(self, number):
        self.wait_said(f"generation {number} is in force")

    def reload(self, text, generation):
        self.write(text)
        self.generation(generation)

    def do(self, command):
        """Begins a command in the box. Returns its name for code() and out()."""
        self.count += 1
        with open(os.path.join(self.folder, "commands"), "a", encoding="utf-8") as stream:
            stream.write(f"c{self.count} {command}\n")
        return f"c{self.count}"

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as stream:
            return stream.read()

    def ended(self, name):
        return os.path.exists(os.path.join(self.folder, name + ".code"))

    def code(self, name, seconds=10):
        harness.wait_until(lambda: self.ended(name), seconds,
                           f"{name} does not end; {self.said()}")
        return int(self.read(name + ".code"))

    def events(self, topic):
        with open(self.events_path, encoding="utf-8") as stream:
            lines = [json.loads(line) for line in stream.read().splitlines()]
        return [line for line in lines if line["topic"] == f"openshell.{topic}/1"]


def fetch(destination, path="/hello", *more):
    """A curl through the proxy's CONNECT; the response waits for as long as /sleep/ says."""
    return f"curl -sS -g -f --max-time 12 --proxytunnel {' '.join(more)} http://{destination}{path}"


def arrived(server, action):
    """Does something and waits until one more request has reached the server."""
    before = len(server.requests)
    result = action()
    harness.wait_until(lambda: len(server.requests) > before, 8, "no request arrives")
    return result


@test("a tunnel that the new policy allows goes on, one that it does not is closed within a second")
def _redecided():
    with Run(BOTH) as run:
        kept = arrived(origins.api, lambda: run.do(fetch(API, "/sleep/3")))
        dropped = arrived(origins.api_other, lambda: run.do(fetch(OTHER, "/sleep/9")))
        run.write(ONE)
        began = time.monotonic()
        expect(run.code(dropped) != 0, run.read(dropped + ".out"))
        took = time.monotonic() - began
        expect(took < QUICK, f"closed after {took:.2f} s")
        expect(not run.ended(kept), "the other one ended too", run.said())
        expect(run.code(kept) == 0 and '"hello": "world"' in run.read(kept + ".out"), run.said())
        expect("the policy changed: " in run.said(), run.said())
        expect(run.code(run.do(fetch(OTHER))) != 0, run.said())
        expect(run.code(run.do(fetch(API))) == 0, run.said())
        closed = [event["payload"][4] for event in run.events("network.closed")]
        expect(closed.count("policy changed") == 1, closed)
        generations = [event["payload"][1] for event in run.events("policy.changed")]
        expect(generations == [1, 2], generations)


@test("a tunnel is closed when its handling or its address is no longer the same, else it stays")
def _handling():
    endpoint = {"host": world.ADDRESS, "port": world.API_PORT}
    with Run(world.policy(endpoint)) as run:
        opened = arrived(origins.api, lambda: run.do(fetch(API, "/sleep/9")))
        run.reload(world.policy({**endpoint, "allowed_ips": ["10.77.0.0/24"]}), 2)
        run.reload(world.policy(endpoint, "other.test:99", extra="# more\n"), 3)
        time.sleep(0.5)
        expect(not run.ended(opened), run.said())
        run.reload(world.policy({**endpoint, "tls": "skip"}), 4)
        expect(run.code(opened, QUICK) != 0, run.said())
        expect("the policy changed: another TLS mode" in run.said(), run.said())
        opened = arrived(origins.api, lambda: run.do(fetch(API, "/sleep/9")))
        run.reload(world.policy({**endpoint, "tls": "skip", "allowed_ips": ["10.78.0.0/24"]}), 5)
        expect(run.code(opened, QUICK) != 0, run.said())
        expect("outside allowed_ips" in run.said(), run.said())


@test("a connection that is still being dialled is refused at once when the policy drops it")
def _dialling():
    listener = socket.create_server((world.ADDRESS, 8089), backlog=0)
    fillers = [socket.socket() for _ in range(4)]  # a full queue drops what else wants to connect
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex((world.ADDRESS, 8089))
    silent = f"{world.ADDRESS}:8089"
    with Run(world.policy(API, silent)) as run:
        waiting = run.do(fetch(silent))
        harness.wait_until(lambda: run.events("network.allowed"), 8, "nothing is dialled")
        run.reload(ONE, 2)
        expect(run.code(waiting, QUICK) != 0, run.said())
        expect("403" in run.read(waiting + ".err"), run.read(waiting + ".err"))
        expect("the policy changed: " in run.said(), run.said())
    for opened in (listener, *fillers):
        opened.close()


@test("a bad edit prints its line once and leaves the policy in force")
def _bad_edit():
    with Run(ONE) as run:
        kept = arrived(origins.api, lambda: run.do(fetch(API, "/sleep/2")))
        run.write(BAD)
        run.wait_said(f"{run.path}:4:5: error:")
        expect("generation 1 stays in force" in run.said(), run.said())
        os.utime(run.path)
        run.write(BAD)
        time.sleep(0.5)
        expect(run.said().count("cannot be used") == 1, run.said())
        expect(run.code(kept) == 0, run.said())
        expect(run.code(run.do(fetch(API))) == 0, run.said())
        rejected = run.events("policy.rejected")
        expect(len(rejected) == 1 and rejected[0]["payload"][0] == 1, rejected)
        expect("policy.yaml:4:5: " in rejected[0]["payload"][2], rejected)
        run.write(ONE)
        run.wait_said("it is valid again, generation 1 stays in force")
        expect(len(run.events("policy.changed")) == 1, run.events("policy.changed"))


@test("fail_closed: a bad edit denies everything and closes what is open, until it is mended")
def _fail_closed():
    with Run(ONE, ["--policy-posture", "fail_closed"]) as run:
        opened = arrived(origins.api, lambda: run.do(fetch(API, "/sleep/9")))
        run.write(BAD)
        expect(run.code(opened, QUICK) != 0, run.said())
        run.wait_said("generation 2 is a quarantine")
        reached = len(origins.api.requests)
        denied = run.do(f"curl -sS --max-time 8 http://{API}/hello")
        expect(run.code(denied) == 0, run.said())
        answer = json.loads(run.read(denied + ".out"))
        expect(answer["reason"].startswith(
            "policy validation failed; fail-closed quarantine is active; candidate version 2 "
            "rejected: policy.yaml:4:5: "), answer)
        expect(run.folder not in answer["reason"], answer)
        expect(len(origins.api.requests) == reached, "the origin was reached")
        changed = run.events("policy.changed")
        expect("quarantine" in changed[-1]["payload"][4], changed)
        run.reload(ONE, 3)
        expect(run.code(run.do(fetch(API))) == 0, run.said())


@test("an unknown posture is refused at the start")
def _posture():
    result = harness.run_host(["true"], ONE, ["--policy-posture", "open"])
    expect(result.code == 125 and "neither retain_last_valid nor fail_closed" in result.err, result)


@test("SIGHUP reads the policy now, says what came of it, and does not reach the program")
def _sighup():
    command = ["sh", "-c", "trap 'touch hup' HUP; " + CLERK]
    with Run(ONE, command=command) as run:
        run.process.send_signal(signal.SIGHUP)
        run.wait_said("it has not changed, generation 1 stays in force")
        run.write(BAD)
        run.wait_said("cannot be used")
        run.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: run.said().count("cannot be used") == 2, 5, run.said())
        expect(len(run.events("policy.rejected")) == 1, run.events("policy.rejected"))
        run.write(BOTH)
        run.process.send_signal(signal.SIGHUP)
        run.generation(2)
        expect(run.code(run.do(fetch(OTHER))) == 0, run.said())
        expect(not os.path.exists(os.path.join(run.folder, "hup")), "the program was told")


@test("without a policy file SIGHUP is the program's")
def _sighup_program():
    folder = harness.scratch()
    process = harness.start_host(["sh", "-c", "trap 'exit 9' HUP; touch up; "
                                  "while :; do sleep 0.05; done"], None, cwd=folder)
    harness.wait_until(lambda: os.path.exists(os.path.join(folder, "up")), 10, "no start")
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=15)
    expect(process.returncode == 9, process.returncode)


def under_terminal(prefix=()):
    """Starts the host under a terminal of ours. Returns its pid, the terminal and its folder."""
    folder = harness.scratch()
    policy = os.path.join(harness.private_scratch(), "policy.yaml")
    with open(policy, "w", encoding="utf-8") as stream:
        stream.write(ONE)
    arguments = [*prefix, *harness.host_command(
        ["sh", "-c", "touch up; while :; do sleep 0.05; done"], policy)]
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe(arguments[0], arguments, harness.clean_environment())
    harness.wait_until(lambda: os.path.exists(os.path.join(folder, "up")), 10, "no start")
    return pid, master, folder


def wait_gone(pid, seconds=10):
    """Returns how the process ended; one that does not is killed and fails the test."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return harness.shell_code(os.waitstatus_to_exitcode(status))
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError("the host goes on")


@test("when the terminal of the host goes away the program ends, as without a box")
def _hangup():
    pid, master, _ = under_terminal()
    os.close(master)
    expect(wait_gone(pid) == 129)


@test("SIGHUP from somebody else reloads under a terminal too, and the program goes on")
def _sighup_terminal():
    pid, master, _ = under_terminal()
    os.kill(pid, signal.SIGHUP)
    text = b""
    while b"it has not changed" not in text:
        text += os.read(master, 4096)
    expect(os.waitpid(pid, os.WNOHANG)[0] == 0, "the host ended")
    os.close(master)
    expect(wait_gone(pid) == 129)


@test("under nohup the end of the terminal ends nothing, and SIGHUP still reloads")
def _nohup():
    pid, master, folder = under_terminal(["nohup"])
    os.close(master)
    time.sleep(1)
    expect(os.waitpid(pid, os.WNOHANG)[0] == 0, "the host ended with its terminal")
    os.kill(pid, signal.SIGHUP)
    harness.wait_until(lambda: "it has not changed" in open(
        os.path.join(folder, "nohup.out"), encoding="utf-8").read(), 5, "no reload")
    os.kill(pid, signal.SIGTERM)
    wait_gone(pid, 15)


@test("a ConfigMap swap is followed, and so is a file written in place")
def _configmap():
    folder = harness.private_scratch()
    for name, text in (("..1", ONE), ("..2", BOTH)):
        os.mkdir(os.path.join(folder, name))
        with open(os.path.join(folder, name, "policy.yaml"), "w", encoding="utf-8") as stream:
            stream.write(text)
    os.symlink("..1", os.path.join(folder, "..data"))
    os.symlink("..data/policy.yaml", os.path.join(folder, "policy.yaml"))
    with Run(None, path=os.path.join(folder, "policy.yaml")) as run:
        expect(run.code(run.do(fetch(OTHER))) != 0, run.said())
        os.symlink("..2", os.path.join(folder, "..data_tmp"))
        os.rename(os.path.join(folder, "..data_tmp"), os.path.join(folder, "..data"))
        run.generation(2)
        expect(run.code(run.do(fetch(OTHER))) == 0, run.said())
        with open(run.path, "w", encoding="utf-8") as stream:
            stream.write(ONE[:200])
            stream.flush()
            time.sleep(0.4)
            stream.write(ONE[200:])
        run.generation(3)
        expect("error" not in run.said(), run.said())
        expect(run.code(run.do(fetch(OTHER))) != 0, run.said())


@test("what the box was made from is reported as needing a restart, the rest takes effect")
def _static():
    with Run(ONE) as run:
        run.reload(world.policy(API, OTHER, read_only=["/opt"]), 2)
        change = "filesystem_policy.read_only: /opt was added; needs a restart"
        run.wait_said(change)
        expect(run.code(run.do(fetch(OTHER))) == 0, run.said())
        changed = run.events("policy.changed")[-1]["payload"][4]
        expect(changed["restart"] == [change], changed)


@test("a policy that the program could replace is read once, and the program cannot write it")
def _writable():
    folder = harness.scratch()
    path = os.path.join(folder, "policy.yaml")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(world.policy(API, read_write=[folder]))
    harness.open_up(folder)
    with Run(None, path=path) as run:
        run.wait_said(", read once)")
        expect(run.code(run.do(f"echo x >> {path}")) != 0, run.said())
        expect(run.code(run.do(f"mv {path} {path}.old")) != 0, run.said())
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(world.policy(API, OTHER, read_write=[folder]))
        run.process.send_signal(signal.SIGHUP)
        run.wait_said("was read once and is not followed: programs in the box may write "
                      + folder)
        time.sleep(0.3)
        expect(run.code(run.do(fetch(OTHER))) != 0, run.said())
        expect("generation 2" not in run.said(), run.said())


@test("the names that the resolver answers follow the policy, each with its old address")
def _names():
    def address(run):
        name = run.do("getent ahostsv4 api.example.test")
        code = run.code(name)
        return code, run.read(name + ".out").split()[:1]
    with Run(world.policy("api.example.test:8080")) as run:
        first = address(run)
        expect(first[0] == 0, run.said())
        run.reload(world.policy("origin.test:8080"), 2)
        expect(address(run)[0] != 0, "a name that no policy knows is answered")
        captured = run.do(f"env -i curl -sS -f --max-time 8 --noproxy '*' http://{first[1][0]}:8080/")
        expect(run.code(captured) != 0, "its address still leads there", run.said())
        expect(run.code(run.do("getent ahostsv4 origin.test")) == 0, run.said())
        run.reload(world.policy("api.example.test:8080"), 3)
        expect(address(run) == first, "the name has another address now", first)


@test("a proxy without a box follows its policy too")
def _proxy():
    options = ["--disable", "process", "--set", "network.listen=127.0.0.1:3199"]
    curl = ["curl", "-sS", "-f", "--max-time", "8", "--proxytunnel", "-x", "http://127.0.0.1:3199",
            f"http://{OTHER}/hello"]

    def reaches():
        return subprocess.run(curl, env=harness.clean_environment(), capture_output=True,
                              check=False, timeout=15).returncode == 0
    with Run(ONE, options, command=None) as run:
        expect(not reaches(), run.said())
        run.reload(world.policy(API, OTHER, read_only=["/opt"]), 2)
        expect(reaches(), run.said())
        expect("needs a restart" not in run.said(), "there is no box", run.said())


harness.main()
