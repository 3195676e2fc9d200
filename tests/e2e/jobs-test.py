# SPDX-License-Identifier: Apache-2.0
"""The host as a job of a real shell: stopped, continued, interrupted and hung up with its program."""
import os
import re
import shutil
import signal
import subprocess
import time

import harness
import screen
import world
from harness import Skip, expect, test

POLICY = world.policy(read_only=["/proc"])
DASH = ("dash", "-i")


def shells():
    return [screen.Shell(POLICY), screen.Shell(POLICY, DASH)]


def needs(program):
    if shutil.which(program, path=harness.PATH) is None:
        raise Skip(f"there is no {program}")


@test("Ctrl-Z in an editor gives the shell its terminal back, and fg draws the screen anew")
def _editor():
    needs("vim")
    with screen.Shell(POLICY) as shell:
        shell.enter("run vim -u NONE -i NONE text")
        shell.read_until('"text" [New')
        shell.forget()
        shell.type("ihello\x1b\x1a")
        shown = shell.ends()
        # The alternate screen is left before the shell speaks.
        expect("\x1b[?1049l" in shown and "Stopped" in shown.split("\x1b[?1049l")[1], repr(shown))
        expect("newlines" in shell.modes(), shell.modes())
        shell.resize(30, 90)
        shell.enter("fg")
        shell.read_until("\x1b[?1049h")
        shell.read_until("hello")
        shell.read_until("~")
        shell.wait_for_modes(lambda modes: not modes, "the terminal is not raw again")
        shell.type(":x\n")
        shell.ends()
        expect("0" in shell.does("echo $?"), shell.screen)
        with open(os.path.join(shell.folder, "text"), encoding="utf-8") as stream:
            expect(stream.read() == "hello\n")


@test("a program that stops itself or its group is a stopped job of bash and of dash, and goes on")
def _stops_itself():
    stops = ("kill -TSTP 0", "kill -STOP $$", "kill -TSTP $$", "kill -TTIN $$")
    for shell, number in zip(shells(), (4, 2)):
        with shell:
            for stop in stops[:number]:
                shown = shell.does(f"run sh -c '{stop}; echo it \"goes\" on'")
                expect("topped" in shown and "it goes on" not in shown, stop, shown)
                shown = shell.does("fg")
                expect("it goes on" in shown, stop, repr(shown))
            shell.does("run sh -c 'kill -STOP $$; echo it \"goes\" on'")
            shell.enter("bg")
            shell.read_until("it goes on")


@test("Ctrl-Z stops every program of a pipeline, and fg continues every one")
def _pipeline():
    with screen.Shell(POLICY) as shell:
        for line in ("run sh -c 'sleep 0.8; echo in' | sed s/in/out/",
                     "sh -c 'sleep 0.8; echo in' | run sed s/in/out/"):
            shell.enter(line)
            time.sleep(0.4)
            shell.type("\x1a")
            shown = shell.ends()
            expect("Stopped" in shown, line, repr(shown))
            shown = shell.does("fg")
            expect("out\r\n" in shown, line, repr(shown))


@test("a shell of the box stops its own jobs, and is stopped by its own word")
def _shell_inside():
    with screen.Shell(POLICY) as shell:
        shell.enter("run bash --norc -i")
        shell.read_until("bash-")
        shell.type("sleep 50\n")
        time.sleep(0.3)
        shell.type("\x1a")
        shell.read_until("Stopped")
        shell.forget()
        shell.type("suspend\n")
        expect("Stopped" in shell.ends(), shell.screen)
        shell.enter("fg")
        shell.type("jobs\n")
        shell.read_until("sleep 50")
        shell.type("kill -9 %1; sleep 0.2; exit 3\n")
        shell.ends()
        expect("3\r\n" in shell.does("echo $?"), shell.screen)


@test("in the background a program may write, and is stopped when it reads or draws, until fg")
def _background():
    with screen.Shell(POLICY) as shell:
        shell.does("set +m; set -m")
        shell.enter("run sh -c 'echo it \"writes\"' &")
        shell.read_until("it writes")
        shell.does("wait")
        shell.enter("run sh -c 'read line; echo got \"$line\"' &")
        harness.wait_until(lambda: "Stopped" in shell.does("jobs"), 5, "it is not stopped")
        shell.enter("fg")
        time.sleep(0.1)
        shell.type("something\n")
        expect("got something" in shell.ends(), shell.screen)
        shell.enter(f"run {harness.PYTHON} -I -c 'import tty; tty.setraw(0, 0); print(input())' &")
        harness.wait_until(lambda: "Stopped" in shell.does("jobs"), 5, "it is not stopped")
        shell.enter("fg")
        shell.wait_for_modes(lambda modes: not modes, "the terminal is not raw")
        shell.type("more\n")
        shell.read_until("more")
        shell.ends()


