# SPDX-License-Identifier: Apache-2.0
"""The documentation against the host itself. The man pages and the completion have every option,
setting and key that the host knows, and no other. The commands of README, HACKING and docs/ are run
as they stand there, or listed here with the reason why they are not."""
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import harness
import world
from harness import Skip, expect, test

origins = world.World()

MANUAL = os.path.join(harness.SOURCE, "docs", "man")
COMPLETION = os.path.join(harness.SOURCE, "data", "completions", "openshell-host.bash")
VERBS = ["init", "check", "explain", "policy format", "policy merge", "policy compose",
         "policy covers", "policy learn", "replay", "attach"]


def host(*words, stdin=b""):
    done = subprocess.run([harness.HOST, *words], input=stdin, capture_output=True, check=False,
                          timeout=20, env=harness.clean_environment(), cwd=harness.scratch())
    return harness.Result(done.returncode, done.stdout.decode(), done.stderr.decode(), 0)


def sections(page):
    """The lines of each .Sh and .Ss of a page, by name."""
    found, lines = {}, []
    with open(os.path.join(MANUAL, page), encoding="utf-8") as stream:
        for line in stream:
            heading = re.match(r"\.S[hs] \"?(.*?)\"?$", line)
            if heading:
                lines = found.setdefault(heading.group(1), [])
            else:
                lines.append(line.rstrip("\n"))
    return found


def items(lines, macro):
    """What `.It MACRO NAME` names; an item may name several."""
    names = []
    for line in lines:
        if line.startswith(".It "):
            names += re.findall(rf"\b{macro} (-?[\w-]+)", line[4:])
    return names


def options(lines):
    return sorted({"-" + name for name in items(lines, "Fl") if name.startswith("-")})


def same(documented, known, where):
    expect(len(documented) == len(set(documented)), where, "named twice:", documented)
    expect(set(known) <= set(documented), where, "not in the page:", set(known) - set(documented))
    expect(set(documented) <= set(known), where, "in the page alone:", set(documented) - set(known))


def long_options(text):
    return sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)))


def help_of(verb):
    """The options that the table of --help names; its prose may name others."""
    result = host(*verb.split(), "--help")
    expect(result.code == 0 and result.err == "", verb, result)
    return sorted(set(re.findall(r"^ +(?:-\w, )?(--[a-z][a-z-]*)", result.out, re.MULTILINE))
                  - {"--help"})


@test("openshell-host(1) has every option of --help, and no other")
def _options():
    result = host("--help")
    expect(result.code == 0, result)
    same(options(sections("openshell-host.1")["OPTIONS"]), long_options(result.out), "OPTIONS")


@test("openshell-host(1) has every verb, and every option of each, and no other")
def _verbs():
    page = sections("openshell-host.1")
    for verb in VERBS:
        expect(verb in page, f"there is no section {verb}")
        same(options(page[verb]), help_of(verb), verb)
    named = re.findall(r"^  openshell-host (?:\[[^\]]*\] )?([a-z]+)", host("--help").out,
                       re.MULTILINE)
    same(sorted({name.split()[0] for name in VERBS} | {"doctor", "plugins"}),
         [name for name in named], "--help")
    tools = re.findall(r"openshell-host policy (\w+)", host("policy", "--help").out)
    same([name.split()[1] for name in VERBS if name.startswith("policy ")], tools, "policy --help")


@test("each verb says what it does with --help, on standard output and with exit code 0")
def _verb_help():
    for words in (*(verb.split() for verb in VERBS), ["policy"], ["doctor"], ["plugins"],
                  ["--policy", "/no/such", "doctor"], ["plugins", "inspect", "x"]):
        for flag in ("--help", "-h"):
            result = host(*words, flag)
            expect(result.code == 0 and result.err == "", words, result)
            expect(words[-1] in result.out or "plugins" in result.out, words, result)


@test("openshell-host(1) has every exit code, and the names of --allow-degraded, and no other")
def _codes():
    page = sections("openshell-host.1")
    listed = [re.sub(r"\.It ", "", line) for line in page["EXIT STATUS"]
              if line.startswith(".It ")]
    said = host("--help").out.partition("exit codes:")[2]
    same(listed, ["1", *re.findall(r"\d{3}(?:\+n)?", said)], "EXIT STATUS")
    result = host("--allow-degraded=nothing", "--", "true")
    known = re.search(r"known: (.*)", result.err).group(1).split(", ")
    same(items(page["OPTIONS"], "Cm"), known, "--allow-degraded")


