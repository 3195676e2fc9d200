# SPDX-License-Identifier: Apache-2.0
"""protocol: rest with the HTTP clients that people use, none of them given a flag.

Each client makes the same three requests in every cell of a table: over http and https; with the
proxy variables of the box, without them, and with a cleared environment. The GET is allowed, the
POST and the other path are refused. The programs are in https-clients/. A client that is not
installed is skipped, and named; scripts/install-deps installs all of them.
"""
import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import zipfile

import harness
import world
from harness import PYTHON, Skip, expect, test

PROGRAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "https-clients")
NAME = "origin.test"
PACKAGES_PORT, PACKAGES_TLS_PORT = 8091, 8446

origins = world.World()
secure, AUTHORITY = origins.serve_https(harness.private_scratch())
BASES = {"http": f"http://{NAME}:{world.API_PORT}", "https": f"https://{NAME}:{world.TLS_PORT}"}
PORTS = {"http": world.API_PORT, "https": world.TLS_PORT}
PROXIES = [name for lower in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "grpc_proxy")
           for name in (lower, lower.upper())]
UNAWARE = ["env", *(word for name in PROXIES for word in ("-u", name))]
PREFIXES = {"explicit": [], "captured": UNAWARE, "cleared": ["env", "-i"]}


def rest(port, *rules):
    return {"host": NAME, "port": port, "protocol": "rest", "enforcement": "enforce",
            "rules": [{"allow": {"method": method, "path": path}} for method, path in rules]}


POLICY = world.policy(rest(world.API_PORT, ("GET", "/allowed/*")),
                      rest(world.TLS_PORT, ("GET", "/allowed/*")))


def need(*places):
    """Where the first of these is, which is of a Debian package."""
    for place in places:
        if os.path.exists(place):
            return place
    print(f"# NOT INSTALLED: {places[0]}; scripts/install-deps would install it")
    raise Skip(f"{places[0]} is not installed")


def need_module(name):
    if subprocess.run([PYTHON, "-c", f"import {name}"], capture_output=True, check=False).returncode:
        need(f"/usr/lib/python3/dist-packages/{name}")


def run(command, policy=POLICY, **keywords):
    return harness.run_recorded(command, policy, ["--set", f"network.upstream-ca={AUTHORITY}"],
                                timeout=60, **keywords)


def quote(words):
    return " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)


def run_cells(client, cells, folder):
    """One run of the host for all cells. Returns its result, and what each cell printed."""
    script = []
    for kind, scheme in cells:
        cell = f"{kind}-{scheme}"
        command = [*PREFIXES[kind], *client, BASES[scheme], cell]
        script += [f"echo 'CELL {cell}'", quote(command), "echo"]
    result = run(["/bin/sh", "-c", "\n".join(script)], cwd=folder)
    pieces = re.split(r"^CELL (\S+)\n", result.out, flags=re.MULTILINE)[1:]
    return result, dict(zip(pieces[::2], pieces[1::2]))


def check_answers(text, cell, scheme, result):
    """The first request is answered by the server, the others by the reason why not."""
    statuses = re.findall(r"STATUS (\d+)$", text, re.MULTILINE)
    expect(statuses == ["200", "403", "403"], cell, statuses, text, result)
    answers = [json.loads(line) for line in re.findall(r"^(\{.*\})", text, re.MULTILINE)]
    expect(len(answers) == 3 and answers[0]["path"] == f"/allowed/{cell}", cell, answers, result)
    for answer, rule in zip(answers[1:], (f"POST /refused/{cell}", f"GET /hidden/{cell}")):
        wanted = {"error": "policy_denied", "layer": "l7", "protocol": "rest", "rule": rule,
                  "host": NAME, "port": PORTS[scheme]}
        expect({key: answer.get(key) for key in wanted} == wanted, cell, answer, result)


def check_told(result, program):
    """One line names the program, and a variable or file that would help."""
    lines = [line for line in result.err.splitlines() if "[certificate-refused]" in line]
    expect(len(lines) == 1 and re.search(rf" {re.escape(program)}\(\d+\) ", lines[0])
           and "/run/openshell/" in lines[0], lines, result)
    expect(len(result.events("network.notice")) == 1, result.recorded)


