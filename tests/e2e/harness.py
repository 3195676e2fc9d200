# SPDX-License-Identifier: Apache-2.0
"""What every end-to-end test shares: named tests, TAP output, and running the host.

A test is a function marked with @test("the sentence it proves"). The environment says what is
tested: OSH_HOST (the executable, which finds the plugins of its own tree), OSH_SOURCE (the source
tree) and OSH_BUILD (the build tree). With OSH_SANITIZED the host is built with a sanitizer: a
report of it fails the test that ran meanwhile. Standard library only.

Whatever is made here in /tmp, /var/tmp or /dev/shm is removed at the end, also after a failure or
a SIGTERM. What a test makes there itself and leaves behind is named, removed, and fails the run.
"""
import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import reports

HOST = os.environ.get("OSH_HOST", "openshell-host")
SOURCE = os.environ.get("OSH_SOURCE", os.getcwd())
BUILD = os.environ.get("OSH_BUILD", "")
PLUGINS = os.path.join(os.path.dirname(os.path.dirname(HOST)), "plugins")
IS_ROOT = os.geteuid() == 0
PYTHON = "/usr/bin/python3"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SLOWER = 4 if os.environ.get("OSH_SANITIZED") else 1     # a sanitized host
TEST_SECONDS = 40 * SLOWER
SHARED_PLACES = ("/tmp", "/var/tmp", "/dev/shm")

_tests = []
_pid = os.getpid()
_folders = []       # removed at the end
_there_before = {os.path.join(place, name) for place in SHARED_PLACES if os.path.isdir(place)
                 for name in os.listdir(place)}
_made = set()       # entries of SHARED_PLACES that this program made


def _note_made(event, arguments):
    """An audit hook: sees each file, folder and socket that this interpreter makes."""
    if event == "os.mkdir":
        path = arguments[0]
    elif event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT:
        path = arguments[0]
    elif event == "socket.bind":
        path = arguments[1]
    else:
        return
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not isinstance(path, str):
        return
    for place in SHARED_PLACES:
        if path.startswith(place + "/"):
            entry = os.path.join(place, path[len(place) + 1:].split("/")[0])
            if entry not in _there_before:
                _made.add(entry)


sys.addaudithook(_note_made)


class Skip(Exception):
    """Raised by a test that cannot be made here; the reason is shown."""


class _TooLong(Exception):
    pass


def test(sentence):
    def mark(function):
        _tests.append((sentence, function))
        return function
    return mark


def expect(condition, *evidence):
    """Fails the running test with the evidence unless the condition holds."""
    if not condition:
        raise AssertionError("\n".join(str(piece) for piece in evidence) or "expectation failed")


def shell_code(code):
    """What a shell shows as $? of a process that ended with `code`: 128+n where signal n ended it,
    which is -n to subprocess."""
    return 128 - code if code is not None and code < 0 else code


class Result:
    """How a run of the host ended."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = shell_code(code), out, err, seconds
        self.recorded = []

    def __str__(self):
        return (f"exit code {self.code} after {self.seconds:.2f} s\n"
                f"--- stdout\n{self.out}\n--- stderr\n{self.err}---")

    def denials(self):
        return [line for line in self.err.splitlines() if "DENIED" in line]

    def events(self, topic):
        """The payloads that --events wrote for a topic, oldest first; see run_recorded()."""
        return [event for event in self.recorded if event["topic"] == f"openshell.{topic}/1"]


def scratch():
    """A new folder that everybody may write to, removed at the end of the program."""
    folder = private_scratch()
    open_up(folder)
    return folder


def private_scratch():
    """The same, writable by us alone: what the host loads must not be anybody else's."""
    folder = tempfile.mkdtemp(prefix="osh-e2e-", dir=_root())
    os.chmod(folder, 0o755)
    return folder


def scratch_in(place, mode=0o700):
    """A new folder directly in @place, of that mode, removed at the end of the program."""
    folder = tempfile.mkdtemp(prefix="osh-e2e-", dir=place)
    _folders.append(folder)
    os.chmod(folder, mode)
    return folder


