# SPDX-License-Identifier: Apache-2.0
"""A plugin built out of tree, against what is installed and nothing else."""
import os
import re
import shutil
import subprocess

import harness
from harness import expect, test


def built():
    """Copies plugins/example away from the tree, builds it there, returns the folder of the .so."""
    if hasattr(built, "folder"):
        return built.folder
    prefix, source, build = (harness.private_scratch() for _ in range(3))
    harness.install(prefix)
    for name in ("example.c", "meson.build"):
        shutil.copy(os.path.join(harness.SOURCE, "plugins/example", name), source)
    packages = [folder for folder, _, names in os.walk(prefix) if "openshell-1.pc" in names]
    environment = {"PATH": harness.PATH, "HOME": harness.home(), "LANG": "C.UTF-8",
                   "PKG_CONFIG_PATH": packages[0]}
    for command in (["meson", "setup", build, source], ["ninja", "-C", build]):
        done = subprocess.run(["/usr/bin/env", *command], env=environment, capture_output=True,
                              text=True, check=False, timeout=60)
        expect(done.returncode == 0, done.stdout, done.stderr)
    built.folder = build
    return build


POLICY = os.path.join(harness.SOURCE, "data/examples/demo.yaml")


@test("the example exports its entry and nothing else")
def _symbols():
    library = os.path.join(built(), "openshell-example.so")
    done = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True,
                          check=True)
    expect([line.split()[-1] for line in done.stdout.splitlines()] == ["openshell_plugin_v1"],
           done.stdout)


@test("a plugin built out of tree loads, sees the program start and gets its default config")
def _loads():
    result = harness.run_host(["true"], POLICY, ["--plugin-dir", built()])
    expect(result.code == 0, result)
    expect(re.search(r"hello, entrypoint \S*true \(pid \d+\)", result.err), result)


@test("a subscriber that comes late still sees the retained process-started event")
def _retained():
    result = harness.run_host(["sleep", "0.6"], POLICY, [
        "--plugin-dir", built(), "--set", "com.example.greeter.delay-ms=300",
        "--set", "com.example.greeter.greeting=better late"])
    expect(result.code == 0, result)
    expect(re.search(r"better late, entrypoint \S*sleep \(pid \d+\)", result.err), result)


@test("its config comes from a file too, and a value of the wrong type is refused by line")
def _config():
    folder = harness.scratch()
    path = os.path.join(folder, "host.conf")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("[plugin com.example.greeter]\ngreeting=from a file\n")
    result = harness.run_host(["true"], POLICY,
                              ["--plugin-dir", built(), "--config", path])
    expect(result.code == 0 and "from a file, entrypoint" in result.err, result)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("[plugin com.example.greeter]\ngreeting=x\ndelay-ms=soon\n")
    result = harness.run_host(["true"], POLICY,
                              ["--plugin-dir", built(), "--config", path])
    expect(result.code == 125 and re.search(r"host\.conf:3\b", result.err), result)


@test("a value beyond the limits of its key is refused by line, and inspect gives the limits")
def _limits():
    path = os.path.join(harness.scratch(), "host.conf")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("[plugin com.example.greeter]\n\ndelay-ms=60001\n")
    result = harness.run_host(["true"], POLICY, ["--plugin-dir", built(), "--config", path])
    expect(result.code == 125 and re.search(
        r"host\.conf:3: delay-ms of plugin com\.example\.greeter: "
        r"expected an integer 0\.\.60000, not 60001", result.err), result)
    result = harness.run_host(["true"], POLICY, ["--plugin-dir", built(), "--set",
                                                 "com.example.greeter.delay-ms=-1"])
    expect(result.code == 125 and "expected an integer 0..60000, not -1" in result.err, result)
    result = harness.run_host(None, None, ["plugins", "inspect",
                                           os.path.join(built(), "openshell-example.so")])
    expect(result.code == 0 and
           "delay-ms (integer 0..60000, default 0): How long to wait" in result.out, result)


@test("a disabled plugin is listed and not loaded")
def _disabled():
    result = harness.run_host(None, None, ["--plugin-dir", built(), "--disable",
                                           "com.example.greeter", "plugins"])
    expect(result.code == 0, result)
    expect(re.search(r"com\.example\.greeter.*disabled", result.out), result)


harness.main()
