# SPDX-License-Identifier: Apache-2.0
"""What a program in the box can see and touch besides the network."""
import os
import shutil
import socket
import subprocess

import harness
import world
from harness import expect, test

POLICY = world.policy()


@test("without a policy: the system is readable, the working directory writable, and nothing else")
def _no_policy():
    folder = harness.scratch()
    result = harness.run_shell(
        "echo written > here && cat here && ls /usr/bin > /dev/null && echo read\n"
        "touch /usr/x 2> /dev/null && echo WROTE; touch /etc/x 2> /dev/null && echo WROTE\n"
        f"cat {harness.home()}/private.txt 2> /dev/null; touch /tmp/mine && echo private", cwd=folder)
    expect(result.out.split() == ["written", "read", "private"], result)
    expect(os.path.exists(os.path.join(folder, "here")) and not os.path.exists("/tmp/mine"), result)
    lines = [line for line in result.err.splitlines() if "policy" in line]
    expect(len(lines) >= 1, "no line says that there is no policy:", result)


@test("/etc/shadow, the home folder and other processes cannot be read")
def _unreadable():
    result = harness.run_shell(
        f"cat /etc/shadow; cat {harness.home()}/private.txt; ls /root\n"
        f"ls {harness.SOURCE}/host; exit 0", POLICY)
    expect(result.code == 0 and result.out.strip() == "", result)


@test("/proc shows the box's own processes and no other")
def _proc():
    result = harness.run_python(
        "import os\nprint(sorted(int(n) for n in os.listdir('/proc') if n.isdigit()))\n",
        world.policy(read_only=["/proc"]))
    expect(result.code == 0, result)
    pids = eval(result.out)  # pylint: disable=eval-used
    expect(pids and pids[0] == 1 and len(pids) <= 3, result)


@test("no Unix socket of the host can be reached by path, also at the policy's writable /tmp")
def _unix_sockets():
    paths = [os.path.join(harness.home(), "agent.sock"), f"/tmp/osh-e2e-{os.urandom(8).hex()}.sock"]
    servers = []
    for path in paths:
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen()
        server.setblocking(False)
        servers.append(server)
    try:
        result = harness.run_python(
            "import socket\n"
            f"for path in {paths!r} + ['/run/dbus/system_bus_socket', '/run/docker.sock',\n"
            "             '/var/run/docker.sock']:\n"
            "    s = socket.socket(socket.AF_UNIX)\n"
            "    try: s.connect(path); print('REACHED', path)\n"
            "    except OSError as e: print(type(e).__name__)\n", POLICY)
        expect(result.code == 0 and "REACHED" not in result.out, result)
        for server in servers:
            try:
                server.accept()
                raise AssertionError("a connection arrived")
            except BlockingIOError:
                pass
    finally:
        for server, path in zip(servers, paths):
            server.close()
            os.unlink(path)


@test("no abstract Unix socket of the host can be reached")
def _abstract():
    server = socket.socket(socket.AF_UNIX)
    server.bind("\0osh-e2e-abstract")
    server.listen()
    result = harness.run_python(
        "import socket\ns = socket.socket(socket.AF_UNIX)\n"
        "try: s.connect('\\0osh-e2e-abstract'); print('REACHED')\n"
        "except OSError: print('refused')\n", POLICY)
    server.close()
    expect(result.out.strip() == "refused", result)


@test("System V memory of the host is not in the box")
def _sysv():
    made = subprocess.run(["ipcmk", "-M", "4096"], capture_output=True, text=True, check=True)
    number = made.stdout.split()[-1]
    try:
        result = harness.run_shell("ipcs -m | grep -c 0x; exit 0", world.policy(read_only=["/proc"]))
        expect(result.out.strip() in ("0", ""), result)
    finally:
        subprocess.run(["ipcrm", "-m", number], check=False)


@test("no file descriptor of the host's reaches the program")
def _descriptors():
    result = harness.run_python(
        "import os\n"
        "for fd in range(3, 1024):\n"
        "    try: os.fstat(fd); print(fd)\n"
        "    except OSError: pass\n", POLICY)
    expect(result.code == 0 and result.out == "", result)