def start(command, *options, **keywords):
    """In a process group of its own, whose parent is of the same session, as a shell does it."""
    keywords.setdefault("preexec_fn", os.setpgrp)
    return harness.start_host(command, POLICY, ["--quiet", *options], **keywords)


def stop_signal(process, seconds=10):
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        pid, status = os.waitpid(process.pid, os.WNOHANG | os.WUNTRACED)
        if pid:
            expect(os.WIFSTOPPED(status), "it ended", status)
            return os.WSTOPSIG(status)
        time.sleep(0.01)
    raise AssertionError(f"it is not stopped: {harness.all_processes()}")


@test("without a terminal a program that stops is seen by whoever waits for the host, and goes on")
def _no_terminal():
    for stop, number in (("kill -STOP $$", signal.SIGSTOP), ("kill -TSTP 0", signal.SIGTSTP),
                         ("kill -TTOU $$", signal.SIGTTOU)):
        process = start(["sh", "-c", f"{stop}; echo on"])
        expect(stop_signal(process) == number, stop)
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=10)
        expect(out == b"on\n" and process.returncode == 0, stop, out, err, process.returncode)
    process = start(["sh", "-c", "echo up; sleep 0.3; echo on"])
    expect(process.stdout.readline() == b"up\n")
    # A shell that waits for a vfork(2) stops for nobody, with or without a host.
    time.sleep(0.1)
    process.send_signal(signal.SIGTSTP)
    expect(stop_signal(process) == signal.SIGTSTP, "a stop of the host is the program's as well")
    process.send_signal(signal.SIGCONT)
    expect(process.communicate(timeout=10)[0] == b"on\n", process.returncode)


@test("where nobody could continue it, SIGTSTP stops nothing, as for any orphaned process group")
def _orphaned():
    for command in ("kill -TSTP 0; echo on", "kill -TSTP $$; echo on"):
        process = start(["sh", "-c", command], preexec_fn=os.setsid)
        out, err = process.communicate(timeout=10)
        expect(out == b"on\n" and process.returncode == 0, command, out, err)


@test("--timeout holds for a run that is stopped")
def _timeout():
    with harness.nothing_left():
        began = time.monotonic()
        process = start(["sh", "-c", "kill -STOP $$; sleep 9"], "--timeout", "1")
        expect(stop_signal(process) == signal.SIGSTOP)
        expect(process.wait(8) == 124, process.returncode)
        expect(0.9 < time.monotonic() - began < 5, time.monotonic() - began)
        process.communicate()


@test("a program that is stopped and then continued or killed from within takes the host along")
def _from_within():
    for what, code, written in (("CONT", 0, b"on\n"), ("KILL", -9, b"")):
        process = start(["sh", "-c", f"(sleep 0.3; kill -{what} $$) & kill -STOP $$; echo on"])
        expect(stop_signal(process) == signal.SIGSTOP)
        out, err = process.communicate(timeout=10)
        expect((process.returncode, out) == (code, written), what, process.returncode, out, err)


@test("a loop ends at Ctrl-C, in an interactive shell and in a script, and so does a kill -INT")
def _loop():
    loop = "for i in 1 2 3; do echo turn $i; run sleep 9; done; echo after''wards"
    for shell, lines in zip(shells(), ((loop, "sh loop", "bash loop"), (loop,))):
        with shell:
            with open(os.path.join(shell.folder, "loop"), "w", encoding="utf-8") as stream:
                stream.write(loop + "\n")
            for line in lines:
                shell.enter(line)
                harness.wait_until(lambda: len(is_running("sleep 9")) == 2, 10, "it does not start")
                shell.type("\x03")
                shown = shell.ends()
                expect("turn 2" not in shown and "afterwards" not in shown, line, repr(shown))
            shell.enter(loop)
            harness.wait_until(lambda: len(is_running("sleep 9")) == 2, 10, "it does not start")
            os.kill(min(is_running("sleep 9")), signal.SIGINT)
            shown = shell.ends()
            expect("turn 2" not in shown, repr(shown))


