# SPDX-License-Identifier: Apache-2.0
"""A person at a terminal: size, control keys, job control, and what the box may not do to it."""
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

import harness
import world
from harness import expect, test

POLICY = world.policy(read_only=["/proc"])


class Terminal:
    """The host under a real terminal of ours."""

    def __init__(self, command, rows=24, columns=80, redirect=""):
        folder = harness.scratch()
        arguments = harness.host_command(command, POLICY)
        environment = harness.clean_environment(TERM="xterm")
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(folder)
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                if redirect == "stdin":
                    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
                os.execve(arguments[0], arguments, environment)
            except BaseException as error:  # pylint: disable=broad-except
                os.write(2, str(error).encode())
                os._exit(99)
        self.screen = ""
        self.status = None

    def read_until(self, text, seconds=10):
        limit = time.monotonic() + seconds
        while text not in self.screen:
            left = limit - time.monotonic()
            expect(left > 0, f"the screen never shows {text!r}:", repr(self.screen))
            if select.select([self.master], [], [], left)[0]:
                try:
                    data = os.read(self.master, 65536)
                except OSError:
                    data = b""
                if not data:
                    expect(text in self.screen, f"it ended before showing {text!r}:",
                           repr(self.screen))
                    return
                self.screen += data.decode("utf-8", "replace")

    def forget(self):
        self.screen = ""

    def type(self, text):
        os.write(self.master, text.encode())

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait(self, seconds=10):
        limit = time.monotonic() + seconds
        while self.status is None:
            expect(time.monotonic() < limit, "it does not end:", repr(self.screen))
            if select.select([self.master], [], [], 0.02)[0]:
                try:
                    self.screen += os.read(self.master, 65536).decode("utf-8", "replace")
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = harness.shell_code(os.waitstatus_to_exitcode(status))
        return self.status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)


@test("the program has a terminal, of the size of the one outside")
def _size():
    with Terminal(["sh", "-c", "test -t 0 && test -t 1 && stty size"], 33, 77) as terminal:
        terminal.read_until("33 77")
        expect(terminal.wait() == 0, terminal.screen)


@test("a resize outside arrives inside, with its signal")
def _resize():
    with Terminal(["bash", "-c", "trap 'stty size; exit 5' WINCH; echo ready; "
                   "while :; do sleep 0.05; done"]) as terminal:
        terminal.read_until("ready")
        terminal.resize(40, 123)
        terminal.read_until("40 123")
        expect(terminal.wait() == 5, terminal.screen)


@test("the terminal is the box's own, not the one outside")
def _own():
    with Terminal(["sh", "-c", "tty; stat -c device=%d. $(tty); echo over"]) as terminal:
        outside = os.stat(f"/proc/{terminal.pid}/fd/0")
        terminal.read_until("over")
        shown = terminal.screen
        expect(terminal.wait() == 0, shown)
        expect("device=" in shown and f"device={outside.st_dev}." not in shown, shown)


@test("Ctrl-C ends the program, and the code says so")
def _interrupt():
    with Terminal(["sh", "-c", "echo ready; sleep 60"]) as terminal:
        terminal.read_until("ready")
        time.sleep(0.1)
        terminal.type("\x03")
        expect(terminal.wait() == 130, terminal.status, terminal.screen)


@test("Ctrl-D ends the input")
def _end_of_input():
    with Terminal(["sh", "-c", "echo waiting; cat > /dev/null; echo done; exit 6"]) as terminal:
        terminal.read_until("waiting")
        terminal.type("\x04")
        terminal.read_until("done")
        expect(terminal.wait() == 6, terminal.screen)


@test("job control works: Ctrl-Z stops, jobs lists, fg continues")
def _jobs():
    with Terminal(["bash", "--norc", "-i"]) as terminal:
        terminal.type("PS1='prompt'\\>\n")
        terminal.read_until("prompt>")
        expect("no job control" not in terminal.screen, terminal.screen)
        terminal.forget()
        terminal.type("sleep 50\n")
        time.sleep(0.4)
        terminal.type("\x1a")
        terminal.read_until("Stopped")
        terminal.read_until("prompt>")
        terminal.forget()
        terminal.type("jobs\n")
        terminal.read_until("sleep 50")
        terminal.type("fg\n")
        time.sleep(0.3)
        terminal.forget()
        terminal.type("\x03")
        terminal.read_until("prompt>")
        terminal.type("exit 8\n")
        expect(terminal.wait() == 8, terminal.status, terminal.screen)


@test("the program cannot type into the terminal: TIOCSTI and TIOCLINUX are denied")
def _inject():
    program = ("import ctypes, fcntl, os, termios\n"
               "for request, what in ((0x5412, b'x'), (0x541c, b'\\2')):\n"
               "    try: fcntl.ioctl(0, request, what); print('INJECTED')\n"
               "    except OSError as e: print('denied', e.errno)\n"
               # Only the low 32 bits of a request count for the kernel.
               "libc = ctypes.CDLL(None, use_errno=True)\n"
               "libc.ioctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_char_p]\n"
               "r = libc.ioctl(0, 0x5412 | 1 << 32, b'x')\n"
               "print('INJECTED' if r == 0 else 'denied high', flush=True)\n")
    with Terminal([harness.PYTHON, "-I", "-c", program]) as terminal:
        terminal.read_until("denied high")
        expect("INJECTED" not in terminal.screen, terminal.screen)
        expect(terminal.screen.count("denied") == 3, terminal.screen)
        terminal.wait()


@test("the terminal is as it was when the program has ended, also when it was killed")
def _restored():
    for script in ("stty raw -echo; exit 0", "stty raw -echo; kill -9 $$"):
        with Terminal(["sh", "-c", f"sleep 0.1; {script}"]) as terminal:
            before = termios.tcgetattr(terminal.master)
            terminal.wait()
            after = termios.tcgetattr(terminal.master)
            expect(before[:4] == after[:4], script, before, after)


@test("output that was written just before the end arrives")
def _last_output():
    with Terminal(["sh", "-c", "seq 1 5000; echo the-very-last"]) as terminal:
        terminal.read_until("the-very-last")
        expect("\n4999\r" in terminal.screen, terminal.screen[-200:])
        expect(terminal.wait() == 0, terminal.status)


@test("with standard input elsewhere, output still goes to a terminal of the box")
def _mixed():
    with Terminal(["sh", "-c", "test -t 0 || echo no-input-terminal; test -t 1 && echo terminal"],
                  redirect="stdin") as terminal:
        terminal.read_until("no-input-terminal")
        terminal.read_until("\nterminal")
        expect(terminal.wait() == 0, terminal.screen)


harness.main()
