# SPDX-License-Identifier: Apache-2.0
"""What people try first: it works, or one line says why it does not and what to type."""
import os
import socket
import struct
import subprocess
import threading
import time

import harness
import world
from harness import Skip, expect, test

NO_FILES = "version: 1\nfilesystem_policy:\n  read_only: [/usr, /bin, /lib, /lib64]\n"
# As root a box without a user of its policy's has one that no account has.
BOX_UID = 65530 if harness.IS_ROOT else os.geteuid()


def starts(result):
    """The lines of the host's own."""
    return [line for line in result.err.splitlines() if line.startswith("openshell: ")]


def tool(folder, name="mytool", text="#!/bin/sh\necho ran\n"):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(path, 0o755)
    return path


@test("the box knows its own user, group and host name, whatever the policy shows of /etc")
def _own_names():
    script = ("import os, pwd, grp, socket; me = pwd.getpwuid(os.getuid()); "
              "print(me.pw_name == os.environ['USER'], me.pw_dir == os.environ['HOME'], "
              "grp.getgrgid(os.getgid()).gr_gid == os.getgid(), "
              "socket.gethostbyname(socket.gethostname()), socket.getfqdn() != '')")
    partly = NO_FILES.replace("/lib64]", "/lib64, /etc/ssl]")
    for policy, options in ((None, ()), (world.policy(), ()), (NO_FILES, ()), (partly, ()),
                            (NO_FILES, ("--disable", "network")),
                            (world.policy(f"{world.ADDRESS}:{world.API_PORT}"), ())):
        result = harness.run_host([harness.PYTHON, "-I", "-c", script], policy, options)
        expect(result.out == "True True True 127.0.0.1 True\n", policy, options, result)
    # The file is the box's own, and what stands in the host's is in it.
    result = harness.run_shell("id -un; grep -c ^root: /etc/passwd; echo x 2> /dev/null >> /etc/passwd "
                               "|| echo refused", world.policy())
    expect(result.out.splitlines()[1:] == ["1", "refused"], result)


@test("what pass-environment names is passed, and what the box sets itself is refused by name")
def _pass_environment():
    environment = harness.clean_environment(SHELL="/bin/mine", USER="me", http_proxy="http://mine")
    home = environment["HOME"]
    for names, expected in (("HOME", f"{home}||"), ("HOME;SHELL;USER", f"{home}|/bin/mine|me"),
                            ("SHEL*;US*", "|/bin/mine|me")):
        result = harness.run_host(["/bin/sh", "-c", 'echo "$HOME|$SHELL|$USER"'], None,
                                  ["--set", f"process.pass-environment={names}"], env=environment)
        got = result.out.strip().split("|")
        for mine, wanted in zip(got, expected.split("|")):
            expect(not wanted or mine == wanted, names, result)
    result = harness.run_host(["true"], None, ["--set", "process.pass-environment=http_proxy"],
                              env=environment)
    expect(result.code == 125 and "http_proxy is set by the box itself" in result.err, result)


@test("a place that the program's user cannot write is said at the start, with what to type")
def _cannot_write():
    if not harness.IS_ROOT:
        result = harness.run_host(["true"], world.policy(read_write=["/usr/local"]))
        expect(result.err.count("the program cannot write to /usr/local") == 1
               and "it belongs to" in result.err, result)
        return
    folder = harness.private_scratch()
    for policy in (None, world.policy()):
        result = harness.run_shell("touch x", policy, cwd=folder)
        expect(not os.path.exists(os.path.join(folder, "x")) and result.code != 0, result)
        expect(f"cannot write to {folder}" in result.err and "chown -R 65530:65530" in result.err
               and "working directory is writable" not in result.err, result)
    os.chown(folder, 1, 1)
    result = harness.run_shell("touch x", cwd=folder)
    expect("--set process.default-user=daemon" in result.err, result)
    result = harness.run_host(["/bin/sh", "-c", "touch x && ls"], None,
                              ["--set", "process.default-user=daemon"], cwd=folder)
    expect(result.out == "x\n" and "cannot write" not in result.err, result)
    # Nothing is said where it can.
    result = harness.run_shell("touch x")
    expect(result.code == 0 and len(starts(result)) == 1, result)


