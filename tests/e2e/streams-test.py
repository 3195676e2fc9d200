# SPDX-License-Identifier: Apache-2.0
"""Standard input, output and error: what a program gets, what it cannot do with it, and that
nobody who reads nothing holds up the host."""
import fcntl
import json
import os
import pty
import re
import resource
import shutil
import socket
import subprocess
import tempfile
import termios
import time

import harness
import world
from harness import expect, test

POLICY = world.policy(read_only=["/proc"])


def python(script, *arguments):
    return [harness.PYTHON, "-I", "-c", script, *arguments]


def start(command, options=("--quiet",), policy=POLICY, **streams):
    """The host with the given streams and nothing else inherited."""
    streams.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(harness.host_command(command, policy, list(options)),
                            cwd=harness.scratch(), env=harness.clean_environment(), **streams)


def run(command, seconds=15, **keywords):
    process = start(command, **keywords)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"it did not end within {seconds} s") from None
    return process.returncode


def log_file(content=b""):
    """A file that the box cannot see, of a user who is not the program's where we are root."""
    path = tempfile.mkstemp(prefix="osh-log-", dir=harness.private_scratch())[1]
    with open(path, "wb") as stream:
        stream.write(content)
    return path


def content(path):
    with open(path, "rb") as stream:
        return stream.read()


def fill(fd):
    """Until it takes nothing more, and leaves it as blocking as it was."""
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    for size in (65536, 1):
        try:
            while True:
                os.write(fd, b"." * size)
        except BlockingIOError:
            pass
    fcntl.fcntl(fd, fcntl.F_SETFL, flags)


def full_pipe():
    reader, writer = os.pipe()
    fill(writer)
    return reader, writer


def full_fifo():
    path = os.path.join(harness.private_scratch(), "fifo")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(path, os.O_WRONLY)
    fill(writer)
    return reader, writer


def full_socket():
    ours, theirs = socket.socketpair()
    fill(theirs.fileno())
    return ours.detach(), theirs.detach()


def stopped_terminal():
    master, slave = pty.openpty()
    termios.tcflow(slave, termios.TCOOFF)
    return master, slave


STUCK = {"pipe": full_pipe, "FIFO": full_fifo, "socket": full_socket,
         "stopped terminal": stopped_terminal}
# Says something on both streams without end, and brings a line of the host's about as well.
FLOOD = """
import os, socket, threading
def flood(fd):
    while True:
        try: os.write(fd, b'x' * 4096)
        except OSError: os._exit(3)
try: socket.create_connection(('10.77.0.1', 8081), 2)
except OSError: pass
threading.Thread(target=flood, args=(2,), daemon=True).start()
flood(1)
"""


