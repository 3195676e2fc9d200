# SPDX-License-Identifier: Apache-2.0
"""The walls around files and processes, at each level of Landlock that a kernel may have.

A plugin of the test build believes the kernel's Landlock to be as old as OSH_TEST_LANDLOCK_ABI
says; what an old one lacks is then up to the box's mounts and namespaces. Every attempt is made
outside a box first, where it must work.
"""
import json
import os
import re
import socket
import subprocess

import harness
import world
from harness import Skip, expect, test

CAPPED = os.path.join(harness.BUILD, "tests", "plugins", "capped")
VARIABLE = "OSH_TEST_LANDLOCK_ABI"
ABSTRACT = "\0osh-e2e-walls"

# Each attempt, and the errors that refuse it: of a read-only mount, of Landlock, of a mount point,
# of two mounts, of what is not there, of another network and of other processes.
ATTEMPTS = {
    "write a read-only file": ("open('ro/file', 'w').close()", "EROFS"),
    "append to a read-only file": ("open('ro/file', 'a').close()", "EROFS"),
    "truncate a read-only file": ("os.truncate('ro/file', 0)", "EROFS EACCES"),
    "change the mode of a read-only file": ("os.chmod('ro/file', 0o600)", "EROFS"),
    "change the times of a read-only file": ("os.utime('ro/file')", "EROFS"),
    "change attributes of a read-only file":
        ("os.setxattr('ro/file', 'user.osh', b'x')", "EROFS"),
    "create in a read-only folder": ("open('ro/new', 'x').close()", "EROFS"),
    "remove from a read-only folder": ("os.unlink('ro/file')", "EROFS EACCES"),
    "make a folder in a read-only one": ("os.mkdir('ro/sub')", "EROFS EACCES"),
    "make a link in a read-only folder": ("os.symlink('x', 'ro/link')", "EROFS EACCES"),
    "make a socket in a read-only folder":
        ("socket.socket(socket.AF_UNIX).bind('ro/socket')", "EROFS EACCES"),
    "make a pipe in a read-only folder": ("os.mkfifo('ro/pipe')", "EROFS EACCES"),
    "move a read-only file to where it is writable":
        ("os.rename('ro/file', 'rw/moved')", "EROFS EACCES EXDEV"),
    "give a read-only file a writable name": ("os.link('ro/file', 'rw/link')", "EACCES EXDEV"),
    "exchange a read-only file": (
        "open('rw/one', 'x').close(); exchange('rw/one', 'ro/file')", "EROFS EACCES EXDEV"),
    "read a file that is not granted": ("open('other/file').close()", "ENOENT EACCES"),
    "list a folder that is not granted": ("os.listdir('other')", "ENOENT EACCES"),
    "connect to a socket that is not granted": (
        "socket.socket(socket.AF_UNIX).connect('other/socket')", "ENOENT EACCES"),
    "write a read-only file in a writable tree": ("open('rw/locked', 'w').close()", "EROFS"),
    "truncate a read-only file in a writable tree": ("os.truncate('rw/locked', 0)", "EROFS"),
    "remove a read-only file in a writable tree": ("os.unlink('rw/locked')", "EBUSY"),
    "rename a read-only file in a writable tree":
        ("os.rename('rw/locked', 'rw/old')", "EBUSY EXDEV"),
    "replace a read-only file in a writable tree": (
        "open('rw/new', 'x').close(); os.rename('rw/new', 'rw/locked')", "EBUSY EXDEV"),
    "give a read-only file in a writable tree a second name":
        ("os.link('rw/locked', 'rw/second')", "EXDEV"),
    "move away the folder of a read-only file":
        ("os.rename('rw/deep', 'rw/old')", "EBUSY EXDEV"),
    "move away the inner folder of a read-only file":
        ("os.rename('rw/deep/inner', 'rw/old')", "EBUSY EXDEV"),
    "remove a read-only file two folders down": ("os.unlink('rw/deep/inner/locked')", "EBUSY"),
    "reach a file through a link made in the box": (
        "os.symlink(BASE + '/other/file', 'rw/way'); open('rw/way').close()", "ENOENT EACCES"),
    "reach a file through the root of a process outside": (
        "open(f'/proc/{OUTSIDE}/root{BASE}/other/file').close()", "ENOENT EACCES"),
    "connect to an abstract socket outside": (
        "socket.socket(socket.AF_UNIX).connect(ABSTRACT)", "ECONNREFUSED EPERM"),
    "send to an abstract socket outside": (
        "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', ABSTRACT + 'd')",
        "ECONNREFUSED EPERM"),
    "signal a process outside": ("os.kill(OUTSIDE, 0)", "ESRCH EPERM"),
    "take the limits of a process outside":
        ("resource.prlimit(OUTSIDE, resource.RLIMIT_NOFILE)", "ESRCH EPERM"),
}

