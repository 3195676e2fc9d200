# SPDX-License-Identifier: Apache-2.0
"""--record and --audit with real clients: what a recording holds and what audit lets through."""
import json
import os
import stat

import harness
import world
from harness import PYTHON, expect, test

origins = world.World()

API = f"{world.ADDRESS}:{world.API_PORT}"
URL = f"http://{API}/hello"
PUBLIC = f"http://public.test:{world.API_PORT}"
CURL = ["curl", "-sS", "--max-time", "8"]


def record_path():
    return os.path.join(harness.private_scratch(), "run.jsonl")


def rows_of(path):
    """The lines of a recording, and those of them that are decisions."""
    with open(path, encoding="utf-8") as stream:
        lines = [json.loads(line) for line in stream]
    return lines, [line for line in lines if "outcome" in line]


def record(command, policy=None, options=(), **keywords):
    path = record_path()
    result = harness.run_host(command, policy, ["--record", path, *options], **keywords)
    result.path = path
    result.lines, result.rows = rows_of(path) if os.path.exists(path) else ([], [])
    return result


@test("a recording says who asked for what, what was decided and which addresses there were")
def _row():
    result = record([*CURL, "--proxytunnel", f"http://origin.test:{world.API_PORT}/hello"],
                    world.policy(f"origin.test:{world.API_PORT}"))
    expect(result.code == 0, result)
    expect(len(result.rows) == 1, result.lines)
    row = result.rows[0]
    expect(row["outcome"] == "allowed" and row["layer"] == "connect", row)
    expect(row["facts"]["network.host"] == "origin.test", row)
    expect(row["facts"]["network.port"] == world.API_PORT, row)
    expect(row["facts"]["process.binary"].endswith("/curl"), row)
    expect(row["facts"]["process.identity"] == "required", row)
    expect(row["verdict"]["action"] == "allow" and row["verdict"]["policy"] == "allowed", row)
    expect(row["addresses"] == [world.ADDRESS], row)
    first, last = result.lines[0], result.lines[-1]
    expect(first["openshell-recording"] == 1 and first["mode"] == "enforce", first)
    expect(len(first["policy"]["sha256"]) == 64, first)
    expect(last["end"] is True and last["decisions"] == 1 and last["lost"] == 0, last)
    mode = stat.S_IMODE(os.stat(result.path).st_mode)
    expect(mode == 0o600, oct(mode))


@test("a second run appends, and equal decisions are one line with a count")
def _append():
    script = f"for i in 1 2 3 4; do curl -sS --max-time 8 {URL}; done"
    result = record(["/bin/sh", "-c", script], world.policy(API))
    expect(result.code == 0, result)
    expect(sum(row.get("count", 1) for row in result.rows) == 4, result.lines)
    expect(len(result.rows) < 4, result.lines)
    again = harness.run_host([*CURL, URL], world.policy(API), ["--record", result.path])
    expect(again.code == 0, again)
    lines, rows = rows_of(result.path)
    expect(sum("openshell-recording" in line for line in lines) == 2, lines)
    expect(sum(row.get("count", 1) for row in rows) == 5, lines)


@test("denials by policy and by destination are recorded as such, and names that DNS refused")
def _denied():
    script = (f"curl -sS --max-time 8 http://{world.ADDRESS}:{world.REFUSED_PORT}/;"
              f"curl -sS --max-time 8 http://sneaky.test:{world.API_PORT}/;"
              "env -i curl -sS --max-time 8 http://unknown.test/; true")
    result = record(["/bin/sh", "-c", script],
                    world.policy(API, f"sneaky.test:{world.API_PORT}"))
    found = {(row["facts"]["network.host"], row["outcome"], row["layer"]) for row in result.rows}
    expect((world.ADDRESS, "denied-policy", "forward") in found, result.lines, result)
    expect(("sneaky.test", "denied-destination", "forward") in found, result.lines, result)
    expect(("unknown.test", "denied-policy", "dns") in found, result.lines, result)
    sneaky = next(row for row in result.rows if row["facts"]["network.host"] == "sneaky.test")
    expect(sneaky["addresses"] == ["127.0.0.1"], sneaky)


@test("plain HTTP is recorded with method, path and the names in the query, and no value of it")
def _request():
    result = record(
        [*CURL, "-X", "POST", "-H", "Authorization: Bearer sesame", "-d", "sesame-body",
         f"http://{API}/v1/items/7?page=sesame&page=sesame&q="],
        world.policy(API))
    expect(result.code == 0, result)
    facts = result.rows[0]["facts"]
    expect(facts["request.method"] == "POST" and facts["request.path"] == "/v1/items/7", facts)
    expect([entry["key"] for entry in facts["request.query"]["records"]] == ["page", "q"], facts)
    with open(result.path, encoding="utf-8") as stream:
        expect("sesame" not in stream.read(), result.lines)