@test("--timeout holds while nobody reads: a full pipe, a FIFO, a socket, a stopped terminal")
def _timeout_unread():
    running = []
    for name, make in STUCK.items():
        reader, writer = make()
        running.append((name, reader, start(python(FLOOD), ["--timeout", "1"], stdout=writer,
                                            stderr=writer)))
        os.close(writer)
    limit = time.monotonic() + 10
    for name, reader, process in running:
        try:
            process.wait(max(limit - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"{name}: --timeout did not hold") from None
        expect(process.returncode == 124, name, process.returncode)
        os.close(reader)


@test("SIGTERM, and a second one to a program that ignores the first, hold while nobody reads")
def _sigterm_unread():
    running = []
    for name, make in STUCK.items():
        for deaf in (False, True):
            reader, writer = make()
            command = ("import signal; signal.signal(15, signal.SIG_IGN)\n" if deaf else "") + FLOOD
            running.append((name, deaf, reader, start(python(command), (), stdout=writer,
                                                      stderr=writer)))
            os.close(writer)
    time.sleep(1.5)
    for _name, _deaf, _reader, process in running:
        process.terminate()
    time.sleep(0.5)
    for _name, deaf, _reader, process in running:
        if deaf:
            process.terminate()
    limit = time.monotonic() + 8
    for name, deaf, reader, process in running:
        try:
            process.wait(max(limit - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"{name}, deaf {deaf}: SIGTERM did not hold") from None
        expect(process.returncode == -15, name, deaf, process.returncode)
        os.close(reader)


@test("a start whose first line cannot be written goes on, and the line is there for a late reader")
def _late_reader():
    reader, writer = full_pipe()
    process = start(["sh", "-c", "echo up; read line"], (), stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=writer)
    os.close(writer)
    expect(process.stdout.readline() == b"up\n")
    text = os.read(reader, 1 << 20)
    process.stdin.close()
    while more := os.read(reader, 65536):
        text += more
    os.close(reader)
    expect(process.wait(10) == 1 and b"openshell: " in text, process.returncode, text[-300:])


@test("openshell-host attach ends by SIGTERM while nobody reads what it shows")
def _attach_unread():
    folder = tempfile.mkdtemp(prefix="osh-session-", dir="/var/tmp")
    path = os.path.join(folder, "s")
    process = start(python("import os, time\nfor _ in range(200): os.write(1, b'y' * 4000)\n"
                           "time.sleep(30)"),
                    ["--quiet", "--set", f"process.session={path}"],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    harness.wait_until(lambda: os.path.exists(path), 10, "there is no socket")
    reader, writer = full_pipe()
    for arguments in ([], ["--read-only"]):
        client = subprocess.Popen([harness.HOST, "attach", *arguments, path],
                                  stdin=subprocess.DEVNULL, stdout=writer, stderr=writer,
                                  env=harness.clean_environment())
        time.sleep(0.5)
        client.terminate()
        time.sleep(0.1)
        client.terminate()
        try:
            client.wait(6)
        except subprocess.TimeoutExpired:
            client.kill()
            raise AssertionError(f"attach {arguments} does not end") from None
    process.kill()
    process.wait()
    os.close(reader)
    os.close(writer)
    if os.path.exists(path):
        os.unlink(path)
    os.rmdir(folder)


def unusual_descriptors():
    plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(os.path.join(harness.private_scratch(), "l"))
    listening.listen(1)
    return {
        "a directory": os.open("/", os.O_RDONLY | os.O_DIRECTORY),
        "O_PATH of a directory": os.open("/", os.O_PATH),
        "O_PATH of a file": os.open("/etc/passwd", os.O_PATH),
        "an eventfd": os.eventfd(0),
        "a UDP socket": plain.detach(),
        "a listening socket": listening.detach(),
        "a datagram socket pair": socket.socketpair(type=socket.SOCK_DGRAM)[0].detach(),
    }


@test("a directory, an O_PATH descriptor and sockets without one peer are refused on 0, 1 and 2, "
      "each with one error")
def _refused():
    for name, fd in unusual_descriptors().items():
        for which in ((0, 1) if name.startswith("a") else (0, 1, 2)):
            streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
                       "stderr": subprocess.PIPE}
            streams[("stdin", "stdout", "stderr")[which]] = fd
            process = start(["true"], **streams)
            said = process.communicate(timeout=10)[1]
            expect(process.returncode == 125, name, which, process.returncode, said)
            expect(which == 2 or said.count(b"openshell: error:") == 1, name, which, said)
        os.close(fd)


@test("an internet socket on 0 and 1 works as bytes and cannot be connected anew")
def _internet_socket():
    served = world.World()
    listener = socket.create_server((world.ADDRESS, 0))
    outside = socket.create_connection(listener.getsockname())
    inside = listener.accept()[0]
    # AF_UNSPEC sets a connected socket free, in the network that it was made in.
    script = ("import ctypes, os, socket, sys\n"
              "line = sys.stdin.readline()\n"
              "libc = ctypes.CDLL(None)\n"
              "libc.connect(0, bytes(16), 16)\n"
              "try:\n"
              "    s = socket.socket(fileno=os.dup(0))\n"
              "    s.connect(('10.77.0.1', 8081)); s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n')\n"
              "    sys.stderr.write('REACHED ' + repr(s.recv(20)))\n"
              "except OSError as error: sys.stderr.write('closed')\n"
              "sys.stdout.write('got ' + line)\n")
    outside.sendall(b"hello\n")
    process = start(python(script), stdin=inside, stdout=inside, stderr=subprocess.PIPE)
    tried = process.communicate(timeout=10)[1]
    inside.close()
    said = outside.makefile().read()
    expect(process.returncode == 0 and said == "got hello\n" and tried == b"closed",
           process.returncode, said, tried)
    expect(served is not None)
    outside.close()
    listener.close()


@test("closed descriptors are /dev/null in the box, and no file of the host gets their numbers")
def _closed():
    script = ("import os\n"
              "print(*(os.readlink(f'/proc/self/fd/{n}') for n in range(3)))\n"
              "os.write(2, b'stray'); print(repr(os.read(0, 9)), flush=True)\n")
    for closed in ("0<&-", "1>&-", "2>&-", "0<&- 1>&-", "0<&- 1>&- 2>&-"):
        events = os.path.join(harness.private_scratch(), "events")
        command = harness.host_command(python(script), POLICY, ["--quiet", "--events", events])
        done = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", *command], check=False,
                              cwd=harness.scratch(), env=harness.clean_environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=15)
        expect(done.returncode == 0, closed, done)
        if "1>" not in closed:
            for number in closed.split():
                expect(done.stdout.split()[int(number[0])] == b"/dev/null", closed, done.stdout)
        for line in content(events).splitlines():
            json.loads(line)


DEVICES = """
set -e
echo one > /dev/stdout
echo two | tee /dev/stderr > /dev/null
echo three >> /proc/self/fd/1
echo four > /dev/fd/2
echo five
"""
LINES = b"one\ntwo\nthree\nfour\nfive\n"


@test("/dev/stdout, /dev/stderr and /proc/self/fd/1 open for a file, an appended file, a FIFO and a "
      "pipe, in order")
def _devices():
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND):
        path = log_file()
        fd = os.open(path, flags)
        code = run(["sh", "-c", DEVICES], stdout=fd, stderr=fd)
        os.close(fd)
        expect(code == 0 and content(path) == LINES, flags, code, content(path))
    fifo = os.path.join(harness.private_scratch(), "fifo")
    os.mkfifo(fifo, 0o600)
    for reader, writer in (os.pipe(), (os.open(fifo, os.O_RDONLY | os.O_NONBLOCK),
                                       os.open(fifo, os.O_WRONLY))):
        code = run(["sh", "-c", DEVICES], stdout=writer, stderr=writer)
        os.close(writer)
        said = os.read(reader, 65536)
        os.close(reader)
        expect(code == 0 and said == LINES, code, said)