# What must go on working.
ERRANDS = {
    "read": "open('ro/file').read()",
    "list": "os.listdir('ro')",
    "write": "open('rw/mine', 'w').close()",
    "truncate": "os.truncate('rw/mine', 0)",
    "make": "open('rw/other', 'w').close()",
    "remove": "os.unlink('rw/other')",
    "move": "os.rename('rw/mine', 'rw/plain/mine')",
    "read what is locked": "open('rw/locked').read()",
    "signal oneself": "os.kill(os.getpid(), 0)",
    "an abstract socket of one's own": "own_abstract()",
    "a device": "open('/dev/null', 'w').write('x')",
    "a pseudo-terminal": "fcntl.ioctl(os.openpty()[0], termios.TIOCGWINSZ, b'12345678')",
}

SCRIPT = """
import ctypes, errno, fcntl, json, os, resource, socket, sys, termios
OUTSIDE, chosen = int(sys.argv[1]), json.loads(sys.argv[2])
ABSTRACT = '\\0osh-e2e-walls'
libc = ctypes.CDLL(None, use_errno=True)
def exchange(one, other):
    if libc.renameat2(-100, one.encode(), -100, other.encode(), 2) != 0:
        raise OSError(ctypes.get_errno(), 'renameat2')
def own_abstract():
    server = socket.socket(socket.AF_UNIX); server.bind('\\0mine'); server.listen()
    socket.socket(socket.AF_UNIX).connect('\\0mine')
for name, (BASE, code) in chosen.items():
    os.chdir(BASE)
    try:
        exec(code)
        print(json.dumps([name, 'WORKED']))
    except OSError as error:
        print(json.dumps([name, errno.errorcode.get(error.errno, str(error))]))
"""


def make_world():
    """The folders that ATTEMPTS speak of, all writable by everybody."""
    base = harness.scratch()
    for folder in ("ro", "rw", "rw/deep", "rw/deep/inner", "rw/plain", "other"):
        os.mkdir(os.path.join(base, folder))
    for name in ("ro/file", "rw/locked", "rw/deep/inner/locked", "other/file"):
        with open(os.path.join(base, name), "w", encoding="utf-8") as stream:
            stream.write("text\n")
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.path.join(base, "other", "socket"))
    server.listen()
    harness.open_up(base)
    return base, server


def policy_of(base, extra=""):
    return world.policy(read_only=[os.path.join(base, name) for name in
                                   ("ro", "rw/locked", "rw/deep/inner/locked")],
                        read_write=[os.path.join(base, "rw")], extra=extra)


class outside:
    """Servers on abstract sockets, and a process to be left alone."""

    def __enter__(self):
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.bind(ABSTRACT)
        self.stream.listen()
        self.datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.datagrams.bind(ABSTRACT + "d")
        self.process = subprocess.Popen(["sleep", "60"])
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.stream.close()
        self.datagrams.close()


def outcomes(out):
    return dict(json.loads(line) for line in out.splitlines())


def run_capped(base, process, chosen, abi, options=(), extra=""):
    environment = harness.clean_environment()
    if abi is not None:
        environment[VARIABLE] = str(abi)
    return harness.run_host(
        [harness.PYTHON, "-I", "-c", SCRIPT, str(process),
         json.dumps({name: (base, code) for name, code in chosen.items()})],
        policy_of(base, extra), ["--plugin-dir", CAPPED, *options], env=environment)


def level_of(result):
    found = re.search(r"landlock (\d+), \d+ rules", result.err)
    return int(found.group(1)) if found else 0