@test("the folders above a grant can be listed and show the names that the policy gives, no others")
def _listed():
    outer = harness.scratch_in("/var/tmp", 0o755)
    for name in ("mine", "secret", "mine/in"):
        os.mkdir(os.path.join(outer, name))
        os.chmod(os.path.join(outer, name), 0o777)
    result = harness.run_shell("ls / > /dev/null && ls .. && ls ../.. > /dev/null && "
                               "(echo x > ../x) 2> /dev/null || echo refused",
                               cwd=os.path.join(outer, "mine"))
    expect(result.out == "mine\nrefused\n", result)
    result = harness.run_shell(f"ls {outer}; ls {outer}/mine; ls {outer}/secret 2>&1",
                               world.policy(read_only=[f"{outer}/mine/in"]))
    expect(result.out.startswith("mine\nin\nls: ") and "No such file" in result.out, result)


@test("a command that exists and is not shown says so, with what to add; by path, link and PATH")
def _hidden_command():
    outer = harness.scratch()
    path = tool(outer)
    os.symlink(path, os.path.join(outer, "link"))
    shown = os.path.join(outer, "shown")
    os.mkdir(shown)
    os.symlink(path, os.path.join(shown, "leads"))
    tool(shown, "wrapped", f"#!{path}\n")
    tool(shown, "broken", "#!/no/such/interpreter\n")
    policy = world.policy(read_only=[shown])
    environment = harness.clean_environment(PATH=f"{outer}:{shown}:{harness.PATH}")
    for command, expected in ((path, f"cannot run {path}: it exists"), ("mytool", f"{path} exists"),
                              (os.path.join(outer, "link"), f"leads to {path}"),
                              ("leads", f"leads to {path}"), ("wrapped", f"interpreter of {shown}/wrapped"),
                              ("broken", "/no/such/interpreter, does not exist")):
        result = harness.run_host([command], policy, env=environment)
        expect(result.code == 127 and expected in result.err, command, result)
        expect(command == "broken" or f"add {outer} to filesystem_policy.read_only" in result.err,
               command, result)
    result = harness.run_host(["no-such-command"], policy, env=environment)
    expect(result.code == 127 and "exists" not in result.err, result)
    result = harness.run_host(["mytool"], world.policy(read_only=[outer]), env=environment)
    expect(result.out == "ran\n", result)


@test("a working directory that is not shown is left for /, with one line; one asked for is an error")
def _hidden_workdir():
    folder = harness.scratch()
    result = harness.run_host(["pwd"], NO_FILES, cwd=folder)
    expect(result.out == "/\n" and result.code == 0, result)
    expect(result.err.count("starts in /, since the policy does not show") == 1, result)
    result = harness.run_host(["pwd"], NO_FILES, ["--workdir", folder])
    expect(result.code == 125 and f"directory {folder} exists, but the policy" in result.err, result)
    result = harness.run_host(["pwd"], world.policy(), ["--workdir", "/tmp"])
    expect(result.out == "/tmp\n" and "what is written there is gone" in result.err, result)
    # A folder above what is shown is there.
    result = harness.run_host(["pwd"], world.policy(read_only=["/var/log/apt"]), cwd="/var/log")
    expect(result.out == "/var/log\n", result)


@test("a working directory that the program's user may not enter is left for / in the same way")
def _closed_workdir():
    if not harness.IS_ROOT:
        raise Skip("an ordinary user's programs are that user")
    folder = harness.scratch()
    os.chmod(folder, 0o700)
    for policy in (None, world.policy()):
        result = harness.run_host(["pwd"], policy, cwd=folder)
        expect(result.out == "/\n" and result.code == 0, result)
        expect(result.err.count("starts in /, since it runs as uid") == 1, result)
        expect("cannot write" not in result.err, result)
    result = harness.run_host(["pwd"], None, ["--workdir", folder])
    expect(result.code == 125 and "let that user in" in result.err, result)


