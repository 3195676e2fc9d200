# SPDX-License-Identifier: Apache-2.0
"""Bad input: each gets one clear message and its exit code, and nothing half-started is left."""
import os
import re
import signal
import socket
import subprocess

import harness
import world
from harness import Skip, expect, test

GOOD = world.policy(f"{world.ADDRESS}:{world.API_PORT}")


def refused(result, *words, code=125):
    """A few lines that name each word; nothing on stdout; the given exit code."""
    expect(result.code == code, result)
    expect(result.out == "", result)
    for word in words:
        expect(re.search(word, result.err), f"{word!r} is missing:", result)
    lines = [line for line in result.err.splitlines() if line.strip()]
    expect(1 <= len(lines) <= 5, f"{len(lines)} lines:", result)
    expect("CRITICAL" not in result.err and "assert" not in result.err.lower(), result)


def bad_policy(text, *words):
    with harness.nothing_left():
        path = harness.write_policy(text)
        refused(harness.run_host(["true"], path), os.path.basename(path), *words)


@test("an unknown option is named, and what was meant is suggested")
def _option():
    with harness.nothing_left():
        refused(harness.run_host(["true"], GOOD, ["--polcy"]), "--polcy")


@test("an option without its value is named")
def _option_value():
    refused(harness.run_host(None, None, ["--policy"]), "--policy")


@test("a command without -- before it is an error that says how to give one")
def _no_dashes():
    refused(harness.run_host(None, GOOD, ["true"]), "-- true")


@test("a verb behind an option says that it comes first; doctor and plugins may stand anywhere")
def _misplaced():
    path = harness.write_policy(GOOD)
    for verb, *words in (["check", path], ["explain", path, "a.test:1", "--binary", "/b"],
                         ["policy", "format", path], ["replay", "a", "b"], ["attach", "s"],
                         ["init"]):
        refused(harness.run_host(None, path, [verb, *words]), f"openshell-host {verb} --help")
    for words in (["--policy", "/no/such/policy", "doctor"], ["doctor", "--policy", "/no/such/policy"]):
        result = harness.run_host(None, None, words)
        expect(result.out == "" and result.code == 125, result)
        expect("/no/such/policy: error: cannot be read" in result.err, result)
    refused(harness.run_host(None, None, ["doctor", path]), "--policy FILE doctor")


@test("a name that --allow-degraded does not know is refused with those that it knows")
def _degraded():
    for name in ("foo", "tproxy", "host-sockets", "Landlock"):
        refused(harness.run_host(["true"], GOOD, [f"--allow-degraded={name}"]), name,
                "known: capture, landlock, proc, user")
    refused(harness.run_host(["true"], GOOD, ["--allow-degraded=landlok"]), "did you mean landlock")
    folder = harness.scratch()
    config = os.path.join(folder, "host.conf")
    with open(config, "w", encoding="utf-8") as stream:
        stream.write("[host]\nallow-degraded = landlock;nonsense\n")
    refused(harness.run_host(["true"], GOOD, ["--config", config]), "nonsense", "known: ")
    result = harness.run_host(None, None, ["--allow-degraded=foo", "doctor"])
    expect(result.code == 1 and "known: capture" in result.out, result)


@test("what is about a command is refused without one, and a proxy that would listen nowhere says so")
def _nothing_to_do():
    refused(harness.run_host(None, GOOD, ["--timeout", "1"]), "--timeout", "-- COMMAND")
    refused(harness.run_host(None, GOOD, ["--allow-degraded=user"]), "-- COMMAND")
    for options in (["--disable", "process"], ["--quiet"], ["--disable", "process", "--quiet"]):
        with harness.nothing_left():
            refused(harness.run_host(None, GOOD, options), r"network\.listen", "-- COMMAND")


@test("a setting that is given twice is said, and so is how a list is written")
def _repeated():
    result = harness.run_host(["sh", "-c", "ulimit -n; ulimit -Hn"], GOOD, [
        "--set", "process.limits=nofile=100", "--set", "process.limits=nofile=200"])
    expect(result.code == 0 and result.out == "200\n200\n", result)
    expect(re.search(r"process\.limits is given twice.*A;B", result.err), result)
    result = harness.run_host(["true"], GOOD, ["--set", "process.limits=nofile=100;core=0",
                                               "--set", "process.baseline=true"])
    expect("given twice" not in result.err, result)
    config = os.path.join(harness.scratch(), "host.conf")
    with open(config, "w", encoding="utf-8") as stream:
        stream.write("[plugin process]\nlimits = nofile=100\n")
    result = harness.run_host(["sh", "-c", "ulimit -n"], GOOD, [
        "--config", config, "--set", "process.limits=nofile=300"])
    expect(result.code == 0 and result.out == "300\n" and "given twice" not in result.err, result)