_controls = {}


def controls():
    """Which attempts work outside a box, each in a world of its own; made once."""
    if not _controls:
        worlds = {name: make_world() for name in ATTEMPTS}
        with outside() as out:
            done = subprocess.run(
                [harness.PYTHON, "-I", "-c", SCRIPT, str(out.process.pid),
                 json.dumps({name: (worlds[name][0], code)
                             for name, (code, _) in ATTEMPTS.items()})],
                capture_output=True, text=True, check=True)
        _controls.update(outcomes(done.stdout))
    return _controls


@test("outside a box every attempt works")
def _controls_work():
    failed = {name: what for name, what in controls().items() if what != "WORKED"}
    # A file system may lack extended attributes for users.
    failed.pop("change attributes of a read-only file", None)
    expect(not failed, failed)


def _walls_stand(abi, options=()):
    with outside() as out:
        base, server = make_world()
        chosen = {name: code for name, (code, _) in ATTEMPTS.items()
                  if controls()[name] == "WORKED"}
        result = run_capped(base, out.process.pid, chosen, abi, options)
        expect(result.code == 0, result)
        got = outcomes(result.out)
        expect(set(got) == set(chosen), result)
        for name, what in got.items():
            expect(what in ATTEMPTS[name][1].split(), name, "->", what, result)
        for name in ("rw/locked", "rw/deep/inner/locked", "ro/file", "other/file"):
            with open(os.path.join(base, name), encoding="utf-8") as stream:
                expect(stream.read() == "text\n", name)
        errands = run_capped(base, out.process.pid, ERRANDS, abi, options)
        server.close()
    got = outcomes(errands.out)
    expect(errands.code == 0 and set(got) == set(ERRANDS), errands)
    # Before ABI 2 Landlock itself forbids moving between folders.
    allowed = {"WORKED", "EXDEV"} if abi == 1 else {"WORKED"}
    for name, what in got.items():
        expect(what in (allowed if name.startswith("move") else {"WORKED"}), name, what, errands)
    return result


@test("at the kernel's best Landlock all attempts fail and all errands work")
def _best():
    result = _walls_stand(None)
    expect(level_of(result) >= 1 and "openshell: strict" in result.err, result)


for _abi in (1, 2, 4, 6):
    def _at(abi=_abi):
        result = _walls_stand(abi)
        if level_of(result) < abi:
            raise Skip(f"this kernel's Landlock is older than {abi}")
        expect(level_of(result) == abi, result)
    test(f"at Landlock ABI {_abi} all attempts fail and all errands work")(_at)


@test("without Landlock nothing starts; with --allow-degraded=landlock the other walls stand, and "
      "both the start line and the events say what is missing")
def _without():
    refused = harness.run_host(["echo", "RAN"], world.policy(), ["--plugin-dir", CAPPED],
                               env=harness.clean_environment(**{VARIABLE: "0"}))
    expect(refused.code == 125 and "RAN" not in refused.out, refused)
    expect("--allow-degraded=landlock" in refused.err, refused)
    result = _walls_stand(0, ["--allow-degraded=landlock"])
    expect("openshell: degraded" in result.err and "WITHOUT landlock" in result.err, result)
    expect(level_of(result) == 0, result)
    recorded = harness.run_recorded(["true"], world.policy(),
                                    ["--plugin-dir", CAPPED, "--allow-degraded=landlock"],
                                    env=harness.clean_environment(**{VARIABLE: "0"}))
    (started,) = recorded.events("host.started")
    expect(started["payload"][2]["degraded"] == ["landlock"], started)


@test("hard_requirement without Landlock is refused whatever is allowed to be missing")
def _hard():
    result = harness.run_host(
        ["echo", "RAN"], world.policy(extra="landlock:\n  compatibility: hard_requirement\n"),
        ["--plugin-dir", CAPPED, "--allow-degraded=landlock"],
        env=harness.clean_environment(**{VARIABLE: "0"}))
    expect(result.code == 125 and "RAN" not in result.out, result)
    expect("hard_requirement" in result.err, result)


@test("a path that is not there: best_effort leaves its rule out and says so everywhere, "
      "hard_requirement refuses it by name")
