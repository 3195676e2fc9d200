# SPDX-License-Identifier: Apache-2.0
"""A program under a real terminal of ours, and a real shell that starts the host as its job."""
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

import harness
from harness import expect

PROMPT = "prompt> "
FLAGS = (("lines", 3, termios.ICANON), ("echo", 3, termios.ECHO), ("signals", 3, termios.ISIG),
         ("newlines", 1, termios.OPOST))
COOKED = {"lines", "echo", "signals", "newlines"}


class Screen:
    """`arguments` leads the session on the terminal."""

    def __init__(self, arguments, rows=24, columns=80, redirect="", cwd=None, **environment):
        folder = cwd or harness.scratch()
        environment = harness.clean_environment(TERM="xterm", **environment)
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(folder)
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                if redirect == "stdin":
                    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
                os.execvpe(arguments[0], arguments, environment)
            except BaseException as error:  # pylint: disable=broad-except
                os.write(2, str(error).encode())
                os._exit(99)
        # Another one's child would keep this terminal from being hung up.
        os.set_inheritable(self.master, False)
        self.folder = folder
        self.screen = ""
        self.status = None

    def _read(self, seconds):
        """Returns False at the end."""
        if not select.select([self.master], [], [], max(seconds, 0))[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            data = b""
        self.screen += data.decode("utf-8", "replace")
        return bool(data)

    def read_until(self, text, seconds=10):
        limit = time.monotonic() + seconds
        while text not in self.screen:
            left = limit - time.monotonic()
            expect(left > 0, f"the screen never shows {text!r}:", repr(self.screen))
            if not self._read(left):
                expect(text in self.screen, f"it ended before showing {text!r}:", repr(self.screen))

    def read_for(self, seconds):
        limit = time.monotonic() + seconds
        while (left := limit - time.monotonic()) > 0 and self._read(left):
            pass
        return self.screen

    def forget(self):
        self.screen = ""

    def type(self, text):
        os.write(self.master, text.encode())

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def modes(self):
        attributes = termios.tcgetattr(self.master)
        return {name for name, index, flag in FLAGS if attributes[index] & flag}

    def wait_for_modes(self, condition, what, seconds=10):
        harness.wait_until(lambda: (self._read(0.02), condition(self.modes()))[1], seconds,
                           f"{what}: {self.modes()} {self.screen!r}")

    def wait(self, seconds=10):
        """Returns what a shell would show."""
        limit = time.monotonic() + seconds
        while self.status is None:
            expect(time.monotonic() < limit, "it does not end:", repr(self.screen))
            self._read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = harness.shell_code(os.waitstatus_to_exitcode(status))
        while select.select([self.master], [], [], 0)[0] and self._read(0):
            pass
        return self.status

    def hang_up(self):
        """As a window that is closed."""
        os.close(self.master)
        self.master = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if self.master >= 0:
            os.close(self.master)


class Shell(Screen):
    """An interactive shell with jobs. `run` in a line stands for the host and its policy."""

    def __init__(self, policy, shell=("bash", "--norc", "-i"), options=("--quiet",)):
        super().__init__(list(shell), columns=200, PS1=PROMPT, ENV="", HISTFILE="")
        with open(os.path.join(self.folder, "run"), "w", encoding="utf-8") as stream:
            words = harness.host_command(None, policy, list(options))
            stream.write("#!/bin/sh\nexec " + " ".join(words) + ' -- "$@"\n')
        os.chmod(os.path.join(self.folder, "run"), 0o755)
        self.read_until(PROMPT)
        self.enter("PATH=.:$PATH")
        self.ends()

    def enter(self, line):
        self.forget()
        self.type(line + "\n")
        # The echo of the line itself.
        self.read_until(line[-20:])

    def ends(self, seconds=10):
        """Until the prompt is back. Returns what was shown meanwhile."""
        limit = time.monotonic() + seconds
        while not self.screen.endswith(PROMPT):
            expect(time.monotonic() < limit, "no prompt:", repr(self.screen))
            self._read(0.05)
        return self.screen

    def does(self, line, seconds=10):
        self.enter(line)
        return self.ends(seconds)
