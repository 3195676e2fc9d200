# SPDX-License-Identifier: Apache-2.0
"""Rows of the list of protections that no other file proves: order, identity, modes, ends.

The sentence of a test begins with the name of its row.
"""
import datetime
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile

import harness
import world
from harness import Skip, expect, test

API = f"{world.ADDRESS}:{world.API_PORT}"
MODES = ([], ["--disable", "network"], ["--set", "process.refuse-internet-sockets=true"])


def process(**keys):
    return "process:\n" + "".join(f"  {key}: \"{value}\"\n" for key, value in keys.items())


def refused(result, *words):
    expect(result.code == 125 and "RAN" not in result.out, result)
    for word in words:
        expect(word in result.err, word, result)


@test("start order: identity, paths, rules, then the box, then the network, then a program")
def _order():
    folder = tempfile.mkdtemp(prefix="osh-e2e-", dir="/var/tmp")
    try:
        os.chmod(folder, 0o777)
        link, gone = os.path.join(folder, "link"), os.path.join(folder, "gone")
        made = os.path.join(folder, "made")
        os.symlink("/etc", link)
        bad_user = process(run_as_user="no-such-account") if harness.IS_ROOT else \
            process(run_as_user="daemon")
        hard = "landlock:\n  compatibility: hard_requirement\n"
        spiffe = {"OPENSHELL_PROVIDER_SPIFFE_WORKLOAD_API_SOCKET": "tcp:1"}
        # Each row mends the fault that the one before was stopped by; the rest stays broken.
        rows = (
            ("no-such-account" if harness.IS_ROOT else "daemon", bad_user, spiffe, [made, link]),
            ("only a Unix socket", "", spiffe, [made, link]),
            ("symbolic link", "", {}, [link, made]),
            (gone, "", {}, [made]),
        )
        for word, extra, variables, paths in rows:
            result = harness.run_host(
                ["no-such-command"], world.policy(API, read_only=[gone], read_write=paths,
                                                  extra=hard + extra),
                ["--set", "process.capture=redirect"], env=harness.clean_environment(**variables))
            refused(result, word)
            expect("strict" not in result.err, "there was a box", result)
            if word != gone:
                expect(not os.path.exists(made), f"prepared although {word}", result)
        result = harness.run_recorded(["true"], world.policy(API))
        order = [event["topic"] + "".join(map(str, event["payload"][:3:2]))
                 for event in result.recorded]
        places = [next(i for i, text in enumerate(order) if text.startswith(begin)) for begin in (
            "openshell.policy.changed", "openshell.box.opened",
            "openshell.host.plugin-state/1networkready", "openshell.host.started",
            "openshell.process.started", "openshell.process.exited", "openshell.box.closed")]
        expect(places == sorted(places), order)
    finally:
        shutil.rmtree(folder)


@test("missing user fatal, unknown user and unknown group: named, and nothing starts")
def _accounts():
    if harness.IS_ROOT:
        for keys, word in (({"run_as_user": "no-such-account"}, "no-such-account"),
                           ({"run_as_user": "daemon", "run_as_group": "no-such-group"},
                            "no-such-group"),
                           ({"run_as_group": "no-such-group"}, "no-such-group")):
            refused(harness.run_host(["echo", "RAN"], world.policy(extra=process(**keys))), word)
        result = harness.run_host(["echo", "RAN"], world.policy(),
                                  ["--verbose", "--set", "process.default-user=no-such-account"])
        expect(result.code == 0 and "no-such-account" in result.err, result)
    else:
        for keys in ({"run_as_user": "no-such-account"}, {"run_as_group": "no-such-group"}):
            refused(harness.run_host(["echo", "RAN"], world.policy(extra=process(**keys))),
                    list(keys.values())[0])


@test("no identity, empty-string identity and group-only drop: never root, as an ordinary user itself")
def _unset():
    for extra in ("", process(run_as_user="", run_as_group=""),
                  process(run_as_group="65534" if harness.IS_ROOT else os.getgid())):
        result = harness.run_host(["cat", "/proc/self/status"],
                                  world.policy(read_only=["/proc"], extra=extra))
        expect(result.code == 0, extra, result)
        status = {line.split(":")[0]: line.split()[1:] for line in result.out.splitlines()}
        for name, own in (("Uid", os.getuid()), ("Gid", os.getgid())):
            expect(len(set(status[name])) == 1 and len(status[name]) == 4, status[name])
            expect("0" not in status[name], extra, status[name])
            expect(harness.IS_ROOT or status[name][0] == str(own), extra, status[name])
        if harness.IS_ROOT:
            expect(status["Groups"] == [], status["Groups"])
            expect("65534" not in extra or status["Gid"][0] == "65534", status["Gid"])