def _missing():
    gone = os.path.join(harness.scratch(), "gone")
    policy = world.policy(read_only=[gone])
    result = harness.run_recorded(["true"], policy)
    expect(result.code == 0 and "1 left out" in result.err and gone in result.err, result)
    (started,) = result.events("host.started")
    rules = {path: (rights, reason) for path, rights, reason in
             started["payload"][2]["landlock-rules"]}
    expect(rules[gone] == ([], "No such file or directory"), rules)
    expect(rules["/usr"] == (["read", "execute"], ""), rules)
    hard = harness.run_host(
        ["echo", "RAN"], policy + "landlock:\n  compatibility: hard_requirement\n")
    expect(hard.code == 125 and gone in hard.err and "RAN" not in hard.out, hard)


@test("hard_requirement accepts folders, devices, files and links, each with its own rights")
def _hard_kinds():
    expect(os.path.islink("/bin"), "/bin is no link here")
    result = harness.run_recorded(
        ["/bin/sh", "-c", "head -c 4 /etc/passwd && head -c 1 /dev/urandom > /dev/null"],
        "version: 1\nfilesystem_policy:\n  include_workdir: true\n"
        "  read_only: [/usr, /bin, /lib, /lib64, /etc/passwd, /dev/urandom]\n"
        "landlock:\n  compatibility: hard_requirement\n")
    expect(result.code == 0 and result.out == "root", result)
    (started,) = result.events("host.started")
    rules = {path: rights for path, rights, _ in started["payload"][2]["landlock-rules"]}
    expect(rules["/etc/passwd"] == ["read", "execute"] == rules["/usr/bin"], rules)


@test("hard_requirement names why a path cannot be reached: missing, not a folder, too long, a "
      "circle, not permitted")
def _errno_classification():
    folder = harness.private_scratch()
    closed = os.path.join(folder, "closed")
    os.mkdir(closed, 0)
    cases = {"/usr/no-such-folder": "No such file", "/etc/passwd/x": "Not a directory",
             "/usr/" + "x" * 300: "File name too long"}
    if not harness.IS_ROOT:
        cases[os.path.join(closed, "x")] = "Permission denied"
    circle = os.path.join(folder, "circle")
    os.symlink(circle, circle)
    cases[circle] = "through too many"
    for path, words in cases.items():
        result = harness.run_host(["echo", "RAN"], (
            "version: 1\nfilesystem_policy:\n  include_workdir: false\n"
            f"  read_only: [/usr, {path}]\n"
            "landlock:\n  compatibility: hard_requirement\n"), cwd="/")
        expect(result.code == 125 and words in result.err and "RAN" not in result.out,
               path, result)
        expect(path[:60] in result.err, path, result)


@test("a folder that only root may enter can be granted: its rule holds, and its mode still decides")
def _root_only_folder():
    if not harness.IS_ROOT:
        raise Skip("only root can have a folder that it may enter and the box's user may not")
    folder = harness.private_scratch()
    inner = os.path.join(folder, "inner")
    os.mkdir(inner)
    with open(os.path.join(inner, "file"), "w", encoding="utf-8") as stream:
        stream.write("text\n")
    script = f"cat {inner}/file; ls {inner} > /dev/null && echo listed; exit 0"
    policy = ("version: 1\nfilesystem_policy:\n  include_workdir: true\n"
              f"  read_only: [/usr, /bin, /lib, /lib64, {inner}]\n"
              "landlock:\n  compatibility: hard_requirement\n")
    os.chmod(inner, 0o700)
    closed = harness.run_recorded(["/bin/sh", "-c", script], policy)
    expect(closed.code == 0 and closed.out == "", closed)
    expect("Permission denied" in closed.err, closed)
    (started,) = closed.events("host.started")
    expect([inner, ["read", "execute"], ""] in started["payload"][2]["landlock-rules"], started)
    os.chmod(inner, 0o711)
    passable = harness.run_shell(script, policy)
    expect(passable.code == 0 and passable.out == "text\n", passable)


