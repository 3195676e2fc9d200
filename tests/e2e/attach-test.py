# SPDX-License-Identifier: Apache-2.0
"""Several people at one program: attaching, replaying, typing, leaving, and who may not."""
import fcntl
import os
import pty
import select
import signal
import socket
import stat
import struct
import subprocess
import termios
import time

import harness
import screen
import world
from harness import expect, test

POLICY = world.policy(read_only=["/proc"])
VERSION = 1
READ_ONLY = 1
TERMINAL = 2


def new_path():
    return os.path.join(harness.scratch_in("/var/tmp"), "session.sock")


def answers(path):
    """A socket is there before it listens. A connection without a hello is nobody yet."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


class Run:
    """A run with a session socket."""

    def __init__(self, command, terminal=False, stdin=subprocess.DEVNULL, policy=POLICY, path=None):
        self.path = path or new_path()
        options = ["--set", f"process.session={self.path}"]
        if terminal:
            options += ["--set", "process.session-terminal=true"]
        self.process = harness.start_host(command, policy, options, stdin=stdin)
        harness.wait_until(lambda: answers(self.path) or self.process.poll() is not None, 10,
                           "there is no socket")

    def __enter__(self):
        return self

    def __exit__(self, *_rest):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def end(self, seconds=10):
        out, err = self.process.communicate(timeout=seconds)
        return harness.shell_code(self.process.returncode), out.decode(), err.decode()


class Client:
    """Speaks the protocol of openshell/session.h."""

    def __init__(self, path, flags=0, rows=0, columns=0, version=VERSION, greet=True):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(10)
        self.socket.connect(path)
        self.out, self.err, self.notes = b"", b"", []
        self.exit, self.detached, self.closed, self.flags = None, False, False, None
        if greet:
            self.send(b"H" + struct.pack("=HHHH", version, flags, rows, columns))

    def send(self, message):
        self.socket.send(message)

    def type(self, text):
        self.send(b"I" + text.encode())

    def read(self):
        try:
            message = self.socket.recv(65536)
        except ConnectionResetError:
            message = b""
        if not message:
            self.closed = True
        elif message[:1] == b"H":
            self.flags = struct.unpack("=HHHH", message[1:])[1]
        elif message[:1] == b"O":
            if message[1] == 1:
                self.out += message[2:]
            else:
                self.err += message[2:]
        elif message[:1] == b"N":
            self.notes.append(message[1:].decode())
        elif message[:1] == b"D":
            self.detached = True
        elif message[:1] == b"X":
            self.exit = struct.unpack("=ii", message[1:])

    def read_until(self, condition, what):
        limit = time.monotonic() + 10
        while not condition(self):
            expect(not self.closed and time.monotonic() < limit, what, self.out, self.err, self.notes)
            self.read()
        return self

    def see(self, text):
        return self.read_until(lambda c: text.encode() in c.out, f"never shows {text!r}")

    def ended(self):
        return self.read_until(lambda c: c.exit is not None, "no exit").exit

    def hello(self):
        return self.read_until(lambda c: c.flags is not None, "no hello").flags

    def close(self):
        self.socket.close()


@test("who attaches sees what was written before, then what is written, then how it ended")
def _replay():
    with Run(["sh", "-c", "echo before; echo error >&2; read line; echo got $line; exit 7"]) as run:
        client = Client(run.path).see("before")
        client.read_until(lambda c: c.err == b"error\n", "the two streams are not apart")
        expect(client.hello() == 0, client.flags)
        client.type("hello\n")
        client.see("got hello")
        expect(client.ended() == (7, 0), client.exit)
        code, out, err = run.end()
        expect(code == 7 and out == "before\ngot hello\n" and "error\n" in err, code, out, err)


@test("a second one looks only, until the first is gone, however it goes")
def _lease():
    with Run(["sh", "-c", "echo ready; while read line; do echo got $line; done"]) as run:
        first = Client(run.path).see("ready")
        second = Client(run.path).see("ready")
        expect(first.hello() == 0 and second.hello() == READ_ONLY, first.flags, second.flags)
        second.type("no\n")
        first.type("one\n")
        second.see("got one")
        expect(b"got no" not in second.out, second.out)
        first.close()
        harness.wait_until(lambda: (second.type("two\n"), True)[1] and _sees(second, b"got two"), 10,
                           "the place is not free")
        second.send(b"E")
        third = Client(run.path).see("ready")
        expect(third.hello() == 0, third.flags)


def _sees(client, text):
    client.socket.settimeout(0.1)
    try:
        while text not in client.out:
            client.read()
    except TimeoutError:
        return False
    finally:
        client.socket.settimeout(10)
    return True


@test("one who asks only to look never types, and others may")
def _read_only():
    with Run(["sh", "-c", "echo ready; read line; echo got $line"]) as run:
        looker = Client(run.path, READ_ONLY).see("ready")
        expect(looker.hello() == READ_ONLY, looker.flags)
        looker.type("no\n")
        looker.send(b"S" + bytes([signal.SIGKILL]))
        time.sleep(0.3)
        expect(run.process.poll() is None, "one who only looks has ended the program")
        typist = Client(run.path).see("ready")
        typist.type("yes\n")
        typist.see("got yes")
        expect(typist.ended() == (0, 0) and looker.ended() == (0, 0))


@test("who greets a second time is let go, so that nobody becomes another than it said it is")
def _greets_twice():
    with Run(["sh", "-c", "echo ready; read line; echo got $line"]) as run:
        looker = Client(run.path, READ_ONLY).see("ready")
        looker.send(b"H" + struct.pack("=HHHH", VERSION, 0, 0, 0))
        looker.read_until(lambda c: c.closed, "it is still there")
        typist = Client(run.path).see("ready")
        typist.type("yes\n")
        typist.see("got yes")


@test("Ctrl-P Ctrl-Q detaches, also in two pieces, and the program goes on")
def _detach():
    with Run(["sh", "-c", "echo ready; read line; echo got $line"]) as run:
        client = Client(run.path).see("ready")
        client.type("ab\x10")
        client.type("\x11dropped\n")
        client.read_until(lambda c: c.detached, "not detached")
        again = Client(run.path).see("ready")
        again.type("cd\n")
        again.see("got abcd")


@test("signals go to the program's group, and only the five that end or interrupt")
def _signals():
    with Run(["sh", "-c", "trap 'echo interrupted' INT; trap '' USR1; echo ready; sleep 30 & wait; "
                          "exec sleep 30"]) as run:
        client = Client(run.path).see("ready")
        client.send(b"S" + bytes([signal.SIGUSR1]))
        client.send(b"S" + bytes([signal.SIGSTOP]))
        client.send(b"S" + bytes([signal.SIGINT]))
        client.see("interrupted")
        client.send(b"S" + bytes([signal.SIGTERM]))
        expect(client.ended() == (0, signal.SIGTERM), client.exit)
        expect(run.end()[0] == 128 + signal.SIGTERM)


@test("a terminal of the session takes keys and size from who types")
def _terminal():
    with Run(["sh", "-c", "stty size; echo ready; read line; stty size; tty"], terminal=True) as run:
        client = Client(run.path).see("ready")
        expect(client.hello() == TERMINAL and b"24 80" in client.out, client.flags, client.out)
        client.send(b"W" + struct.pack("=HH", 33, 77))
        client.type("\r")
        client.see("33 77")
        client.see("/dev/pts/")
        expect(client.ended() == (0, 0), client.exit)


@test("a run's own input types alone: who attaches looks only")
def _local_input():
    with Run(["sh", "-c", "read line; echo got $line"], stdin=subprocess.PIPE) as run:
        client = Client(run.path)
        expect(client.hello() == READ_ONLY, client.flags)
        client.type("no\n")
        run.process.stdin.write(b"mine\n")
        run.process.stdin.flush()
        client.see("got mine")
        expect(client.ended() == (0, 0), client.exit)


@test("one who reads nothing holds up nobody, and is told what is missing")
def _slow():
    with Run(["sh", "-c", "echo start; head -c 20000000 /dev/zero | tr '\\0' x; echo; echo done; "
                          "read line"]) as run:
        slow = Client(run.path)
        fast = Client(run.path, READ_ONLY)
        drained = os.read(run.process.stdout.fileno(), 1)
        expect(drained == b"s")
        # The run's own output must be read by somebody: that one is never skipped.
        total = 1
        while total < 20000012:
            ready = select.select([run.process.stdout], [], [], 10)[0]
            expect(ready, "the program is held up after", total)
            total += len(os.read(run.process.stdout.fileno(), 1 << 20))
        slow.read_until(lambda c: c.closed or c.notes, "never told")
        slow.read_until(lambda c: c.closed, "not let go")
        expect(any("skipped" in note for note in slow.notes), slow.notes)
        late = Client(run.path).see("done")
        expect(len(late.out) <= 1 << 20, len(late.out))
        fast.close()


@test("input that the program does not read waits, and then ends the attachment, not the program")
def _full():
    with Run(["sh", "-c", "echo ready; sleep 30"]) as run:
        client = Client(run.path).see("ready")
        try:
            for _ in range(200):
                client.send(b"I" + b"x" * 16000)
        except OSError:
            pass
        client.read_until(lambda c: c.closed, "never ended")
        expect(any("does not read its input" in note for note in client.notes), client.notes)
        expect(run.process.poll() is None)
        expect(Client(run.path).hello() == 0)


@test("a message that is none ends the attachment alone")
def _nonsense():
    with Run(["sh", "-c", "echo ready; read line; echo got $line"]) as run:
        for first in (b"I" + b"before a hello", b"Hshort", b"?", b"H" + b"x" * 60000):
            client = Client(run.path, greet=False)
            try:
                client.send(first)
            except OSError:
                pass
            client.read_until(lambda c: c.closed, f"still there after {first[:8]!r}")
        newer = Client(run.path, version=2)
        newer.read_until(lambda c: c.closed, "still there")
        expect(any("older" in note for note in newer.notes), newer.notes)
        client = Client(run.path).see("ready")
        client.send(b"W123")
        client.send(b"S")
        client.type("fine\n")
        client.see("got fine")


@test("the socket is ours alone, a stale one is replaced, one that answers is not")
def _socket():
    with Run(["sh", "-c", "echo ready; read line"]) as run:
        about = os.lstat(run.path)
        expect(stat.S_ISSOCK(about.st_mode) and stat.S_IMODE(about.st_mode) == 0o600, about)
        result = harness.run_host(["true"], POLICY, ["--set", f"process.session={run.path}"])
        expect(result.code == 125 and "another process listens" in result.err, result)
        run.process.kill()
        run.process.wait()
        expect(os.path.exists(run.path), "a killed host cleans nothing up")
        result = harness.run_host(["true"], POLICY, ["--set", f"process.session={run.path}"])
        expect(result.code == 0 and not os.path.exists(run.path), result)
        with open(run.path, "w", encoding="utf-8") as stream:
            stream.write("kept")
        result = harness.run_host(["true"], POLICY, ["--set", f"process.session={run.path}"])
        expect(result.code == 125 and "no socket" in result.err, result)
        with open(run.path, encoding="utf-8") as stream:
            expect(stream.read() == "kept")


@test("a socket where programs of the box could reach it is refused, by read-only grants as well")
def _visible():
    path = new_path()
    folder = os.path.dirname(path)
    for grant in ({"read_only": [folder]}, {"read_write": [folder]},
                  {"read_only": [os.path.dirname(folder)]}):
        result = harness.run_host(["true"], world.policy(**grant), ["--set", f"process.session={path}"])
        expect(result.code == 125 and "programs of the box can see" in result.err, grant, result)
    os.chmod(folder, 0o777)
    result = harness.run_host(["true"], POLICY, ["--set", f"process.session={path}"])
    expect(result.code == 125 and "others may write" in result.err, result)


@test("a program of the box that gets at the socket all the same is turned away")
def _from_inside():
    # Somebody outside hands the program a descriptor of the folder, which no policy would.
    path = new_path()
    meeting = harness.scratch()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(os.path.join(meeting, "meet"))
    os.chmod(os.path.join(meeting, "meet"), 0o777)
    listener.listen(1)
    script = ("import os, socket, sys\n"
              "m = socket.socket(socket.AF_UNIX); m.connect(sys.argv[1])\n"
              "fds = socket.recv_fds(m, 1, 1)[1]\n"
              "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
              "s.settimeout(5)\n"
              "try:\n"
              "    os.fchdir(fds[0]); s.connect('session.sock'); print('said', s.recv(4096))\n"
              "except OSError as error: print('refused', error)\n")
    policy = world.policy(read_only=["/proc"], read_write=[meeting])
    with Run([harness.PYTHON, "-I", "-c", script, os.path.join(meeting, "meet")], policy=policy,
             path=path) as run:
        connection = listener.accept()[0]
        folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
        socket.send_fds(connection, [b"x"], [folder])
        _code, out, err = run.end()
        expect("said" not in out or "not attached" in out, out, err)
        expect("said" in out or "refused" in out, out, err)
        os.close(folder)
    listener.close()


@test("openshell-host attach shows, types, passes the exit code on, and leaves a terminal as it was")
def _verb():
    with Run(["sh", "-c", "echo ready; read line; echo got $line; exit 5"], terminal=True) as run:
        pid, master = pty.fork()
        if pid == 0:
            os.execve(harness.HOST, [harness.HOST, "attach", run.path], harness.clean_environment())
        before = termios.tcgetattr(master)
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        screen = _read_screen(master, b"ready")
        os.write(master, b"typed\r")
        screen += _read_screen(master, b"got typed")
        _pid, status = os.waitpid(pid, 0)
        expect(os.waitstatus_to_exitcode(status) == 5, screen)
        expect(termios.tcgetattr(master)[3] == before[3], "the terminal's modes changed")
        expect(run.end()[0] == 5)


def _read_screen(master, text):
    screen = b""
    while text not in screen:
        expect(select.select([master], [], [], 10)[0], "the screen never shows", text, screen)
        screen += os.read(master, 65536)
    return screen


@test("openshell-host attach detaches with 0, and says why it cannot attach")
def _verb_detach():
    with Run(["sh", "-c", "echo ready; sleep 30"]) as run:
        client = subprocess.Popen([harness.HOST, "attach", run.path], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=harness.clean_environment())
        expect(client.stdout.readline() == b"ready\n")
        client.stdin.write(b"\x10\x11")
        client.stdin.flush()
        _out, err = client.communicate(timeout=10)
        expect(client.returncode == 0 and b"detached" in err, client.returncode, err)
        expect(run.process.poll() is None)
    for arguments, text in ((["attach"], "SOCKET"), (["attach", "--x", "y"], "SOCKET"),
                            (["attach", "/no/such/socket"], "cannot attach")):
        done = subprocess.run([harness.HOST, *arguments], capture_output=True, text=True, check=False,
                              env=harness.clean_environment(), timeout=10)
        expect(done.returncode == 125 and text in done.stderr, arguments, done)


def attach(run, *arguments):
    return screen.Screen([harness.HOST, "attach", *arguments, run.path], columns=200)


@test("whoever attaches is told at the start how to leave, and can: looking only, typing, or waiting")
def _leave():
    script = ["sh", "-c", "echo ready; while read line; do echo got $line; done"]
    for terminal in (True, False):
        with Run(script, terminal=terminal) as run:
            people = []
            for arguments, word in ((["--read-only"], "attached, read-only;"), ([], "attached;"),
                                    ([], "another client types")):
                person = attach(run, *arguments)
                people.append(person)
                person.read_until("Ctrl-P Ctrl-Q leaves")
                person.read_until(word)
                person.read_until("ready")
                person.wait_for_modes(lambda modes: "echo" not in modes or not terminal, "echo")
            looker, typist, waiting = people
            looker.type("looker\r")
            waiting.type("waiting\r")
            typist.type("typist\r")
            looker.read_until("got typist")
            expect("got looker" not in looker.screen and "got waiting" not in looker.screen,
                   looker.screen)
            for person in (looker, typist):
                with person:
                    person.type("\x10\x11")
                    person.read_until("detached; the program goes on")
                    expect(person.wait() == 0, person.screen)
                    expect(person.modes() == screen.COOKED, person.modes())
            # The one that was told to look only may type now.
            waiting.forget()
            waiting.type("next\r")
            waiting.read_until("got next")
            waiting.type("after\r")
            waiting.read_until("got after")
            with waiting:
                waiting.type("\x10\x11")
                expect(waiting.wait() == 0, waiting.screen)
            expect(run.process.poll() is None)


@test("whoever only looks can also leave by Ctrl-C, and stop by Ctrl-Z, and the terminal is as before")
def _looker_keys():
    with Run(["sh", "-c", "echo ready; sleep 30"], terminal=True) as run:
        with screen.Shell(POLICY) as shell:
            shell.type(f"{harness.HOST} attach --read-only {run.path}\n")
            shell.read_until("ready")
            time.sleep(0.1)
            shell.type("\x1a")
            shell.read_until("Stopped")
            shell.ends()
            expect("newlines" in shell.modes(), shell.modes())
            shell.enter("fg")
            shell.wait_for_modes(lambda modes: modes == {"signals"}, "not ours again")
            shell.type("\x03")
            shell.ends()
            expect("130" in shell.does("echo $?"), shell.screen)
        expect(run.process.poll() is None)


REFUSED = """
import os, socket, sys, time
def refused(port):
    try: socket.create_connection(('10.77.0.1', port), 2).recv(1)
    except OSError: pass
