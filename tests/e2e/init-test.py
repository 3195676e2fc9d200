# SPDX-License-Identifier: Apache-2.0
"""openshell-host init: profiles that load unchanged, adapted to what is installed, and the command
that it says to type."""
import os
import stat
import re
import shutil
import subprocess

import harness
from harness import expect, test

FOLDER = os.path.join(harness.SOURCE, "data", "profiles")
PROFILES = sorted(name[:-5] for name in os.listdir(FOLDER) if name.endswith(".yaml"))


def home():
    """A home folder with agents as their installers lay them out. Not in /tmp, which a box has for
    its own."""
    if hasattr(home, "folder"):
        return home.folder
    folder = home.folder = harness.scratch_in("/var/tmp", 0o755)
    node = f"{folder}/.nvm/versions/node/v20.1.0"
    uv = f"{folder}/.local/share/uv"
    program(f"{folder}/.local/share/claude/versions/2.1.3", shutil.which("dash"))
    link(f"{folder}/.local/bin/claude", "../share/claude/versions/2.1.3")
    program(f"{node}/bin/node", harness.PYTHON)
    for package, name in (("@openai/codex", "codex"), ("@google/gemini-cli", "gemini"),
                          ("npm", "npm")):
        script(f"{node}/lib/node_modules/{package}/bin/{name}.js", "/usr/bin/env node",
               "print('this is", name, "')")
        link(f"{node}/bin/{name}", f"../lib/node_modules/{package}/bin/{name}.js")
    program(f"{uv}/python/cpython-3.12/bin/python3.12", harness.PYTHON)
    link(f"{uv}/tools/aider-chat/bin/python", f"{uv}/python/cpython-3.12/bin/python3.12")
    script(f"{uv}/tools/aider-chat/bin/aider", f"{uv}/tools/aider-chat/bin/python",
           "print('this is aider')")
    link(f"{folder}/.local/bin/aider", f"{uv}/tools/aider-chat/bin/aider")
    home.path = f"{folder}/.local/bin:{node}/bin:{harness.PATH}"
    return folder


def program(path, source):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    shutil.copy(os.path.realpath(source), path)
    os.chmod(path, 0o755)


def link(path, target):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(target, path)


def script(path, interpreter, *words):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(f"#!{interpreter}\n{' '.join(words)}\n")
    os.chmod(path, 0o755)


def run(*words, cwd=None, path=None, folder=None):
    folder = folder or home()
    done = subprocess.run([harness.HOST, *words], capture_output=True, check=False, timeout=30,
                          cwd=cwd or harness.scratch(), stdin=subprocess.DEVNULL,
                          env=harness.clean_environment(HOME=folder, PATH=path or home.path))
    return harness.Result(done.returncode, done.stdout.decode(), done.stderr.decode(), 0)


def init(profile, *words, **keywords):
    """The policy that init writes, and what it says."""
    folder = harness.scratch()
    result = run("init", profile, *words, cwd=folder, **keywords)
    expect(result.code == 0 and result.out == "", result)
    with open(os.path.join(folder, "policy.yaml"), encoding="utf-8") as stream:
        return stream.read(), result.err, folder


def binaries(text):
    return re.findall(r"- path: ([^\s]+)", text)


def readable(text):
    return re.findall(r"^    - (\S+)$", text.partition("read_write:")[0], re.MULTILINE)


@test("init lists the profiles, each with what it is for")
def _list():
    result = run("init")
    expect(result.code == 0, result)
    lines = [line.split(None, 1) for line in result.out.splitlines()]
    expect([line[0] for line in lines] == PROFILES, result.out)
    for wanted in ("claude-code", "codex", "gemini-cli", "aider", "npm", "pip"):
        expect(wanted in PROFILES, wanted)
    expect(all(len(line) == 2 and len(line[1]) > 10 for line in lines), lines)
    expect("init PROFILE" in result.err, result.err)


@test("each profile is a policy as it stands, of keys that OpenShell has, and names its sources")
def _unchanged():
    for name in PROFILES:
        path = os.path.join(FOLDER, name + ".yaml")
        result = run("check", "--strict", "--openshell", "--run", path, path=harness.PATH)
        expect(result.code == 0 and "0 warnings" in result.out, result)
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
        comments = "\n".join(line for line in text.splitlines() if line.startswith("#"))
        expect(len(re.findall(r"https://\S+", comments)) >= 1, f"{name} names no source")
        expect("command: " in comments, f"{name} names no command")
        for host in re.findall(r"- host: (\S+)", text):
            expect("*" not in host, f"{name}: {host} is no exact host")


