# SPDX-License-Identifier: Apache-2.0
"""The harness itself: nothing is left in shared folders, and a sanitizer's report is noticed."""
import os
import shutil
import signal
import subprocess
import textwrap
import time

import harness
from harness import Skip, expect, test

OUTER_WORLD = os.path.join(harness.BUILD, "tests/e2e/outer-world")
PRELUDE = """
import os, subprocess, sys, time
import harness
from harness import test

def say(folder):
    print("made", folder, flush=True)
    return folder

"""


def program(body):
    """A file of tests, as tests/e2e has them."""
    path = os.path.join(harness.scratch(), "sample-test.py")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(PRELUDE + textwrap.dedent(body) + "\nharness.main()\n")
    return ["/usr/bin/python3", "-B", path]


def environment(**more):
    return dict(os.environ, PYTHONPATH=os.path.join(harness.SOURCE, "tests/e2e"), **more)


def run(body, **more):
    """Runs such a file to its end; returns it and the folders that it said it made."""
    done = subprocess.run(program(body), env=environment(**more), capture_output=True, text=True,
                          check=False, timeout=30)
    folders = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("made ")]
    return done, folders


def expect_nothing(done, folders, count):
    expect(len(folders) == count, done)
    expect(not any(os.path.lexists(folder) for folder in folders), done)


@test("a folder of a test is removed when it passes, fails, raises or ends the program")
def _endings():
    for last, code in (("pass", 0), ("harness.expect(False)", 1), ("raise OSError('x')", 1),
                       ("sys.exit(3)", 3)):
        done, folders = run(f"""
            @test("one")
            def _one():
                say(harness.scratch())
                say(harness.scratch_in("/var/tmp"))
                say(harness.scratch_in("/dev/shm"))
                {last}
            """)
        expect(done.returncode == code, code, done)
        expect_nothing(done, folders, 3)


@test("a folder that was made while the file was read is removed when that fails")
def _import():
    done, folders = run("""
        say(harness.scratch_in("/var/tmp"))
        raise RuntimeError("the fixture cannot be made")
        """)
    expect(done.returncode == 1 and "the fixture" in done.stderr, done)
    expect_nothing(done, folders, 1)


@test("a folder that nobody may enter is removed with what is in it")
def _modes():
    done, folders = run("""
        @test("one")
        def _one():
            outer = say(harness.scratch_in("/var/tmp"))
            os.mkdir(outer + "/a")
            os.chmod(outer, 0)
            folder = say(harness.scratch())
            os.makedirs(folder + "/a/b/c")
            open(folder + "/a/b/c/file", "w").close()
            os.symlink("/", folder + "/a/link")
            os.symlink("/nowhere", folder + "/a/b/dangling")
            for name in ("/a/b/c", "/a/b", "/a", ""):
                os.chmod(folder + name, 0)
        """)
    expect(done.returncode == 0, done)
    expect_nothing(done, folders, 2)


@test("what a test makes in a shared folder by itself is named, removed, and fails the run")
def _named():
    for place in ("/tmp", "/var/tmp", "/dev/shm"):
        for make in ("os.mkdir(path)", "open(path, 'w').close()", "tempfile.mkdtemp(prefix=path)",
                     "os.makedirs(path + '/below')", "bind(path)"):
            path = f"{place}/osh-left-{os.urandom(8).hex()}"
            done, _ = run(f"""
                import socket, tempfile

                def bind(path):
                    socket.socket(socket.AF_UNIX).bind(path)

                @test("one")
                def _one():
                    path = {path!r}
                    {make}
                """)
            expect(done.returncode == 1 and f"# left behind: {path}" in done.stdout, make, done)
            expect(not [name for name in os.listdir(place) if name.startswith(path[len(place) + 1:])])


@test("what was in a shared folder before is neither named nor removed")
def _before():
    folder = harness.scratch_in("/var/tmp")
    done, _ = run(f"""
        @test("one")
        def _one():
            os.mkdir({folder!r} + "/new")
        """)
    expect(done.returncode == 0 and os.path.isdir(folder + "/new"), done)


@test("a run that is ended from outside removes its folders, in its world too")
def _signals():
    body = """
        @test("one")
        def _one():
            say(harness.scratch())
            say(harness.scratch_in("/var/tmp"))
            subprocess.run(["sleep", "60"])
        """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        for before in ([], [OUTER_WORLD]):
            with subprocess.Popen(before + program(body), env=environment(), text=True,
                                  stdout=subprocess.PIPE, start_new_session=True) as running:
                folders = []
                while len(folders) < 2:
                    line = running.stdout.readline()
                    expect(line, "it ended too early")
                    folders += line.split()[1:] if line.startswith("made ") else []
                expect(all(os.path.isdir(folder) for folder in folders), folders)
                began = time.monotonic()
                # To all of them, as meson and a terminal send it; then to the world alone.
                os.killpg(running.pid, number) if number != signal.SIGHUP else running.send_signal(
                    number)
                running.wait(timeout=10)
                took = time.monotonic() - began
            expect(running.returncode == 128 + number and took < 5, running.returncode, took)
            expect(not any(os.path.lexists(folder) for folder in folders), before, number)


FAULTS = {
    "address": ("address", "volatile char *p = malloc(8); free((void *)p); return p[argc] == 77;"),
    "undefined": ("undefined -fno-sanitize-recover=undefined",
                  "volatile int top = 2147483646 + argc; top += argc; return 0;"),
    "thread": ("thread", "pthread_t t; pthread_create(&t, 0, add, 0); add(0); pthread_join(t, 0);"
                         " return 0;"),
}


def compile_fault(name):
    options, body = FAULTS[name]
    path = os.path.join(harness.scratch(), name)
    text = ("#include <pthread.h>\n#include <stdlib.h>\nstatic int n;\n"
            "void *add(void *x) { for (int i = 0; i < 1000; i++) n++; return x; }\n"
            "int main(int argc, char **argv) { (void)argv; " + body + " }\n")
    done = subprocess.run(["gcc", "-w", "-g", "-O0", "-pthread", "-x", "c", "-",
                           *("-fsanitize=" + options).split(), "-o", path], input=text,
                          capture_output=True, text=True, check=False)
    expect(done.returncode == 0, done)
    return path


@test("a sanitizer's report fails the test that met it, though the test itself passes")
def _reports():
    if not shutil.which("gcc"):
        raise Skip("there is no gcc")
    for name in FAULTS:
        body = f"""
            @test("first")
            def _first():
                subprocess.run(["{compile_fault(name)}"], env=harness.clean_environment(),
                               stderr=subprocess.DEVNULL)

            @test("second")
            def _second():
                pass
            """
        done, _ = run(body, OSH_SANITIZED="1")
        expect(done.returncode == 1 and "not ok 1" in done.stdout, name, done)
        expect("a sanitizer reported:" in done.stdout and "\nok 2" in done.stdout, name, done)
        expect(name != "thread" or "data race" in done.stdout, done)


@test("a report that comes after the last test fails the file")
def _late():
    done, _ = run("""
        import reports

        @test("one")
        def _one():
            pass

        take = reports.take
        calls = []

        def take_late(build):
            calls.append(build)
            if len(calls) == 2:
                with open(os.path.join(reports._folder[0], "report.1"), "w") as stream:
                    stream.write("ERROR: AddressSanitizer: late")
            return take(build)

        reports.take = take_late
        """, OSH_SANITIZED="1")
    expect(done.returncode == 1 and "ok 1" in done.stdout and "late" in done.stdout, done)


harness.main()