@test("placeholders of credentials, in a path or behind percent signs, are not recorded")
def _placeholder():
    script = (f"curl -sS --max-time 8 http://{API}/bot/openshell:resolve:env:TOKEN/send;"
              f"curl -sS --max-time 8 http://{API}/a/openshell%3aresolve%3Aenv%3ATOKEN;"
              f"curl -sS --max-time 8 'http://{API}/b?OPENSHELL-RESOLVE-ENV-TOKEN=1'")
    result = record(["/bin/sh", "-c", script], world.policy(API))
    expect(len(result.rows) == 3, result.lines, result)
    with open(result.path, encoding="utf-8") as stream:
        expect("TOKEN" not in stream.read(), result.lines)
    expect(result.rows[0]["facts"]["request.path"] ==
           {"segments": ["", "bot", {"withheld": True}, "send"]}, result.rows[0])


@test("arguments of a command are recorded only where they are plain absolute paths")
def _arguments():
    result = record([PYTHON, "-I", "-c", "import sys, urllib.request as r;"
                     f"print(r.urlopen('{URL}', timeout=8).status)", "--password=sesame",
                     "/sesame?token=sesame", "sesame"], world.policy(API))
    expect(result.code == 0, result)
    with open(result.path, encoding="utf-8") as stream:
        expect("sesame" not in stream.read(), result.lines)


@test("a recording that the box could replace is refused, by its own path and through links")
def _refused():
    work = harness.scratch()
    safe = harness.private_scratch()
    os.symlink(work, os.path.join(safe, "in"))
    os.symlink(safe, os.path.join(work, "out"))
    os.symlink("/etc/hostname", os.path.join(safe, "link"))
    for path in (os.path.join(work, "run.jsonl"), os.path.join(safe, "in", "run.jsonl"),
                 os.path.join(work, "out", "run.jsonl"), os.path.join(safe, "link"), "run.jsonl"):
        result = harness.run_host(["true"], world.policy(API), ["--record", path], cwd=work)
        expect(result.code == 125 and "the recording" in result.err, path, result)
    expect(sorted(os.listdir(work)) == ["out"] and sorted(os.listdir(safe)) == ["in", "link"],
           os.listdir(work), os.listdir(safe))


@test("a file that is no recording is left alone")
def _not_a_recording():
    path = os.path.join(harness.private_scratch(), "notes")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("mine\n")
    os.chmod(path, 0o600)
    result = harness.run_host(["true"], world.policy(API), ["--record", path])
    expect(result.code == 125 and "not a recording" in result.err, result)
    with open(path, encoding="utf-8") as stream:
        expect(stream.read() == "mine\n", "it was written to")


@test("--audit forwards what the policy denies, says so loudly and records it")
def _audit():
    result = record([*CURL, f"{PUBLIC}/hello"], world.policy(API), ["--audit"])
    expect(result.code == 0 and '"hello": "world"' in result.out, result)
    expect("AUDIT: what the policy denies is NOT refused" in result.err, result)
    expect("AUDIT e" in result.err and "public.test" in result.err, result)
    expect(not result.denials(), result)
    expect([row["outcome"] for row in result.rows] == ["audited"], result.lines)
    expect(result.rows[0]["addresses"] == [world.PUBLIC_ADDRESS], result.rows)
    expect(result.lines[0]["mode"] == "audit", result.lines[0])


@test("--audit without a policy learns from nothing: names resolve for programs that know no proxy")
def _audit_nothing():
    result = record(["env", "-i", *CURL, f"{PUBLIC}/hello"], None, ["--audit"])
    expect(result.code == 0 and '"hello": "world"' in result.out, result)
    expect([(row["outcome"], row["layer"], row["facts"]["network.host"]) for row in result.rows]
           == [("audited", "transparent", "public.test")], result.lines)


@test("--audit keeps the address checks: private, literal and loopback stay refused")
def _audit_destination():
    script = (f"curl -sS --max-time 8 http://origin.test:{world.API_PORT}/;"
              f"curl -sS --max-time 8 {URL};"
              f"curl -sS --max-time 8 http://sneaky.test:{world.API_PORT}/;"
              f"curl -sS --max-time 8 --noproxy '*' {URL}; true")
    result = record(["/bin/sh", "-c", script], None, ["--audit"])
    expect('"hello"' not in result.out, result)
    expect({row["outcome"] for row in result.rows} == {"denied-destination"}, result.lines)
    hosts = {row["facts"]["network.host"] for row in result.rows}
    expect(hosts == {"origin.test", world.ADDRESS, "sneaky.test"}, result.lines)


