# SPDX-License-Identifier: Apache-2.0
"""A newcomer's first hour with tools that everybody has: each does its work as outside, and the
host says one line at the start, one at the end at most. What is not installed is skipped."""
import base64
import hashlib
import os
import pty
import select
import shutil
import signal
import subprocess
import time
import zipfile

import harness
import world
from harness import expect, test

API = f"{world.ADDRESS}:{world.API_PORT}"
POLICY = world.policy(API)
GIT = {"GIT_AUTHOR_NAME": "n", "GIT_AUTHOR_EMAIL": "n@example.test", "GIT_COMMITTER_NAME": "n",
       "GIT_COMMITTER_EMAIL": "n@example.test", "GIT_CONFIG_COUNT": "1",
       "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}


def need(program):
    """The program's path; where it is not installed for everybody the test is skipped."""
    path = shutil.which(program, path=harness.PATH)
    if path is None:
        raise harness.Skip(f"{program} is not installed")
    return path


def write(folder, **files):
    for name, text in files.items():
        path = os.path.join(folder, name.replace("__", "/").replace("_dot_", "."))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
    harness.open_up(folder)
    return folder


def works(script, output, policy=POLICY, cwd=None, options=(), timeout=150):
    """The script ends with 0 and that output, and the host says no more than it must."""
    # The folder is the program's, as that of a newcomer is the newcomer's.
    folder = cwd or harness.scratch()
    result = harness.run_host(["/bin/bash", "-c", "set -e\n" + script], policy, options, cwd=folder,
                              timeout=timeout)
    said = [line for line in result.err.splitlines() if line.startswith("openshell: ")]
    expect(result.code == 0 and output in result.out, result)
    expect(len(said) <= 2 and said[0].startswith("openshell: strict"), "it says too much:", result)
    expect(len(said) < 2 or "when the box closed" in said[1] or "auto-executed" in said[1],
           "it cries wolf:", result)
    return result


@test("npm installs a package from a file, runs its script and a program of it")
def _npm():
    need("npm")
    folder = write(harness.scratch(),
                   package_dot_json='{"name": "app", "version": "1.0.0", '
                                    '"scripts": {"hello": "node -p 1+1"}}',
                   dep__package_dot_json='{"name": "dep", "version": "1.0.0", "bin": "./cli.js"}',
                   dep__cli_dot_js="#!/usr/bin/env node\nconsole.log('from dep');\n")
    os.chmod(os.path.join(folder, "dep/cli.js"), 0o777)
    works("export npm_config_update_notifier=false; npm pack --silent ./dep > /dev/null; npm install --offline --no-audit --no-fund ./dep-1.0.0.tgz; "
          "npm run --silent hello; npx --offline dep", "2\nfrom dep", cwd=folder)
    # Once more, where dependency folders are there from the start.
    works("export npm_config_update_notifier=false; npm ls; npx --offline dep", "from dep", cwd=folder)


def wheel(folder):
    """The smallest package that pip installs, made without a network."""
    files = {"tiny/__init__.py": "print('tiny is here')\n",
             "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
             "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
                                         "Tag: py3-none-any\n"}
    record = []
    with zipfile.ZipFile(os.path.join(folder, "tiny-1.0-py3-none-any.whl"), "w") as archive:
        for name, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
            record.append(f"{name},sha256={digest.decode()},{len(text)}")
            archive.writestr(name, text)
        archive.writestr("tiny-1.0.dist-info/RECORD", "\n".join(record) + "\n"
                         "tiny-1.0.dist-info/RECORD,,\n")


@test("a virtual environment is made, pip installs into it from a file, and it is used again")
def _venv():
    if subprocess.run([harness.PYTHON, "-c", "import ensurepip"], check=False,
                      capture_output=True).returncode != 0:
        raise harness.Skip("python3-venv is not installed")
    folder = harness.scratch()
    wheel(folder)
    works(f"{harness.PYTHON} -m venv env; env/bin/pip install --no-index --find-links . tiny > log 2>&1; "
          "env/bin/python -c 'import tiny'", "tiny is here", cwd=folder)
    works(". env/bin/activate; python -c 'import tiny'; deactivate", "tiny is here", cwd=folder)


@test("Go builds and runs a program")
def _go():
    need("go")
    folder = write(harness.scratch(), go_dot_mod="module example.test/a\n\ngo 1.19\n",
                   main_dot_go='package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("from go") }\n')
    works("export GOCACHE=/tmp/go GOFLAGS=-mod=mod GOTOOLCHAIN=local; go build -o a . && ./a && "
          "go vet ./...", "from go", cwd=folder)


@test("Cargo builds and runs a program")
def _cargo():
    need("cargo")
    folder = write(harness.scratch(), Cargo_dot_toml='[package]\nname = "a"\nversion = "1.0.0"\n'
                                                     'edition = "2021"\n',
                   src__main_dot_rs='fn main() { println!("from rust"); }\n')
    works("export CARGO_HOME=/tmp/cargo; cargo run --quiet --offline", "from rust", cwd=folder)


def git(folder, *arguments):
    subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True,
                   env=harness.clean_environment(**GIT))


