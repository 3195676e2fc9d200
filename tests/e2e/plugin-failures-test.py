# SPDX-License-Identifier: Apache-2.0
"""The plugin failure matrix: each failure has its own message and takes no other plugin down.

The host is copied away from its build tree, so that it finds no plugin but those given here; the
launcher is a mock without a box.
"""
import json
import os
import re
import shutil
import subprocess
import tempfile

import harness
from harness import expect, test

PLUGINS = os.path.join(harness.BUILD, "tests", "plugins")
_copied = []


def host():
    if not _copied:
        folder = os.path.join(harness.scratch(), "bin")
        os.mkdir(folder)
        _copied.append(shutil.copy2(harness.HOST, folder))
    return _copied[0]


def folder_with(*names):
    # Beside the scratch folders, not in one: where those are writable for everybody, a plugin in
    # them is refused.
    beside = os.path.dirname(harness.scratch())
    folder = tempfile.mkdtemp(prefix="osh-plugins-", dir=beside)
    for name in names:
        path = os.path.join(folder, name + ".so")
        shutil.copyfile(os.path.join(PLUGINS, name + ".so"), path)
        os.chmod(path, 0o755)
    return folder


def run(folder, *options, command=("sh", "-c", "exit 7")):
    """Runs `command` with the plugins of `folder`; the result has their last states."""
    events = os.path.join(harness.scratch(), "events.jsonl")
    done = subprocess.run([host(), "--plugin-dir", folder, "--disable", "network", "--events",
                           events, *options, "--", *command], capture_output=True, text=True,
                          check=False, timeout=30, cwd=harness.scratch(), stdin=subprocess.DEVNULL,
                          env=harness.clean_environment())
    result = harness.Result(done.returncode, done.stdout, done.stderr, 0)
    result.events = ""
    if os.path.exists(events):
        with open(events, encoding="utf-8") as stream:
            result.events = stream.read()
        for line in result.events.splitlines():
            json.loads(line)
    return result


def table(folder):
    done = subprocess.run([host(), "--plugin-dir", folder, "plugins"], capture_output=True,
                          text=True, check=False, timeout=20, env=harness.clean_environment())
    return done.stdout + done.stderr


def optional_failure(name, words, *options, more=()):
    """The command still runs, its code comes back, good still works and the reason is said."""
    result = run(folder_with("mock-launcher", "good", name, *more), *options)
    expect(result.code == 7, result)
    expect(re.search(words, result.err + result.events), f"{words!r} is not said:", result,
           result.events)
    good = [line for line in result.events.splitlines()
            if "plugin-state" in line and '"good"' in line]
    expect(good and any("ready" in line for line in good), "good did not get ready:", result,
           result.events)


def required_failure(name, words, *options, more=()):
    """With required=true the command never runs and the exit code is the host's own."""
    folder = folder_with("mock-launcher", "good", name, *more)
    config = os.path.join(harness.scratch(), "host.conf")
    with open(config, "w", encoding="utf-8") as stream:
        stream.write(f"[plugin {name}]\nrequired=true\n")
    ran = os.path.join(harness.scratch(), "ran")
    result = run(folder, "--config", config, *options, command=("touch", ran))
    expect(result.code == 125, result)
    expect(name in result.err and re.search(words, result.err), result)
    expect(not os.path.exists(ran), "the command ran", result)


@test("a run with plugins that work returns the command's own code")
def _works():
    result = run(folder_with("mock-launcher", "good"))
    expect(result.code == 7, result)


@test("without a launcher no command runs")
def _no_launcher():
    result = run(folder_with("good"))
    expect(result.code == 125 and "run a command" in result.err, result)


@test("a create that fails is told with its own words")
def _create_fails():
    optional_failure("create-fails", "the flux is not aligned")
    required_failure("create-fails", "the flux is not aligned")


@test("a create that fails without an error is blamed by name")
def _create_silent():
    optional_failure("create-silent", "create-silent")
    required_failure("create-silent", "create")


@test("a start that fails is told with its own words")
def _start_fails():
    optional_failure("start-fails", "the dock is taken")
    required_failure("start-fails", "the dock is taken")


def start_deadline():
    config = os.path.join(harness.scratch(), "deadline.conf")
    with open(config, "w", encoding="utf-8") as stream:
        stream.write("[host]\nstart-timeout=1\n")
    return config


@test("a start that never answers ends at the start deadline")
def _never_ready():
    optional_failure("never-ready", "not ready in time", "--config", start_deadline())


@test("an interface that nobody provides is named, and only who needs it fails")
def _missing():
    optional_failure("missing-interface", r"test\.absent/1")
    required_failure("missing-interface", r"test\.absent/1")


