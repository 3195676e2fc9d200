# SPDX-License-Identifier: Apache-2.0
"""Which program made a connection, whatever it does with the descriptor before and afterwards.

Two programs of a box differ by a copy of Debian's python3: ALLOWED may connect, every other may
not. What a test runs in the box is a script that gets the path of both.
"""
import json
import os
import shutil
import socket
import threading
import time

import harness
import world
from harness import Skip, expect, test

origins = world.World()
ECHO = f"{world.ADDRESS}:{world.ECHO_PORT}"
PYTHON = os.path.realpath(harness.PYTHON)
WAYS = ("connect", "scan")

# What every script begins with. talk() says which bytes came back.
PROLOGUE = r'''
import array, os, socket, subprocess, sys, threading, time
ALLOWED, OTHER = sys.argv[1:3]
PROLOGUE = os.environ["PROLOGUE"]
PLACE = ("10.77.0.1", 7007)
def talk(s, rounds=1, pause=0.0):
    got = 0
    try:
        s.settimeout(5)
        for i in range(rounds):
            s.sendall(b"x"); got += len(s.recv(10)) > 0
            if not got: break
            time.sleep(pause)
    except OSError as error:
        return f"{got} then {type(error).__name__}"
    return str(got)
def connect():
    return socket.create_connection(PLACE, 5)
def pair():
    a, b = socket.socketpair()
    b.set_inheritable(True)
    return a, b
def run(binary, code, *fds, wait=True, **more):
    child = subprocess.Popen([binary, "-I", "-c", PROLOGUE + code, ALLOWED, OTHER,
                              *map(str, fds)], pass_fds=fds, **more)
    if wait: child.wait()
    return child
def say(*words): os.write(1, (" ".join(map(str, words)) + "\n").encode())
'''


START = f"import os\nos.environ['PROLOGUE'] = {PROLOGUE!r}\nexec(os.environ['PROLOGUE'])\n"


def run_box(script, allowed="allowed", options=(), identity="best", timeout=30, start="other",
            binaries=None, **keywords):
    """`start` names the copy that runs `script`; both copies are files of the working directory."""
    folder = harness.scratch()
    for name in ("allowed", "other"):
        shutil.copy(PYTHON, os.path.join(folder, name))
        os.chmod(os.path.join(folder, name), 0o777)
    policy = world.policy(ECHO, binaries=binaries or [os.path.join(folder, allowed)])
    code = START + script
    return harness.run_recorded(
        [os.path.join(folder, start), "-I", "-c", code, os.path.join(folder, "allowed"),
         os.path.join(folder, "other")], policy,
        options=["--set", f"process.identity={identity}", *options], cwd=folder, timeout=timeout,
        **keywords)


def denied_binaries(result):
    return [event["payload"][4] for event in result.events("network.denied")]


def allowed_binaries(result):
    return [event["payload"][4] for event in result.events("network.allowed")]


@test("the start line says whether programs are identified by connect(2) or by a scan")
def _start_line():
    for way, words in (("best", "identity by connect"), ("connect", "identity by connect"),
                       ("scan", "identity by scan")):
        result = harness.run_host(["true"], world.policy(ECHO),
                                  options=["--set", f"process.identity={way}"])
        expect(result.code == 0 and words in result.err, way, result)
    result = harness.run_host(["true"], options=["--set", "process.identity=guess"])
    expect(result.code == 125 and "none of best, connect and scan" in result.err, result)
    result = harness.run_host(["true"], options=["--disable", "network"])
    expect(result.code == 0 and "identity by" not in result.err, result)