@test("plugins inspect takes an id or a file, and settings has every key; neither runs their code")
def _inspect():
    for words in (["plugins", "inspect", "process"],
                  ["plugins", "inspect", f"{harness.PLUGINS}/process/openshell-process.so"]):
        result = harness.run_host(None, None, words)
        expect(result.code == 0 and "id         process" in result.out, result)
        expect("capture (string, default best)" in result.out, result)
    refused(harness.run_host(None, None, ["plugins", "inspect", "proces"]), "did you mean process")
    refused(harness.run_host(None, None, ["plugins", "inspect", "./process"]), "/process: No such")
    refused(harness.run_host(None, None, ["plugins", "inspect"]), "plugins inspect PLUGIN")
    result = harness.run_host(None, None, ["plugins", "settings"])
    expect(result.code == 0 and result.err == "", result)
    expect(re.search(r"^network\.connect_timeout +integer +20 +seconds", result.out, re.MULTILINE),
           result)
    expect(re.search(r"^process\.limits +strings +- +resource", result.out, re.MULTILINE), result)


@test("plugins inspect gives the limits of settings, and what a protocol says about its messages")
def _inspect_everything():
    result = harness.run_host(None, None, ["plugins", "inspect", os.path.join(
        harness.BUILD, "tests", "plugins", "settings.so")])
    for line in ("config     mode (string fast|safe, default safe): How",
                 "config     steps (integer from 1): How many",
                 "protocol   settings over tcp, window 65536, action settings.command, "
                 "target settings.names",
                 "option     database (integer 0..15, default 0) of endpoints of settings: Which one",
                 "fact       settings.command string GET|SET of settings",
                 "fact       settings.names strings of settings"):
        expect(result.code == 0 and line in result.out.splitlines(), line, result)


@test("a policy that is missing, unreadable, a folder or empty is refused by name")
def _policy_file():
    folder = harness.scratch()
    missing = os.path.join(folder, "missing.yaml")
    refused(harness.run_host(["true"], missing), "missing.yaml", "No such file")
    refused(harness.run_host(["true"], folder), os.path.basename(folder))
    bad_policy("\n")
    if not harness.IS_ROOT:
        path = harness.write_policy(GOOD)
        os.chmod(path, 0)
        refused(harness.run_host(["true"], path), "policy.yaml", "ermission denied")


@test("a YAML error is shown with file, line and column")
def _yaml():
    bad_policy("version: 1\nfilesystem_policy: [\n", r"policy\.yaml:\d+:\d+")
    bad_policy("version: 1\n\tlandlock: {}\n", r"policy\.yaml:2:\d+")


@test("an unknown key is shown with its place and the key that was meant")
def _unknown_key():
    bad_policy("version: 1\nnetwork_policy: {}\n", r"policy\.yaml:2:1", "network_policy",
               "network_policies")
    bad_policy(GOOD.replace("    endpoints:", "    endpoint:"), r"policy\.yaml:\d+:5", "endpoints")


@test("a wrong type, a duplicate key, an anchor and a missing version are each refused by place")
def _wrong_type():
    bad_policy("version: one\n", r"policy\.yaml:1:\d+", "version")
    bad_policy("version: 1\nversion: 1\n", r"policy\.yaml:2:\d+", "version")
    bad_policy("version: 1\nlandlock: &a {}\nprocess: *a\n", r"policy\.yaml:\d+:\d+")
    bad_policy("landlock: {}\n", "version")
    bad_policy(GOOD.replace('"port": 8080', "x").replace("port: 8080", "port: 99999"), "99999")


@test("what the schema has and is not enforced yet is refused, never ignored")
def _not_enforced():
    bad_policy(GOOD.replace("port: 8080", "port: 8080\n        protocol: sql\n"
                            "        access: read-only"), "not enforced yet")


@test("a policy that is garbage is refused, not half read")
def _garbage():
    for content in (os.urandom(4096), b"\0" * 100, b"\xff\xfeversion: 1\n"):
        path = os.path.join(harness.scratch(), "policy.yaml")
        with open(path, "wb") as stream:
            stream.write(content)
        refused(harness.run_host(["true"], path), r"policy\.yaml")


@test("a configuration error is shown with file and line")
def _config():
    for text, line in (("[host]\nno-such-key=1\n", 2), ("[host]\nnonsense\n", 2),
                       ("key=1\n", 1), ("[plugin network]\n[plugin network]\n", 2)):
        path = os.path.join(harness.scratch(), "host.conf")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        refused(harness.run_host(["true"], GOOD, ["--config", path]), rf"host\.conf:{line}\b")


@test("--set with an unknown plugin, an unknown key or a wrong type is refused")
def _set():
    for value in ("nosuch.key=1", "network.nosuch=1", "network", "=1"):
        refused(harness.run_host(["true"], GOOD, ["--set", value]), re.escape(value.split("=")[0].split(".")[0]))