@test("AF_PACKET, VSOCK, BLUETOOTH and NETLINK but for routes: EPERM in all modes")
def _families():
    script = ("import socket\n"
              "for family, kind, protocol in ((17, 3, 0), (17, 2, 768), (40, 1, 0), (31, 3, 1),\n"
              "                               (31, 5, 3), (16, 3, 4), (16, 3, 12)):\n"
              "    try: socket.socket(family, kind, protocol); print('opened', family)\n"
              "    except OSError as error: print(error.errno)\n"
              "print('route', socket.socket(16, 3, 0).fileno() > 0)\n"
              "print(*(name for _, name in socket.if_nameindex()))\n")
    for options in MODES:
        result = harness.run_python(script, world.policy(), options=options)
        expect(result.out.split() == ["1"] * 7 + ["route", "True", "lo"], options, result)


@test("passwd and group: the machine's files do not change, and the box's view only has its own user")
def _account_files():
    def digest():
        found = []
        for path in ("/etc/passwd", "/etc/group"):
            with open(path, "rb") as stream:
                found.append(hashlib.sha256(stream.read()).hexdigest())
        return found

    environment = harness.clean_environment()
    if harness.IS_ROOT:
        environment = harness.clean_environment(OPENSHELL_SANDBOX_UID="4321",
                                                OPENSHELL_SANDBOX_GID="4322")
    with open("/etc/passwd", encoding="utf-8") as stream:
        has_sandbox = "sandbox:" in stream.read()
    before = digest()
    result = harness.run_shell(
        "for f in passwd group; do grep -v ^sandbox: /etc/$f | sha256sum; done; id -u; for f in passwd group; do "
        "(echo sandbox:x:0:0::/:/bin/sh >> /etc/$f) 2> /dev/null && echo WROTE; done; exit 0",
        world.policy(), env=environment)
    words = [word for word in result.out.split() if word != "-"]
    expect(before == digest() and "WROTE" not in words, result)
    expect(words[:2] == before or has_sandbox, result)
    expect(words[2] == ("4321" if harness.IS_ROOT else str(os.getuid())), result)


@test("workspace: missing, a file and unwritable are told or left as they are, never made writable")
def _workspace():
    folder = harness.private_scratch()
    path = os.path.join(folder, "file")
    with open(path, "w", encoding="utf-8"):
        pass
    for place in (os.path.join(folder, "gone"), path):
        refused(harness.run_host(["echo", "RAN"], world.policy(), ["--workdir", place]), place)
    if harness.IS_ROOT:
        # Only the box's user is asked, and by its own rights: root's folder stays root's.
        result = harness.run_shell("pwd; touch x 2> /dev/null && echo WROTE; exit 0", world.policy(),
                                   options=["--workdir", folder])
        expect(result.out.split() == [folder] and sorted(os.listdir(folder)) == ["file"], result)
        os.chown(folder, 0, 2)
        os.chmod(folder, 0o770)
        policy = world.policy(extra=process(run_as_user="1", run_as_group="1"))
        for options, wrote in (([], False), (["--set", "process.groups=bin"], True)):
            result = harness.run_shell("touch x 2> /dev/null && echo WROTE; exit 0", policy,
                                       options=["--workdir", folder, *options])
            expect(("WROTE" in result.out) == wrote == os.path.exists(os.path.join(folder, "x")),
                   options, result)
    else:
        os.chmod(folder, 0o500)
        result = harness.run_shell("touch x 2> /dev/null && echo WROTE; exit 0", world.policy(),
                                   options=["--workdir", folder])
        expect(result.code == 0 and "WROTE" not in result.out, result)
    outside = harness.scratch()
    result = harness.run_shell(f"touch {outside}/x 2> /dev/null && echo WROTE; exit 0",
                               world.policy(), options=["--workdir", harness.scratch()])
    expect("WROTE" not in result.out and not os.listdir(outside), result)


@test("PID publication: the event names a pid only after exec, and for a failed launch there is none")
def _published():
    for command, code in (("no-such-program-anywhere", 127), ("/etc/passwd", 126)):
        result = harness.run_recorded([command], world.policy())
        expect(result.code == code and not result.events("process.started"), result)
        expect(len(result.events("process.refused")) == 1, result.recorded)
    path = os.path.join(harness.scratch(), "events.jsonl")
    host = harness.start_host(["sleep", "31"], world.policy(), ["--events", path])
    try:
        def started():
            if not os.path.exists(path):
                return []
            with open(path, encoding="utf-8") as stream:
                return [json.loads(line) for line in stream.read().split("\n")[:-1]
                        if "process.started" in line]
        while not started():
            expect(host.poll() is None, "the host has ended")
        (event,) = started()
        with open(f"/proc/{event['payload'][1]}/cmdline", "rb") as stream:
            expect(stream.read() == b"sleep\x0031\0", event)
    finally:
        host.kill()
        host.communicate()