@test("a program whose first thread has ended is the one that connects")
def _first_thread_ended():
    script = r'''
import ctypes
s = socket.socket(); s.set_inheritable(True)
holder = PARKED and run(ALLOWED, "time.sleep(6)", s.fileno(), wait=False)
time.sleep(0.4)
def work():
    time.sleep(0.4)
    try: s.connect(PLACE); say(talk(s, 3, 0.6))
    except OSError as error: say("refused", error)
    if holder: holder.kill()
    os._exit(0)
threading.Thread(target=work).start()
ctypes.CDLL(None).syscall(60, 0)
'''
    for way in WAYS:
        result = run_box("PARKED = True\n" + script, identity=way)
        expect("3" not in result.out and not allowed_binaries(result), way, result)
        # Such a program is identified, not refused for what it is.
        result = run_box("PARKED = False\n" + script, start="allowed", identity=way)
        expect("3" in result.out, way, result)


@test("a descriptor that moves between two numbers hides no program")
def _moving_descriptor():
    for way in WAYS:
        result = run_box(r'''
import ctypes, resource, struct
libc = ctypes.CDLL(None)
resource.setrlimit(resource.RLIMIT_NOFILE, (2000, 2000))
between = [os.open("/dev/null", os.O_RDONLY) for i in range(900)]
address = struct.pack("=HH4s8x", socket.AF_INET, socket.htons(7007), socket.inet_aton("10.77.0.1"))
def attempt():
    s = socket.socket(); s.set_inheritable(True)
    holder = run(ALLOWED, "time.sleep(20)", s.fileno(), wait=False)
    time.sleep(0.1)
    low, high = os.dup(s.fileno()), 1500
    s.close(); low, s = (low, None)
    stop = []
    def move():
        while not stop:
            libc.dup2(low, high); libc.close(low); time.sleep(0.0004)
            libc.dup2(high, low); libc.close(high); time.sleep(0.0004)
    mover = threading.Thread(target=move); mover.start()
    while libc.connect(low, address, 16) != 0 and libc.connect(high, address, 16) != 0:
        pass
    time.sleep(0.15); stop.append(1); mover.join(); os.close(low)
    holder.kill(); holder.wait()
for i in range(10): attempt()
''', identity=way)
        # A scan is not exact: on a busy machine it misses one that moves a thousand times a second
        # now and then (SECURITY.md).
        missed = len(allowed_binaries(result))
        expect(missed <= (0 if way == "connect" else 2) and result.events("network.denied"), way,
               result)


@test("a program that goes on in a child of its own, again and again, hides behind no other one")
def _hopping():
    for way in WAYS:
        result = run_box(r'''
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for attempt in range(5):
    s = socket.socket(); s.set_inheritable(True); s.setblocking(False)
    holder = run(ALLOWED, "time.sleep(1.2)", s.fileno(), wait=False)
    time.sleep(0.2)
    if os.fork() == 0:
        s.connect_ex(PLACE)
        end = time.time() + 0.4
        while time.time() < end:
            if os.fork(): os._exit(0)
        try: s.send(b"x"); time.sleep(0.1); say("got", s.recv(1))
        except OSError: pass
        os._exit(0)
    s.close(); time.sleep(0.7); holder.kill()
''', identity=way)
        expect(not allowed_binaries(result) and "got" not in result.out, way, result)


@test("an older copy of an allowed program that holds the socket too lends nothing")
def _older_copy():
    for way in WAYS:
        result = run_box(r'''
a, b = pair()
holder = run(ALLOWED, """
p = socket.socket(fileno=int(sys.argv[3])); s = socket.socket()
socket.send_fds(p, [b"x"], [s.fileno()]); time.sleep(5)
""", b.fileno(), wait=False)
fd = socket.recv_fds(a, 1, 1)[1][0]
child = run(OTHER, """
s = socket.socket(fileno=int(sys.argv[3]))
try: s.connect(PLACE); say('got', talk(s))
except OSError: say('refused')
""", fd, wait=False)
os.close(fd)
child.wait(); holder.kill()
''', identity=way)
        expect("got 1" not in result.out and not allowed_binaries(result), way, result)