def open_up(folder):
    """Lets everybody write there: as root the box's programs run as another user."""
    for place, _, names in os.walk(folder):
        os.chmod(place, 0o777)
        for name in names:
            os.chmod(os.path.join(place, name), 0o666)


_scratch_root = []


def _root():
    if not _scratch_root:
        _scratch_root.append(scratch_in(tempfile.gettempdir(), 0o755))
    return _scratch_root[0]


def _remove(path):
    """Removes a folder whatever its modes are, or a file."""
    if os.path.islink(path) or not os.path.isdir(path):
        if os.path.lexists(path):
            os.unlink(path)
        return
    os.chmod(path, 0o700)
    for place, names, _ in os.walk(path):
        for name in names:
            inner = os.path.join(place, name)
            if not os.path.islink(inner):
                try:
                    os.chmod(inner, 0o700)
                except OSError:
                    pass
    shutil.rmtree(path, ignore_errors=True)


def clean_up():
    """Removes what this program made in SHARED_PLACES; returns what was not ours to remove."""
    if os.getpid() != _pid:
        return []
    for folder in _folders:
        try:
            _remove(folder)
        except OSError:
            pass
    _folders.clear()
    left = sorted(entry for entry in _made if os.path.lexists(entry))
    _made.clear()
    for entry in left:
        try:
            _remove(entry)
        except OSError:
            pass
    return left


atexit.register(clean_up)

if os.environ.get("OSH_SANITIZED"):
    reports.begin(os.path.join(_root(), "reports"))


def clean_environment(**more):
    """What a login shell would have: nothing of meson's, no proxy variable."""
    environment = {"PATH": PATH, "HOME": home(), "LANG": "C.UTF-8", "TERM": "dumb"}
    for name in reports.VARIABLES:
        if name in os.environ:
            environment[name] = os.environ[name]
    environment.update(more)
    return environment


_home = []


def home():
    if not _home:
        folder = os.path.join(_root(), "home")
        os.makedirs(folder, exist_ok=True)  # a child of ours may have been the first to ask
        with open(os.path.join(folder, "private.txt"), "w", encoding="utf-8") as stream:
            stream.write("home sweet home\n")
        _home.append(folder)
    return _home[0]


def host_command(command, policy=None, options=()):
    """The argument list of a run. `policy` is a path, or the text of one (it has a newline)."""
    arguments = [HOST]
    if policy is not None:
        arguments += ["--policy", policy if "\n" not in policy else write_policy(policy)]
    arguments += options
    if command is not None:
        arguments += ["--", *command]
    return arguments


def write_policy(text):
    path = os.path.join(scratch(), "policy.yaml")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    return path


def start_host(command, policy=None, options=(), cwd=None, env=None, **popen):
    popen.setdefault("stdin", subprocess.DEVNULL)
    popen.setdefault("stdout", subprocess.PIPE)
    popen.setdefault("stderr", subprocess.PIPE)
    return subprocess.Popen(host_command(command, policy, options), cwd=cwd or scratch(),
                            env=env or clean_environment(), **popen)


def run_host(command, policy=None, options=(), cwd=None, env=None, stdin=None, timeout=20):
    """Runs the host to its end."""
    timeout *= SLOWER
    began = time.monotonic()
    try:
        done = subprocess.run(host_command(command, policy, options), cwd=cwd or scratch(),
                              env=env or clean_environment(), timeout=timeout, check=False,
                              input=stdin if stdin is not None else b"", capture_output=True)
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"the host did not end within {timeout} s\n--- stdout\n"
                             f"{error.stdout}\n--- stderr\n{error.stderr}") from None
    return Result(done.returncode, done.stdout.decode("utf-8", "replace"),
                  done.stderr.decode("utf-8", "replace"), time.monotonic() - began)


def run_recorded(command, policy=None, options=(), **keywords):
    """Like run_host(), with every bus event in the result's `recorded`."""
    path = os.path.join(scratch(), "events.jsonl")
    result = run_host(command, policy, ["--events", path, *options], **keywords)
    with open(path, encoding="utf-8") as stream:
        result.recorded = [json.loads(line) for line in stream]
    return result


def run_shell(script, policy=None, **keywords):
    return run_host(["/bin/sh", "-c", script], policy, **keywords)