@test("openshell-host.conf(5) has every key of [host] and of each plugin, with its type and "
      "default, and no other")
def _keys():
    page = sections("openshell-host.conf.5")
    path = os.path.join(harness.scratch(), "host.conf")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("[host]\nq=1\n")
    result = host("--config", path, "--", "true")
    known = re.search(r"known here: (.*)", result.err).group(1).split(", ")
    same(items(page["HOST KEYS"], "Va"), known, "[host]")
    settings = [line.split(None, 3) for line in host("plugins", "settings").out.splitlines()]
    expect(len(settings) > 20, settings)
    for plugin in ("process", "network"):
        keys = {name.split(".", 1)[1]: (kind, default) for name, kind, default, _ in settings
                if name.startswith(plugin + ".")}
        same(items(page[plugin], "Va"), list(keys), plugin)
        text = "\n".join(page[plugin])
        for key, (kind, default) in keys.items():
            entry = text.partition(f".It Va {key}\n")[2].partition("\n.It")[0]
            expect(entry.startswith(kind.capitalize()), f"{plugin}.{key} is {kind}:", entry)
            said = re.search(r"^Default:\s*(.*?)\.?$", entry, re.MULTILINE | re.DOTALL)
            expect(said is not None, f"{plugin}.{key} says no default:", entry)
            expect(default == "-" or said.group(1) == default, f"{plugin}.{key} is {default}:",
                   entry)


@test("the README of each plugin has every key of its configuration, and no other")
def _readme_keys():
    settings = [line.split()[0].split(".", 1) for line in host("plugins", "settings").out.splitlines()]
    for plugin in ("process", "network"):
        path = os.path.join(harness.SOURCE, "plugins", plugin, "README.md")
        with open(path, encoding="utf-8") as stream:
            table = stream.read().partition("\n## Configuration\n")[2].partition("\n## ")[0]
        named = [key for row in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
                 for key in re.findall(r"`([\w-]+)`", row)]
        same(named, [key for name, key in settings if name == plugin], f"README of {plugin}")


@test("host.conf, the example, has every key of [host], and no other")
def _example():
    with open(os.path.join(harness.SOURCE, "data", "host.conf"), encoding="utf-8") as stream:
        keys = re.findall(r"^#([a-z-]+) = ", stream.read().partition("[plugin")[0], re.MULTILINE)
    same(keys, items(sections("openshell-host.conf.5")["HOST KEYS"], "Va"), "host.conf")


POLICY_KEYS = [
    ("TOP LEVEL", "q: 1"),
    ("FILES OF THE BOX", "filesystem_policy: { q: 1 }"),
    ("LANDLOCK", "landlock: { q: 1 }"),
    ("PROCESS", "process: { q: 1 }"),
    ("NETWORK POLICIES", "network_policies: { p: { q: 1 } }"),
    ("BINARIES", "network_policies: { p: { binaries: [{ q: 1, path: /x }] } }"),
    ("ENDPOINTS", "network_policies: { p: { endpoints: [{ q: 1, host: a.test, port: 1 }] } }"),
    ("RULES", "network_policies: { p: { endpoints: [{ host: a.test, port: 1, protocol: mcp, "
              "rules: [{ allow: { q: 1 } }] }] } }"),
    ("REGISTERED QUERIES", "network_policies: { p: { endpoints: [{ host: a.test, port: 1, "
                           "graphql_persisted_queries: { h: { q: 1 } } }] } }"),
    ("JSON-RPC OPTIONS", "network_policies: { p: { endpoints: [{ host: a.test, port: 1, "
                         "json_rpc: { q: 1 } }] } }"),
    ("MCP OPTIONS", "network_policies: { p: { endpoints: [{ host: a.test, port: 1, "
                    "mcp: { q: 1 } }] } }"),
    ("CREDENTIAL BINDING", "network_policies: { p: { endpoints: [{ host: a.test, port: 1, "
                           "credential_binding: { q: 1 } }] } }"),
    ("MIDDLEWARES", "network_middlewares: { m: { q: 1 } }"),
    ("MIDDLEWARE SELECTORS", "network_middlewares: { m: { endpoints: { q: 1 } } }"),
]


