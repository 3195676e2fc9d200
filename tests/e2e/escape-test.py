# SPDX-License-Identifier: Apache-2.0
"""Attempts to get out of the box, or to weaken it, each with a control.

A row runs one program with one list of arguments twice: outside of any box, where it must succeed,
and in a box, where it must fail in exactly the way that the row names. A row whose control does not
succeed here (the kernel lacks it, or an ordinary user may not) proves nothing and is skipped.
"""
import ctypes
import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

import harness
import world
from harness import Skip, expect, test

ATTEMPT = os.path.join(harness.BUILD, "tests", "e2e", "attempt")
E = errno
passed = []

outer = harness.scratch_in("/var/tmp", 0o755)
granted = os.path.join(outer, "granted")       # read-only in the box
writable = os.path.join(outer, "writable")     # read-write
hidden = os.path.join(outer, "hidden")         # not there
for place in (granted, writable, hidden):
    os.mkdir(place)
    os.chmod(place, 0o777)
shutil.copy(ATTEMPT, os.path.join(granted, "attempt"))
os.chmod(os.path.join(granted, "attempt"), 0o755)
PROGRAM = os.path.join(granted, "attempt")
POLICY = world.policy(f"{world.ADDRESS}:{world.API_PORT}", read_only=[granted, "/proc"],
                      read_write=[writable])
server = world.World()


def make(folder, name, content="secret\n"):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(content)
    os.chmod(path, 0o666)
    return path


def inside(command, **keywords):
    keywords.setdefault("policy", POLICY)
    return harness.run_host(command, **keywords)


def outside(command, **keywords):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20,
                          env=harness.clean_environment(), **keywords)


def _host_process():
    """A process outside, whose number no process of a box has: those count from 1."""
    while True:
        pid = os.fork()
        if pid == 0:
            if os.getpid() > 100:
                time.sleep(600)
            os._exit(0)
        if pid > 100:
            return pid
        os.waitpid(pid, 0)


HOST_PROCESS = _host_process()


def name_of(number):
    return errno.errorcode.get(number, str(number)) if number else "success"


rows = {}       # sentence -> (arguments, prepare)
results = {}    # sentence -> (control, inside), each (exit code, output, errors)

# All rows go through one box, each in a process of its own.
BATCH = """
import json, subprocess, sys
for words in json.load(sys.stdin):
    done = subprocess.run(words, capture_output=True, text=True, timeout=20)
    print(json.dumps([done.returncode, done.stdout, done.stderr]), flush=True)
"""


def _words(sentence):
    arguments, prepare = rows[sentence]
    if prepare is not None:
        prepare()
    return [PROGRAM, *(word() if callable(word) else word for word in arguments)]


def _make_all():
    chosen = [sentence for sentence in rows
              if len(sys.argv) < 2 or any(word in sentence for word in sys.argv[1:])]
    controls = [outside(_words(sentence)) for sentence in chosen]
    # Once more, because what succeeded outside has changed what was prepared.
    commands = [_words(sentence) for sentence in chosen]
    result = inside([harness.PYTHON, "-I", "-c", BATCH], stdin=json.dumps(commands).encode(), timeout=35)
    answers = [json.loads(line) for line in result.out.splitlines()]
    expect(len(answers) == len(chosen), "the box ended early", result)
    for sentence, control, answer in zip(chosen, controls, answers):
        results[sentence] = ((control.returncode, control.stdout, control.stderr), answer)


def row(sentence, arguments, expected, prepare=None):
    """One attempt of the C program: `expected` is an errno or a tuple of them."""
    expected = expected if isinstance(expected, tuple) else (expected,)
    expect(sentence not in rows, sentence)
    rows[sentence] = (arguments, prepare)

    @test(sentence)
    def _run():
        if not results:
            _make_all()
        control, (code, out, err) = results[sentence]
        if control[0] != 0 or control[1].strip() != "0":
            raise Skip(f"outside the box it fails too: {name_of(int(control[1].strip() or -1))} "
                       f"{control[2].strip()}")
        expect(code == 0, code, out, err)
        expect(int(out) in expected,
               f"expected {[name_of(number) for number in expected]}, got {name_of(int(out))}")
        passed.append(sentence)