def run_python(script, policy=None, **keywords):
    return run_host([PYTHON, "-I", "-c", script], policy, **keywords)


def install(prefix):
    """Installs the build below `prefix`, as `meson install --destdir` does."""
    if not os.access(os.path.join(BUILD, "meson-logs"), os.W_OK):
        raise Skip("meson writes a log in the build, which belongs to another user")
    done = subprocess.run(["/usr/bin/meson", "install", "-C", BUILD, "--no-rebuild", "--quiet",
                           "--destdir", prefix], capture_output=True, text=True, check=False,
                          env={"PATH": PATH, "HOME": home(), "LANG": "C.UTF-8"}, timeout=60)
    expect(done.returncode == 0, done.stdout, done.stderr)


def all_processes():
    """Every process of this world (the outer world is a PID namespace of its own)."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stream:
                    text = stream.read()
                with open(f"/proc/{name}/cmdline", "rb") as stream:
                    command = stream.read().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            if text[text.rindex(")") + 2] not in "ZX":
                found[int(name)] = command
    return found


def wait_until(condition, seconds, what):
    limit = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < limit, f"after {seconds} s: {what}")
        time.sleep(0.02)


class nothing_left:
    """A context that fails when processes, mounts or network namespaces outlive it."""

    def __enter__(self):
        self.before = set(all_processes())
        self.mounts = mounts()

    def __exit__(self, kind, value, trace):
        if kind is not None:
            return
        limit = time.monotonic() + 3
        while left := {p: c for p, c in all_processes().items() if p not in self.before}:
            expect(time.monotonic() < limit, "processes are left behind:", left)
            time.sleep(0.02)
        expect(mounts() == self.mounts, "mounts are left behind:", mounts() - self.mounts)


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as stream:
        return set(stream)


def _alarm(_signal, _frame):
    raise _TooLong()


def _ended(number, _frame):
    """The test is given up, by meson at its time limit for one: nothing is waited for."""
    signal.signal(number, signal.SIG_IGN)
    clean_up()
    os._exit(128 + number)


def leave(failed):
    """Ends the program. Servers are daemon threads; nothing is worth waiting for."""
    left = clean_up()
    for entry in left:
        print(f"# left behind: {entry}")
    sys.stdout.flush()
    os._exit(1 if failed or left else 0)


def main():
    """Runs the marked tests, or those whose sentence contains an argument. TAP on stdout."""
    chosen = [entry for entry in _tests
              if len(sys.argv) < 2 or any(word in entry[0] for word in sys.argv[1:])]
    if not chosen:
        print("Bail out! no sentence has these words", flush=True)
        leave(True)
    print(f"1..{len(chosen)}", flush=True)
    failed = 0
    signal.signal(signal.SIGALRM, _alarm)
    for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ending, _ended)
    for number, (sentence, function) in enumerate(chosen, 1):
        began = time.monotonic()
        verdict, note, evidence = "ok", "", ""
        signal.alarm(TEST_SECONDS)
        try:
            function()
        except Skip as reason:
            note = f" # SKIP {reason}"
        except _TooLong:
            verdict, evidence = "not ok", f"did not end within {TEST_SECONDS} s"
        except AssertionError as error:
            place = traceback.extract_tb(error.__traceback__)[-2 if len(
                traceback.extract_tb(error.__traceback__)) > 1 else -1]
            verdict, evidence = "not ok", f"{place.filename}:{place.lineno}: {error}"
        except Exception:  # pylint: disable=broad-except
            verdict, evidence = "not ok", traceback.format_exc()
        signal.alarm(0)
        if reported := reports.take(BUILD):
            verdict, note, evidence = "not ok", "", "\n".join(filter(None, (evidence, reported)))
        failed += verdict != "ok"
        for line in evidence.splitlines():
            print(f"# {line}")
        print(f"{verdict} {number} - {sentence}{note}")
        print(f"# took {time.monotonic() - began:.2f} s", flush=True)
    # A host that was still ending when the last test was through.
    for line in reports.take(BUILD).splitlines():
        print(f"# {line}")
        failed += 1
    leave(bool(failed))