@test("openshell-policy(5) has every key of every level, and no other")
def _policy_keys():
    page = sections("openshell-policy.5")
    for section, text in POLICY_KEYS:
        result = host("check", "-", stdin=f"version: 1\n{text}\n".encode())
        known = re.search(r"unknown key 'q' \(known here: (.*)\)", result.out)
        expect(known is not None, section, result)
        same(items(page[section], "Ic"), known.group(1).split(", "), section)
    levels = {section for section, _ in POLICY_KEYS}
    for section, lines in page.items():
        expect(section in levels or not items(lines, "Ic"), f"{section} is not held against the host")


@test("the man pages are formatted without a warning, and refer to pages that are there")
def _format():
    pages = sorted(os.listdir(MANUAL))
    expect(pages == ["openshell-host.1", "openshell-host.conf.5", "openshell-policy.5"], pages)
    referred = set()
    for page in pages:
        with open(os.path.join(MANUAL, page), encoding="utf-8") as stream:
            referred |= set(re.findall(r"\.Xr (openshell\S*) (\d)", stream.read()))
    expect({f"{name}.{number}" for name, number in referred} == set(pages), referred)
    result = host("--help")
    for name, number in re.findall(r"(openshell[\w.-]*)\((\d)\)", result.out):
        expect(f"{name}.{number}" in pages, f"--help refers to {name}({number})")
    if not shutil.which("groff"):
        raise Skip("there is no groff, whose warnings would be looked at")
    for page in pages:
        done = subprocess.run(["groff", "-mdoc", "-ww", "-Tascii", os.path.join(MANUAL, page)],
                              capture_output=True, text=True, check=False, timeout=30,
                              env=harness.clean_environment())
        expect(done.returncode == 0 and done.stderr == "", page, done.stderr)
        expect(len(done.stdout.splitlines()) > 100, page, done.stdout)


def complete(*words):
    """What bash offers for the last word. "=" is a word of its own, as readline splits it."""
    folder = harness.scratch()
    link = os.path.join(folder, "openshell-host")
    os.symlink(harness.HOST, link)
    script = (f"source {COMPLETION}; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); "
              "_openshell_host \"$1\" \"${COMP_WORDS[COMP_CWORD]}\" "
              "\"${COMP_WORDS[COMP_CWORD - 1]}\"; printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "--norc", "-uc", script, "bash",
                           "openshell-host", *words], capture_output=True, text=True, check=False,
                          timeout=20, env=harness.clean_environment(
                              PATH=f"{folder}:{harness.PATH}"))
    expect(done.returncode == 0 and done.stderr == "", words, done)
    return done.stdout.split()


@test("bash completes the options of a run and of each verb as --help has them, and no others")
def _complete_options():
    same(complete("-"), long_options(host("--help").out), "a run")
    for verb in VERBS:
        same(complete(*verb.split(), "-"), [*help_of(verb), "--help"], verb)


@test("bash completes verbs, the verbs of verbs, plugins, profiles, and the words of options")
def _complete_words():
    verbs = sorted({name.split()[0] for name in VERBS} | {"doctor", "plugins"})
    same(complete(""), verbs, "verbs")
    expect(complete("--policy", "p.yaml", "do") == ["doctor"], "a verb behind an option")
    same(complete("--policy", "check", ""), verbs, "the value of an option is no verb")
    same(complete("policy", ""), [name.split()[1] for name in VERBS if " " in name], "policy")
    same(complete("plugins", ""), ["inspect", "settings"], "plugins")
    words = ["l7-graphql", "l7-jsonrpc", "l7-rest", "l7-ws", "network", "process", "regex"]
    same(complete("plugins", "inspect", ""), words, "plugins inspect")
    same(complete("--disable", ""), words, "--disable")
    expect(complete("--policy-posture", "f") == ["fail_closed"], "--policy-posture")
    profiles = [line.split()[0] for line in host("init").out.splitlines()]
    same(complete("init", ""), profiles, "init")
    for split in (["--allow-degraded", "l"], ["--allow-degraded", "=", "l"]):
        expect(complete(*split) == ["landlock"], split)
    known = host("--allow-degraded=q", "--", "true").err.partition("known: ")[2].strip()
    same(complete("--allow-degraded", "=", ""), known.split(", "), "--allow-degraded")


