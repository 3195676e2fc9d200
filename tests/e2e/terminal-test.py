# SPDX-License-Identifier: Apache-2.0
"""A person at a terminal: size, control keys, job control, and what the box may not do to it."""
import os
import signal
import subprocess
import termios
import time

import harness
import screen
import world
from harness import expect, test

POLICY = world.policy(read_only=["/proc"])


class Terminal(screen.Screen):
    """The host itself leads the session."""

    def __init__(self, command, rows=24, columns=80, redirect="", options=(), policy=POLICY):
        super().__init__(harness.host_command(command, policy, list(options)), rows, columns,
                         redirect)


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


def shares(shell, line, until):
    """Enters a line that leaves the terminal to somebody else, and returns its modes then."""
    shell.enter(line)
    shell.read_until(until)
    shell.read_for(0.15)
    return shell.modes()


@test("the terminal stays as it is while standard output is a pipe or a file, and the program knows")
def _shared_modes():
    say = "test -t 0 && echo in; test -t 1 && echo out; test -t 2 && echo err; echo up >&2; sleep 0.4"
    streams = (("| cat", {"in", "err"}), ("> said", {"in", "err"}), ("2>&1 | cat", {"in"}),
               ("< /dev/null > said", {"err"}), ("< said", {"out", "err"}))
    with screen.Shell(POLICY) as shell:
        for stream, wanted in streams:
            with open(os.path.join(shell.folder, "said"), "w", encoding="utf-8"):
                pass
            modes = shares(shell, f"run sh -c '{say}' {stream}", "up\r\n" if "2>" not in stream
                           else "in\r\n")
            expect(modes == screen.COOKED, stream, modes)
            shown = shell.ends()
            expect("\r\r" not in shown and "\n\n" not in shown, "line ends", stream, repr(shown))
            with open(os.path.join(shell.folder, "said"), encoding="utf-8") as said:
                shown += said.read()
            said = {word for word in ("in", "out", "err") if word in shown.split()}
            expect(said == wanted, stream, said, repr(shown))


@test("a pager behind a pipe has the keys and the modes of the terminal, also while the run goes on")
def _pager():
    with screen.Shell(POLICY) as shell:
        shell.enter("run sh -c 'seq 400; sleep 1' | LESS= less")
        shell.read_until("\r\n:")
        shell.type("G")
        shell.read_for(0.3)
        # This one waits for the end of the pipe, and the key for it.
        shell.type("q")
        shell.ends()
        expect("399\r\n400" in shell.screen, repr(shell.screen))
        expect(shares(shell, "run sh -c 'echo up; sleep 0.3'", "up\r\n") == set(), "not raw")
        shell.ends()
        expect("back" in shell.does("echo ba''ck"), shell.screen)


@test("a pager in the box has the keys where only standard output is the terminal")
def _pager_inside():
    with screen.Shell(POLICY) as shell:
        shell.enter("seq 400 | run less")
        shell.read_until("\r\n:")
        shell.type("G")
        shell.read_until("(END)")
        # A signal between its last look and its read waits for the next key, wherever it runs.
        shell.read_for(0.1)
        shell.type("\x1a")
        expect("Stopped" in shell.ends(), repr(shell.screen))
        shell.enter("fg")
        shell.read_until("(END)")
        shell.type("q")
        shell.ends()


@test("a line that is typed is echoed once, reaches the program, and the next one the next program")
def _shared_lines():
    with screen.Shell(POLICY) as shell:
        shell.enter("run sh -c 'read a; echo got $a' | cat; read b; echo then $b")
        time.sleep(0.4)
        shell.type("one\ntwo\n")
        shown = shell.ends()
        expect(shown.count("one") == 2 and "got one\r\n" in shown and "then two" in shown, repr(shown))
        shell.enter("run cat | sed s/^/=/")
        time.sleep(0.4)
        shell.type("a\nb\n\x04")
        shown = shell.ends()
        expect("=a\r\n" in shown and "=b\r\n" in shown and "\x04" not in shown, repr(shown))


@test("a password is not shown, whoever asks for it, and reaches nobody else")
def _password():
    ask = "import getpass; print(\'got\', getpass.getpass())"
    ours = f"run {harness.PYTHON} -I -c '" + ask.replace("\\", "") .replace("'", '"') + "' > said"
    theirs = f"run cat > said | {harness.PYTHON} -I -c '" + ask.replace("'", '"') + "'"
    with screen.Shell(POLICY) as shell:
        for line, said in ((ours, "got secret\n"), (theirs, "")):
            shell.enter(line)
            shell.read_until("Password:")
            shell.read_for(0.2)
            expect("echo" not in shell.modes(), line, shell.modes())
            shell.type("secret\n")
            shell.read_for(0.2)
            if not said:
                shell.read_until("got secret")
                shell.type("\x04")
            shown = shell.ends()
            expect("secret" not in shown.replace("got secret", ""), line, repr(shown))
            with open(os.path.join(shell.folder, "said"), encoding="utf-8") as stream:
                expect(stream.read() == said, line)


