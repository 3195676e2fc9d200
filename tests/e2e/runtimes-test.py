# SPDX-License-Identifier: Apache-2.0
"""Language runtimes take the system calls that are refused as calls that are not there."""
import os
import shutil

import harness
import world
from harness import Skip, expect, test

POLICY = world.policy()


def need(program):
    if shutil.which(program, path=harness.PATH) is None:
        raise Skip(f"{program} is not installed")


@test("glibc and Python: threads, processes and event loops start without clone3 and pidfd_open")
def _python():
    result = harness.run_python(
        "import asyncio, multiprocessing, os, subprocess, threading\n"
        "ran = []\n"
        "thread = threading.Thread(target=lambda: ran.append(1)); thread.start(); thread.join()\n"
        "print('thread', ran)\n"
        "print('child', subprocess.run(['echo', 'hi'], capture_output=True).stdout)\n"
        "print('spawn', os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)[1])\n"
        "async def main():\n"
        "    child = await asyncio.create_subprocess_exec('true')\n"
        "    print('asyncio', await child.wait())\n"
        "asyncio.run(main())\n"
        "with multiprocessing.Pool(2) as pool: print('pool', pool.map(abs, [-1, -2]))\n", POLICY)
    expect(result.code == 0, result)
    expect(result.out.splitlines() == ["thread [1]", "child b'hi\\n'", "spawn 0", "asyncio 0",
                                       "pool [1, 2]"], result)


@test("Python's ctypes makes callbacks without memfd_create, and lists network interfaces")
def _libffi():
    result = harness.run_python(
        "import ctypes, socket\n"
        "back = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda n: n + 1)\n"
        "print(back(41), 'lo' in [name for _, name in socket.if_nameindex()])\n", POLICY)
    expect(result.code == 0 and result.out.split() == ["42", "True"], result)


@test("Node: files, workers, children and interfaces without io_uring and clone3")
def _node():
    need("node")
    folder = harness.scratch()
    with open(os.path.join(folder, "all.js"), "w", encoding="utf-8") as stream:
        stream.write(
            "const fs = require('fs/promises'), os = require('os');\n"
            "const { execFile } = require('child_process');\n"
            "const { Worker } = require('worker_threads');\n"
            "(async () => {\n"
            "  await Promise.all([...Array(20).keys()].map(n => fs.writeFile('f' + n, 'x')));\n"
            "  console.log('files', (await fs.readFile('f19')).toString());\n"
            "  await new Promise(done => new Worker('1', { eval: true }).on('exit', done));\n"
            "  console.log('worker');\n"
            "  await new Promise(done => execFile('/bin/echo', ['hi'], (e, out) => {\n"
            "    console.log('child', out.trim()); done(); }));\n"
            "  console.log('interfaces', Object.keys(os.networkInterfaces()).join());\n"
            "})();\n")
    result = harness.run_host([shutil.which("node", path=harness.PATH), "all.js"],
                              world.policy(read_write=[folder]), cwd=folder,
                              env=harness.clean_environment(UV_USE_IO_URING="1"),
                              options=["--set", "process.pass-environment=UV_USE_IO_URING"])
    expect(result.code == 0, result)
    expect(result.out.splitlines() == ["files x", "worker", "child hi", "interfaces lo"], result)


@test("Java: threads and children")
def _java():
    need("java")
    folder = harness.scratch()
    with open(os.path.join(folder, "All.java"), "w", encoding="utf-8") as stream:
        stream.write(
            "public class All { public static void main(String[] a) throws Exception {\n"
            "  Thread t = new Thread(() -> System.out.println(\"thread\")); t.start(); t.join();\n"
            "  Process p = new ProcessBuilder(\"/bin/true\").start();\n"
            "  System.out.println(\"child \" + p.waitFor()); } }\n")
    result = harness.run_host(["java", "-Xshare:auto", "All.java"], world.policy(), cwd=folder)
    if "javac" in result.err or "compiler" in result.err or "tools.jar" in result.err:
        raise Skip("java has no compiler here")
    expect(result.code == 0 and result.out.split("\n")[:2] == ["thread", "child 0"], result)


@test("a call that the configuration allows works, is named in the start line and in box.opened")
def _exception():
    program = ["python3", "-c", "import os\n"
               "try: os.close(os.pidfd_open(os.getpid())); print('opened')\n"
               "except OSError as error: print(error.errno)\n"]
    control = harness.run_host(program, POLICY)
    expect(control.code == 0 and control.out.strip() == "1", control)
    expect("strict" in control.err and "allowing" not in control.err, control)
    result = harness.run_recorded(program, POLICY,
                                  options=["--set", "process.seccomp-allow=pidfd_open"])
    expect(result.code == 0 and result.out.strip() == "opened", result)
    expect("openshell: degraded" in result.err and "allowing pidfd_open" in result.err, result)
    (opened,) = result.events("box.opened")
    expect("pidfd_open" in str(opened), opened)


@test("an exception that is no refused call is an error that names the near one; nothing runs")
def _bad_exception():
    result = harness.run_host(["echo", "RAN"], POLICY,
                              options=["--set", "process.seccomp-allow=ptrce"])
    expect(result.code == 125 and "RAN" not in result.out, result)
    expect("did you mean ptrace?" in result.err, result)


@test("without internet sockets the box has not even its own loopback, and says so")
def _no_internet_sockets():
    result = harness.run_python(
        "import socket\n"
        "socket.socketpair()\n"
        "for family in (socket.AF_INET, socket.AF_INET6):\n"
        "    try: socket.socket(family); print('MADE')\n"
        "    except OSError as error: print(error.errno)\n", POLICY,
        options=["--set", "process.refuse-internet-sockets=true"])
    expect(result.code == 0 and result.out.split() == ["1", "1"], result)
    expect("no internet sockets" in result.err, result)


@test("both filters and no_new_privs hold with and without the network, in what a program starts")
def _both_filters():
    # A third one notifies the host of connect(2), where there is somewhere to connect to.
    for options, filters in (([], 3), (["--set", "process.identity=scan"], 2),
                             (["--disable", "network"], 2),
                             (["--set", "process.refuse-internet-sockets=true"], 3)):
        result = harness.run_shell("sh -c 'cat /proc/self/status'", POLICY, options=options)
        expect(result.code == 0 and f"Seccomp_filters:\t{filters}\n" in result.out, options, result)
        expect("NoNewPrivs:\t1\n" in result.out and "Seccomp:\t2\n" in result.out, result)


@test("once the box is open every thread of the host is under a filter and gains no privileges")
def _host_filter():
    host = harness.start_host(["sleep", "5"], POLICY)
    try:
        harness.wait_until(lambda: "sleep 5 " in harness.all_processes().values(), 5,
                           "the program does not start")
        folder = f"/proc/{host.pid}/task"
        threads = os.listdir(folder)
        expect(len(threads) > 1, threads)
        for thread in threads:
            with open(f"{folder}/{thread}/status", encoding="utf-8") as stream:
                status = stream.read()
            expect("\nNoNewPrivs:\t1\n" in status and "\nSeccomp:\t2\n" in status, status)
    finally:
        host.kill()
        host.communicate()


harness.main()