@test("a plugin that does not answer for an interface of its manifest is named with the interface")
def _false_provider():
    optional_failure("false-provider", r"its manifest provides test\.promised/1, but")
    required_failure("false-provider", r"test\.promised/1")


@test("a plugin that keeps events gets every one of them, from the first on")
def _keeps():
    result = run(folder_with("mock-launcher", "good", "keeps-events"))
    kept = re.search(r"keeps-events: kept (\d+) events, (\d+) to (\d+)", result.err)
    lines = len(result.events.splitlines())
    expect(result.code == 7 and kept, result)
    expect(kept.groups() == (str(lines), "1", str(lines)), kept.groups(), result.events)


@test("a cycle of requirements names its members")
def _cycle():
    optional_failure("cycle-one", "cycle of .*cycle-(one|two).*cycle-(one|two)",
                     more=("cycle-two",))


@test("a plugin for another ABI major is refused, by its manifest and by its entry")
def _abi():
    optional_failure("wrong-abi", r"ABI 2\.0")
    optional_failure("entry-wrong-abi", "plugin ABI 2")


@test("a file without an entry is refused by name")
def _exports_nothing():
    optional_failure("exports-nothing", "openshell_plugin_v1")


@test("a fault that comes later fails that plugin alone")
def _faults():
    result = run(folder_with("mock-launcher", "good", "faults-later"),
                 command=("sh", "-c", "sleep 0.3; exit 7"))
    expect(result.code == 7 and "the wheel came off" in result.err + result.events, result,
           result.events)


@test("bad manifests, unknown keys, duplicates and files that are no plugins are listed with why")
def _listed():
    folder = folder_with("good", "good-twin", "bad-manifest", "unknown-key", "no-manifest")
    with open(os.path.join(folder, "text.so"), "w", encoding="utf-8") as stream:
        stream.write("not a shared object, but long enough to hold the header of one, in bytes")
    with open(os.path.join(PLUGINS, "good.so"), "rb") as stream:
        start = stream.read(3000)
    with open(os.path.join(folder, "truncated.so"), "wb") as stream:
        stream.write(start)
    text = table(folder)
    for words in ("needs version=", "did you mean provides", "already taken by .*good-twin.so",
                  "no plugin manifest", "not an ELF file", "truncated"):
        expect(re.search(words, text), f"{words!r} is missing:", text)


@test("a plugin that programs of the box could replace is left out with a line, or fails the start")
def _replaceable():
    above = folder_with("good")
    folder = os.path.join(above, "build")
    os.mkdir(folder, 0o755)
    shutil.move(os.path.join(above, "good.so"), folder)
    world = "version: 1\nfilesystem_policy: {include_workdir: true, read_only: [/usr, /bin, /lib, /lib64]}\n"
    for options in ([], ["--quiet"]):
        result = harness.run_host(["true"], world, ["--plugin-dir", folder, *options], cwd=above)
        expect(result.code == 0, result)
        expect(bool(options) or f"plugin {folder}/good.so is left out: programs in the box could replace it"
               in result.err, result)
    config = os.path.join(harness.scratch(), "host.conf")
    with open(config, "w", encoding="utf-8") as stream:
        stream.write("[plugin good]\nrequired=true\n")
    result = harness.run_host(["true"], world, ["--plugin-dir", folder, "--config", config], cwd=above)
    expect(result.code == 125 and "required plugin" in result.err and "--workdir" in result.err, result)


@test("doctor passes over a file that it may not open, whatever the box may write")
def _doctor():
    folder = folder_with("good")
    os.symlink("good.so", os.path.join(folder, "link.so"))
    world = "version: 1\nfilesystem_policy: {include_workdir: true, read_only: [/usr, /bin, /lib, /lib64]}\n"
    result = harness.run_host(None, world, ["--plugin-dir", folder, "doctor"])
    expect(result.code in (0, 1) and "level" in result.out, result)
    expect("good.so" not in result.out, result)


@test("a file of a named folder that is no plugin is said at the start")
def _no_plugin():
    folder = folder_with("mock-launcher")
    with open(os.path.join(folder, "text.so"), "w", encoding="utf-8") as stream:
        stream.write("not a shared object, but long enough to hold the header of one, in bytes")
    result = run(folder)
    expect(result.code == 7 and "text.so is left out: " in result.err, result)


@test("a plugin that anybody may write is never loaded")
def _writable():
    folder = folder_with("mock-launcher", "good", "create-fails")
    os.chmod(os.path.join(folder, "create-fails.so"), 0o777)
    result = run(folder)
    expect(result.code == 7 and "flux" not in result.err + result.events, result)
    expect("chmod go-w" in table(folder), table(folder))


harness.main()