print('ready', flush=True); sys.stdin.readline()
refused(8081); print('first', flush=True); sys.stdin.readline()
print('\\x1b[?1049hdrawing', flush=True); refused(8082); time.sleep(0.2)
print('drawn', flush=True); sys.stdin.readline()
print('\\x1b[?1049lthrough', flush=True); sys.stdin.readline()
"""


@test("who is attached sees refusals, who comes later too, and none while the program draws")
def _refusals():
    with Run([harness.PYTHON, "-I", "-c", REFUSED], terminal=True) as run:
        client = Client(run.path).see("ready")
        client.type("\r")
        client.read_until(lambda c: any("8081" in note for note in c.notes), "no line")
        client.see("first")
        client.type("\r")
        client.see("drawn")
        with attach(run, "--read-only") as looker:
            looker.read_until("8081")
            looker.read_until("drawn")
            looker.read_for(0.4)
            expect("8082" not in looker.screen, looker.screen)
            expect(not any("8082" in note for note in client.notes), client.notes)
            looker.type("\x10\x11")
            expect(looker.wait() == 0, looker.screen)
            shown = looker.screen.split("drawn")[1]
            # Off the alternate screen first.
            expect("\x1b[?1049l" in shown.split("8082")[0] and "8082" in shown, repr(shown))
        client.type("\r")
        client.see("through")
        client.read_until(lambda c: any("8082" in note for note in c.notes), "no line afterwards")
        late = Client(run.path).see("through")
        late.read_until(lambda c: len(c.notes) >= 2 and "8082" in c.notes[-1], "not for who is late")
        client.type("\r")
        expect(client.ended() == (0, 0), client.exit)


@test("a program that stops itself where only those who are attached type goes on by a key of theirs")
def _stopped():
    with Run(["sh", "-c", "read a; kill -TSTP 0; echo on; read b; kill -STOP $$; echo off; read c"],
             terminal=True) as run:
        client = Client(run.path)
        for key, word in (("\r", "on"), ("\r", "off")):
            client.type(key)
            client.read_until(lambda c: any("any key" in note for note in c.notes), "no note")
            client.notes.clear()
            expect(word.encode() not in client.out, client.out)
            client.type("x")
            client.see(word)
        client.type("\r")
        expect(client.ended() == (0, 0), client.exit)


@test("what an attended program leaves behind is served until the box is closed")
def _left_behind():
    script = ("trap 'echo late; echo late >&2; exit' TERM; echo child up; while :; do sleep 0.1; done")
    for terminal in (False, True):
        with Run(["sh", "-c", f'sh -c "{script}" & sleep 0.4; echo over'], terminal=terminal) as run:
            code, out, err = run.end()
            expect(code == 0 and "over" in out and (out + err).count("late") == 2,
                   terminal, code, out, err)


harness.main()