# --- Other processes ---------------------------------------------------------------------------

row("a process of one's own cannot be traced", ["ptrace-attach"], E.EPERM)
row("nobody can ask to be traced", ["ptrace-me"], E.EPERM)
row("another process's memory cannot be read", ["read-memory"], E.EPERM)
row("another process's memory cannot be written", ["write-memory"], E.EPERM)
row("no handle of a process can be opened", ["open-pidfd"], E.EPERM)
row("another process's descriptor cannot be taken", ["steal-descriptor"], E.EPERM)
row("no signal can be sent by a handle", ["signal-by-pidfd"], E.EPERM)
row("kernel addresses cannot be compared", ["compare-kernel-pointers"], E.EPERM)
row("a process of the host cannot be signalled", ["signal-host", str(HOST_PROCESS)], E.ESRCH)
row("another process cannot be given advice about its memory", ["advise-process"], E.ENOSYS)
row("the memory of a process of the host is not there",
    ["open-to-read", f"/proc/{HOST_PROCESS}/mem"], E.ENOENT)
row("the memory of init cannot be opened", ["open-to-read", "/proc/1/mem"], (E.EACCES, E.EPERM))
row("the environment of init cannot be read", ["open-to-read", "/proc/1/environ"], (E.EACCES, E.EPERM))
row("the root of init leads nowhere", ["open-to-read", "/proc/1/root/etc/hostname"],
    (E.EACCES, E.EPERM))
row("the working directory of init leads nowhere", ["open-to-read", "/proc/1/cwd/"],
    (E.EACCES, E.EPERM))
row("the descriptors of init cannot be listed", ["open-to-read", "/proc/1/fd"], (E.EACCES, E.EPERM))
row("the namespaces of init cannot be opened", ["open-to-read", "/proc/1/ns/net"], (E.EACCES, E.EPERM))
row("System V memory of the host is not there", ["shared-memory", "0x0051e5c4"], E.ENOENT,
    prepare=lambda: ctypes.CDLL(None).shmget(0x0051e5c4, 4096, 0o1666))

# --- Namespaces and mounts ---------------------------------------------------------------------

for _name, _flag in (("user", 0x10000000), ("mount", 0x20000), ("PID", 0x20000000),
                     ("network", 0x40000000), ("IPC", 0x8000000), ("UTS", 0x4000000),
                     ("control group", 0x2000000), ("time", 0x80)):
    row(f"no new {_name} namespace by unshare", ["unshare", hex(_flag)], E.EPERM)
    if _flag != 0x80:
        row(f"no new {_name} namespace by clone", ["clone", hex(_flag)], E.EPERM)
row("clone3, whose flags no filter reads, is not there", ["clone3", "0"], E.ENOSYS)
row("a user namespace by clone3 is not there", ["clone3", "0x10000000"], E.ENOSYS)
row("a thread cannot have descriptors of its own", ["own-descriptors"], E.EPERM)
row("a namespace cannot be joined, one's own neither", ["join-namespace", "/proc/self/ns/net"], E.EPERM)
row("a mount namespace cannot be joined", ["join-namespace", "/proc/self/ns/mnt"], E.EPERM)
row("nothing can be mounted", ["mount-memory"], E.EPERM)
row("a read-only mount cannot be made writable", ["mount-again", "/"], E.EPERM)
row("nothing can be unmounted", ["unmount", "/proc"], E.EPERM)
row("the root cannot be changed", ["change-root", "/"], E.EPERM)
row("a tree of mounts cannot be cloned", ["clone-tree"], E.EPERM)
row("no file system can be opened", ["open-file-system"], E.EPERM)
row("no file system can be picked", ["pick-file-system", "/"], E.EPERM)
row("attributes of a mount cannot be changed", ["set-mount-attributes", "/"], E.EPERM)
row("propagation of mounts cannot be changed", ["change-propagation"], E.EPERM)