# OTHER connects, while ALLOWED sleeps with the same socket, and HIDE(s) gives it back in the end.
BEHIND_A_SLEEPER = r'''
for attempt in range(4):
    s = socket.socket(); s.set_inheritable(True); s.setblocking(False)
    holder = run(ALLOWED, "time.sleep(1.2)", s.fileno(), wait=False)
    time.sleep(0.2)
    s.connect_ex(PLACE)
    s = HIDE(s)
    try: s.send(b"x"); time.sleep(0.1); say("got", s.recv(1))
    except OSError: pass
    s.close(); holder.kill()
'''


@test("a descriptor that waits in the queue of a socket hides no program")
def _in_flight():
    for way in WAYS:
        result = run_box(r'''
def HIDE(s):
    a, b = socket.socketpair()
    socket.send_fds(a, [b"x"], [s.fileno()]); s.close()
    time.sleep(0.5)
    return socket.socket(fileno=socket.recv_fds(b, 1, 1)[1][0])
''' + BEHIND_A_SLEEPER, identity=way)
        expect(not allowed_binaries(result) and "got" not in result.out, way, result)


@test("locks on the socket in whose queue a descriptor waits hide no program")
def _in_flight_locked():
    for way in WAYS:
        result = run_box(r'''
fcntl = __import__("fcntl")
def HIDE(s):
    a, b = socket.socketpair()
    # The kernel says what a socket carries after the locks on it.
    for end in a, b:
        for at in range(200): fcntl.lockf(end, fcntl.LOCK_EX, 1, 2 * at)
    socket.send_fds(a, [b"x"], [s.fileno()]); s.close()
    time.sleep(0.5)
    return socket.socket(fileno=socket.recv_fds(b, 1, 1)[1][0])
''' + BEHIND_A_SLEEPER, identity=way)
        expect(not allowed_binaries(result) and "got" not in result.out, way, result)


@test("a descriptor that two processes hand to and fro hides no program")
def _to_and_fro():
    for way in WAYS:
        result = run_box(r'''
def HIDE(s):
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    end = time.time() + 0.5
    if os.fork() == 0:
        s.close()
        while time.time() < end:
            fd = socket.recv_fds(b, 1, 1)[1][0]
            socket.send_fds(b, [b"x"], [fd]); os.close(fd)
        os._exit(0)
    a.settimeout(0.3)
    while True:
        socket.send_fds(a, [b"x"], [s.fileno()]); s.close()
        try: s = socket.socket(fileno=socket.recv_fds(a, 1, 1)[1][0])
        except OSError: return socket.socket(fileno=socket.recv_fds(b, 1, 1)[1][0])
        if time.time() > end: return s
''' + BEHIND_A_SLEEPER, identity=way)
        expect(not allowed_binaries(result) and "got" not in result.out, way, result)


@test("parents that end while the tree is listed hide no program, and nobody is refused for them")
def _parents_end():
    for way in WAYS:
        result = run_box(r'''
code = """
end = time.time() + 1.2
while time.time() < end:
    if os.fork() == 0:
        if os.fork() == 0: time.sleep(0.004)
        os._exit(0)
    os.wait(); time.sleep(0.01)
"""
churn = [run(OTHER, code, wait=False) for i in range(2)]
time.sleep(0.2)
for i in range(4):
    run(ALLOWED, "say('allowed', talk(connect()))")
    run(OTHER, """
try: say('other', talk(connect()))
except OSError: pass
""")
for one in churn: one.wait()
''', identity=way)
        expect(result.out.count("allowed 1") == 4 and "other 1" not in result.out, way, result)


@test("a daemon is served before and after its parent has ended, and after its grandparent has")
def _daemon():
    for way in WAYS:
        result = run_box(r'''
code = "for i in range(4):\n  say(talk(connect())); time.sleep(0.35)"
middle = "run(ALLOWED, %r, wait=False); time.sleep(0.5)" % code
run(OTHER, "run(OTHER, %r, wait=False); time.sleep(0.9)" % middle)
time.sleep(1.6)
''', identity=way)
        expect(result.out.split() == ["1"] * 4, way, result)