@test("what init writes is clean, with its programs and without them")
def _clean():
    nobody = harness.scratch_in("/var/tmp", 0o755)
    for name in PROFILES:
        for path, folder in ((home() and home.path, home()), (harness.PATH, nobody)):
            text, _, place = init(name, path=path, folder=folder)
            result = run("check", "--strict", "--run", os.path.join(place, "policy.yaml"))
            expect(result.code == 0 and "0 warnings" in result.out, name, result, text)
            expect("/sandbox" not in text, text)


@test("a program is written by its own path through links, a script by its interpreter, and what it "
      "needs becomes readable")
def _adapted():
    folder = home()
    text, said, _ = init("claude-code")
    real = f"{folder}/.local/share/claude/versions/2.1.3"
    expect(binaries(text) == [f"{folder}/.local/bin/claude", real], text)
    expect({real, f"{folder}/.local/bin/claude"} <= set(readable(text)), text)
    expect(f"claude is {real}" in said and "not found" not in said, said)
    node = f"{folder}/.nvm/versions/node/v20.1.0"
    for name in ("codex", "gemini-cli"):
        text, said, _ = init(name)
        expect(binaries(text) == [f"{node}/bin/node"], text)
        expect(readable(text)[7:] == [node], text)
        expect("script" in said, said)
    text, _, _ = init("npm")
    expect(binaries(text) == [f"{node}/bin/node"], text)
    text, _, _ = init("aider")
    uv = f"{folder}/.local/share/uv"
    expect(binaries(text) == [f"{uv}/python/cpython-3.12/bin/python3.12"], text)
    expect({f"{uv}/python/cpython-3.12", f"{uv}/tools/aider-chat",
            f"{folder}/.local/bin/aider"} <= set(readable(text)), text)
    expect(folder not in readable(text) and f"{folder}/.local" not in readable(text), text)


@test("the system's own programs are written by their own paths and make nothing more readable")
def _system():
    text, said, _ = init("pip", path="/usr/bin:/bin")
    expect(binaries(text) == [os.path.realpath(harness.PYTHON)], text)
    expect(len(readable(text)) == 7, text)
    expect(os.path.realpath(harness.PYTHON) in said, said)


@test("what is not there is said, and a shell script is named for a person and never written")
def _missing():
    nobody = harness.scratch_in("/var/tmp", 0o755)
    text, said, _ = init("claude-code", path=harness.PATH, folder=nobody)
    expect("claude was not found" in said, said)
    expect(binaries(text) == ["/usr/local/bin/claude", "/usr/bin/node"], text)
    script(f"{nobody}/bin/claude", "/bin/sh", "exec", "/opt/claude")
    text, said, _ = init("claude-code", path=f"{nobody}/bin:{harness.PATH}", folder=nobody)
    expect("script of the shell" in said and f"{nobody}/bin/claude" in said, said)
    expect("dash" not in "".join(binaries(text)), text)
    script(f"{nobody}/bin/python3", "/bin/bash", "exec", "/usr/bin/python3")
    text, said, _ = init("pip", path=f"{nobody}/bin:{harness.PATH}", folder=nobody)
    expect(binaries(text) == [os.path.realpath(harness.PYTHON)], text)
    expect(f"{nobody}/bin/python3 is a script of the shell" in said, said)
    script(f"{nobody}/bin/codex", "/no/such/interpreter", "1")
    _, said, _ = init("codex", path=f"{nobody}/bin:{harness.PATH}", folder=nobody)
    expect(f"{nobody}/bin/codex is a script whose interpreter was not found" in said, said)


@test("a home folder with blanks, quotes and signs of YAML is written so that it is read again")
def _odd_home():
    folder = os.path.join(harness.scratch_in("/var/tmp", 0o755), "a b #'\"\u00e9")
    program(f"{folder}/opt tools/bin/claude", shutil.which("dash"))
    text, said, place = init("claude-code", folder=folder,
                             path=f"{folder}/opt tools/bin:{harness.PATH}")
    result = run("check", "--strict", os.path.join(place, "policy.yaml"))
    expect(result.code == 0, result, text, said)
    result = run("explain", os.path.join(place, "policy.yaml"), "api.anthropic.com:443", "--binary",
                 f"{folder}/opt tools/bin/claude")
    expect(result.code == 0, result, text)