# --- The kernel --------------------------------------------------------------------------------

row("no file without a name can be made", ["anonymous-file"], E.EPERM)
row("memory that nobody can look into is not there", ["secret-memory"], E.ENOSYS)
row("page faults cannot be handled", ["page-faults"], E.EPERM)
row("no io_uring can be set up", ["ring"], E.EPERM)
row("key rings are not there", ["read-key-ring"], E.ENOSYS)
row("no key can be added", ["add-key"], E.ENOSYS)
row("nothing of BPF can be made", ["load-bpf"], E.EPERM)
row("nothing can be measured", ["measure-kernel"], E.EPERM)
row("no file system can be watched", ["watch-file-system"], E.EPERM)
row("nothing can be typed into a terminal", ["type-into-terminal"], E.EPERM)
row("nothing can be typed into a terminal by a number with high bits", ["type-with-high-bits"], E.EPERM)
row("no x32 call is answered", ["x32-call"], E.ENOSYS)
row("no filter can be put before ours", ["another-filter"], E.EPERM)
row("no filter can be put before ours by prctl", ["another-filter-by-prctl"], E.EPERM)
row("a descriptor cannot be run", ["run-descriptor"], E.EPERM)
row("ports of the machine cannot be reached", ["reach-ports"], E.EPERM)
row("accounting cannot be stopped", ["stop-accounting"], E.EPERM)

# --- What was given up -------------------------------------------------------------------------

row("root cannot be taken back", ["become-root"], (E.EPERM, E.EINVAL))
row("root's group cannot be taken back", ["join-root-group"], (E.EPERM, E.EINVAL))
row("no capability can be taken", ["take-capability"], E.EPERM)
row("a limit cannot be raised", ["raise-limit"], E.EPERM)
row("a priority cannot be raised", ["raise-priority"], (E.EACCES, E.EPERM))
row("real time cannot be had", ["real-time"], E.EPERM)
row("the host cannot be renamed", ["rename-host"], E.EPERM)

# --- Files -------------------------------------------------------------------------------------

READ_ONLY = (E.EROFS, E.EACCES)
row("a file outside of the policy is not there", ["open-to-read", lambda: make(hidden, "file")],
    (E.ENOENT, E.EACCES))
row("climbing out of the root leads back into it", ["climb", lambda: make(hidden, "file")],
    (E.ENOENT, E.EACCES))
row("a link in a writable folder leads to nothing outside",
    ["through-link", os.path.join(writable, "link"), lambda: make(hidden, "file")],
    (E.ENOENT, E.EACCES))
row("a read-only file cannot be written", ["open-to-write", lambda: make(granted, "file")], READ_ONLY)
row("a read-only file cannot be cut", ["cut", lambda: make(granted, "file")], READ_ONLY)
row("a read-only file cannot be opened again for writing", ["open-again", lambda: make(granted, "file")],
    READ_ONLY)
row("a read-only file cannot be deleted", ["delete", lambda: make(granted, "gone")], READ_ONLY)
row("a read-only file's mode cannot be changed", ["change-mode", lambda: make(granted, "file")],
    (E.EROFS, E.EPERM))
row("a read-only file's times cannot be changed", ["change-times", lambda: make(granted, "file")], READ_ONLY)
row("nothing can be made in a read-only folder", ["create", os.path.join(granted, "new")], READ_ONLY,
    prepare=lambda: _remove(os.path.join(granted, "new")))
row("no folder can be made in a read-only folder", ["make-folder", os.path.join(granted, "folder")],
    READ_ONLY, prepare=lambda: shutil.rmtree(os.path.join(granted, "folder"), ignore_errors=True))