@test("a huge executable is refused with its size, and keeps neither others nor the end waiting")
def _huge_executable():
    script = r'''
shutil = __import__("shutil")
shutil.copy(ALLOWED, "huge"); os.truncate("huge", SIZE); os.chmod("huge", 0o755)
first = run("./huge", "say('huge', talk(connect()))", wait=False)
time.sleep(0.1)
began = time.time()
for i in range(3):
    shutil.copy(ALLOWED, f"new{i}"); os.chmod(f"new{i}", 0o755)
    run(f"./new{i}", "say('new', talk(connect()))")
say("after", time.time() - began < 3)
WAIT
'''
    began = time.monotonic()
    result = run_box(script.replace("SIZE", "60 << 30").replace("WAIT", "first.wait()"),
                     binaries=["/**"])
    expect(result.out.split().count("new") == 3 and "after True" in result.out, result)
    expect("huge 1" not in result.out and "more than 1 GiB" in result.err, result)
    # One that is read for seconds is cancelled when the program ends.
    result = run_box(script.replace("SIZE", "1000 << 20").replace("WAIT", ""), binaries=["/**"])
    expect(result.out.count("new 1") == 3 and "after True" in result.out, result)
    expect(time.monotonic() - began < 25, "the end waited for the hash", result)


@test("a socket belongs to the program that calls connect(2), not to the one that made it")
def _handed_before():
    result = run_box(r'''
a, b = pair()
maker = run(ALLOWED, """
s = socket.socket(); p = socket.socket(fileno=int(sys.argv[3]))
socket.send_fds(p, [b"x"], [s.fileno()]); s.close(); time.sleep(3)
""", b.fileno(), wait=False)
fd = socket.recv_fds(a, 1, 1)[1][0]
s = socket.socket(fileno=fd)
try: s.connect(PLACE); say("got", talk(s))
except OSError: say("refused")
maker.kill()
''')
    expect("got 1" not in result.out and not allowed_binaries(result), result)
    expect(any(name.endswith("/other") for name in denied_binaries(result)), result)


HAND_OVER = r'''
a, b = pair()
taker = run(TAKER, """
p = socket.socket(fileno=int(sys.argv[3]))
s = socket.socket(fileno=socket.recv_fds(p, 1, 1)[1][0])
time.sleep(0.3)
say("taker", talk(s, 14, 0.2))
""", b.fileno(), wait=False, **MORE)
s = connect()
say("maker", talk(s))
socket.send_fds(a, [b"x"], [s.fileno()])
s.close(); b.close()
taker.wait()
'''


@test("an open tunnel that is handed to another program is cut within the sweep")
def _handed_after():
    for way in WAYS:
        result = run_box("TAKER = OTHER; MORE = {}\n" + HAND_OVER, start="allowed", identity=way)
        expect("maker 1" in result.out and "taker 14" not in result.out, way, result)
        expect("another program now owns the connection" in result.err, way, result)


@test("the same binary under other ancestors is another identity")
def _other_ancestors():
    result = run_box("TAKER = '/bin/sh'; MORE = {}\n" + HAND_OVER.replace(
        "taker = run(TAKER, ", "taker = via_shell(").replace("s = connect()", "s = connect()", 1)
        .replace("a, b = pair()", r'''
def via_shell(code, fd, wait=False, **more):
    return subprocess.Popen(["/bin/sh", "-c", '"$0" -I -c "$1" "$2" "$3" "$4"; exit 0', ALLOWED,
                             PROLOGUE + code, ALLOWED, OTHER, str(fd)], pass_fds=[fd])
a, b = pair()'''), start="allowed")
    expect("maker 1" in result.out and "taker 14" not in result.out, result)