@test("a private address that the policy names passes in audit as without it")
def _audit_named():
    result = record([*CURL, URL], world.policy(API), ["--audit"])
    expect(result.code == 0, result)
    expect([row["outcome"] for row in result.rows] == ["allowed"], result.lines)


@test("the configuration cannot turn audit on")
def _audit_config():
    path = os.path.join(harness.private_scratch(), "host.conf")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("[host]\naudit = true\n")
    result = harness.run_host(["true"], world.policy(API), ["--config", path])
    expect(result.code == 125 and "audit" in result.err, result)


@test("--quiet does not silence the audit line")
def _audit_quiet():
    result = harness.run_host(["true"], world.policy(API), ["--audit", "--quiet"])
    expect(result.code == 0 and "AUDIT: " in result.err, result)


@test("record= of the configuration does what --record does")
def _record_config():
    folder = harness.private_scratch()
    conf, path = os.path.join(folder, "host.conf"), os.path.join(folder, "run.jsonl")
    with open(conf, "w", encoding="utf-8") as stream:
        stream.write(f"[host]\nrecord = {path}\n")
    result = harness.run_host([*CURL, URL], world.policy(API), ["--config", conf])
    expect(result.code == 0, result)
    expect(len(rows_of(path)[1]) == 1, rows_of(path))


def tool(*words):
    """A verb of the host that reads files."""
    return harness.run_host(None, None, list(words))


def replay(recording, policy, *options):
    return tool("replay", *options, recording, harness.write_policy(policy))


def mixed_run():
    """curl and python3, allowed and refused, recorded."""
    script = (f"curl -sS --max-time 8 {URL}; curl -sS --max-time 8 {URL};"
              f"curl -sS --max-time 8 http://{world.ADDRESS}:{world.REFUSED_PORT}/;"
              f"{PYTHON} -I -c \"import urllib.request as r;"
              f"r.urlopen('http://origin.test:{world.API_PORT}/hello', timeout=8)\"")
    result = record(["/bin/sh", "-c", script],
                    world.policy(API, f"origin.test:{world.API_PORT}"))
    expect(result.code == 0, result)
    return result


@test("replay against the policy of the run changes nothing")
def _replay_same():
    run = mixed_run()
    result = replay(run.path, world.policy(API, f"origin.test:{world.API_PORT}"))
    expect(result.code == 0 and "unchanged: " in result.out, result)
    expect("newly" not in result.out and "cannot" not in result.out, result)


@test("replay against a stricter policy says what would break, with program, host, count and line")
def _replay_stricter():
    run = mixed_run()
    result = replay(run.path, world.policy(f"origin.test:{world.API_PORT}",
                                           binaries=("/usr/bin/curl",)))
    expect(result.code == 1, result)
    expect("newly break: 2 (3 times)" in result.out, result)
    expect(f"curl -> {world.ADDRESS}:{world.API_PORT} GET /hello  (2 times)" in result.out, result)
    expect("python3" in result.out and "not allowed in policy 'allowed'" in result.out, result)
    parsed = json.loads(replay(run.path, world.policy(), "--json").out)
    expect(len(parsed["newly_break"]) == 2 and not parsed["newly_pass"], parsed)


@test("replay against a wider policy says what would newly pass, and by which rule")
def _replay_wider():
    run = mixed_run()
    refused = f"{world.ADDRESS}:{world.REFUSED_PORT}"
    result = replay(run.path, world.policy(API, f"origin.test:{world.API_PORT}", refused))
    expect(result.code == 1 and "newly pass: 1 (1 times)" in result.out, result)
    expect(f"{refused}" in result.out and "policy.yaml:" in result.out, result)


@test("replay repeats the address check with the addresses of then")
def _replay_addresses():
    run = record([*CURL, f"http://origin.test:{world.API_PORT}/hello"],
                 world.policy(f"origin.test:{world.API_PORT}"))
    result = replay(run.path, world.policy(f"*.test.example:{world.API_PORT}",
                                           {"host": "origin.test", "port": world.API_PORT,
                                            "allowed_ips": ["10.99.0.0/16"]}))
    expect(result.code == 1 and "address outside allowed_ips, 10.77.0.1" in result.out, result)


@test("a file that is no recording, or whose text was meddled with, is refused with its line")
def _replay_bad():
    run = mixed_run()
    result = tool("replay", "/etc/hostname", harness.write_policy(world.policy()))
    expect(result.code == 125 and "/etc/hostname:1: " in result.err, result)
    with open(run.path, "a", encoding="utf-8") as stream:
        stream.write('{"outcome":"allowed","layer":"x","facts":{"a":1.5}}\n')
    result = replay(run.path, world.policy())
    expect(result.code == 125 and f":{len(run.lines) + 1}: " in result.err, result)
    expect(tool("replay", run.path).code == 125, "one word is not enough")