@test("the host ends by the signal that ended its program, without a core, and cleans up before")
def _by_signal():
    for number in (2, 9, 11, 13, 34):
        path = os.path.join(harness.scratch(), "events")
        process = start(["sh", "-c", f"kill -{number} $$"],
                        "--events", path)
        out, err = process.communicate(timeout=10)
        expect(process.returncode == -number, number, process.returncode, out, err)
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
        for topic in ("process.exited", "box.closed", "host.stopping"):
            expect(topic in text, number, topic)
    command = harness.host_command(["sh", "-c", "kill -SEGV $$"], POLICY, ["--quiet"])
    done = subprocess.run(["bash", "-c", 'ulimit -c unlimited 2> /dev/null; "$@"; echo $?', "x",
                           *command], capture_output=True, text=True, check=False, timeout=10,
                          cwd=harness.scratch(), env=harness.clean_environment())
    expect(done.stdout == "139\n" and "core dumped" not in done.stderr, done)


@test("as the first process of a PID namespace, which no signal of its own ends, it ends with 128+n")
def _first_process():
    command = harness.host_command(["sh", "-c", "kill -TERM $$"], POLICY, ["--quiet"])
    words = ["unshare", "--fork", "--pid", "--mount-proc", *command]
    if not harness.IS_ROOT:
        words[1:1] = ["--user", "--map-current-user"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=10,
                          cwd=harness.scratch(), env=harness.clean_environment())
    expect(done.returncode == 143, done)


def is_running(name):
    return [pid for pid, command in harness.all_processes().items() if name in command]


def ends(name, seconds=8):
    harness.wait_until(lambda: not is_running(name), seconds, f"{name} lives on {is_running(name)}")


def hang_up_shell(shell):
    os.kill(shell.pid, signal.SIGHUP)


def hang_up_window(shell):
    shell.hang_up()


def hang_up_inner_shell(shell):
    os.kill(int(re.search(r"inner=(\d+)", shell.screen)[1]), signal.SIGHUP)


@test("a shell that is hung up takes the run along, with its terminal or without, and a shell within")
def _hung_up():
    running = []
    for number, (hang_up, before) in enumerate(((hang_up_shell, ""), (hang_up_window, ""),
                                                (hang_up_window, "bash --norc -i\n"),
                                                (hang_up_inner_shell, "bash --norc -i\n"))):
        # A shell within may meet the end of its input first, and then tells no background job.
        for suffix in ("",) if before and hang_up is hang_up_window else ("", " &"):
            shell = screen.Shell(POLICY)
            if before:
                shell.type(before + "echo inner=$$\n")
                harness.wait_until(lambda s=shell: re.search(r"inner=\d", s.read_for(0.1)), 10,
                                   "there is no inner shell")
            name = f"sleep 30{number}{len(suffix)}"
            shell.type(f"run {name}{suffix}\n")
            running.append((shell, hang_up, name))
    for shell, hang_up, name in running:
        harness.wait_until(lambda n=name: len(is_running(n)) == 2, 10, f"{name} does not start")
    for shell, hang_up, name in running:
        hang_up(shell)
    for shell, hang_up, name in running:
        ends(name)
        with shell:
            pass


@test("a hangup ends a program that ignores it as well, and one that is stopped; nohup keeps a run")
def _hung_up_unwilling():
    with screen.Shell(POLICY) as shell, screen.Shell(POLICY) as keeper:
        shell.does("run sh -c 'kill -STOP $$; sleep 401'")
        shell.enter("run sh -c 'trap \"\" HUP; sleep 402; sleep 402'")
        keeper.enter("nohup ./run sleep 403 > /dev/null 2>&1 &")
        # The host, the program and what it has started.
        for name, count in (("sleep 402", 3), ("sleep 403", 2)):
            harness.wait_until(lambda n=name, c=count: len(is_running(n)) == c, 10,
                               f"{name} does not start")
        os.kill(keeper.pid, signal.SIGHUP)
        os.kill(shell.pid, signal.SIGHUP)
        ends("sleep 401")
        ends("sleep 402", 5)
        kept = is_running("sleep 403")
        expect(len(kept) == 2, "nohup was not obeyed", kept)
        os.kill(min(kept), signal.SIGTERM)
        ends("sleep 403")


@test("kill -HUP that a person types in the shell of the run reads the policy and ends nothing")
def _reload():
    with screen.Shell(POLICY, options=()) as shell:
        shell.enter("run sleep 501 &")
        harness.wait_until(lambda: len(is_running("sleep 501")) == 2, 10, "it does not start")
        shell.enter("kill -HUP %1")
        shell.read_until("policy")
        time.sleep(2.3)
        expect(len(is_running("sleep 501")) == 2, shell.screen)
        shell.enter("kill %1")
        ends("sleep 501")


harness.main()