def check_client(client, program, folder=None, explicit=("forward", "connect"), schemes=("http", "https"),
                 kinds=("explicit", "captured", "cleared"), untrusting=("cleared",)):
    """`explicit` is how the client is expected to come where it has the proxy variables, over http
    and over https; `untrusting` are the kinds of run in which it cannot know the authority."""
    folder = folder or harness.scratch()
    cells = [(kind, scheme) for kind in kinds for scheme in schemes]
    before = len(origins.api.requests), len(secure.requests)
    result, texts = run_cells(client, cells, folder)
    told = [cell for cell in cells if cell[1] == "https" and cell[0] in untrusting]
    allowed, denied, seen, transports = [], [], {"http": [], "https": []}, []
    for kind, scheme in cells:
        cell = f"{kind}-{scheme}"
        if (kind, scheme) in told:
            expect("STATUS 200" not in texts[cell] and "STATUS 403" not in texts[cell], cell, result)
            continue
        check_answers(texts[cell], cell, scheme, result)
        allowed.append(f"GET /allowed/{cell}")
        denied += [f"POST /refused/{cell}", f"GET /hidden/{cell}"]
        seen[scheme].append(f"GET /allowed/{cell}")
    expect(origins.api.requests[before[0]:] == seen["http"], origins.api.requests, result)
    expect(secure.requests[before[1]:] == seen["https"], secure.requests, result)
    events = {topic: [f"{event['payload'][at]} {event['payload'][at + 1]}"
                      for event in result.events(topic)]
              for topic, at in (("l7.allowed", 3), ("l7.denied", 4))}
    expect(events["l7.allowed"] == allowed, events, result)
    expect(events["l7.denied"] == denied, events, result)
    if told:
        check_told(result, program)
    else:
        expect("[certificate-refused]" not in result.err, result)
    expect("openshell: FAILED" not in result.err, result)
    transports = {event["payload"][3] for event in result.events("network.allowed")}
    wanted = {explicit[("http", "https").index(scheme)] if kind == "explicit" else "transparent"
              for kind, scheme in cells}
    expect(transports == wanted, transports, wanted, result)
    return result


def program(name):
    return os.path.join(PROGRAMS, name)


def shell_client(kind, folder):
    """The script lies in the working directory: the box need not see the source tree."""
    shutil.copy(program("client.sh"), folder)
    return ["/bin/sh", "client.sh", kind]


def check_shell_client(kind, name, **keywords):
    folder = harness.scratch()
    return check_client(shell_client(kind, folder), name, folder, **keywords)


@test("curl, over http and https, with proxy variables, captured, and with a cleared environment")
def _curl():
    check_shell_client("curl", "curl")


@test("curl that asks for a tunnel, and curl over SOCKS by name")
def _curl_tunnel():
    check_shell_client("curl-tunnel", "curl", explicit=("connect", "connect"), kinds=("explicit",))
    check_shell_client("curl-socks", "curl", explicit=("socks", "socks"), kinds=("explicit",))


@test("wget")
def _wget():
    need("/usr/bin/wget")
    check_shell_client("wget", "wget")


@test("openssl s_client")
def _openssl():
    need("/usr/bin/openssl")
    check_shell_client("openssl", "openssl", schemes=("https",))


def check_python(library):
    if library != "urllib":
        need_module(library)
    folder = harness.scratch()
    shutil.copy(program("client.py"), folder)
    check_client([PYTHON, "client.py", library], os.path.basename(os.path.realpath(PYTHON)), folder)


@test("Python's urllib")
def _urllib():
    check_python("urllib")


@test("Python's requests")
def _requests():
    check_python("requests")


@test("Python's httpx")
def _httpx():
    check_python("httpx")


@test("Python's aiohttp")
def _aiohttp():
    check_python("aiohttp")


def check_node(kind):
    node = need("/usr/bin/node")
    folder = harness.scratch()
    shutil.copy(program("client.js"), folder)
    check_client([node, "client.js", kind], "node", folder, explicit=("transparent", "transparent"))


@test("Node's fetch, which is undici")
def _node_fetch():
    check_node("fetch")


@test("Node's http and https modules")
def _node_module():
    check_node("https")


@test("Go's net/http")
def _go():
    go = need("/usr/bin/go")
    folder = harness.scratch()
    environment = {"PATH": harness.PATH, "HOME": folder, "GOCACHE": harness.private_scratch(),
                   "GO111MODULE": "off", "GOTMPDIR": harness.private_scratch()}
    subprocess.run([go, "build", "-o", os.path.join(folder, "go-client"), program("client.go")],
                   env=environment, check=True, timeout=60)
    check_client(["./go-client"], "go-client", folder)