@test("a worktree of git takes a commit, and a push to another repository, seen outside")
def _worktree():
    folder = harness.scratch_in("/var/tmp", 0o755)
    main, bare, tree = (os.path.join(folder, name) for name in ("main", "bare.git", "tree"))
    git(folder, "init", "-q", "--bare", "-b", "main", bare)
    git(folder, "init", "-q", "-b", "main", main)
    write(main, file="one\n")
    git(main, "add", "file")
    git(main, "commit", "-qm", "one")
    git(main, "remote", "add", "origin", bare)
    git(main, "worktree", "add", "-q", "-b", "topic", tree)
    for place, folders, names in os.walk(folder):
        for name in [".", *folders, *names]:
            os.lchown(os.path.join(place, name), *((65530, 65530) if harness.IS_ROOT
                                                   else (os.geteuid(), os.getegid())))
    exports = "".join(f"export {name}='{value}'\n" for name, value in GIT.items())
    works(exports + "echo two > file; git commit -qam two; git push -q origin topic; git status --short; "
          "git log --format=%s -1", "two", world.policy(read_write=[main, bare]), cwd=tree)
    done = subprocess.run(["git", "-C", bare, "log", "--format=%s", "topic"], capture_output=True,
                          text=True, check=True, env=harness.clean_environment(**GIT))
    expect(done.stdout == "two\none\n", done)


class Shell:
    """A person at an interactive shell."""

    def __init__(self, folder):
        self.screen = ""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve("/bin/bash", ["bash", "--norc", "-i"],
                      harness.clean_environment(TERM="xterm", PS1="ready> ", HISTFILE="/dev/null"))

    def type(self, text):
        os.write(self.master, text.encode())

    def read_until(self, text, seconds=15):
        limit = time.monotonic() + seconds
        while text not in self.screen:
            expect(time.monotonic() < limit, f"the screen never shows {text!r}:", repr(self.screen[-1500:]))
            if select.select([self.master], [], [], 0.1)[0]:
                self.screen += os.read(self.master, 65536).decode("utf-8", "replace")
        self.screen = self.screen[self.screen.index(text) + len(text):]

    def __enter__(self):
        self.read_until("ready> ")
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.master)


def quiet(command):
    return " ".join(harness.host_command(None, POLICY, ["--quiet"])) + " -- " + command


@test("vim is suspended, the shell goes on, and vim is continued and saves")
def _vim():
    vim = need("vim")
    folder = write(harness.scratch(), note="old\n")
    with Shell(folder) as shell:
        shell.type(quiet(f"{vim} -u NONE -N note\r"))
        shell.read_until("old")
        time.sleep(0.5)
        shell.type("\x1a")
        shell.read_until("Stopped")
        shell.read_until("ready> ")
        shell.type("echo o''utside\r")
        shell.read_until("outside")
        shell.type("fg\r")
        shell.read_until("old")
        time.sleep(0.5)
        shell.type("ccnew\x1b:wq\r")
        shell.read_until("ready> ")
        shell.type("cat note; echo $?$?\r")
        shell.read_until("new")
        shell.read_until("00")


@test("what a program writes is read in less, which is left with its key")
def _less():
    need("less")
    with Shell(harness.scratch()) as shell:
        shell.type(quiet("seq 1000 2000") + " | less\r")
        shell.read_until("1005")
        shell.type("G")
        shell.read_until("2000")
        shell.type("q")
        shell.read_until("ready> ")
        shell.type("echo st$?\r")
        shell.read_until("st0")


@test("tee writes to /dev/stderr and /dev/stdout, in pipes and files")
def _tee():
    result = harness.run_host(["/bin/bash", "-c", "echo a | tee /dev/stderr; echo b > /dev/stdout; "
                                                  "echo c >> /dev/stderr; cat /dev/stdin"],
                              POLICY, ["--quiet"], stdin=b"d\n")
    expect(result.out == "a\nb\nd\n" and result.err == "a\nc\n", result)


@test("a server in the box is reached from outside by a published port")
def _server():
    port = 8731
    folder = write(harness.scratch(), index_dot_html="served\n")
    host = harness.start_host([harness.PYTHON, "-m", "http.server", str(port)], POLICY,
                              ["--publish", str(port)], cwd=folder)
    try:
        done = subprocess.run(["curl", "-sS", "--retry", "50", "--retry-all-errors", "--retry-delay", "0",
                               "--retry-max-time", "15", f"http://127.0.0.1:{port}/index.html"],
                              capture_output=True, text=True, check=False,
                              env=harness.clean_environment(), timeout=30)
        expect(done.stdout == "served\n", done)
    finally:
        host.terminate()
        host.communicate(timeout=20)


@test("a daemon that outlives the program that started it connects, and ends with the box")
def _daemon():
    script = ("(setsid sh -c 'sleep 1; curl -sS http://%s/hello > answer; echo over > over; sleep 60' "
              "< /dev/null > /dev/null 2>&1 &)\n"
              "until [ -e over ]; do sleep 0.1; done; cat answer" % API)
    with harness.nothing_left():
        works(script, "", cwd=harness.scratch())
        result = works(script, "", cwd=harness.scratch())
    expect(result.out.strip() != "", result)


@test("chromium makes a screenshot of a page")
def _chromium():
    need("chromium")
    folder = write(harness.scratch(), page_dot_html="<h1>hello</h1>")
    result = harness.run_host(
        ["/bin/bash", "-c", "export HOME=/tmp; chromium --headless --no-sandbox --disable-gpu "
         "--user-data-dir=/tmp/profile --screenshot=$PWD/out.png file://$PWD/page.html > log 2>&1; "
         "head -c 8 out.png | od -An -c"], world.policy(API, read_only=["/proc", "/sys"]),
        cwd=folder, timeout=90)
    expect("P   N   G" in result.out, result)


WORLD = world.World()
harness.main()