row("a read-only file cannot be linked into a writable folder",
    ["hard-link", lambda: make(granted, "file"), os.path.join(writable, "hard")],
    (E.EXDEV, E.EACCES, E.EPERM), prepare=lambda: _remove(os.path.join(writable, "hard")))
row("a read-only file cannot be linked by its descriptor",
    ["link-descriptor", lambda: make(granted, "file"), os.path.join(writable, "hard")],
    (E.EXDEV, E.EACCES, E.EPERM), prepare=lambda: _remove(os.path.join(writable, "hard")))
row("a read-only file cannot be moved into a writable folder",
    ["move", lambda: make(granted, "moved"), os.path.join(writable, "moved")],
    (E.EXDEV, E.EACCES, E.EROFS))
row("a writable file cannot be moved over a read-only one",
    ["move", lambda: make(writable, "over"), lambda: make(granted, "over")],
    (E.EXDEV, E.EACCES, E.EROFS))
row("a writable and a read-only file cannot change places",
    ["exchange", lambda: make(writable, "left"), lambda: make(granted, "right")],
    (E.EXDEV, E.EACCES, E.EROFS))
row("a file cannot be given to root", ["give-to-root", lambda: make(writable, "given")], E.EPERM)
row("no device can be made", ["make-device", os.path.join(writable, "device")], E.EPERM,
    prepare=lambda: _remove(os.path.join(writable, "device")))
row("no file can be opened by a handle", ["open-by-handle", granted], E.EPERM)
for _device in ("/dev/mem", "/dev/kmsg", "/dev/kvm", "/dev/net/tun", "/dev/fuse", "/dev/vda", "/dev/sda",
                "/dev/loop-control", "/dev/rtc0", "/dev/console"):
    row(f"{_device} is not there", ["device", _device], E.ENOENT)
row("the core pattern cannot be written", ["open-to-write", "/proc/sys/kernel/core_pattern"],
    (E.EROFS, E.EACCES, E.ENOENT))
row("the loader of modules cannot be replaced", ["open-to-write", "/proc/sys/kernel/modprobe"],
    (E.EROFS, E.EACCES, E.ENOENT))
row("the kernel's keys of emergency cannot be pressed", ["open-to-write", "/proc/sysrq-trigger"],
    (E.EROFS, E.EACCES, E.ENOENT))
row("the memory of the kernel cannot be opened", ["open-to-read", "/proc/kcore"],
    (E.EACCES, E.EPERM, E.ENOENT))
row("control groups cannot be written", ["open-to-write", "/sys/fs/cgroup/cgroup.procs"],
    (E.ENOENT, E.EROFS, E.EACCES))


def _remove(path):
    if os.path.lexists(path):
        os.unlink(path)


# --- The network -------------------------------------------------------------------------------

row("a port that the policy does not name is not reached",
    ["reach-tcp", world.ADDRESS, lambda: str(_talkative(world.ADDRESS, 7300))],
    (E.ECONNREFUSED, E.ECONNRESET, E.EPIPE))
row("a server of the host's loopback is not reached",
    ["reach-tcp", "127.0.0.1", lambda: str(_talkative("127.0.0.1", 7301))],
    (E.ECONNREFUSED, E.ECONNRESET, E.EPIPE))
row("a server that the policy does not name is not reached",
    ["reach-tcp", world.OTHER_ADDRESS, lambda: str(_talkative(world.OTHER_ADDRESS, 7302))],
    (E.ECONNREFUSED, E.ECONNRESET, E.EPIPE))
row("a server by IPv6 is not reached", ["reach-tcp", "fd77::1", lambda: str(_talkative("fd77::1", 7303))],
    (E.ECONNREFUSED, E.ECONNRESET, E.EPIPE, E.EHOSTUNREACH, E.ENETUNREACH))
row("no datagram leaves, and the program is told at once",
    ["reach-udp", world.ADDRESS, str(world.UDP_PORT)], E.ECONNREFUSED)