@test("reaper: orphans are reaped, and the status of one's own child is not stolen")
def _reaper():
    result = harness.run_python(
        "import os, sys, time\n"
        "own = os.fork()\n"
        "if own == 0: os._exit(7)\n"
        "for number in range(25):\n"
        "    middle = os.fork()\n"
        "    if middle == 0:\n"
        "        if os.fork() == 0: os._exit(0)\n"
        "        os._exit(0)\n"
        "    os.waitpid(middle, 0)\n"
        "def zombies():\n"
        "    found = []\n"
        "    for name in os.listdir('/proc'):\n"
        "        if name.isdigit():\n"
        "            try: words = open(f'/proc/{name}/stat').read().rpartition(')')[2].split()\n"
        "            except OSError: continue\n"
        "            if words[0] == 'Z' and words[1] == '1': found.append(name)\n"
        "    return found\n"
        "limit = time.monotonic() + 8\n"
        "while zombies() and time.monotonic() < limit: time.sleep(0.01)\n"
        "print('left', len(zombies()))\n"
        "print('own', os.waitstatus_to_exitcode(os.waitpid(own, 0)[1]))\n"
        "sys.exit(9)\n", world.policy(read_only=["/proc"]))
    expect(result.code == 9 and result.out.split() == ["left", "0", "own", "7"], result)


def seconds_between(result, first, last):
    times = [datetime.datetime.fromisoformat(result.events(topic)[0]["time"].replace("Z", "+00:00"))
             for topic in (first, last)]
    return (times[1] - times[0]).total_seconds()


@test("timeout: 124 just after the time, also when every process of the group ignores to be asked")
def _timeout():
    with harness.nothing_left():
        result = harness.run_recorded(
            ["sh", "-c", "trap '' TERM HUP INT; sh -c 'sleep 600; sleep 600' & "
             "setsid sleep 600 & sleep 600; sleep 600"], world.policy(), ["--timeout", "1"])
    took = seconds_between(result, "process.started", "process.exited")
    expect(result.code == 124 and 0.9 < took < 2.5, took, result)


@test("group kill on SIGTERM: a grandchild is asked as well, on timeout too")
def _group():
    # The box asks everybody once more when it closes: touch must not end of that.
    script = ("trap 'exit 3' TERM; sh -c 'trap \"trap : TERM; : > asked; exit 0\" TERM; touch up; "
              "while :; do sleep 0.02; done' & while :; do sleep 0.02; done")
    for options in ([], ["--timeout", "2"]):
        folder = harness.scratch()
        with harness.nothing_left():
            host = harness.start_host(["sh", "-c", script], world.policy(), options, cwd=folder)
            harness.wait_until(lambda: os.path.exists(os.path.join(folder, "up")), 10, "no start")
            if not options:
                host.send_signal(signal.SIGTERM)
            out, err = host.communicate(timeout=15)
        expect(host.returncode == (124 if options else 3), host.returncode, out, err)
        expect(os.path.exists(os.path.join(folder, "asked")), options, out, err)


GRAPHICS = """
set -e
d=$(mktemp -d /var/tmp/osh-dev-XXXXXX)
trap 'rmdir $d' EXIT
mount -t tmpfs -o mode=755 none $d
for n in null zero full random urandom tty; do touch $d/$n; mount --bind /dev/$n $d/$n; done
mkdir $d/pts $d/shm; mount --bind /dev/pts $d/pts; ln -s pts/ptmx $d/ptmx; ln -s /proc/self/fd $d/fd
for n in nvidiactl nvidia0 nvidia1 nvidia-uvm; do touch $d/$n; chmod 666 $d/$n; done
mount --rbind $d /dev
umount -l $d
"$@"
"""


@test("baseline: a graphics card's nodes are there and writable, unless the policy says read-only")
def _graphics():
    if not harness.IS_ROOT:
        raise Skip("only root can put nodes into /dev")
    command = harness.host_command(
        ["sh", "-c", "ls /dev | grep nvidia; for n in nvidia0 nvidia1; do "
         "(echo x > /dev/$n) 2> /dev/null && echo wrote $n; done; exit 0"],
        world.policy(API, read_only=["/dev/nvidia1"]), ["--verbose"])
    done = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", GRAPHICS, "sh",
                           *command], capture_output=True, text=True, check=False, timeout=20,
                          cwd=harness.scratch(), env=harness.clean_environment())
    expect(done.returncode == 0, done.stdout, done.stderr)
    expect(done.stdout.split() == ["nvidia-uvm", "nvidia0", "nvidia1", "nvidiactl", "wrote",
                                   "nvidia0"], done.stdout, done.stderr)
    expect("/dev/nvidiactl" in done.stderr, done.stderr)


harness.main()
