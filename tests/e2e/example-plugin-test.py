# SPDX-License-Identifier: Apache-2.0
"""A plugin built out of tree, against what is installed and nothing else."""
import os
import re
import shutil
import subprocess

import harness
import world
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


@test("in a run the virtual host tells the time to a program that the policy allows, and to no other")
def _small_virtual_host():
    policy = world.policy({"host": "time.internal", "port": 80, "protocol": "rest",
                           "enforcement": "enforce", "access": "read-only"}, binaries=("/usr/bin/curl",))
    result = harness.run_host(["curl", "-sS", "--max-time", "8", "http://time.internal/"],
                              harness.write_policy(policy), ["--plugin-dir", built("example-small")])
    expect(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n", result.out), result)
    script = ("import urllib.request as u\ntry: print(u.urlopen('http://time.internal/', timeout=8).status)\n"
              "except u.HTTPError as error: print(error.code)")
    result = harness.run_python(script, harness.write_policy(policy),
                                options=["--plugin-dir", built("example-small")])
    expect(result.out == "403\n" and "DENIED" in result.err, result)


def hacking(language):
    """The blocks of `language` in HACKING's section on a first plugin."""
    with open(os.path.join(harness.SOURCE, "HACKING.md"), encoding="utf-8") as stream:
        section = re.search(r"^## A first plugin$(.*?)(?=^## )", stream.read(), re.MULTILINE | re.DOTALL)
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", section.group(1), re.MULTILINE | re.DOTALL)
    expect(blocks, f"HACKING's first plugin has no block of {language}")
    return blocks


def command_line(commands, folder, source=None):
    """Runs `commands` in `folder` as a person types them, without what the tests export."""
    environment = {"PATH": harness.PATH, "HOME": harness.home(), "LANG": "C.UTF-8"}
    return subprocess.run(["/bin/sh", "-e", "-c", commands], cwd=folder, env=environment, input=source,
                          capture_output=True, text=True, check=False, timeout=120)


def clone():
    """A folder that looks like a clone that has been built."""
    folder = os.path.join(harness.private_scratch(), "openshell-host")
    os.mkdir(folder)
    for name, target in (("build", harness.BUILD), ("plugins", os.path.join(harness.SOURCE, "plugins"))):
        os.symlink(target, os.path.join(folder, name))
    return folder


@test("HACKING's first plugin is built and run by the commands as they stand there")
def _hacking():
    if not os.access(os.path.join(harness.BUILD, "meson-logs"), os.W_OK):
        raise harness.Skip("meson writes a log in the build, which belongs to another user")
    folder = clone()
    commands = "".join(hacking("sh")).replace("meson install -C build", "meson install --no-rebuild -C build")
    done = command_line(commands, folder)
    expect(done.returncode == 0, done.stdout, done.stderr)
    expect(re.search(r"welcome, entrypoint \S*true \(pid \d+\)", done.stderr), done.stdout, done.stderr)


@test("the plugins in HACKING and in the comment of plugin.h compile from the installed prefix as written")
def _listings():
    prefix = harness.private_scratch()
    harness.install(prefix)
    package = next(folder for folder, _, names in os.walk(prefix) if "openshell-1.pc" in names)
    with open(os.path.join(harness.SOURCE, "sdk/include/openshell/plugin.h"), encoding="utf-8") as stream:
        comment = stream.read().split("A complete plugin:")[1].split("]|")[0]
    listing = "\n".join(line[3:] for line in comment.splitlines() if "|[" not in line)
    for source in (*hacking("c"), listing):
        expect("OSH_PLUGIN_DEFINE" in source, source)
        library = os.path.join(prefix, "listing.so")
        done = command_line(
            f"export PKG_CONFIG_PATH={package}; gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -shared -fPIC "
            f"-fvisibility=hidden -x c - -o {library} $(pkg-config --cflags --libs openshell-1)",
            prefix, source)
        expect(done.returncode == 0, done.stderr, source)
        result = harness.run_host(None, None, ["plugins", "inspect", library])
        expect(result.code == 0 and "com.example." in result.out, result)


@test("the plugin of HACKING provides its interface: programs of the box have its variable")
def _provides():
    prefix = harness.private_scratch()
    harness.install(prefix)
    package = next(folder for folder, _, names in os.walk(prefix) if "openshell-1.pc" in names)
    folder = harness.private_scratch()
    done = command_line(f"export PKG_CONFIG_PATH={package}; gcc -shared -fPIC -fvisibility=hidden -x c - "
                        f"-o {folder}/variable.so $(pkg-config --cflags --libs openshell-1)",
                        folder, hacking("c")[0])
    expect(done.returncode == 0, done.stderr)
    result = harness.run_host(["sh", "-c", "echo $GREETING"], POLICY, ["--plugin-dir", folder])
    expect(result.code == 0 and result.out == "hello\n", result)


harness.main()