for _what, _triple in (("packet", (17, 3, 0)), ("raw", (2, 3, 255)), ("raw ICMP", (2, 3, 1)),
                      ("raw IPv6", (10, 3, 255)), ("vsock", (40, 1, 0)), ("kernel crypto", (38, 5, 0)),
                      ("XDP", (44, 3, 0)), ("TIPC", (30, 5, 0)), ("Bluetooth", (31, 3, 1)),
                      ("IPsec key", (15, 3, 2)), ("packet diagnosis netlink", (16, 3, 4)),
                      ("netfilter netlink", (16, 3, 12)), ("audit netlink", (16, 3, 9)),
                      ("generic netlink", (16, 3, 16)), ("device event netlink", (16, 3, 15)),
                      ("crypto netlink", (16, 3, 21)), ("IPsec netlink", (16, 3, 6))):
    row(f"no {_what} socket", ["socket", *map(str, _triple)], (E.EPERM, E.EACCES))
row("no address can be added", ["add-address", "127.9.9.9"], E.EPERM)
row("no interface can be changed", ["link-down"], E.EPERM)
row("no route can be added", ["add-route"], E.EPERM)
row("a socket cannot be made transparent", ["set-option", "2", "0", "19", "1"], E.EPERM)
row("packets cannot be marked", ["set-option", "2", "1", "36", "7"], E.EPERM)
row("packets cannot be given priority", ["set-option", "2", "1", "12", "7"], E.EPERM)
row("a buffer cannot be forced beyond its limit", ["set-option", "2", "1", "33", "90000000"], E.EPERM)


_listeners = {}


def _talkative(address, port):
    """A server that speaks first, so that one byte proves the way."""
    if (address, port) in _listeners:
        return port
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(16)
    _listeners[address, port] = listener

    def serve():
        while True:
            connection, _peer = listener.accept()
            connection.sendall(b"hello\n")
            connection.close()
    threading.Thread(target=serve, daemon=True).start()
    return port


# --- Sockets of the host, by name and by path ----------------------------------------------------

_names = []


def _unix(name):
    if name not in [known for known, _socket in _names]:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind("\0" + name[1:] if name[0] == "@" else name)
        if name[0] != "@":
            os.chmod(name, 0o666)
        listener.listen()
        _names.append((name, listener))
    return name


row("an abstract socket of the host is not there",
    ["connect-unix", lambda: _unix("@osh-escape")], E.ECONNREFUSED)
row("a socket file outside of the policy is not there",
    ["connect-unix", lambda: _unix(os.path.join(hidden, "socket"))], (E.ENOENT, E.EACCES))
row("no descriptor can be passed to the outside",
    ["send-descriptor", lambda: _unix(os.path.join(hidden, "socket"))], (E.ENOENT, E.EACCES))


# --- By other means ----------------------------------------------------------------------------

def attempt(sentence):
    """A free-form attempt: the function raises, skips, or has proved its sentence."""
    def mark(function):
        @test(sentence)
        def _run():
            function()
            passed.append(sentence)
    return mark


def shell_row(sentence, script, prepare=None):
    """The script says "OUT" when it succeeds."""
    @attempt(sentence)
    def _run():
        if prepare is not None:
            prepare()
        control = outside(["/bin/sh", "-c", script])
        if "OUT" not in control.stdout:
            raise Skip(f"outside the box it fails too: {control.stderr[:200]}")
        if prepare is not None:
            prepare()
        result = inside(["/bin/sh", "-c", script])
        expect("OUT" not in result.out, result)


shell_row("unshare(1) makes no namespace", "unshare --mount true 2>&1 && echo OUT")
shell_row("unshare(1) makes no user namespace", "unshare --user true 2>&1 && echo OUT")
shell_row("nsenter(1) enters nothing", "nsenter --target $$ --net true 2>&1 && echo OUT")
shell_row("mount(8) mounts nothing", "unshare --mount mount -t tmpfs none /mnt 2>&1 && echo OUT")
shell_row("ip(8) changes nothing", "ip link set lo up 2>&1 && echo OUT")
shell_row("nft(8) sees no rules", "nft list ruleset > /dev/null 2>&1 && echo OUT")
shell_row("a password file cannot be read", "cat /etc/shadow > /dev/null 2>&1 && echo OUT")
shell_row("a process of the host cannot be seen",
          f"test -e /proc/{HOST_PROCESS}/status && echo OUT")