@test("a plugin folder that does not exist is refused by name")
def _plugin_folder():
    refused(harness.run_host(["true"], GOOD, ["--plugin-dir", "/no/such/folder"]),
            "/no/such/folder")


@test("a working directory that is gone is said, and nothing starts")
def _cwd():
    folder = harness.scratch()
    script = f'cd "{folder}" && rmdir "{folder}" && exec "$@"'
    done = subprocess.run(["sh", "-c", script, "sh", *harness.host_command(["true"], GOOD)],
                          capture_output=True, text=True, check=False, timeout=20,
                          env=harness.clean_environment())
    expect(done.returncode == 125 and "director" in done.stderr, done)


@test("an event log that cannot be written is refused before anything runs")
def _events():
    folder = harness.scratch()
    result = harness.run_shell("touch ran", GOOD, cwd=folder,
                               options=["--events", "/no/such/folder/events"])
    refused(result, "/no/such/folder/events")
    expect(not os.path.exists(os.path.join(folder, "ran")), "the command ran")


@test("where user namespaces are refused an ordinary user is told so, and what would help")
def _no_namespaces():
    if harness.IS_ROOT:
        raise Skip("root needs no user namespace")
    # A limit of one more world: its own sysctl says that it may hold none.
    script = "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --bounding-set=-all \"$@\""
    command = ["unshare", "-U", "--map-user", str(os.getuid()), "--map-group", str(os.getgid()),
               "--keep-caps", "sh", "-c", script, "sh", *harness.host_command(["true"], GOOD)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20,
                          env=harness.clean_environment(), cwd=harness.scratch())
    expect(done.returncode == 125 and "user namespace" in done.stderr, done)


@test("doctor says what this machine can do, and leaves nothing behind")
def _doctor():
    with harness.nothing_left():
        result = harness.run_host(None, None, ["doctor"])
        expect(result.code == 0, result)
        for word in ("landlock", "seccomp", "level"):
            expect(word in result.out.lower(), result)


@test("limits that are too small for a run are named, with what to type")
def _limits():
    for limit, words in (("-n 20", "open files"), ("-f 0", "ulimit -f"), ("-d 1000", "ulimit -d"),
                         ("-v 30000", "ulimit -v")):
        done = subprocess.run(["/bin/bash", "-c", f'ulimit {limit}; exec "$0" -- true', harness.HOST],
                              check=False, capture_output=True, text=True, timeout=20,
                              env=harness.clean_environment(), cwd=harness.scratch())
        expect(done.returncode == 125 and words in done.stderr and done.stderr.count("\n") == 1, limit,
               done)


@test("a user without an account and without HOME gets a run and no line of a library")
def _no_home():
    environment = harness.clean_environment()
    environment.pop("HOME", None)
    result = harness.run_host(["true"], None, ["--quiet"], env=environment)
    expect(result.code == 0 and not result.err, result)


@test("events and a recording do not go to one file")
def _one_file():
    folder = harness.private_scratch()
    path = os.path.join(folder, "both")
    result = harness.run_host(["true"], None, ["--events", path, "--record", f"{folder}/../"
                              f"{os.path.basename(folder)}/both"])
    expect(result.code == 125 and "name the same file" in result.err, result)


@test("doctor judges the policy and what may be missing as the configuration file names them")
def _doctor_configured():
    text = world.policy(read_only=["/no/such"]) + "landlock: {compatibility: hard_requirement}\n"
    path = harness.write_policy(text)
    configuration = os.path.join(harness.scratch(), "host.conf")
    with open(configuration, "w", encoding="utf-8") as stream:
        stream.write(f"[host]\npolicy = {path}\n")
    for options, stdin in ((["--config", configuration], None), (["--policy", path], None),
                           (["--policy", "-"], text.encode())):
        result = harness.run_host(None, None, [*options, "doctor"], stdin=stdin)
        expect(result.code == 1 and "requires /no/such" in result.out, options, result)


@test("plugins lists both, with version, state and file")
def _plugins():
    result = harness.run_host(None, None, ["plugins"])
    expect(result.code == 0, result)
    for name in ("process", "network"):
        expect(re.search(rf"^{name}\s+\d+\.\d+\.\d+.*openshell-{name}\.so", result.out, re.M), result)


@test("a policy that names another user is refused without root, unless that is given up by name")
def _other_user():
    if os.geteuid() == 0:
        raise Skip("root becomes whom the policy names")
    policy = world.policy() + "process: {run_as_user: sandbox, run_as_group: sandbox}\n"
    result = harness.run_host(["id", "-u"], policy)
    expect(result.code == 125 and "--allow-degraded=user" in result.err, result)
    result = harness.run_host(["id", "-u"], policy, ["--allow-degraded=user"])
    expect(result.code == 0 and result.out.strip() == str(os.geteuid()), result)
    expect("degraded" in result.err and "WITHOUT user" in result.err, result)


harness.main()