@test("one line at the start; --verbose has the rest; alone it is help")
def _one_line():
    for policy in (None, world.policy(f"{world.ADDRESS}:{world.API_PORT}"), NO_FILES):
        folder = harness.scratch()
        subprocess.run(["git", "init", "-q", folder], check=True, env=harness.clean_environment())
        harness.open_up(folder)
        result = harness.run_host(["true"], policy, cwd=folder)
        lines = [line for line in starts(result) if "starts in /" not in line]
        expect(result.code == 0 and len(lines) == 1, policy, result)
    more = harness.run_host(["true"], world.policy(), ["--verbose"], cwd=folder)
    expect("read-only inside a writable tree" in more.err, more)
    result = subprocess.run([harness.HOST], capture_output=True, text=True, timeout=5, check=False,
                            env=harness.clean_environment())
    expect(result.returncode == 0 and "--policy FILE" in result.stdout and not result.stderr, result)


@test("a policy is read from standard input, which is at its end for the program")
def _from_input():
    policy = world.policy(f"{world.ADDRESS}:{world.API_PORT}").encode()
    url = f"http://{world.ADDRESS}:{world.API_PORT}/hello"
    result = harness.run_host(["/bin/sh", "-c", f"cat; curl -sS -o /dev/null -w '%{{http_code}}' {url}"],
                              None, ["--policy", "-"], stdin=policy)
    expect(result.out == "200" and "policy (standard input) (" in result.err, result)
    for text, words in ((b"nonsense: 1\n", "(standard input):1"), (b"", "(standard input)")):
        result = harness.run_host(["true"], None, ["--policy=-"], stdin=text)
        expect(result.code == 125 and words in result.err, result)


@test("~ that nobody expanded is offered expanded")
def _home():
    home = harness.home()
    for options in (["--policy=~/p.yaml"], ["--events=~/e"], ["--set=process.session=~/s"],
                    ["--workdir", "~"]):
        result = harness.run_host(["true"], None, options)
        expect(result.code == 125 and f"write {home}" in result.err or f"={home}" in result.err, result)
    result = harness.run_host(["true"], world.policy(read_only=["~/tools"]))
    expect(result.code == 125 and f"write {home}/tools" in result.err, result)


@test("a box inside a box is not made, and it says that this is one")
def _nested():
    policy = world.policy(read_only=[harness.BUILD])
    for script in (f"{harness.HOST} -- true", f"cd /tmp && {harness.HOST} --disable network -- true"):
        result = harness.run_shell(script, policy)
        expect(result.code == 125 and "this is a box already" in result.err, result)


@test("a server in the box is reached by every name of its own, past the proxy")
def _own_addresses():
    script = ("python3 -m http.server 8123 > /dev/null 2>&1 & "
              "until curl -s -o /dev/null http://127.0.0.1:8123/; do sleep 0.1; done; "
              "for a in localhost 127.0.0.1 127.0.0.2 0.0.0.0 openshell app.localhost; "
              "do curl -sg -o /dev/null -w '%{http_code} ' http://$a:8123/; done; "
              "python3 -I -c \"import urllib.request as u; "
              "print(u.urlopen('http://localhost:8123/').status, "
              "u.urlopen('http://openshell:8123/').status)\"; kill %1")
    policy = world.policy(f"{world.ADDRESS}:{world.API_PORT}")
    result = harness.run_host(["/bin/bash", "-c", script], policy)
    answers = result.out.split()
    expect(answers[:6] == ["200"] * 6 and answers[-2:] == ["200", "200"], result)
    expect("DENIED" not in result.err, result)


# What musl sends: A and AAAA at once, and it waits five seconds unless each answer is final.
MUSL = """
import socket, struct, time
server = next(line.split()[1] for line in open('/etc/resolv.conf') if line.startswith('nameserver'))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)
name = b''.join(bytes([len(p)]) + p for p in b'not.allowed.example'.split(b'.')) + b'\\0'
for number, kind in ((1, 1), (2, 28)):
    s.sendto(struct.pack('>6H', number, 0x100, 1, 0, 0, 0) + name + struct.pack('>2H', kind, 1), (server, 53))
began = time.monotonic()
print(sorted(s.recv(512)[3] & 15 for _ in range(2)), time.monotonic() - began < 1)
"""