@test("bash completes the settings of every plugin, with an equals sign")
def _complete_settings():
    settings = [line.split()[0] + "=" for line in host("plugins", "settings").out.splitlines()]
    same(complete("--set", ""), settings, "--set")
    expect(complete("--set", "process.ca") == ["process.capture="], "--set process.ca")
    expect(complete("doctor", "--set", "network.ja") == ["network.java="], "behind a verb")


@test("behind -- bash completes the program's own words")
def _complete_command():
    offered = complete("--quiet", "--", "ech")
    expect("echo" in offered and not any(word.startswith("-") for word in offered), offered)
    expect(complete("--", "ls", "-") == [], complete("--", "ls", "-"))


@test("a tab in a real shell puts the word there")
def _tab():
    folder = harness.scratch()
    os.symlink(harness.HOST, os.path.join(folder, "openshell-host"))
    environment = harness.clean_environment(PATH=f"{folder}:{harness.PATH}", PS1="$ ",
                                            INPUTRC="/dev/null")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], environment)
    seen = b""

    def wait_for(text):
        nonlocal seen
        while text not in seen:
            expect(select.select([terminal], [], [], 15)[0], f"no {text} in", seen)
            seen += os.read(terminal, 4096)
        seen = seen.partition(text)[2]

    try:
        wait_for(b"$ ")
        os.write(terminal, f"source {COMPLETION}\n".encode())
        wait_for(b"$ ")
        os.write(terminal, b"openshell-host --policy-posture f\t")
        wait_for(b"fail_closed ")
        os.write(terminal, b"--set process.refuse\t")
        wait_for(b"process.refuse-internet-sockets=")
        os.write(terminal, b"true --version\n")
        wait_for(b"openshell-host 0")
    finally:
        os.write(terminal, b"\nexit\n")
        os.close(terminal)
        os.waitpid(pid, 0)


# --- the commands of the pages ---------------------------------------------------------------------

# What is not run here, and why. A command that no page has fails the test.
NOT_RUN = {
    "scripts/demo": "it installs packages and builds; its steps are tests/e2e/demo.py, a test",
    "scripts/test": "it builds and runs every test, this one among them",
    "scripts/install": "install-test.py runs it: as root it would install below /usr/local",
    "scripts/install --prefix /opt/osh": "install-test.py runs it, with another folder",
    "scripts/install --remove": "install-test.py runs it",
    "scripts/install-deps": "it needs the internet when a package is missing",
    "meson setup build && ninja -C build": "the build is what is tested here; "
                                           "example-plugin-test.py builds the example so",
    "meson test -C build --suite unit": "it runs tests, this one among them",
    "meson test -C build": "it runs tests, this one among them",
    "ninja -C build && meson test -C build --suite unit --suite lint":
        "it builds and runs what runs before this test",
    "meson test -C build e2e-manual": "it is this test",
    "ninja -C build && meson test -C build policy-endpoint-key policy-keys policy-broken":
        "it builds and runs what runs before this test",
    "scripts/lint": "CI runs it; it needs one version of clang-format",
    "DESTDIR=$PWD/stage meson install -C build --quiet":
        "example-plugin-test.py does, without building again what is tested meanwhile",
    'export PKG_CONFIG_PATH=$(dirname "$(find "$PWD/stage" -name openshell-1.pc)")':
        "example-plugin-test.py does",
    'export PATH=$(dirname "$(find "$PWD/stage" -path \'*/bin/openshell-host\')"):$PATH':
        "example-plugin-test.py does",
    "cp -r plugins/example ../greeter && cd ../greeter": "example-plugin-test.py does",
    "meson setup build && meson test -C build": "example-plugin-test.py does",
    "openshell-host check --plugin-dir build policy.yaml": "example-plugin-test.py does",
    "openshell-host --disable process --policy policy.yaml --set network.listen=127.0.0.1:3128 "
    "--set network.authority-folder=/shared/ca": "split-test.py does, with another folder",
    "export https_proxy=http://127.0.0.1:3128 SSL_CERT_FILE=/shared/ca/ca-bundle.pem":
        "split-test.py gives its clients the same files",
    "export CURL_CA_BUNDLE=$SSL_CERT_FILE REQUESTS_CA_BUNDLE=$SSL_CERT_FILE "
    "GIT_SSL_CAINFO=$SSL_CERT_FILE": "likewise",
    "export NODE_EXTRA_CA_CERTS=/shared/ca/openshell-ca.pem": "likewise",
    "openshell-host --plugin-dir build --policy policy.yaml -- curl -sS http://time.internal/":
        "example-plugin-test.py does",
    "openshell-host explain --plugin-dir build policy.yaml cache.example.com:11211 --binary "
    "/usr/bin/python3 --fact command=get --fact keys=secret:1 --fact bytes=0":
        "example-plugin-test.py does",
    "openshell-host --plugin-dir ../small/build --set com.example.note.text=hello -- sh -c "
    "'cat $NOTE'": "example-plugin-test.py does, with the plugins that it has built",
    "meson setup build && meson test -C build": "example-plugin-test.py does",
    "openshell-host check --plugin-dir build policy.yaml": "example-plugin-test.py does",
    "openshell-host explain --plugin-dir build policy.yaml cache.example.com:11211 "
    "--binary /usr/bin/python3 --fact command=get --fact keys=secret:1 --fact bytes=0":
        "example-plugin-test.py does",
    "mkdir -p ../project && cd ../project": "example-plugin-test.py does",
    "openshell-host --plugin-dir ../greeter/build --set com.example.greeter.greeting=welcome -- "
    "true": "example-plugin-test.py does, with the plugin that it has built",
}