@test("/dev/stdin opens for a file, one opened for writing too, a pipe and a FIFO")
def _device_stdin():
    path = log_file(b"input\n")
    reader, writer = os.pipe()
    os.write(writer, b"input\n")
    os.close(writer)
    for fd in (os.open(path, os.O_RDONLY), os.open(path, os.O_RDWR), reader):
        process = start(["sh", "-c", "cat /dev/stdin"], stdin=fd, stdout=subprocess.PIPE)
        os.close(fd)
        said = process.communicate(timeout=10)[0]
        expect(process.returncode == 0 and said == b"input\n", process.returncode, said)


# Each line: what was tried, and whether it worked.
ABUSE = """
import fcntl, os, sys
def attempt(name, function):
    try: sys.stderr.write(f'{name} {function()!r}\\n')
    except OSError as error: sys.stderr.write(f'{name} refused {error.errno}\\n')
fd = int(sys.argv[1])
attempt('truncate', lambda: os.ftruncate(fd, 0))
attempt('truncate by path', lambda: os.truncate(f'/proc/self/fd/{fd}', 0))
attempt('open with O_TRUNC', lambda: os.close(os.open(f'/proc/self/fd/{fd}', os.O_WRONLY | os.O_TRUNC)))
attempt('seek', lambda: os.lseek(fd, 0, 0))
attempt('pread', lambda: os.pread(fd, 100, 0))
attempt('pwrite', lambda: os.pwrite(fd, b'EVIL', 0))
attempt('read', lambda: fd == 0 or os.read(os.open(f'/proc/self/fd/{fd}', os.O_RDONLY | os.O_NONBLOCK), 100))
attempt('nonblock', lambda: fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK))
attempt('chmod', lambda: os.fchmod(fd, 0o777))
attempt('write', lambda: fd == 1 and os.write(1, b'said\\n'))
attempt('write to stdin', lambda: fd == 0 and os.write(0, b'EVIL'))
"""