@test("a denied name gets a final answer at once")
def _final():
    result = harness.run_python(MUSL, world.policy("allowed.example:80"))
    expect(result.out == "[3, 3] True\n", result)
    result = harness.run_python("import socket, time; began = time.monotonic()\n"
                                "try: socket.getaddrinfo('not.allowed.example', 80)\n"
                                "except socket.gaierror as e: print(e.errno == socket.EAI_NONAME, "
                                "time.monotonic() - began < 2)", world.policy("allowed.example:80"))
    expect(result.out == "True True\n", result)


ECHO = """
import socket, sys, threading
server = socket.create_server(('127.0.0.1', int(sys.argv[1])), backlog=64)
print('ready', flush=True)
def serve(c):
    data = b''
    while more := c.recv(65536): data += more
    c.sendall(data[::-1]); c.close()
while True: threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""


def ask(port, data, host="127.0.0.1"):
    """Sends everything, ends, and returns everything that comes back."""
    with socket.create_connection((host, port), timeout=10) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        got = b""
        while more := client.recv(65536):
            got += more
        return got


@test("a published server of the box is reached at that address alone, with every byte and each end")
def _published():
    host = harness.start_host([harness.PYTHON, "-I", "-c", ECHO, "8765"], world.policy(),
                              ["--publish", "8765", "--publish", f"{world.ADDRESS}:8766"])
    try:
        expect(host.stdout.readline() == b"ready\n")
        data = os.urandom(3_000_000)
        expect(ask(8765, data) == data[::-1])
        answers = []
        threads = [threading.Thread(target=lambda n=n: answers.append(ask(8765, b"%d" % n * 50000)
                                                                      == (b"%d" % n * 50000)[::-1]))
                   for n in range(1, 41)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        expect(answers == [True] * 40, answers)
        # Nothing listens on 8766 in the box: a reset, not a wait.
        began = time.monotonic()
        with socket.create_connection((world.ADDRESS, 8766), timeout=10) as client:
            try:
                expect(client.recv(1) == b"")
            except ConnectionResetError:
                pass
        expect(time.monotonic() - began < 2)
        for address in ((world.ADDRESS, 8765), ("127.0.0.1", 8766)):
            try:
                socket.create_connection(address, timeout=2).close()
                expect(False, "reached", address)
            except ConnectionRefusedError:
                pass
        # One who takes nothing and one who leaves in the middle hold up nobody.
        slow = socket.create_connection(("127.0.0.1", 8765))
        slow.sendall(data[:200000])
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        expect(ask(8765, b"abc") == b"cba")
        slow.close()
        expect(ask(8765, b"abc") == b"cba")
    finally:
        host.terminate()
        said = host.communicate(timeout=20)[1].decode()
    expect(f"published on 127.0.0.1:8765, {world.ADDRESS}:8766" in said.splitlines()[0], said)


@test("what cannot be published is one error before the program runs")
def _not_published():
    taken = socket.create_server(("127.0.0.1", 8765))
    for value, words in (("8765", "cannot listen on 8765"), ("0", "is not [ADDRESS:]PORT"),
                         ("70000", "is not [ADDRESS:]PORT"), ("localhost:80", "is not [ADDRESS:]PORT"),
                         ("[::1:80", "is not [ADDRESS:]PORT"), ("192.0.2.200:8123", "cannot listen")):
        result = harness.run_host(["echo", "ran"], None, ["--publish", value])
        expect(result.code == 125 and words in result.err and not result.out, value, result)
    taken.close()
    result = harness.run_host(None, None, ["--publish", "8765"])
    expect(result.code == 125 and "needs a command" in result.err, result)
    # Without a network of its policy's a box has its own all the same.
    host = harness.start_host([harness.PYTHON, "-I", "-c", ECHO, "8767"], NO_FILES,
                              ["--publish", "8767", "--disable", "network"])
    expect(host.stdout.readline() == b"ready\n" and ask(8767, b"ab") == b"ba")
    host.terminate()
    host.communicate(timeout=20)


WORLD = world.World()
harness.main()