@test("a program that executes another one with its tunnel open has it cut")
def _exec():
    for way in WAYS:
        result = run_box(r'''
s = connect(); s.set_inheritable(True)
say("before", talk(s))
os.execv(OTHER, [OTHER, "-I", "-c", PROLOGUE + "say('after', talk(socket.socket("
         "fileno=int(sys.argv[3])), 14, 0.2))", ALLOWED, OTHER, str(s.fileno())])
''', start="allowed", identity=way)
        expect("before 1" in result.out and "after 14" not in result.out, way, result)


@test("a fork of the program that connected goes on with the tunnel when its parent has ended")
def _fork():
    for way in WAYS:
        result = run_box(r'''
s = connect()
say("parent", talk(s))
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(0.3)
        say("child", talk(s, 14, 0.2)); os._exit(0)
    os._exit(0)
s.close(); os.wait()
time.sleep(3.4)
''', start="allowed", identity=way)
        expect("parent 1" in result.out and "child 14" in result.out, way, result)


@test("programs that fork and execute others all the time keep their own tunnels")
def _fork_and_exec():
    for way in WAYS:
        result = run_box(r'''
s = connect()
got = 0
end = time.time() + 2.3
while time.time() < end:
    subprocess.run(["/bin/true"]); got += talk(s) == "1"
say("got all", talk(s) == "1")
''', start="allowed", identity=way)
        expect("got all True" in result.out, way, result)


@test("an owner that changes during a long dial is refused before the first byte")
def _long_dial():
    received = []
    listener = socket.socket()
    listener.bind((world.ADDRESS, 7070))
    listener.listen(0)
    listener.settimeout(8)
    # They fill the queue, so that the proxy's own has to try again after one and three seconds: by
    # then the other program runs on a busy machine too.
    fill = [socket.socket() for _ in range(3)]
    for one in fill:
        one.setblocking(False)
        one.connect_ex((world.ADDRESS, 7070))

    def take(one):
        one.settimeout(3)
        try:
            received.append(one.recv(100))
        except OSError:
            pass

    def serve():
        time.sleep(2.2)
        try:
            while True:
                one, _ = listener.accept()
                threading.Thread(target=take, args=(one,), daemon=True).start()
        except OSError:
            pass

    threading.Thread(target=serve, daemon=True).start()
    folder = harness.scratch()
    for name in ("allowed", "other"):
        shutil.copy(PYTHON, os.path.join(folder, name))
        os.chmod(os.path.join(folder, name), 0o755)
    code = START + r'''
s = socket.create_connection(("10.77.0.1", 7070), 5); s.set_inheritable(True)
time.sleep(0.4)
os.execv(OTHER, [OTHER, "-I", "-c", PROLOGUE + "s = socket.socket(fileno=int(sys.argv[3]))\n"
         "try: s.sendall(b'secret'); time.sleep(3.5); s.sendall(b'secret')\n"
         "except OSError as e: say(e)", ALLOWED, OTHER, str(s.fileno())])
'''
    result = harness.run_recorded(
        [os.path.join(folder, "allowed"), "-I", "-c", code, os.path.join(folder, "allowed"),
         os.path.join(folder, "other")],
        world.policy(f"{world.ADDRESS}:7070", binaries=[os.path.join(folder, "allowed")]),
        cwd=folder, timeout=20)
    for one in fill:
        one.close()
    listener.close()
    expect(b"secret" not in b"".join(received), received, result)
    expect("another program now owns the connection" in result.err, result)


@test("a binary that is replaced during the run is refused, and so is the one under its old name")
def _replaced():
    result = run_box(r'''
import shutil
run(ALLOWED, "say('first', talk(connect()))")
shutil.copy(ALLOWED, "next"); open("next", "ab").write(b"\0more"); os.chmod("next", 0o755)
os.rename("next", ALLOWED)
run(ALLOWED, "say('second', talk(connect()))")
''')
    expect("first 1" in result.out and "second 1" not in result.out, result)
    expect("content has changed during the run" in result.err, result)


