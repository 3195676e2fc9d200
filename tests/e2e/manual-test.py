# SPDX-License-Identifier: Apache-2.0
"""The man pages and the completion against the host itself: whatever --help, the settings of the
plugins and the policy reader know is there, and nothing else."""
import os
import pty
import re
import select
import shutil
import subprocess

import harness
from harness import Skip, expect, test

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
    same(complete("plugins", "inspect", ""), ["network", "process"], "plugins inspect")
    same(complete("--disable", ""), ["network", "process"], "--disable")
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
    expect(complete("doctor", "--set", "network.li") == ["network.listen="], "behind a verb")


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


harness.main()