@attempt("a setuid program of root's gives nothing")
def _setuid():
    if not harness.IS_ROOT:
        raise Skip("only root can make one")
    path = os.path.join(granted, "setuid")
    shutil.copy("/usr/bin/id", path)
    os.chown(path, 0, 0)
    os.chmod(path, 0o4755)
    control = subprocess.run([path, "-u"], capture_output=True, text=True, check=False, user=1, group=1)
    if control.stdout.strip() != "0":
        raise Skip("setuid has no effect here outside the box either")
    result = inside([path, "-u"])
    expect(result.code == 0 and result.out.strip() not in ("0", ""), result)


@attempt("a program with file capabilities gains none")
def _file_capabilities():
    if not harness.IS_ROOT:
        raise Skip("only root can make one")
    path = os.path.join(granted, "capable")
    shutil.copy("/bin/cat", path)
    os.chmod(path, 0o755)
    # VFS_CAP_REVISION_2, effective: CAP_DAC_READ_SEARCH
    os.setxattr(path, "security.capability", bytes([1, 0, 0, 2, 4, 0, 0, 0] + [0] * 12))
    control = subprocess.run([path, "/proc/self/status"], capture_output=True, text=True, check=False,
                             user=1, group=1)
    if "CapEff:\t0000000000000004" not in control.stdout:
        raise Skip("file capabilities have no effect here outside the box either")
    result = inside([path, "/proc/self/status"])
    expect("CapEff:\t0000000000000000" in result.out, result)


@attempt("a descriptor that the host has open does not reach the program")
def _descriptor():
    secret = make(hidden, "secret", "descriptor secret\n")
    fd = os.open(secret, os.O_RDONLY)
    os.set_inheritable(fd, True)
    control = subprocess.run([PROGRAM, "use-descriptor", str(fd)], capture_output=True, text=True,
                             check=False, pass_fds=(fd,))
    expect(control.stdout.strip() == "0", control)
    host = subprocess.run(harness.host_command([PROGRAM, "use-descriptor", str(fd)], POLICY),
                          capture_output=True, text=True, check=False, pass_fds=(fd,),
                          cwd=harness.scratch(), env=harness.clean_environment(), timeout=20)
    os.close(fd)
    expect(host.stdout.strip() == str(E.EBADF), host)


RACE = """
import os, sys, threading, time
folder, target = sys.argv[1:3]
link = os.path.join(folder, "race")
other = os.path.join(folder, "other")
os.makedirs(other, exist_ok=True)
open(os.path.join(other, "file"), "w").write("mine")
stop = time.monotonic() + 1.0
def swap():
    while time.monotonic() < stop:
        for source in (other, target):
            try:
                os.symlink(source, link + ".new")
                os.rename(link + ".new", link)
            except OSError:
                pass
threading.Thread(target=swap).start()
got = set()
while time.monotonic() < stop:
    try:
        got.add(open(os.path.join(link, "file")).read())
    except OSError:
        pass
print("OUT" if "secret\\n" in got else "kept", "mine" in got)
"""


@attempt("a link that is swapped while it is followed leads to nothing outside")
def _race():
    make(hidden, "file")
    command = [harness.PYTHON, "-I", "-c", RACE, writable, hidden]
    control = outside(command)
    expect("OUT" in control.stdout, control)
    for name in ("race", "race.new"):
        _remove(os.path.join(writable, name))
    shutil.rmtree(os.path.join(writable, "other"), ignore_errors=True)
    result = inside(command)
    expect(result.out.strip() == "kept True", result)


