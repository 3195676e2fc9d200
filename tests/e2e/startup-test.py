# SPDX-License-Identifier: Apache-2.0
"""What a start does not do: nothing is loaded, made or told of before a program can need it."""
import os
import subprocess

import harness
import world
from harness import expect, test

WORLD = world.World()
ECHO = f"{world.ADDRESS}:{world.ECHO_PORT}"
CONNECT = ("import socket, sys\n"
           "print('started', flush=True)\n"
           "sys.stdin.readline()\n"
           f"s = socket.create_connection(('{world.ADDRESS}', {world.ECHO_PORT}))\n"
           "s.sendall(b'hello')\n"
           "print(s.recv(5).decode(), flush=True)\n"
           "sys.stdin.readline()\n")


def code_of(pid):
    """The names of the files of which the process has code mapped."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as stream:
        return {os.path.basename(line.split()[5]) for line in stream
                if " r-xp " in line and "/" in line}


def around_a_connection(options=()):
    """Starts a host; returns its code before and after the first connection of its program."""
    host = harness.start_host([harness.PYTHON, "-I", "-c", CONNECT], world.policy(ECHO), ["--quiet", *options],
                              stdin=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said = host.stdout.readline()
        expect(said == "started\n", "the program does not start:", said)
        before = code_of(host.pid)
        host.stdin.write("\n")
        host.stdin.flush()
        expect(host.stdout.readline() == "hello\n", "the program does not connect")
        after = code_of(host.pid)
        host.stdin.close()
        expect(host.wait(10) == 0, "the program fails")
    finally:
        host.kill()
        host.wait()
    return before, after


def has(code, name):
    return any(entry.startswith(name) for entry in code)


@test("libcrypto is loaded by the first connection, and not before it")
def _lazy_libcrypto():
    before, after = around_a_connection()
    expect(has(before, "openshell-network.so") and has(before, "libglib"), before)
    expect(not has(before, "libcrypto") and has(after, "libcrypto"), before, after)
    for name in ("libssl", "libgio", "libselinux", "libmount", "openshell-network-tls"):
        expect(not has(after, name), name, after)


@test("libcrypto is loaded at the start where programs are to trust an authority of the run")
def _authority_loads():
    before, _ = around_a_connection(["--set", "network.tls=always"])
    expect(has(before, "libcrypto") and has(before, "libssl") and has(before, "openshell-network-tls.module"), before)


@test("what makes the authority is no plugin, is not taken from who could replace it, and its "
      "absence is told of where it is wanted alone")
def _module_file():
    folder = harness.private_scratch()
    for name in ("openshell-network.so", "openshell-network-tls.module"):
        source = os.path.join(harness.PLUGINS, "network", name)
        with open(source, "rb") as stream, open(os.path.join(folder, name), "wb") as copy:
            copy.write(stream.read())
    module = os.path.join(folder, "openshell-network-tls.module")
    own = ["--plugin-dir", folder]
    always = [*own, "--set", "network.tls=always"]
    listed = subprocess.run([harness.HOST, "plugins", *own], capture_output=True, text=True,
                            check=False, env=harness.clean_environment())
    expect(folder in listed.stdout and "network-tls" not in listed.stdout + listed.stderr, listed)
    script = ["/bin/sh", "-c", "test -s $SSL_CERT_FILE && echo $SSL_CERT_FILE"]
    result = harness.run_host(script, world.policy(), always)
    expect(result.out == "/run/openshell/ca-bundle.pem\n", result)
    os.chmod(module, 0o666)
    result = harness.run_host(["echo", "RAN"], world.policy(), always)
    expect(result.code == 125 and "can be replaced by another user" in result.err, result)
    os.unlink(module)
    result = harness.run_host(["echo", "RAN"], world.policy(), always)
    expect(result.code == 125 and "openshell-network-tls.module" in result.err, result)
    result = harness.run_host(["echo", "RAN"], world.policy(), own)
    expect(result.out == "RAN\n", result)


@test("network.tls is auto or always")
def _key():
    for value in ("", "never", "Always", "true"):
        result = harness.run_host(["echo", "RAN"], world.policy(),
                                  ["--set", f"network.tls={value}"])
        expect(result.code == 125 and "auto" in result.err and result.out == "", value, result)
    result = harness.run_host(["echo", "RAN"], world.policy(), ["--set", "network.tls=auto"])
    expect(result.out == "RAN\n", result)


harness.main()