@test("a program can neither cut, reread nor overwrite the file that its output goes to, nor change "
      "its flags or mode")
def _abuse_output():
    for flags in (os.O_RDWR, os.O_RDWR | os.O_APPEND):
        path = log_file(b"before\n")
        fd = os.open(path, flags)
        os.lseek(fd, 0, os.SEEK_END)
        process = start(python(ABUSE, "1"), stdout=fd, stderr=subprocess.PIPE)
        said = process.communicate(timeout=10)[1].decode()
        after = fcntl.fcntl(fd, fcntl.F_GETFL)
        os.close(fd)
        expect(process.returncode == 0, said)
        expect(content(path) == b"before\nsaid\n", content(path), said)
        expect("before" not in said, said)
        expect(not after & os.O_NONBLOCK and os.stat(path).st_mode & 0o777 == 0o600, said)


@test("a program can neither cut nor write the file that it reads, though it was opened for writing")
def _abuse_input():
    path = log_file(b"before\n")
    fd = os.open(path, os.O_RDWR)
    process = start(python(ABUSE, "0"), stdin=fd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.communicate(timeout=10)[1].decode()
    os.close(fd)
    expect(process.returncode == 0 and content(path) == b"before\n", content(path), said)


@test("a program cannot take what others wrote into the pipe that its output goes to")
def _abuse_pipe():
    reader, writer = os.pipe()
    os.write(writer, b"of others\n")
    process = start(python(ABUSE, "1"), stdout=writer, stderr=subprocess.PIPE)
    said = process.communicate(timeout=10)[1].decode()
    expect(not fcntl.fcntl(writer, fcntl.F_GETFL) & os.O_NONBLOCK, said)
    os.close(writer)
    expect(os.read(reader, 1000) == b"of others\nsaid\n" and "others" not in said, said)
    os.close(reader)


@test("what a program writes to both streams stays in order, in a file, an appended one and a pipe")
def _order():
    script = "import os\nfor n in range(3000): os.write(1 + n % 2, b'%d\\n' % n)"
    wanted = b"".join(b"%d\n" % n for n in range(3000))
    for flags in (os.O_WRONLY, os.O_WRONLY | os.O_APPEND):
        path = log_file()
        fd = os.open(path, flags)
        run(python(script), stdout=fd, stderr=fd)
        os.close(fd)
        expect(content(path) == wanted, flags, len(content(path)))
    process = start(python(script), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    expect(process.communicate(timeout=10)[0] == wanted)


@test("a reader that goes away is told to the program: SIGPIPE, and POLLERR while it writes nothing")
def _reader_gone():
    command = harness.host_command(["yes"], POLICY, ["--quiet"])
    done = subprocess.run(["bash", "-c", '"$@" | head -1; exit ${PIPESTATUS[0]}', "x", *command],
                          capture_output=True, timeout=15, check=False,
                          cwd=harness.scratch(), env=harness.clean_environment())
    expect(done.returncode == 141 and done.stdout == b"y\n", done)
    script = ("import os, select\nos.write(1, b'up')\np = select.poll(); p.register(1, 0)\n"
              "os._exit(7 if p.poll(8000) else 9)")
    process = start(python(script), stdout=subprocess.PIPE)
    process.stdout.read(2)
    process.stdout.close()
    expect(process.wait(10) == 7, process.returncode)


@test("a reader that begins long after the program's end gets every byte")
def _slow_reader():
    process = start(python("import os\nos.write(1, b'z' * 120000)"), stdout=subprocess.PIPE)
    time.sleep(1.5)
    expect(process.poll() is None, "it did not wait for its reader")
    out = process.stdout.read()
    expect(len(out) == 120000 and process.wait(5) == 0, len(out), process.returncode)


@test("what a program leaves running with its streams open holds up neither the end nor the output")
def _left_behind():
    for script in ("sleep 300 & echo last", "while :; do echo more; done & sleep 0.1; echo last"):
        began = time.monotonic()
        process = start(["sh", "-c", script], stdout=subprocess.PIPE)
        out = process.communicate(timeout=12)[0]
        expect(process.returncode == 0 and b"last\n" in out, script, process.returncode, out[-80:])
        expect(time.monotonic() - began < 8, script, time.monotonic() - began)


@test("what a program does not read of its input is there for the next program")
def _input_is_shared():
    host = harness.host_command(["true"], POLICY, ["--quiet"])
    reading = harness.host_command(["head", "-c", "2"], POLICY, ["--quiet"])
    path = log_file(b"a\nb\nc\nd\n")
    loop = 'while read line; do "$@" || exit; echo got $line; done'
    for script, command, wanted in (
            (f'{loop} < {path}', host, b"got a\ngot b\ngot c\ngot d\n"),
            (f'cat {path} | {{ {loop}; }}', host, b"got a\ngot b\ngot c\ngot d\n"),
            (f'cat {path} | {{ "$@"; cat; }}', reading, b"a\nb\nc\nd\n"),
            (f'{{ "$@"; cat; }} < {path}', reading, b"a\nb\nc\nd\n")):
        done = subprocess.run(["bash", "-c", script, "x", *command], capture_output=True, timeout=20,
                              check=False, cwd=harness.scratch(), env=harness.clean_environment())
        expect(done.returncode == 0 and done.stdout == wanted, script, done)


@test("24 MiB pass from a pipe to a pipe and from a file to a file, byte for byte")
def _much():
    data = os.urandom(1 << 20) * 24
    source, sink = log_file(data), log_file()
    with open(source, "rb") as given, open(sink, "wb") as taken:
        expect(run(["cat"], stdin=given, stdout=taken, seconds=30) == 0)
    expect(content(sink) == data, len(content(sink)))
    process = start(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out = process.communicate(data, timeout=30)[0]
    expect(process.returncode == 0 and out == data, process.returncode, len(out))


@test("output that its file cannot take is said, and is no success")
def _file_is_full():
    for flags in (os.O_WRONLY, os.O_WRONLY | os.O_APPEND):
        path = log_file()
        fd = os.open(path, flags)
        # The program waits for a line; by then the host's files may not grow any more.
        process = start(["sh", "-c", "echo up >&2; read line; echo $line; head -c 3000 /dev/zero"],
                        stdout=fd, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        expect(process.stderr.readline() == b"up\n")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        said = process.communicate(b"go\n", timeout=10)[1]
        os.close(fd)
        taken = content(path)
        expect(process.returncode == 125, process.returncode, said)
        expect(b" %d bytes were not delivered: File too large" % (3003 - len(taken)) in said, said,
               len(taken))
        expect(taken.startswith(b"go\n") and len(taken) <= 1000, len(taken))


NAMES = ("openshell: ALLOWED e9 curl", "curl(77) -> api.example:443 [connect] allowed; next",
         "x\nopenshell: ALLOWED e9 curl -> b", "a\r\x1b[2Kopenshell: fine", "r\u202egpj.sh",
         "i\u2066so\u2069", "zero\u200bwidth", "line\u2028separator", "quote\" -> a' -> b", "n" * 200)


@test("a program's name cannot read like a line of the host's, whatever is in it")
def _names():
    folder = harness.scratch()
    script = ("import os, subprocess, sys\n"
              "for name in os.listdir('.'):\n"
              "    subprocess.run([name, '-c', 'exec 3<>/dev/tcp/10.77.0.1/8081; read -u3 -t3'],\n"
              "                   executable='./' + name, stderr=subprocess.DEVNULL)\n")
    for name in NAMES:
        shutil.copy("/bin/bash", os.path.join(folder, name))
        os.chmod(os.path.join(folder, name), 0o755)
    shutil.copy("/bin/bash", os.path.join(folder.encode(), b"bad\xff\xfeutf"))
    os.chmod(os.path.join(folder.encode(), b"bad\xff\xfeutf"), 0o755)
    for policy in (POLICY, world.policy("10.77.0.1:8081", binaries=("/usr/bin/true",))):
        result = harness.run_host(python(script), policy, cwd=folder)
        lines = result.err.splitlines()
        shown = [line for line in lines if line.startswith("openshell: DENIED")]
        expect(len(shown) == len(NAMES) + 1, result)
        for line in lines:
            expect(line.startswith("openshell: ") and len(line) < 1000, line)
            expect(line.isascii() and line.isprintable(), line)
            # Without what stands in quotes nothing of a name is left but its plain letters.
            bare = re.sub(r'"[^"]*"|\'[^\']*\'', "Q", line)
            expect(bare.count("->") == bare.count(" -> ") and "ALLOWED" not in bare and
                   "allowed;" not in bare and "fine" not in bare, line, bare)
        for line in shown:
            expect(re.match(r'openshell: DENIED e\d+ ("[^"]{1,270}"|n{64})(\.\.\.)?\(\d+\) -> '
                            r"10\.77\.0\.1:8081 \[", line), line)


LIMITS = """
import ctypes, os, resource
libc = ctypes.CDLL(None, use_errno=True)
L = ctypes.c_ulong
def attempt(name, *arguments):
    done = libc.syscall(*arguments)
    print(name, 'done' if done != -1 else 'refused', flush=True)
now = (L * 2)()
for number in range(16):
    libc.prlimit(1, number, None, now)
    attempt(f'prlimit {number}', L(302), L(1), L(number), (L * 2)(min(now[0], 3), min(now[1], 3)), None)
    attempt(f'prlimit {number} above', L(302), L(1 << 32 | 1), L(number), (L * 2)(*now), None)
for which in range(3):
    attempt(f'setpriority {which}', L(141), L(which), L(1), L(7))
    attempt(f'ioprio_set {which}', L(251), L(which + 1), L(1), L(3 << 13))
mask = (L * 16)(1)
parameter = (ctypes.c_int * 1)(0)
attempt('affinity', L(203), L(1), L(128), mask)
for policy in (0, 3, 5):
    attempt(f'scheduler {policy}', L(144), L(1), L(policy), parameter)
attempt('ptrace', L(101), L(0x4206), L(1), L(0), L(0))
for number in (9, 15, 19, 20, 24):
    try: os.kill(1, number); print('sent', number)
    except OSError: pass
for name, text in (('oom_score_adj', '1000'), ('autogroup', '19'), ('coredump_filter', '255'),
                   ('timerslack_ns', '1000000000'), ('comm', 'x'), ('clear_refs', '1')):
    try:
        with open(f'/proc/1/{name}', 'w') as stream: stream.write(text)
        print('written', name, 'done')
    except OSError: pass
print('own', resource.prlimit(0, resource.RLIMIT_NOFILE)[0] > 3, libc.prlimit(1, 7, None, now) == 0)
print('init', os.getpriority(os.PRIO_PROCESS, 1), open('/proc/1/oom_score_adj').read().strip(),
      open('/proc/1/stat').read().split()[2] in 'SR', now[0] > 3)
"""


@test("a program can neither lower the limits, the priority nor the score of the box's init, nor stop "
      "it")
def _limits_of_init():
    if os.uname().machine != "x86_64":
        raise harness.Skip("the numbers of the calls are those of x86-64")
    result = harness.run_python(LIMITS, world.policy(read_write=["/proc"]))
    lines = result.out.splitlines()
    # Root's init is somebody else's, which does not even show its limits.
    seen = "False" if harness.IS_ROOT else "True"
    expect(result.code == 0 and lines[-2:] == [f"own True {seen}", f"init 0 0 True {seen}"], result)
    expect(not [line for line in lines if line.endswith(" done")], result.out)
    expect(sum(line.endswith(" refused") for line in lines) > 40, result.out)


harness.main()