def pages():
    """README, HACKING and docs/, and the pages of the plugins."""
    for name in ("README.md", "HACKING.md", "SECURITY.md"):
        yield name
    for folder in ["docs", *(f"plugins/{name}" for name in
                             sorted(os.listdir(os.path.join(harness.SOURCE, "plugins"))))]:
        if os.path.isdir(os.path.join(harness.SOURCE, folder)):
            for name in sorted(os.listdir(os.path.join(harness.SOURCE, folder))):
                if name.endswith(".md"):
                    yield os.path.join(folder, name)


def blocks(kinds):
    """(page, text) of each fenced block of one of these kinds."""
    for page in pages():
        with open(os.path.join(harness.SOURCE, page), encoding="utf-8") as stream:
            for kind, text in re.findall(r"^```(\w*)\n(.*?)^```$", stream.read(),
                                         re.MULTILINE | re.DOTALL):
                if kind in kinds:
                    yield page, text


def commands(text):
    """What a block has one type: the lines behind "$ " where there are such, else all of them."""
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    typed = [line[2:] for line in lines if line.startswith("$ ")]
    for line in typed if typed else lines:
        line = re.sub(r"\s+#.*$", "", line).strip()
        if line:
            yield line


def documented():
    """Every command of every page, in the order of the pages."""
    found = [(page, command) for page, text in blocks(("sh", "console"))
             for command in commands(text)]
    return found + [(page, line[2:]) for page, text in blocks(("",))
                    for line in text.splitlines() if line.startswith("$ ")]


def block_with(page, first):
    """The text of the block of that page which holds @first."""
    found = [text for name, text in blocks(("", "sh", "console", "yaml"))
             if name == page and first in text]
    expect(len(found) == 1, f"{page} has {len(found)} blocks with", first)
    return found[0]


run_here = {}   # command: the function that runs it


def runs(*lines):
    def mark(function):
        for line in lines:
            run_here[line] = function.__name__
        return function
    return mark