def learn(recording, *options):
    out = os.path.join(harness.private_scratch(), "learned.yaml")
    result = tool("policy", "learn", "-o", out, *options, recording)
    result.path = out
    result.text = ""
    if os.path.exists(out):
        with open(out, encoding="utf-8") as stream:
            result.text = stream.read()
    return result


LEARNABLE = (f"curl -sS --max-time 8 {PUBLIC}/hello;"
             f"env -i {PYTHON} -I -c \"import urllib.request as r;"
             f"r.urlopen('http://www.public.test:{world.API_PORT}/hello', timeout=8)\"")


@test("what an audit run learnt from nothing lets the same run pass when it is enforced, and no more")
def _learn():
    run = record(["/bin/sh", "-c", LEARNABLE], None, ["--audit"])
    expect(run.code == 0, run)
    learned = learn(run.path)
    expect(learned.code == 0, learned)
    expect("host: public.test" in learned.text and "host: www.public.test" in learned.text,
           learned.text)
    expect("*" not in learned.text, learned.text)
    expect(tool("check", "--run", learned.path).code == 0, learned.text)
    expect(replay_path(run.path, learned.path).code == 0, learned.text)
    again = harness.run_host(["/bin/sh", "-c", LEARNABLE], learned.path)
    expect(again.code == 0 and not again.denials(), again, learned.text)
    swapped = harness.run_host([*CURL, f"http://www.public.test:{world.API_PORT}/"], learned.path)
    expect(len(swapped.denials()) == 1, "curl got what only python3 asked for", swapped)


def replay_path(recording, policy):
    return tool("replay", recording, policy)


@test("a recording of an enforced run tightens its policy to what was used")
def _tighten():
    run = mixed_run()
    learned = learn(run.path)
    expect(learned.code == 1, learned)
    refused = f"{world.ADDRESS}:{world.REFUSED_PORT}"
    expect(refused in learned.err and f"port: {world.REFUSED_PORT}" not in learned.text, learned)
    again = harness.run_host([*CURL, URL], learned.path)
    expect(again.code == 0 and not again.denials(), again, learned.text)


@test("private addresses, and what lies outside the ceiling, are listed and not learnt")
def _ceiling():
    script = (f"curl -sS --max-time 8 {PUBLIC}/hello;"
              f"curl -sS --max-time 8 http://www.public.test:{world.API_PORT}/hello;"
              f"curl -sS --max-time 8 http://origin.test:{world.API_PORT}/hello; true")
    run = record(["/bin/sh", "-c", script], None, ["--audit"])
    ceiling = harness.write_policy(world.policy(f"public.test:{world.API_PORT}"))
    learned = learn(run.path, "--ceiling", ceiling)
    expect(learned.code == 1, learned)
    policy = "\n".join(line for line in learned.text.splitlines() if not line.startswith("#"))
    expect("public.test" in policy and "www" not in policy and "origin" not in policy, policy)
    expect("www.public.test" in learned.err and "the ceiling does not allow it" in learned.err,
           learned)
    expect("origin.test" in learned.err and "an address was refused" in learned.err, learned)
    expect("#   " in learned.text and "origin.test" in learned.text, learned.text)


@test("requests are learnt when asked for, with ids made any, and replay says what they hold")
def _learn_requests():
    script = "".join(f"curl -sS --max-time 8 {PUBLIC}/items/{number}/name?token=sesame;"
                     for number in (1, 2, 3))
    run = record(["/bin/sh", "-c", script], None, ["--audit"])
    learned = learn(run.path, "--requests")
    expect(learned.code == 0 and "path: /items/*/name" in learned.text, learned, learned.text)
    expect("sesame" not in learned.text, learned.text)
    expect(replay_path(run.path, learned.path).code == 0, learned.text)


@test("what was learnt replaces nothing, and goes live by nobody's hand but yours")
def _learn_out():
    run = record([*CURL, f"{PUBLIC}/hello"], None, ["--audit"])
    path = harness.write_policy("version: 1\n")
    result = tool("policy", "learn", "-o", path, run.path)
    expect(result.code == 125 and "is not replaced" in result.err, result)
    with open(path, encoding="utf-8") as stream:
        expect(stream.read() == "version: 1\n", "it was written to")
    result = tool("policy", "learn", run.path)
    expect(result.code == 0 and result.out.startswith("# Learned from "), result)


harness.main()