@test("a text for compatibility that is neither of the two is refused with its line")
def _compatibility():
    result = harness.run_host(["echo", "RAN"],
                              world.policy(extra="landlock:\n  compatibility: hard_requirment\n"))
    expect(result.code == 125 and "RAN" not in result.out, result)
    expect(re.search(r"\.yaml:\d+:\d+: error: .*'hard_requirment'.*hard_requirement", result.err),
           result)


@test("when every path of the policy is missing the box is empty, never open")
def _all_missing():
    gone = os.path.join(harness.scratch(), "gone")
    policy = ("version: 1\nfilesystem_policy:\n  include_workdir: false\n"
              f"  read_only: [{gone}]\n  read_write: [{gone}/too]\n")
    result = harness.run_host(["/bin/sh", "-c", "echo RAN"], policy, ["--disable", "network"],
                              cwd="/")
    expect(result.code in (126, 127) and "RAN" not in result.out, result)
    expect("0 rules, 2 left out" in result.err, result)
    hard = harness.run_host(["/bin/sh", "-c", "echo RAN"],
                            policy + "landlock:\n  compatibility: hard_requirement\n",
                            ["--disable", "network"], cwd="/")
    expect(hard.code == 125 and gone in hard.err, hard)


def doctor(abi=None, options=()):
    environment = harness.clean_environment()
    if abi is not None:
        environment[VARIABLE] = str(abi)
    with harness.nothing_left():
        result = harness.run_host(None, None, ["--plugin-dir", CAPPED, *options, "doctor"],
                                  env=environment)
    rows = {}
    for line in result.out.splitlines():
        match = re.match(r"(\S.{16,}?) +(ok|weak|missing) +(.*)", line)
        if match:
            rows.setdefault(match.group(1).strip(), []).append(match.groups()[1:])
    return result, rows


@test("doctor tries the forbidden act of each level, and says what stands in for one that lacks")
def _doctor():
    acts = {"read": 1, "write": 1, "move": 2, "truncate": 3, "tcp": 4, "ioctl": 5, "signal": 6,
            "abstract": 6, "log": 7}
    result, rows = doctor()
    best = int(re.search(r"^landlock +ok +ABI (\d+)", result.out, re.MULTILINE).group(1))
    for abi in (1, 2, 4, 6, best):
        result, rows = doctor(min(abi, best))
        for act, first in acts.items():
            ((state, detail),) = rows[f"landlock {act}"]
            expect(state == ("ok" if first <= min(abi, best) else "weak"), abi, act, result)
            expect(state == "weak" or "tried and refused" in detail or act == "log", result)
        expect(re.search(r"seccomp +ok +\d+ calls tried and refused", result.out), result)


@test("doctor without Landlock says that it is missing and that no box can be made")
def _doctor_without():
    result, rows = doctor(0)
    expect(rows["landlock"][0][0] == "missing" and rows["box"][0][0] == "missing", result)
    expect(result.code != 0, result)


@test("doctor tells of each rule of a policy what it grants, or why it is left out")
def _doctor_rules():
    gone = os.path.join(harness.scratch(), "gone")
    path = harness.write_policy(world.policy(read_only=[gone]))
    result, rows = doctor(options=["--policy", path])
    told = [detail for _, detail in rows["rule"]]
    expect("/usr: read, execute" in told, result)
    expect(f"{gone}: left out: No such file or directory" in told, result)
    eased, rows = doctor(options=["--set", "process.seccomp-allow=ptrace"])
    expect(rows["seccomp"][0][0] == "weak" and "ptrace" in rows["seccomp"][0][1], eased)


@test("what is installed does not know the variable of the test build, and is not moved by it")
def _not_in_releases():
    with open(os.path.join(CAPPED, "openshell-process.so"), "rb") as stream:
        expect(VARIABLE.encode() in stream.read(), "the control lacks it, too")
    prefix = harness.private_scratch()
    harness.install(prefix)
    looked = 0
    for place, _, names in os.walk(prefix):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as stream:
                expect(VARIABLE.encode() not in stream.read(), path)
            looked += 1
    expect(looked > 10, looked)
    plain = harness.run_host(["true"], world.policy())
    moved = harness.run_host(["true"], world.policy(),
                             env=harness.clean_environment(**{VARIABLE: "1"}))
    expect(level_of(plain) == level_of(moved) >= 1, plain, moved)


harness.main()