@test("a hard link of an allowed binary is another program")
def _hard_link():
    result = run_box(r'''
os.link(ALLOWED, "link")
run(ALLOWED, "say('first', talk(connect()))")
run("./link", "say('link', talk(connect()))")
run(ALLOWED, "os.execv('./link', ['link', '-I', '-c', PROLOGUE + \"say('exec', talk(connect()))\","
    " ALLOWED, OTHER])")
time.sleep(0.1)
''')
    expect("first 1" in result.out, result)
    expect("link 1" not in result.out and "exec 1" not in result.out, result)


@test("a program is found that was started by, or connects from, a thread that is not the first")
def _threads():
    for way in WAYS:
        result = run_box(r'''
def start(): run(ALLOWED, """
def work(): say('thread', talk(connect()))
t = threading.Thread(target=work); t.start(); t.join()
""")
t = threading.Thread(target=start); t.start(); t.join()
run(OTHER, """
def work():
    try: say('other', talk(connect()))
    except OSError: pass
t = threading.Thread(target=work); t.start(); t.join()
""")
''', identity=way)
        expect("thread 1" in result.out and "other 1" not in result.out, way, result)


@test("TCP Fast Open is refused by sending, and connects by connect(2)")
def _fast_open():
    result = run_box(r'''
import errno
for send in (lambda s: s.sendto(b"x", socket.MSG_FASTOPEN, PLACE),
             lambda s: s.sendmsg([b"x"], [], socket.MSG_FASTOPEN, PLACE)):
    s = socket.socket()
    try: send(s); say("sent")
    except OSError as error: say("refused", errno.errorcode[error.errno])
s = socket.socket(); s.setsockopt(socket.IPPROTO_TCP, 30, 1); s.connect(PLACE)
say("connect", talk(s))
''', start="allowed")
    expect(result.out.split() == ["refused", "ENOTSUP"] * 2 + ["connect", "1"], result)


@test("a connection of MPTCP is identified as any other")
def _mptcp():
    result = run_box(r'''
code = """
try: s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
except OSError: say('no mptcp'); sys.exit()
try: s.connect(PLACE); say(sys.argv[0], talk(s, 8, 0.2))
except OSError: say('refused')
"""
run(ALLOWED, code); run(OTHER, code)
''')
    if "no mptcp" in result.out:
        raise Skip("this kernel has no MPTCP")
    expect(result.out.count("8") == 1 and "allowed" in allowed_binaries(result)[0], result)
    expect(len(allowed_binaries(result)) == 1 and any(
        name.endswith("/other") for name in denied_binaries(result)), result)