class Desk:
    """A person's folder, home and shell, with openshell-host in PATH."""

    def __init__(self):
        self.folder, self.home, self.bin = (harness.private_scratch() for _ in range(3))
        os.symlink(harness.HOST, os.path.join(self.bin, "openshell-host"))
        harness.open_up(self.folder)
        self.environment = harness.clean_environment(
            HOME=self.home, PATH=f"{self.bin}:{harness.PATH}", PWD=self.folder)

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(path, mode)
        return path

    def start(self, command):
        return subprocess.Popen(["bash", "--norc", "-c", command], cwd=self.folder,
                                env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def type(self, command, timeout=30):
        process = self.start(command)
        out, err = process.communicate(timeout=timeout * harness.SLOWER)
        return harness.Result(process.returncode, out.decode("utf-8", "replace"),
                              err.decode("utf-8", "replace"), 0)


@test("every command of README, HACKING and docs/ is run here, or listed with the reason why not")
def _all_commands():
    found = [command for _, command in documented()]
    expect(len(found) > 20, found)
    for page, command in documented():
        expect((command in run_here) != (command in NOT_RUN),
               f"{page}: neither run nor listed, or both: {command}")
    for command in [*run_here, *NOT_RUN]:
        expect(command in found, f"no page has this command any more: {command}")


@test("every option that a page names is one of the host or of a verb, or of another program there")
def _all_options():
    others = {"--install", "--build", "--prefix", "--remove", "--self-test", "--benchmark",
              "--suite", "--quiet", "--now", "--set-upstream-to", "--git-common-dir",
              "--no-check-update", "--continue", "--pids-limit", "--data-binary", "--cacert",
              "--noproxy"}
    known = set(long_options(host("--help").out)) | {"--help"}
    for verb in VERBS:
        known |= set(help_of(verb))
    for page in pages():
        with open(os.path.join(harness.SOURCE, page), encoding="utf-8") as stream:
            named = {option for code in re.findall(r"`([^`]+)`", stream.read())
                     for option in long_options(code)}
        expect(named <= known | others, page, "unknown options:", named - known - others)


@test("the policy of README and that of docs/policy.md load, and the commands below them work")
@runs("openshell-host --policy policy.yaml -- curl -sS https://api.github.com/zen")
def _readme_policy():
    desk = Desk()
    desk.write("policy.yaml", block_with("README.md", "version: 1"))
    desk.write("long.yaml", block_with("docs/policy.md", "compatibility: best_effort"))
    result = desk.type("openshell-host check --run policy.yaml long.yaml")
    expect(result.code == 0 and "0 warnings" in result.out, result)
    # Nobody is at that name here: that is a failure, and no refusal.
    result = desk.type("openshell-host --policy policy.yaml -- curl -sS https://api.github.com/zen")
    expect(result.code != 0 and "DENIED" not in result.err and "FAILED" in result.err, result)
    result = desk.type("openshell-host --policy policy.yaml -- curl -sS https://example.com/")
    expect(result.code != 0 and result.err.count("DENIED") == 1, result)


@test("init lists its profiles, and writes a policy that loads, as README says")
@runs("openshell-host init", "openshell-host init claude-code")
def _readme_init():
    desk = Desk()
    result = desk.type("openshell-host init")
    listed = re.search(r"openshell-host init\s+# (.*)",
                       block_with("README.md", "openshell-host init")).group(1)
    same(listed.split(", "), [line.split()[0] for line in result.out.splitlines()], "init")
    result = desk.type("openshell-host init claude-code")
    expect(result.code == 0, result)
    expect(desk.type("openshell-host check policy.yaml").code == 0, result)


@test("the commands of HACKING that run from a build tree work there")
@runs("mkdir -p ../project",
      "build/host/openshell-host --workdir ../project --policy data/examples/demo.yaml -- "
      "curl -sS http://10.77.0.1:8080/",
      "export OSH_SOURCE=$PWD OSH_BUILD=$PWD/build OSH_HOST=$PWD/build/host/openshell-host",
      'build/tests/e2e/outer-world /usr/bin/python3 tests/e2e/clients-test.py "name"',
      "build/tests/e2e/outer-world bash",
      "build/tests/e2e/outer-world build/plugins/network/network-relay-test")
def _hacking():
    desk = Desk()
    tree = os.path.join(desk.folder, "tree")
    os.mkdir(tree)
    os.symlink(harness.BUILD, os.path.join(tree, "build"))
    for name in ("data", "tests"):
        os.symlink(os.path.join(harness.SOURCE, name), os.path.join(tree, name))
    inside = [command for _, command in documented() if run_here.get(command) == "_hacking"]
    project = os.path.join(desk.folder, "project")
    os.mkdir(project)
    os.chmod(project, 0o777)
    for command in inside[:2]:
        result = desk.type(f"cd tree && {command}")
        expect(result.code == 0, command, result)
    expect("hello" in result.out, result)
    for command in inside[3:]:
        result = desk.type(f"cd tree && {inside[2]} && {command}", 100)
        expect(result.code == 0 and "not ok" not in result.out, command, result)


@test("explain and compose print what docs/policy.md shows")
@runs("openshell-host explain policy.yaml POST https://api.github.com/repos/a/b --binary /usr/bin/gh",
      "cat chat.yaml", "openshell-host policy compose base.yaml chat.yaml > policy.yaml")
def _policy_page():
    desk = Desk()
    desk.write("policy.yaml", "version: 1\nnetwork_policies:\n  github:\n    endpoints:\n"
                              "      - host: api.github.com\n        port: 443\n"
                              "        protocol: rest\n        enforcement: enforce\n"
                              "        rules:\n          - allow: {method: GET, path: /repos/**}\n"
                              "    binaries: [/usr/bin/gh]\n")
    command, _, shown = block_with("docs/policy.md", "explain policy.yaml POST").partition("\n")
    result = desk.type(command[2:])
    expect(result.code == 1 and result.out == shown, result, shown)
    shown = block_with("docs/policy.md", "cat chat.yaml")
    desk.write("chat.yaml", re.search(r"chat.yaml\n(.*?)^\$", shown, re.DOTALL | re.MULTILINE)
               .group(1))
    desk.write("base.yaml", block_with("README.md", "version: 1"))
    command = shown.splitlines()[-1][2:]
    result = desk.type(command)
    expect(result.code == 0, command, result)
    result = desk.type("openshell-host check policy.yaml")
    expect(result.code == 0 and "2 policies" in result.out, result)


@test("a policy is learned from nothing by the commands of docs/recording.md")
@runs("openshell-host --audit --record ~/run.jsonl -- ./agent",
      "openshell-host policy learn --ceiling ceiling.yaml -o ~/learned.yaml ~/run.jsonl",
      "openshell-host replay ~/run.jsonl ~/learned.yaml",
      "openshell-host --policy ~/learned.yaml -- ./agent")
def _recording_page():
    desk = Desk()
    url = f"http://public.test:{world.API_PORT}/"
    desk.write("agent", f"#!/bin/sh\nexec curl -sS --max-time 8 {url}\n", 0o755)
    desk.write("ceiling.yaml", world.policy(f"public.test:{world.API_PORT}",
                                            f"www.public.test:{world.API_PORT}"))
    for command in commands(block_with("docs/recording.md", "--audit --record")):
        result = desk.type(command)
        expect(result.code == 0 and "DENIED" not in result.err, command, result)
    expect("hello" in result.out, result)


@test("a server in the box is published by the commands of docs/running.md")
@runs("openshell-host --publish 8000 -- python3 -m http.server 8000", "curl http://127.0.0.1:8000/")
def _running_publish():
    desk = Desk()
    desk.write("here.txt", "")
    first, second = commands(block_with("docs/running.md", "--publish 8000 --"))
    server = desk.start("exec " + first)
    try:
        limit = time.monotonic() + 20 * harness.SLOWER
        while (result := desk.type(second)).code != 0:
            expect(time.monotonic() < limit, "never served", result)
            time.sleep(0.1)
        expect("here.txt" in result.out, result)
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=20)


@test("a run is joined by the commands of docs/running.md")
@runs("openshell-host --set process.session=$HOME/.run/agent.sock --policy policy.yaml -- agent",
      "openshell-host attach ~/.run/agent.sock")
def _running_attach():
    desk = Desk()
    os.mkdir(os.path.join(desk.home, ".run"), 0o700)
    desk.write("policy.yaml", world.policy(read_only=(desk.bin,)))
    agent = os.path.join(desk.bin, "agent")
    with open(agent, "w", encoding="utf-8") as stream:
        stream.write("#!/bin/sh\necho ready\nread line\necho got $line\nexit 5\n")
    os.chmod(agent, 0o755)
    first, second = commands(block_with("docs/running.md", "openshell-host attach ~"))
    run = desk.start("exec env PATH=$PATH " + first)
    try:
        socket = os.path.join(desk.home, ".run", "agent.sock")
        harness.wait_until(lambda: os.path.exists(socket) or run.poll() is not None, 20,
                           "there is no socket")
        result = desk.type(f"echo hello | {second}")
        expect(result.code == 5 and "ready" in result.out and "got hello" in result.out, result)
    finally:
        run.terminate()
        out, err = run.communicate(timeout=20)
    expect(run.returncode == 5, out, err)


harness.main()