@attempt("a folder of the policy that is swapped for a link before the next run is not followed")
def _prepared_path():
    inner = os.path.join(writable, "inner")
    shutil.rmtree(inner, ignore_errors=True)
    os.mkdir(inner)
    os.chmod(inner, 0o777)
    policy = world.policy(read_write=[writable, inner], read_only=[granted])
    script = f"cat {inner}/file"
    make(inner, "file", "inner\n")
    expect(inside(["/bin/sh", "-c", script], policy=policy).out == "inner\n")
    os.unlink(os.path.join(inner, "file"))
    os.rmdir(inner)
    make(hidden, "file")
    os.symlink(hidden, inner)
    expect(outside(["/bin/sh", "-c", script]).stdout == "secret\n")
    result = inside(["/bin/sh", "-c", script], policy=policy)
    os.unlink(inner)
    expect(result.code == 125 and "symbolic link" in result.err and result.out == "", result)


@attempt("what git executes for a repository's owner cannot be changed or moved away")
def _steering():
    tree = os.path.join(writable, "repository")
    shutil.rmtree(tree, ignore_errors=True)
    subprocess.run(["git", "init", "-q", tree], check=True, env=harness.clean_environment())
    for folder, _folders, names in os.walk(tree):
        os.chmod(folder, 0o777)
        for name in names:
            os.chmod(os.path.join(folder, name), 0o666)
    script = (f"cd {tree}; (echo x > .git/hooks/pre-commit) 2> /dev/null && echo HOOK; "
              "(echo x >> .git/config) 2> /dev/null && echo CONFIG; "
              "mv .git .old 2> /dev/null && echo MOVED; echo x > README && echo worked")
    result = inside(["/bin/sh", "-c", script])
    expect(result.out.strip() == "worked", result)
    control = outside(["/bin/sh", "-c", script])
    expect(control.stdout.split() == ["HOOK", "CONFIG", "MOVED", "worked"], control)


@attempt("a listener of the host's in the box cannot be taken over or shared")
def _listeners_in_box():
    script = (
        "import os, socket\n"
        "proxy = os.environ['http_proxy'].split('//')[1].rsplit(':', 1)\n"
        "for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):\n"
        "    s = socket.socket(socket.AF_INET, kind)\n"
        "    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
        "    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)\n"
        "    address = (proxy[0].strip('[]'), int(proxy[1])) if kind == socket.SOCK_STREAM else None\n"
        "    if address is None:\n"
        "        address = (open('/etc/resolv.conf').read().split()[1], 53)\n"
        "    try:\n"
        "        s.bind(address); kind == socket.SOCK_STREAM and s.listen(); print('OUT', address)\n"
        "    except OSError as error: print(type(error).__name__, error.errno)\n")
    result = harness.run_python(script, POLICY)
    expect(result.code == 0 and "OUT" not in result.out and len(result.out.splitlines()) == 2, result)


@attempt("a wildcard listener of the box cannot answer for an address outside")
def _wildcard():
    script = (
        "import socket, threading\n"
        "l = socket.socket(); l.bind(('0.0.0.0', %d)); l.listen()\n"
        "def serve():\n"
        "    c, p = l.accept(); c.sendall(b'OUT'); c.close()\n"
        "threading.Thread(target=serve, daemon=True).start()\n"
        "s = socket.socket(); s.settimeout(5)\n"
        "try:\n"
        "    s.connect(('%s', %d)); print(s.recv(10) or 'closed')\n"
        "except OSError as error: print(type(error).__name__)\n"
        % (7309, world.OTHER_ADDRESS, 7309))
    result = harness.run_python(script, POLICY)
    expect(result.code == 0 and "OUT" not in result.out and result.out.strip(), result)