def stream(port, seconds, total=None):
    """A server that sends a little ten times a second. Returns: what it received, as a list."""
    received = []
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((world.ADDRESS, port))
    listener.listen(8)

    def serve():
        try:
            one, _ = listener.accept()
            one.settimeout(10)
            end = time.monotonic() + seconds
            if total is not None:
                # Slowly, over several sweeps.
                reader = one.makefile("rb")
                while data := reader.read(total // 20):
                    received.append(len(data))
                    time.sleep(seconds / 20)
            while total is None and time.monotonic() < end:
                one.sendall(b"y" * 100)
                received.append(100)
                time.sleep(0.1)
        except OSError as error:
            received.append(error)
        listener.close()

    threading.Thread(target=serve, daemon=True).start()
    return received


@test("a tunnel without an owner that anybody could see is ended by the second sweep")
def _parked():
    sent = stream(7071, 8)
    result = harness.run_recorded(
        [harness.PYTHON, "-I", "-c", r'''
import socket, time
s = socket.create_connection(("10.77.0.1", 7071), 5)
a, b = socket.socketpair()
socket.send_fds(a, [b"x"], [s.fileno()])
s.close()
time.sleep(6)
'''], world.policy(f"{world.ADDRESS}:7071"), timeout=20)
    expect(any(isinstance(piece, OSError) for piece in sent), "still open", sent, result)
    expect("no process of the workload was seen to own the connection" in result.err, result)
    expect("identity changed" in str(result.events("network.closed")), result)


@test("the last bytes of a program that has ended arrive, however slowly they are read")
def _last_bytes():
    # More than the buffers on the way hold, so that bytes move during several sweeps.
    total = 24000000
    received = stream(7072, 8, total=total)
    result = harness.run_host(
        ["/bin/sh", "-c", '"$0" -I -c "$1"; sleep 5', harness.PYTHON, r'''
import socket, os
s = socket.create_connection(("10.77.0.1", 7072), 5)
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
s.settimeout(None)
s.sendall(b"x" * 24000000)
s.shutdown(1)
'''], world.policy(f"{world.ADDRESS}:7072"), timeout=20)
    harness.wait_until(lambda: sum(n for n in received if isinstance(n, int)) == total, 10,
                       f"the server has {received[-3:]} {result}")
    expect(not result.denials(), result)


@test("a recording has a row for each identity that is refused: at the arrival and in a tunnel")
def _recorded():
    path = os.path.join(harness.private_scratch(), "run.jsonl")
    result = run_box(r'''
import shutil
shutil.copy(ALLOWED, "huge"); os.truncate("huge", 2 << 30); os.chmod("huge", 0o755)
run("./huge", "talk(connect())")
s = connect(); s.set_inheritable(True); talk(s)
os.execv("./huge", ["huge", "-I", "-c", PROLOGUE + "talk(socket.socket(fileno=int(sys.argv[3])), "
         "14, 0.2)", ALLOWED, OTHER, str(s.fileno())])
''', start="allowed", options=["--record", path], binaries=["/**"])
    with open(path, encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    outcomes = [row["outcome"] for row in rows if "outcome" in row]
    expect(outcomes == ["denied-identity", "allowed", "denied-identity"], outcomes, result)


@test("what a program sends before it closes its socket at once arrives, as what it sent")
def _closes_at_once():
    received = []
    listener = socket.create_server((world.ADDRESS, 7073), backlog=128)

    def serve():
        try:
            while True:
                one, _ = listener.accept()
                one.settimeout(5)
                data = b""
                while more := one.recv(100):
                    data += more
                received.append(data)
        except OSError:
            pass

    threading.Thread(target=serve, daemon=True).start()
    result = harness.run_recorded([harness.PYTHON, "-I", "-c", """
import socket, time
for i in range(40):
    s = socket.create_connection(("10.77.0.1", 7073), 5)
    s.sendall(b"message"); s.close(); time.sleep(0.005)
time.sleep(1)
"""], world.policy(f"{world.ADDRESS}:7073"), timeout=20)
    listener.close()
    expect(received == [b"message"] * 40, len(received), set(received), result)
    expect(not result.events("network.denied"), result)


@test("a program that may not be read is refused, never taken for absent")
def _unreadable():
    if harness.IS_ROOT:
        raise Skip("root reads every executable")
    result = run_box(r'''
import shutil
shutil.copy(ALLOWED, "unreadable"); os.chmod("unreadable", 0o111)
s = socket.socket(); s.set_inheritable(True)
run("./unreadable", "say('got', talk(connect()))")
run("./unreadable", """
s = socket.socket(fileno=int(sys.argv[3]))
try: s.connect(PLACE); say('got', talk(s))
except OSError: say('refused')
""", s.fileno())
''', binaries=["/**"])
    expect("got 1" not in result.out and "cannot be read" in result.err, result)


@test("a thread that connects while another one executes an allowed binary is not that binary")
def _exec_race():
    result = run_box(r'''
for i in range(12):
    if os.fork() == 0:
        s = [socket.socket() for i in range(20)]
        for one in s: one.set_inheritable(True); one.setblocking(False)
        def work():
            for one in s:
                one.connect_ex(PLACE)
        threading.Thread(target=work).start()
        time.sleep(i * 0.0002)
        os.execv(ALLOWED, [ALLOWED, "-I", "-c", PROLOGUE + """
for fd in map(int, sys.argv[3:]):
    s = socket.socket(fileno=fd)
    try: s.getpeername()
    except OSError: continue
    say("got", talk(s))
""", ALLOWED, OTHER, *[str(one.fileno()) for one in s]])
    os.wait()
''')
    expect("got 1" not in result.out and not allowed_binaries(result), result)


@test("a socket that is put under the number of another one during the call is nobody else's")
def _swapped():
    result = run_box(r'''
# ALLOWED connects and keeps what it connected; OTHER calls connect on numbers that change.
s = [socket.socket() for i in range(40)]
decoy = socket.socket()
stop = []
number = os.dup(decoy.fileno())
def swap():
    i = 0
    while not stop:
        os.dup2(s[i % 40].fileno(), number); os.dup2(decoy.fileno(), number); i += 1
threading.Thread(target=swap, daemon=True).start()
target = socket.socket(fileno=number)
target.setblocking(False)
for i in range(200):
    target.connect_ex(PLACE)
stop.append(1); time.sleep(0.3)
for one in (*s, decoy):
    one.setblocking(False)
    try:
        one.getpeername(); one.send(b"x"); time.sleep(0.02)
        if one.recv(1): say("got")
    except OSError: pass
''')
    expect("got" not in result.out and not allowed_binaries(result), result)


@test("a program that is not dumpable, is interrupted or has many threads is identified as any other")
def _awkward():
    result = run_box(r'''
import ctypes, signal
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
say("undumpable", talk(connect()))
signal.signal(signal.SIGALRM, lambda *a: None)
signal.siginterrupt(signal.SIGALRM, False)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
say("interrupted", sum(talk(connect()) == "1" for i in range(100)))
signal.setitimer(signal.ITIMER_REAL, 0)
got = []
threads = [threading.Thread(target=lambda: got.append(talk(connect()))) for i in range(60)]
for one in threads: one.start()
for one in threads: one.join()
say("threads", got.count("1"))
if os.fork() == 0: say("fork", talk(connect())); os._exit(0)
os.wait()
''', start="allowed")
    expect(result.out.split() == ["undumpable", "1", "interrupted", "100", "threads", "60", "fork",
                                  "1"], result)


@test("calls of connect(2) that make no TCP connection work as before")
def _others():
    result = run_box(r'''
u = socket.socket(socket.AF_UNIX); u.bind("s"); u.listen()
c = socket.socket(socket.AF_UNIX); c.connect("s"); say("unix")
d = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); d.connect(("127.0.0.1", 9)); say("udp")
t = socket.socket(); t.bind(("127.0.0.1", 0)); t.listen()
l = socket.create_connection(t.getsockname(), 2); say("loopback")
try: socket.socket().connect(("127.0.0.1", 1))
except OSError as error: say(type(error).__name__)
try: os.close(3); socket.socket(fileno=os.dup(1))
except OSError: say("no socket")
''')
    expect(result.out.split()[:4] == ["unix", "udp", "loopback", "ConnectionRefusedError"], result)


@test("when the host is killed no connect(2) succeeds any more, and nobody waits for it")
def _host_killed():
    process = harness.start_host(
        [harness.PYTHON, "-I", "-c", "import socket, time\nprint('up', flush=True)\n"
         "while True: socket.create_connection(('10.77.0.1', 7007), 2).close()"],
        world.policy(ECHO))
    expect(process.stdout.readline() == b"up\n", "the box does not start")
    with harness.nothing_left():
        pass
    before = set(harness.all_processes())
    time.sleep(0.3)
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()
    harness.wait_until(lambda: not any("socket, time" in command for pid, command in
                                       harness.all_processes().items() if pid in before), 5,
                       "the program has outlived the host")


if __name__ == "__main__":
    harness.main()
