# SPDX-License-Identifier: Apache-2.0
"""How a run ends: exit codes, signals, and what is left when the host dies."""
import os
import signal
import stat
import subprocess
import time

import harness
import world
from harness import expect, test

POLICY = world.policy(f"{world.ADDRESS}:{world.API_PORT}")

# Double-forks, leaves its session, ignores every signal that can be ignored, closes everything.
SURVIVOR = """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(1, 32):
            try: signal.signal(number, signal.SIG_IGN)
            except OSError: pass
        os.closerange(0, 64)
        open('survivor-is-up', 'w').close()
        time.sleep(600)
    os._exit(0)
os.wait()
"""


@test("the program's exit code comes back, from 0 to 255")
def _exit_codes():
    for code in (0, 1, 42, 255):
        result = harness.run_shell(f"exit {code}", POLICY)
        expect(result.code == code, result)


@test("a program that a signal ends gives 128 and the signal")
def _signals():
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV):
        result = harness.run_shell(f"kill -{int(number)} $$", POLICY)
        expect(result.code == 128 + number, result)


@test("124 when the time is up, and nothing of the program is left")
def _timeout():
    with harness.nothing_left():
        result = harness.run_host(["sleep", "60"], POLICY, ["--timeout", "1"])
        expect(result.code == 124, result)
        expect(0.9 < result.seconds < 8, result)


@test("127 for a command that is not there, 126 for one that cannot be run, each said in a line")
def _not_run():
    folder = harness.scratch()
    with open(os.path.join(folder, "text"), "w", encoding="utf-8") as stream:
        stream.write("no program\n")
    for command, code in (("no-such-program-anywhere", 127), ("./missing", 127), ("./text", 126)):
        with harness.nothing_left():
            result = harness.run_host([command], POLICY, cwd=folder)
            expect(result.code == code, result)
            expect(os.path.basename(command) in result.err, result)


@test("standard input, output and error pass through, byte for byte")
def _streams():
    data = bytes(range(256)) * 4096
    done = subprocess.run(harness.host_command(["sh", "-c", "cat; echo over >&2"], POLICY),
                          input=data, capture_output=True, timeout=20, check=False,
                          cwd=harness.scratch(), env=harness.clean_environment())
    expect(done.returncode == 0 and done.stdout == data, done.returncode, len(done.stdout))
    expect(b"over\n" in done.stderr, done.stderr)


def started(process, folder, name="up"):
    path = os.path.join(folder, name)
    harness.wait_until(lambda: os.path.exists(path) or process.poll() is not None, 10,
                       f"{name} does not appear")
    if process.poll() is not None:
        raise AssertionError(process.communicate())


@test("SIGTERM and SIGINT to the host reach the program, whose exit code comes back")
def _forwarded():
    for number in (signal.SIGTERM, signal.SIGINT):
        folder = harness.scratch()
        with harness.nothing_left():
            process = harness.start_host(
                ["sh", "-c", f"trap 'exit 9' {int(number)}; touch up; "
                 "while :; do sleep 0.05; done"], POLICY, cwd=folder)
            started(process, folder)
            process.send_signal(number)
            out, err = process.communicate(timeout=15)
            expect(process.returncode == 9, process.returncode, out, err)


@test("a program that ignores SIGTERM is killed when its grace is over")
def _stubborn():
    folder = harness.scratch()
    with harness.nothing_left():
        process = harness.start_host(["sh", "-c", "trap '' 15; touch up; sleep 100; sleep 100"],
                                     POLICY, cwd=folder)
        started(process, folder)
        process.terminate()
        process.communicate(timeout=25)
        expect(process.returncode in (-15, -9), process.returncode)


@test("when the program ends, whatever it left running ends too")
def _orphans():
    folder = harness.scratch()
    with harness.nothing_left():
        result = harness.run_python(SURVIVOR + "\nimport sys\n"
                                    "while not os.path.exists('survivor-is-up'): time.sleep(0.01)\n"
                                    "sys.exit(3)\n", POLICY, cwd=folder)
        expect(result.code == 3, result)
        expect(os.path.exists(os.path.join(folder, "survivor-is-up")), result)


@test("kill -9 of the host ends everything in the box, also what left its session and ignores signals")
def _killed():
    folder = harness.scratch()
    with harness.nothing_left():
        process = harness.start_host(
            [harness.PYTHON, "-I", "-c", SURVIVOR + "\ntime.sleep(600)\n"], POLICY, cwd=folder)
        started(process, folder, "survivor-is-up")
        process.kill()
        process.communicate(timeout=10)
        expect(process.returncode == -signal.SIGKILL, process.returncode)


@test("kill -9 of the host while it starts leaves nothing either")
def _killed_early():
    with harness.nothing_left():
        for delay in (0.001, 0.003, 0.006, 0.01, 0.02, 0.04):
            process = harness.start_host(["sleep", "600"], POLICY)
            time.sleep(delay)
            process.kill()
            process.communicate(timeout=10)


@test("the event log holds the whole life of a run, one JSON line each")
def _events():
    result = harness.run_recorded(["sh", "-c", "exit 4"], POLICY)
    expect(result.code == 4, result)
    for topic in ("host.started", "box.opened", "process.started", "process.exited"):
        expect(len(result.events(topic)) == 1, topic, result.recorded)
    started_event = result.events("process.started")[0]["payload"]
    expect(started_event[3] == "entrypoint" and started_event[4].endswith("sh"), started_event)
    expect(result.events("process.exited")[0]["payload"][2] == 4, result.recorded)


@test("the event log is never followed through a link and is readable by its owner only")
def _events_file():
    folder = harness.scratch()
    target, link = os.path.join(folder, "target"), os.path.join(folder, "link")
    os.symlink(target, link)
    result = harness.run_host(["true"], POLICY, ["--events", link])
    expect(result.code == 125 and not os.path.exists(target), result)
    path = os.path.join(folder, "events.jsonl")
    result = harness.run_host(["true"], POLICY, ["--events", path])
    expect(result.code == 0, result)
    expect(stat.S_IMODE(os.stat(path).st_mode) == 0o600, oct(os.stat(path).st_mode))


@test("two runs at the same time do not disturb each other")
def _two():
    running = [harness.start_host(["sh", "-c", f"sleep 0.3; exit {code}"], POLICY)
               for code in (5, 6)]
    for process, code in zip(running, (5, 6)):
        out, err = process.communicate(timeout=15)
        expect(process.returncode == code, out, err)


@test("fifty short runs one after another leave nothing behind")
def _many():
    with harness.nothing_left():
        for _ in range(50):
            result = harness.run_host(["true"], POLICY)
            expect(result.code == 0, result)


harness.main()