@test("a shell in the box whose output is a pipe keeps Ctrl-C and Ctrl-Z to its jobs")
def _shell_in_a_pipe():
    with screen.Shell(POLICY) as shell:
        shell.enter("run bash --norc -i | tee log")
        shell.read_until("bash-")
        for key, word in (("\x03", "^C"), ("\x1a", "Stopped")):
            shell.forget()
            shell.type("sleep 60\n")
            time.sleep(0.3)
            shell.type(key)
            shell.read_until(word)
            shell.read_until("bash-")
        shell.type("kill -9 %1; sleep 0.2; echo it \"goes\" on\n")
        shell.read_until("it goes on")
        shell.type("exit\n")
        shell.ends()


@test("a terminal that does not control the session of the host serves it all the same")
def _not_controlling():
    master, slave = os.openpty()
    process = harness.start_host(["sh", "-c", "read a; echo got $a"], POLICY, ["--quiet"],
                                 stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    time.sleep(0.3)
    os.write(master, b"keys\r")
    shown = b""
    while b"got keys" not in shown:
        shown += os.read(master, 4096)
    expect(process.wait(10) == 0)
    os.close(master)


DRAWS = """
import os, socket, sys, termios, time, tty
def refused(port):
    # Until it is reset: of who closes at once nothing is decided, and nothing said.
    try: socket.create_connection(('10.77.0.1', port), 2).recv(1)
    except OSError: pass
refused(8081)
print('seen', end='', flush=True); sys.stdin.readline()
%s
refused(8082)
print('drawn', end='', flush=True); sys.stdin.readline()
%s
"""
ALTERNATE = ("print('\\x1b[?1049h')", "print('\\x1b[?1049l')")
RAW = ("old = termios.tcgetattr(0); tty.setcbreak(0)", "termios.tcsetattr(0, termios.TCSANOW, old)")


@test("a refusal is shown at once, but after the program has drawn where it draws on the screen")
def _refusal_waits():
    for begin, end in (ALTERNATE, RAW):
        end += "; print('through', flush=True); time.sleep(0.5); print('end')"
        with Terminal([harness.PYTHON, "-I", "-c", DRAWS % (begin, end)]) as terminal:
            terminal.read_until("seen")
            terminal.read_until("10.77.0.1:8081")
            # Each line begins at its begin, although the terminal is raw.
            expect("\n" not in terminal.screen.replace("\r\n", ""), repr(terminal.screen))
            terminal.type("\r")
            terminal.read_until("drawn")
            terminal.read_for(0.4)
            expect("8082" not in terminal.screen, repr(terminal.screen))
            terminal.type("\r")
            terminal.read_until("10.77.0.1:8082")
            expect(terminal.wait() == 0, terminal.screen)
            after = terminal.screen.split("drawn")[1]
            if begin == ALTERNATE[0]:
                after = after.split("\x1b[?1049l")[1]
            expect("8082" in after.split("end")[0], repr(terminal.screen))


@test("a refusal that waits is shown when the program ends, and at once where errors go elsewhere")
def _refusal_at_the_end():
    script = DRAWS % (RAW[0], "os.kill(os.getpid(), 9)")
    # When the leader of a session ends, the kernel drops what its terminal has not shown yet: as in
    # a window, a shell outlives the host.
    words = harness.host_command([harness.PYTHON, "-I", "-c", script], POLICY)
    with screen.Screen(["sh", "-c", '"$@"; code=$?; sleep 0.3; exit $code', "sh", *words]) as terminal:
        terminal.read_until("seen")
        terminal.type("\r")
        terminal.read_until("drawn")
        terminal.type("\r")
        expect(terminal.wait() == 137, terminal.status)
        expect("8082" in terminal.screen.split("drawn")[1], repr(terminal.screen))
    with screen.Shell(POLICY, options=()) as shell:
        with open(os.path.join(shell.folder, "draws"), "w", encoding="utf-8") as stream:
            stream.write(DRAWS % (RAW[0], RAW[1]))
        shell.enter(f"run {harness.PYTHON} -I draws 2> errors")
        shell.read_until("seen")
        shell.type("\r")
        shell.read_until("drawn")

        def told():
            with open(os.path.join(shell.folder, "errors"), encoding="utf-8") as stream:
                return "8082" in stream.read()
        harness.wait_until(told, 5, "the line waits although it spoils nothing")
        shell.type("\r")
        shell.ends()


harness.main()