@test("the environment is an allow-list: a secret of the caller's is not there")
def _environment():
    result = harness.run_host(["env"], POLICY, env=harness.clean_environment(
        AWS_SECRET_ACCESS_KEY="s3cret", SSH_AUTH_SOCK="/tmp/agent", LD_PRELOAD=""))
    expect(result.code == 0, result)
    names = {line.split("=")[0] for line in result.out.splitlines()}
    expect(not names & {"AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "LD_PRELOAD"}, result)
    expect("PATH" in names, result)
    expect("s3cret" not in result.out + result.err, result)


@test("namespaces, mounts and debugging are closed to the program")
def _syscalls():
    result = harness.run_python(
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "def call(name, *a):\n"
        "    print(name, 'ALLOWED' if getattr(libc, name)(*a) >= 0 else 'refused')\n"
        "call('unshare', 0x10000000)\n"
        "call('unshare', 0x40000000)\n"
        "call('mount', b'none', b'/tmp', b'tmpfs', 0, None)\n"
        "call('umount2', b'/proc', 2)\n"
        "call('setns', 0, 0)\n"
        "call('ptrace', 16, 1, 0, 0)\n", POLICY)
    expect(result.code == 0 and "ALLOWED" not in result.out, result)
    expect(result.out.count("refused") == 6, result)


@test("the program has no capability and can gain none")
def _capabilities():
    result = harness.run_shell("grep -E 'Cap(Prm|Eff|Inh|Amb)|NoNewPrivs' /proc/self/status",
                               world.policy(read_only=["/proc"]))
    expect(result.code == 0, result)
    for line in result.out.splitlines():
        name, value = line.split()
        expect(int(value, 16) == (1 if name == "NoNewPrivs:" else 0), result)


@test("auto-executed files are read-only in a writable tree, and their folder cannot be renamed")
def _git_folder():
    folder = harness.scratch()
    os.makedirs(os.path.join(folder, "project/.git/hooks"))
    for name in ("project/.git/config", "project/.envrc"):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as stream:
            stream.write("mine\n")
    harness.open_up(folder)
    result = harness.run_shell(
        "echo x > project/.git/hooks/pre-commit && echo WROTE\n"
        "echo x >> project/.git/config && echo WROTE; echo x > project/.envrc && echo WROTE\n"
        "mv project/.git project/.old && echo MOVED; mv project other && echo MOVED\n"
        "rm -f project/.envrc && echo REMOVED\n"
        "echo fine > project/source.c && cat project/source.c", POLICY, cwd=folder)
    expect(result.out.strip() == "fine", result)
    expect(os.path.isdir(os.path.join(folder, "project/.git/hooks")), "it was moved")


@test("a policy file that lies in the writable tree cannot be changed from the box")
def _policy_file():
    folder = harness.scratch()
    path = os.path.join(folder, "policy.yaml")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(POLICY)
    harness.open_up(folder)
    result = harness.run_shell("echo >> policy.yaml && echo WROTE; mv policy.yaml p && echo MOVED\n"
                               "exit 0", path, cwd=folder)
    expect(result.code == 0 and result.out == "", result)
    with open(path, encoding="utf-8") as stream:
        expect(stream.read() == POLICY, "the policy was changed")


@test("a plugin that the box could replace is refused")
def _plugin_file():
    folder = harness.private_scratch()
    path = os.path.join(folder, "openshell-process.so")
    shutil.copy(os.path.join(harness.PLUGINS, "process", "openshell-process.so"), path)
    result = harness.run_host(["true"], POLICY, ["--plugin-dir", folder], cwd=folder)
    expect(result.code == 125 and "openshell-process.so" in result.err, result)


@test("programs are handed the authority of their run, by file and by variable, and no key")
def _authority():
    script = ("import os, ssl\n"
              "for name in ('NODE_EXTRA_CA_CERTS', 'DENO_CERT', 'SSL_CERT_FILE',\n"
              "             'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'GIT_SSL_CAINFO'):\n"
              "    context = ssl.create_default_context(cafile=os.environ[name])\n"
              "    assert any('OpenShell Sandbox CA' in str(c['subject'])\n"
              "               for c in context.get_ca_certs()), name\n"
              "    text = open(os.environ[name]).read()\n"
              "    assert 'PRIVATE' not in text, name\n"
              "    try:\n"
              "        open(os.environ[name], 'a')\n"
              "        raise SystemExit('writable: ' + name)\n"
              "    except OSError:\n"
              "        pass\n"
              "print(open(os.environ['DENO_CERT']).read())\n")
    always = ["--set", "network.tls=always"]
    first = harness.run_python(script, world.policy(), options=always)
    second = harness.run_python(script, world.policy(), options=always)
    expect(first.code == 0 and "BEGIN CERTIFICATE" in first.out, first)
    expect(second.code == 0 and second.out != first.out, "each run has its own:", second)


@test("/proc can be written where the policy says so, and nothing of the machine's by that")
def _writable_proc():
    script = ("(echo name > /proc/self/comm) 2> /dev/null && echo WRITTEN; "
              "(echo 1 > /proc/sys/kernel/panic) 2> /dev/null && echo MACHINE; echo done")
    result = harness.run_shell(script, POLICY)
    expect(result.out.split() == ["done"], result)
    result = harness.run_shell(script, world.policy(read_write=["/proc"]))
    expect(result.out.split() == ["WRITTEN", "done"], result)


@test("auto-executed files that were made in the box are listed once, at the end")
def _appeared():
    folder = harness.scratch()
    with open(os.path.join(folder, ".envrc"), "w", encoding="utf-8") as stream:
        stream.write("# was there\n")
    script = ("mkdir -p sub/.git/hooks deep && echo x > sub/.git/hooks/pre-commit; echo x > sub/.git/config; "
              "ln -s /etc/passwd .bashrc; echo x > plain; printf x > deep/.profile")
    result = harness.run_recorded(["/bin/sh", "-c", script], POLICY, cwd=folder)
    lines = [line for line in result.err.splitlines() if "NOTICE" in line]
    expect(result.code == 0 and len(lines) == 1, result)
    for name in ("sub/.git/hooks", "sub/.git/config", ".bashrc", "deep/.profile"):
        expect(os.path.join(folder, name) in lines[0], name, result)
    expect(".envrc" not in lines[0] and "plain" not in lines[0], result)
    closed = result.events("box.closed")
    expect(len(closed) == 1 and len(closed[0]["payload"][2]["appeared"]) == 4, closed)
    again = harness.run_recorded(["true"], POLICY, cwd=folder)
    expect("NOTICE" not in again.err and again.events("box.closed")[0]["payload"][2] == {}, again)


harness.main()