@attempt("names leave nothing: a resolver outside hears no question")
def _dns():
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listener.bind((world.OTHER_ADDRESS, 53))
    except PermissionError:
        raise Skip("an ordinary user cannot listen for names") from None
    listener.settimeout(0.5)
    script = ("import socket\n"
              "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2)\n"
              "q = b'\\x12\\x34\\x01\\0\\0\\x01\\0\\0\\0\\0\\0\\0\\x06secret\\x04test\\0\\0\\x01\\0\\x01'\n"
              "try:\n"
              f"    s.sendto(q, ('{world.OTHER_ADDRESS}', 53)); print('answer', len(s.recv(512)))\n"
              "except OSError as error: print(type(error).__name__)\n")
    control = outside([harness.PYTHON, "-I", "-c", script])
    expect(b"secret" in listener.recv(512), control)
    result = harness.run_python(script, POLICY)
    try:
        heard = listener.recv(512)
    except TimeoutError:
        heard = b""
    listener.close()
    expect(heard == b"", heard, result)


@attempt("a process that leaves its session and ignores signals ends with the host")
def _outlive():
    marker = os.path.join(writable, "alive")
    _remove(marker)
    script = ("import os, signal, sys, time\n"
              "if os.fork(): sys.exit(0)\n"
              "os.setsid()\n"
              "for number in range(1, 32):\n"
              "    try: signal.signal(number, signal.SIG_IGN)\n"
              "    except OSError: pass\n"
              f"while True:\n    open({marker!r}, 'w').write(str(time.time())); time.sleep(0.05)\n")
    with harness.nothing_left():
        result = harness.run_python(script, POLICY)
        expect(result.code == 0, result)
    time.sleep(0.2)
    before = os.stat(marker).st_mtime if os.path.exists(marker) else 0
    time.sleep(0.3)
    expect((os.stat(marker).st_mtime if os.path.exists(marker) else 0) == before, "it goes on")


# --- What is announced ---------------------------------------------------------------------------

@test("going round the proxy leaves an event that names who and where")
def _event_network():
    result = harness.run_recorded([PROGRAM, "reach-tcp", world.OTHER_ADDRESS, "7399"], POLICY)
    denied = result.events("network.denied")
    expect(denied and denied[0]["payload"][2] == world.OTHER_ADDRESS, denied, result)
    expect(denied[0]["payload"][4].endswith("/attempt"), denied)
    result = harness.run_recorded([PROGRAM, "reach-udp", world.ADDRESS, str(world.UDP_PORT)], POLICY)
    denied = [event for event in result.events("network.denied") if event["payload"][1] == "capture"]
    expect(denied and denied[0]["payload"][3] == world.UDP_PORT, result.recorded)


@test("a launch that is refused leaves an event")
def _event_launch():
    result = harness.run_recorded(["/no/such/program"], POLICY)
    expect(result.code == 127 and len(result.events("process.refused")) == 1, result, result.recorded)


@test("a box that is refused leaves an event")
def _event_box():
    result = harness.run_recorded(["true"], POLICY, ["--set", "process.session=/no/such/folder/s"])
    refused = result.events("process.refused")
    expect(result.code == 125 and len(refused) == 1 and refused[0]["payload"][0] == "box", result,
           result.recorded)


@test("a death by a signal leaves an event with the signal")
def _event_signal():
    result = harness.run_recorded(["/bin/sh", "-c", "kill -SEGV $$"], POLICY)
    ended = result.events("process.exited")
    expect(ended and ended[0]["payload"][3] == 11, ended, result)


@test("a death by a limit leaves an event with the signal of the limit")
def _event_limit():
    result = harness.run_recorded([harness.PYTHON, "-I", "-c", "while True: pass"], POLICY,
                                  ["--set", "process.limits=cpu=1:2"])
    ended = result.events("process.exited")
    expect(ended and ended[0]["payload"][3] in (9, 24), ended, result)


@test("at least sixty attempts have been made and have failed")
def _enough():
    if len(sys.argv) > 1:
        raise Skip("only some were chosen")
    if not harness.IS_ROOT and len(passed) < 60:
        raise Skip(f"{len(passed)}: an ordinary user lacks the privilege for the control of the others")
    expect(len(passed) >= 60, len(passed), passed)


harness.main()