@test("a file that is there stays without --force, whatever it is")
def _no_overwriting():
    folder = harness.scratch()
    path = os.path.join(folder, "policy.yaml")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("mine\n")
    result = run("init", "npm", cwd=folder)
    expect(result.code == 1 and "--force" in result.err and "--output" in result.err, result)
    with open(path, encoding="utf-8") as stream:
        expect(stream.read() == "mine\n", "it was written over")
    os.symlink("/no/such/target", os.path.join(folder, "dangling.yaml"))
    os.mkdir(os.path.join(folder, "folder.yaml"))
    for name in ("dangling.yaml", "folder.yaml"):
        expect(run("init", "npm", "--output", name, cwd=folder).code == 1, name)
        result = run("init", "npm", "--force", "--output", name, cwd=folder)
        expect(result.code == 1 and "--force" not in result.err, name, result)
    expect(run("init", "npm", "-o", "no/such/folder.yaml", cwd=folder).code == 125, "no folder")
    expect(run("init", "npm", "--force", cwd=folder).code == 0, "--force")
    os.symlink("policy.yaml", os.path.join(folder, "linked.yaml"))
    expect(run("init", "pip", "--force", "-o", "linked.yaml", cwd=folder).code == 0, "linked")
    expect(os.path.islink(os.path.join(folder, "linked.yaml")), "the link was replaced")
    with open(path, encoding="utf-8") as stream:
        expect("pip" in stream.read(), "the target was not written")
    expect(run("init", "npm", "--force", "-o", "/dev/null").code == 1 and
           stat.S_ISCHR(os.stat("/dev/null").st_mode), "/dev/null")
    os.unlink(os.path.join(folder, "linked.yaml"))
    with open(path, encoding="utf-8") as stream:
        expect(stream.read().startswith("# SPDX"), "it was not written")
    result = run("init", "npm", "-o", "-", cwd=folder)
    expect(result.code == 0 and result.out.startswith("# SPDX"), result)
    expect(sorted(os.listdir(folder)) == ["dangling.yaml", "folder.yaml", "policy.yaml"],
           os.listdir(folder))


@test("a profile that is not there, or no profile at all, is answered with those that are")
def _unknown():
    result = run("init", "claude")
    expect(result.code == 125 and "claude-code" in result.err, result)
    result = run("init", "nmp")
    expect(result.code == 125 and "did you mean npm?" in result.err, result)
    for words in (["../profiles/npm"], ["npm.yaml"], ["npm", "pip"], ["--force"], ["--nonsense"]):
        expect(run("init", *words).code == 125, words)


@test("the command that init says to type starts the program in its box, with its state in its own "
      "folder")
def _next():
    folder = home()
    for name, wanted in (("codex", "this is codex"), ("aider", "this is aider")):
        _, said, place = init(name)
        commands = [line.strip() for line in said.splitlines() if line.startswith("  ")]
        expect(commands and commands[-1].startswith("openshell-host --policy policy.yaml"), said)
        typed = "\n".join(commands).replace("openshell-host ", f"{harness.HOST} --quiet ")
        done = subprocess.run(["bash", "-ec", typed], cwd=place, capture_output=True, text=True,
                              check=False, timeout=30, stdin=subprocess.DEVNULL,
                              env=harness.clean_environment(HOME=folder, PATH=home.path))
        expect(done.returncode == 0 and wanted in done.stdout, done, said)
    _, said, place = init("claude-code")
    commands = [line.strip() for line in said.splitlines() if line.startswith("  ")]
    typed = "\n".join(commands).replace("openshell-host ", f"{harness.HOST} --quiet ")
    typed += " -c 'echo state > $CLAUDE_CONFIG_DIR/x; echo $CLAUDE_CONFIG_DIR; echo key $ANTHROPIC_API_KEY'"
    done = subprocess.run(["bash", "-ec", typed], cwd=place, capture_output=True, text=True,
                          check=False, timeout=30, stdin=subprocess.DEVNULL,
                          env=harness.clean_environment(HOME=folder, PATH=home.path,
                                                        ANTHROPIC_API_KEY="k1"))
    state = f"{folder}/.local/share/openshell/claude-code"
    expect(done.returncode == 0 and done.stdout == f"{state}\nkey k1\n", done)
    expect(os.path.exists(f"{state}/x"), "its state is not where it was said")


harness.main()
