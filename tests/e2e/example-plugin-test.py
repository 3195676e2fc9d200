# SPDX-License-Identifier: Apache-2.0
"""A plugin built out of tree, against what is installed and nothing else."""
import os
import re
import shutil
import subprocess

import harness
from harness import expect, test


def prefix():
    """Installs the build into a scratch folder, once, and returns what a project's build is given."""
    if not hasattr(prefix, "environment"):
        folder = harness.private_scratch()
        harness.install(folder)
        packages = [place for place, _, names in os.walk(folder) if "openshell-1.pc" in names]
        prefix.environment = {"PATH": harness.PATH, "HOME": harness.home(), "LANG": "C.UTF-8",
                              "PKG_CONFIG_PATH": packages[0]}
    return prefix.environment


def run_in_prefix(*command):
    done = subprocess.run(["/usr/bin/env", *command], env=prefix(), capture_output=True, text=True,
                          check=False, timeout=60 * harness.SLOWER)
    expect(done.returncode == 0, command, done.stdout, done.stderr)
    return done.stdout


def built(name="example"):
    """Copies plugins/NAME away from the tree, builds it there, returns the folder of the .so."""
    built.folders = getattr(built, "folders", {})
    if name not in built.folders:
        source, build = (harness.private_scratch() for _ in range(2))
        for entry in os.listdir(os.path.join(harness.SOURCE, "plugins", name)):
            if entry.endswith((".c", ".build")):
                shutil.copy(os.path.join(harness.SOURCE, "plugins", name, entry), source)
        run_in_prefix("meson", "setup", build, source)
        run_in_prefix("ninja", "-C", build)
        built.folders[name] = build
    return built.folders[name]


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


@test("a protocol plugin is built from the installed prefix, and its conversations keep every rule")
def _memcached():
    build = built("example-memcached")
    result = run_in_prefix("meson", "test", "-C", build)
    expect(re.search(r"^Ok: +1 *$", result, re.MULTILINE), result)
    library = os.path.join(build, "openshell-memcached.so")
    done = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True,
                          check=True)
    expect([line.split()[-1] for line in done.stdout.splitlines()] == ["openshell_plugin_v1"],
           done.stdout)


@test("its example policy is checked and explained by its manifest alone")
def _memcached_policy():
    build = built("example-memcached")
    policy = os.path.join(harness.SOURCE, "plugins/example-memcached/policy.yaml")
    result = harness.run_host(None, None, ["check", "--plugin-dir", build, policy])
    expect(result.code == 0 and ": ok, 1 policies, 1 endpoints, 0 warnings" in result.out, result)

    def ask(command, key, size=0):
        keys = [f"--fact=keys={key}"]
        return harness.run_host(None, None, [
            "explain", "--plugin-dir", build, policy, "cache.example.com:11211",
            "--binary", "/usr/bin/python3", f"--fact=command={command}", *keys,
            f"--fact=bytes={size}"])

    for words, code in ((("get", "user:1"), 0), (("get", "secret:a:1"), 1), (("quit", "[]"), 0),
                        (("set", "session:a:1", 65536), 0), (("set", "session:a:1", 65537), 1),
                        (("set", "user:1", 1), 1), (("delete", "session:1"), 0)):
        result = ask(*words)
        expect(result.code == code, words, result)


@test("the protocol example fits in 200 lines, of which its README says how many are not about it")
def _memcached_size():
    with open(os.path.join(harness.SOURCE, "plugins/example-memcached/memcached.c"),
              encoding="utf-8") as stream:
        lines = len(stream.readlines())
    with open(os.path.join(harness.SOURCE, "plugins/example-memcached/README.md"),
              encoding="utf-8") as stream:
        words = re.search(r"one C file of (\d+) lines, of\s+which (\d+) are not", stream.read())
    expect(lines <= 200 and int(words[1]) == lines and int(words[2]) < 40, lines, words)


@test("a sink, a contributor and a virtual host are built from the installed prefix and tested")
def _small():
    result = run_in_prefix("meson", "test", "-C", built("example-small"))
    expect(re.search(r"^Ok: +3 *$", result, re.MULTILINE), result)


@test("in a run the sink counts its events, and the contributor's note is in the box")
def _small_run():
    result = harness.run_host(["sh", "-c", "cat $NOTE"], POLICY, [
        "--plugin-dir", built("example-small"), "--set", "com.example.note.text=hello in there"])
    expect(result.code == 0 and result.out == "hello in there\n", result)
    expect(re.search(r"[1-9]\d* events, 0 denials", result.err), result)


harness.main()