def java_client(folder):
    compiler = need("/usr/bin/javac")
    subprocess.run([compiler, "-d", folder, program("Client.java")], check=True, timeout=60)
    harness.open_up(folder)
    return ["/usr/bin/java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "Client"]


@test("Java's HttpClient")
def _java():
    folder = harness.scratch()
    client = java_client(folder)
    check_client(client, "java", folder, explicit=("transparent", "transparent"))


@test("Java's HttpClient at its default is served over https, and over http told that its change to "
      "HTTP/2 is refused")
def _java_default():
    folder = harness.scratch()
    client = java_client(folder)
    result = run(["/bin/sh", "-c", f"{quote(client)} {BASES['https']} any 2; "
                  f"{quote(client)} {BASES['http']} any 2"], cwd=folder)
    statuses = re.findall(r"STATUS (\d+)$", result.out, re.MULTILINE)
    expect(statuses == ["200", "403", "403"] * 1 + ["403"] * 3, result)
    answers = [json.loads(line) for line in re.findall(r"^(\{.*\})", result.out, re.MULTILINE)]
    expect("protocol" in answers[3]["detail"], answers[3], result)


class PackageHandler(world.GitHandler):
    """An npm registry and a Python package index with one package each, and the git server."""

    def reply(self):
        path = self.path.partition("?")[0]
        if path.startswith("/smart/"):
            super().reply()
            return
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append(f"{self.command} {path}")
        content, kind = self.server.files.get(path, (None, None))
        if content is None:
            self.answer(404, b"{}")
            return
        base = f"{self.server.scheme}://{self.headers['Host']}".encode()
        self.answer(200, content.replace(b"BASE", base) if kind != "application/octet-stream"
                    else content, kind)

    do_GET = do_HEAD = do_POST = do_PUT = reply


def npm_package():
    """The files of a registry that has the package tiny."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in (("package.json", b'{"name":"tiny","version":"1.0.0","main":"index.js"}'),
                              ("index.js", b"module.exports = 'tiny';\n")):
            entry = tarfile.TarInfo("package/" + name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    content = stream.getvalue()
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    document = {"name": "tiny", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": {
        "name": "tiny", "version": "1.0.0",
        "dist": {"tarball": "BASE/npm/tiny/-/tiny-1.0.0.tgz", "integrity": "sha512-" + digest}}}}
    return {"/npm/tiny": (json.dumps(document).encode(), "application/json"),
            "/npm/tiny/-/tiny-1.0.0.tgz": (content, "application/octet-stream")}


def python_package():
    """The files of an index that has the package tiny."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("tiny.py", "NAME = 'tiny'\n")
        archive.writestr("tiny-1.0.dist-info/METADATA",
                         "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\n"
                         "Root-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    page = b"<!DOCTYPE html><a href='BASE/pip/tiny-1.0-py3-none-any.whl'>tiny-1.0-py3-none-any.whl</a>"
    return {"/pip/simple/tiny/": (page, "text/html"),
            "/pip/tiny-1.0-py3-none-any.whl": (stream.getvalue(), "application/octet-stream")}


PACKAGES = {"http": f"http://{NAME}:{PACKAGES_PORT}", "https": f"https://{NAME}:{PACKAGES_TLS_PORT}"}
packages = {}


def serve_packages():
    """The same files over http and https. Returns the authority of the second."""
    folder = harness.private_scratch()
    packages["http"] = origins.serve(world.HttpServer((world.ADDRESS, PACKAGES_PORT), PackageHandler))
    packages["https"], authority = origins.serve_https(folder, port=PACKAGES_TLS_PORT,
                                                       handler=PackageHandler)
    for scheme, server in packages.items():
        server.scheme = scheme
        server.files = {**npm_package(), **python_package()}
        server.root = None
    return authority


PACKAGES_AUTHORITY = serve_packages()


def run_packages(command, *rules, **keywords):
    """Returns the result, and what reached the two servers."""
    before = {scheme: len(server.requests) for scheme, server in packages.items()}
    policy = world.policy(rest(PACKAGES_PORT, *rules), rest(PACKAGES_TLS_PORT, *rules))
    result = harness.run_recorded(command, policy,
                                  ["--set", f"network.upstream-ca={PACKAGES_AUTHORITY}"],
                                  timeout=60, **keywords)
    return result, {scheme: server.requests[before[scheme]:] for scheme, server in packages.items()}


def check_installed(template, wanted, module):
    """Installs over http and https, explicit and captured; then a rule is missing for the file."""
    for scheme, base in PACKAGES.items():
        command = template.format(base=base, http=f"--trusted-host={NAME}" if scheme == "http" else "")
        script = []
        for kind in ("explicit", "captured"):
            script.append(f"mkdir {kind}; cd {kind}; {quote(PREFIXES[kind])} {command}"
                          f" && {module}; cd ..")
        folder = harness.scratch()
        result, seen = run_packages(["/bin/sh", "-c", "\n".join(script)], ("GET", "/npm/**"),
                                    ("GET", "/pip/**"), cwd=folder)
        expect(result.out.split().count("INSTALLED") == 2, scheme, result)
        expect(seen == {**dict.fromkeys(PACKAGES, []), scheme: wanted * 2}, seen, result)
        expect([f"{event['payload'][3]} {event['payload'][4]}" for event in result.events("l7.allowed")]
               == wanted * 2 and not result.denials(), result, result.recorded)
        result, seen = run_packages(["/bin/sh", "-c", command],
                                    ("GET", wanted[0].partition(" ")[2]), cwd=harness.scratch())
        expect(result.code != 0 and "403" in result.err + result.out, scheme, result)
        expect(seen[scheme] == wanted[:1] and result.denials(), seen, result)


@test("npm install, from a registry over http and https")
def _npm():
    need("/usr/bin/npm")
    check_installed("npm install --no-audit --no-fund --no-update-notifier --fetch-retries=0 "
                    "--cache=cache --registry={base}/npm/ tiny >&2",
                    ["GET /npm/tiny", "GET /npm/tiny/-/tiny-1.0.0.tgz"],
                    "/usr/bin/node -p 'require(\"tiny\") && \"INSTALLED\"'")


@test("pip install, from an index over http and https")
def _pip():
    need("/usr/bin/pip3")
    check_installed("/usr/bin/pip3 install -q --no-cache-dir --retries=0 --disable-pip-version-check "
                    "--no-input --target=site --index-url={base}/pip/simple/ "
                    "{http} tiny >&2",
                    ["GET /pip/simple/tiny/", "GET /pip/tiny-1.0-py3-none-any.whl"],
                    "PYTHONPATH=site /usr/bin/python3 -c 'import tiny; print(\"INSTALLED\")'")


GIT_REPOSITORY = "/smart/project.git"
GIT_RULES = (("GET", f"{GIT_REPOSITORY}/info/refs"), ("POST", f"{GIT_REPOSITORY}/git-upload-pack"))
GIT_PUSH = ("POST", f"{GIT_REPOSITORY}/git-receive-pack")
# The pack is larger than what git sends with a Content-Length, so that its second half is chunked.
GIT_SCRIPT = """
set -e
cd KIND
PREFIX git clone -q BASE/smart/project.git copy
cd copy
head -c 1500000 /dev/urandom > large
git add large
git -c user.name=Test -c user.email=test@example.test commit -q -m KIND
code=0
PREFIX git push -q origin HEAD:refs/heads/KIND-SCHEME || code=$?
echo PUSHED $code
code=0
PREFIX git clone -q BASE/smart/other.git other || code=$?
echo OTHER $code
"""


def serve_git():
    """Makes project.git and other.git, and lets the package servers serve them."""
    folder = harness.private_scratch()
    origins.serve_git(folder)
    shutil.copytree(os.path.join(folder, "project.git"), os.path.join(folder, "other.git"))
    subprocess.run(["git", "-C", os.path.join(folder, "project.git"), "config", "http.receivepack",
                    "true"], check=True, timeout=10)
    for server in packages.values():
        server.root = folder
    return os.path.join(folder, "project.git")


def run_git(scheme, *rules):
    """Clones and pushes, explicit and captured. Returns as run_packages() does."""
    folder = harness.scratch()
    script = []
    for kind in ("explicit", "captured"):
        script.append("(" + GIT_SCRIPT.replace("PREFIX", quote(PREFIXES[kind])).replace("KIND", kind)
                      .replace("BASE", PACKAGES[scheme]).replace("SCHEME", scheme) + ")")
        os.mkdir(os.path.join(folder, kind))
    harness.open_up(folder)
    return run_packages(["/bin/sh", "-c", "\n".join(script)], *rules, cwd=folder)


# git-remote-http leaves its connection open in the `git send-pack` that it starts, which is another
# program that the policy allows too.
def check_pushed(result):
    expect(result.out.split() == ["PUSHED", "0", "OTHER", "128"] * 2, result)
    return ["explicit", "captured"]


@test("git clones, and pushes only where a rule allows it, over http and https")
def _git():
    repository = serve_git()
    for scheme in PACKAGES:
        result, seen = run_git(scheme, *GIT_RULES, GIT_PUSH)
        pushed = check_pushed(result)
        branches = subprocess.run(["git", "-C", repository, "branch"], capture_output=True, text=True,
                                  check=True, timeout=10).stdout
        expect(all(f"{kind}-{scheme}" in branches for kind in pushed), branches, result)
        expect(not any("/other.git" in line for line in seen[scheme]), seen, result)
        expect(seen["http" if scheme == "https" else "https"] == [], seen)
        result, seen = run_git(scheme, *GIT_RULES)
        expect(result.out.split() == ["PUSHED", "1", "OTHER", "128"] * 2, scheme, result)
        expect(not any(line.startswith(" ".join(GIT_PUSH)) for line in seen[scheme]), seen, result)
        expect(result.err.count("The requested URL returned error: 403") >= 2, result)


harness.main()
