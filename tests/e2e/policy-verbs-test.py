# SPDX-License-Identifier: Apache-2.0
"""check and explain, as a person types them: plugins found by their manifests alone, exit codes,
standard input, escaping, and suggestions that do what they say."""
import json
import os
import re
import shutil
import subprocess

import harness
from harness import expect, test

EXPLAINED = os.path.join(harness.SOURCE, "host", "policy", "testdata", "explained.yaml")
GOOD = """version: 1
network_policies:
  p:
    endpoints: [{ host: a.test, port: 443 }]
    binaries: [{ path: /usr/bin/curl }]
"""


def verb(*words, stdin=b""):
    done = subprocess.run([harness.HOST, *words], input=stdin, capture_output=True, check=False,
                          timeout=20, env=harness.clean_environment(), cwd=harness.scratch())
    return harness.Result(done.returncode, done.stdout.decode("utf-8", "replace"),
                          done.stderr.decode("utf-8", "replace"), 0)


def plugins(*names):
    """A folder with some of the test plugins, and nobody else's to write to."""
    folder = harness.private_scratch()
    for name in names:
        shutil.copy(os.path.join(harness.BUILD, "tests", "plugins", name + ".so"), folder)
    return folder


REST = "protocol: rest, enforcement: enforce, access: read-only"
GRAPHQL = "protocol: graphql, enforcement: enforce, access: read-only"
# What an endpoint says and no plugin does, and the words that a refusal names it by.
NOT_ENFORCED = (
    ("tls: skip, path: /x", "path"),
    ("access: read-only", "access"),
    ("protocol: sql, enforcement: audit, rules: [{ allow: { command: SELECT } }]", "protocol sql"),
    (REST + ", request_body_credential_rewrite: true", "request_body_credential_rewrite"),
    (REST + ", credential_signing: sigv4, signing_service: s3, signing_region: x",
     "credential_signing"),
)
MIDDLEWARE = """network_middlewares:
  look:
    middleware: openshell/regex
    config: {}
    on_error: fail_closed
    endpoints: { include: [a.test] }
"""
UNSERVED = MIDDLEWARE.replace("openshell/regex", "openshell/nobody")


def demo(endpoint="rules: [{ allow: { command: GET } }]"):
    return GOOD.replace("{ host: a.test, port: 443 }",
                        "{ host: a.test, port: 6379, protocol: demo, enforcement: enforce, "
                        f"{endpoint} }}")


@test("check says ok with exit code 0, and refuses with 1 by file, line and column")
def _check():
    good, bad = harness.write_policy(GOOD), harness.write_policy(GOOD.replace("443", "0"))
    result = verb("check", good)
    expect(result.code == 0 and result.out == f"{good}: ok, 1 policies, 1 endpoints, 0 warnings\n",
           result)
    result = verb("check", good, bad)
    expect(result.code == 1 and re.search(r"policy\.yaml:4:\d+: error: .*invalid port 0",
                                          result.out), result)
    expect(result.out.endswith(f"{bad}: refused, 1 errors, 0 warnings\n"), result)


@test("check reads standard input, and a pipe as a file is refused")
def _stdin():
    result = verb("check", "-", stdin=GOOD.encode())
    expect(result.code == 0 and result.out.startswith("(standard input): ok"), result)
    result = verb("check", "-", stdin=b"version: [\n")
    expect(result.code == 1 and "(standard input):2:1: error" in result.out, result)
    result = verb("check", "/dev/null")
    expect(result.code == 1 and "not a regular file" in result.out, result)


@test("check --json is one object a line with everything in it")
def _json():
    files = [harness.write_policy(GOOD), harness.write_policy(GOOD + "netwrok: {}\n"), "/no/such"]
    result = verb("check", "--json", *files)
    expect(result.code == 1, result)
    objects = [json.loads(line) for line in result.out.splitlines()]
    expect([entry["ok"] for entry in objects] == [True, False, False], result)
    expect(objects[0]["endpoints"] == 1 and len(objects[0]["sha256"]) == 64, result)
    [problem] = objects[1]["diagnostics"]
    expect(problem["line"] == 6 and problem["severity"] == "error"
           and "network" in problem["message"] + str(problem["suggestion"]), result)


@test("what stands in a policy reaches neither a terminal nor JSON unescaped")
def _escaping():
    text = GOOD + '"\u202eevil\u009b31m": {}\n'
    result = verb("check", harness.write_policy(GOOD + '"a\\Lb\\Pc": {}\n'))
    expect(result.code == 1 and "a\\u{2028}b\\u{2029}c" in result.out, repr(result.out))
    result = verb("check", harness.write_policy(text))
    expect(result.code == 1, result)
    expect(all(c.isprintable() or c == "\n" for c in result.out), repr(result.out))
    result = verb("check", "--json", harness.write_policy(text))
    expect(all(32 <= ord(c) < 127 or c == "\n" for c in result.out), repr(result.out))
    result = verb("explain", EXPLAINED, "a\033[31m.test:443", "--binary", "/b\033[0m",
                  "--plugin-dir", plugins("protocol-demo"))
    expect(result.code == 1 and "\033" not in result.out + result.err, repr(result.out))


@test("thousands of errors are counted and some are shown")
def _many():
    text = "version: 1\n" + "".join(f"x{n}: 1\n" for n in range(5000))
    result = verb("check", harness.write_policy(text))
    expect(result.code == 1 and len(result.out.splitlines()) < 500, len(result.out))
    expect("and 4600 more" in result.out and "5000 errors" in result.out, result.out[-200:])


@test("warnings fail only with --strict")
def _strict():
    path = harness.write_policy(GOOD.replace("port: 443", "port: 443, tls: terminate"))
    expect(verb("check", path).code == 0, "a warning fails")
    result = verb("check", "--strict", path)
    expect(result.code == 1 and "refused, 0 errors, 1 warnings" in result.out, result)


@test("check --run refuses what a run refuses")
def _run():
    for entry, named in NOT_ENFORCED:
        path = harness.write_policy(GOOD.replace("port: 443 }", f"port: 443, {entry} }}"))
        expect(verb("check", path).code == 0, "without --run", entry)
        result = verb("check", "--run", path)
        expect(result.code == 1 and f"{named} is not enforced" in result.out, entry, result)
    expect(verb("check", "--run", harness.write_policy(GOOD + MIDDLEWARE)).code == 0, "served")
    path = harness.write_policy(GOOD + UNSERVED)
    expect(verb("check", path).code == 0, "without --run")
    result = verb("check", "--run", path)
    expect(result.code == 1 and "no plugin of this run serves middleware" in result.out, result)
    for entry in (REST, GRAPHQL):
        path = harness.write_policy(GOOD.replace("port: 443 }", f"port: 443, {entry} }}"))
        result = verb("check", "--run", path)
        expect(result.code == 0, entry, result)


@test("a run refuses what check --run refuses")
def _run_refuses():
    for text in (*(GOOD.replace("port: 443 }", f"port: 443, {entry} }}") for entry, _ in NOT_ENFORCED),
                 GOOD + UNSERVED):
        result = harness.run_host(["true"], text)
        expect(result.code == 125 and re.search("is not enforced|no plugin of this run serves",
                                                result.err), text, result)


@test("check --openshell names what is ours alone by its place")
def _openshell():
    folder = plugins("protocol-demo")
    result = verb("check", "--openshell", "--plugin-dir", folder, EXPLAINED)
    expect(result.code == 1, result)
    expect(re.search(r"explained\.yaml:44:\d+: error: .*mcp_arguments: not portable", result.out),
           result)
    expect(re.search(r"explained\.yaml:70:\d+: error: .*protocol demo is declared by plugin "
                     r"com\.example\.demo", result.out), result)
    expect(verb("check", "--openshell", harness.write_policy(GOOD)).code == 0, "a portable policy")
    odd = GOOD.replace("{ host: a.test, port: 443 }", """
      - { host: b.test, port: 443, protocol: rest, enforcement: enforce, rules: [
          { allow: { method: GET, path: "/a" } }] }
      - { host: c.test, port: 443, protocol: graphql, enforcement: enforce, rules: [
          { allow: { operation_type: "*" } }] }
      - { host: d.test, port: 443, allowed_ips: [224.1.0.0/16] }""").replace("[\n      -", "\n      -") \
        .replace("224.1.0.0/16] }]", "224.1.0.0/16] }")
    result = verb("check", "--openshell", harness.write_policy(odd))
    expect(result.code == 1 and result.out.count("decided otherwise") == 1 and
           result.out.count("not portable: operation_type") == 1, result)
    for old in (GOOD.replace("port: 443", "port: 443, tls: passthrough"),
                GOOD.replace("/usr/bin/curl", "/usr/bin/curl, harness: true")):
        result = verb("check", "--openshell", harness.write_policy(old))
        expect(result.code == 1 and "OpenShell 0.1 refuses it" in result.out, result)


@test("a protocol is legal where a plugin declares it, and only there")
def _protocol():
    folder, path = plugins("protocol-demo"), harness.write_policy(demo())
    result = verb("check", path)
    expect(result.code == 1 and "unknown protocol 'demo'" in result.out, result)
    expect(verb("check", "--plugin-dir", folder, path).code == 0, "with the plugin")
    result = verb("check", "--plugin-dir", folder, harness.write_policy(demo("rules: [{ allow: { keys: a } }]")))
    expect(result.code == 1 and "did you mean 'key'?" in result.out, result)
    result = verb("check", "--plugin-dir", folder, "--run", path)
    expect(result.code == 1 and "protocol demo is declared by plugin com.example.demo, which is not "
           "used: it does not provide openshell.draft.l7-protocol/1" in result.out, result)
    result = verb("check", "--plugin-dir", "/no/such/folder", path)
    expect(result.code == 125 and "/no/such/folder" in result.err, result)


@test("no code of a plugin runs to know its protocols")
def _no_code():
    path = harness.write_policy(demo())
    for words in (["check", path], ["explain", path, "a.test:6379", "--binary", "/b", "--fact", "command=GET"]):
        result = verb(*words, "--plugin-dir", plugins("protocol-demo"))
        expect("loaded" not in result.err + result.out, result)


@test("a plugin file that others may write, or whose manifest is broken, is named and not believed")
def _manifests():
    folder = plugins("protocol-demo", "bad-manifest")
    os.chmod(os.path.join(folder, "protocol-demo.so"), 0o666)
    path = harness.write_policy(demo())
    result = verb("check", "--plugin-dir", folder, path)
    expect(result.code == 1 and "unknown protocol" in result.out, result)
    for name in ("protocol-demo.so", "bad-manifest.so"):
        expect(name in result.err, result)


PRESET = """preset:
  name: {0}
  description: "what {0} needs"
network_policies:
  {0}:
    endpoints: [{{ host: {0}.test, port: 443, tls: terminate }}]
    binaries: [/usr/bin/curl]
"""


@test("fragments of a collection become one policy, which check and a run take")
def _compose():
    base, one, two = (harness.write_policy(text) for text in
                      (GOOD, PRESET.format("one"), PRESET.format("two")))
    result = verb("policy", "compose", base, one, two)
    expect(result.code == 0 and result.err == "", result)
    composed = result.out
    expect(all(f"  {name}:" in composed for name in ("p", "one", "two")), composed)
    expect("preset" not in composed and "terminate" not in composed, composed)
    result = verb("check", "--strict", "--openshell", "-", stdin=composed.encode())
    expect(result.code == 0 and "3 policies, 3 endpoints" in result.out, result)
    result = harness.run_host(["true"], composed, ["--allow-degraded=landlock"])
    expect(result.code == 0, result)
    result = verb("policy", "compose", "-", one, stdin=GOOD.encode())
    expect(result.code == 0 and "  one:" in result.out, result)
    result = verb("check", one)
    expect(result.code == 1 and "openshell-host policy compose" in result.out, result)


@test("files that contradict each other are not composed, and both are named")
def _compose_clash():
    one = harness.write_policy(PRESET.format("one"))
    other = harness.write_policy(PRESET.format("one").replace("443", "8443"))
    result = verb("policy", "compose", one, other)
    expect(result.code == 1 and result.out == "", result)
    expect(one in result.err and other in result.err and
           "network_policies.one.endpoints[0].port" in result.err, result)
    result = verb("policy", "compose", "--replace", one, other)
    expect(result.code == 0 and "8443" in result.out, result)
    hidden = harness.write_policy(PRESET.format("two").replace("two.test", "one.test")
                                  .replace("tls: terminate", "tls: skip"))
    result = verb("policy", "compose", one, hidden)
    expect(result.code == 1 and "ambiguous" in result.err and
           f"policy 'two' is from {hidden}" in result.err, result)


@test("a run refuses a protocol that nothing drives, also when its plugin is disabled")
def _run_protocol():
    folder = plugins("protocol-demo")
    for more, why in (([], "it does not provide openshell.draft.l7-protocol/1"),
                      (["--disable", "com.example.demo"], "it is disabled by configuration")):
        result = harness.run_host(["true"], demo(), ["--plugin-dir", folder, *more])
        expect(result.code == 125 and "protocol demo is declared by plugin com.example.demo, which "
               f"is not used: {why}" in result.err, result)
    for protocol, plugin in (("rest", "l7-rest"), ("websocket", "l7-ws")):
        keys = REST.replace("rest", protocol)
        text = GOOD.replace("port: 443 }", f"port: 443, {keys} }}")
        result = harness.run_host(["true"], text, ["--disable", plugin])
        expect(result.code == 125 and "policy.yaml:4:" in result.err and
               f"protocol {protocol} is declared by plugin {plugin}, which is not used: it is "
               "disabled by configuration" in result.err, result)
        expect("not enforced" not in result.err, result)


@test("a run refuses GraphQL where its plugin, or the one that reads its requests, is disabled")
def _run_graphql():
    graphql = GOOD.replace("port: 443 }", f"port: 443, {GRAPHQL} }}")
    result = harness.run_host(["true"], graphql, ["--disable", "l7-graphql"])
    expect(result.code == 125 and "policy.yaml:4:" in result.err and "protocol graphql is declared "
           "by plugin l7-graphql, which is not used: it is disabled by configuration" in result.err,
           result)
    result = harness.run_host(["true"], graphql, ["--disable", "l7-rest"])
    expect(result.code == 125 and "protocol graphql is not enforced yet" in result.err, result)
    expect(harness.run_host(["true"], graphql).code == 0, "with both")
    websocket = graphql.replace("graphql", "websocket")
    result = harness.run_host(["true"], websocket, ["--disable", "l7-rest"])
    expect(result.code == 125 and "l7-rest" in result.err, result)
    expect(harness.run_host(["true"], websocket).code == 0, "a WebSocket with both")


@test("explain answers by its exit code, in words and in JSON")
def _explain():
    path = harness.write_policy(GOOD)
    expect(verb("explain", path, "https://a.test/", "--binary", "/usr/bin/curl").code == 0, "allowed")
    result = verb("explain", path, "https://a.test/", "--binary", "/usr/bin/wget", "--json")
    answer = json.loads(result.out)
    expect(result.code == 1 and answer["allowed"] is False, result)
    expect(answer["close"][0]["why"] == ["its binaries are /usr/bin/curl"], answer)
    expect(answer["change"] == {"add_to": "network_policies.p.binaries",
                                "yaml": "- path: /usr/bin/wget\n", "opens_also": None}, answer)
    result = verb("explain", "-", "a.test:443", "--binary", "/usr/bin/curl", stdin=GOOD.encode())
    expect(result.code == 0, result)
    for words in ([], ["a.test:443"], ["a.test", "--binary", "/b"], ["--nonsense"],
                  ["a.test:443", "--binary", "/b", "--address", "x"]):
        expect(verb("explain", path, *words).code == 125, words)


@test("explain and check know a program as the kernel does: links followed, a script by its "
      "interpreter")
def _programs():
    folder = harness.scratch()
    real = os.path.join(folder, "real")
    os.mkdir(real)
    shutil.copy("/usr/bin/env", os.path.join(real, "tool"))
    os.symlink("real", os.path.join(folder, "linked"))
    os.symlink("../linked/tool", os.path.join(real, "link"))
    script = os.path.join(real, "script")
    with open(script, "w", encoding="utf-8") as stream:
        stream.write(f"#!{real}/tool\n")
    os.chmod(script, 0o755)
    path = harness.write_policy(GOOD.replace("/usr/bin/curl", f"{real}/tool"))
    for binary in ("real/tool", "linked/tool", "real/link", "linked/link", "real/script",
                   "linked/script", "real/../real/tool"):
        result = verb("explain", path, "a.test:443", "--binary", f"{folder}/{binary}")
        expect(result.code == 0, binary, result)
        result = verb("explain", path, "a.test:443", "--binary", "/none", "--ancestor",
                      f"{folder}/{binary}")
        expect(result.code == 0, binary, result)
        expect((f"is {real}/tool" in result.out or "interpreter" in result.out)
               == (binary != "real/tool"), result)
    for binary in ("linked/tool", "real/script"):
        path = harness.write_policy(GOOD.replace("/usr/bin/curl", f"{folder}/{binary}"))
        result = verb("check", path)
        expect(result.code == 0 and f"write {real}/tool" in result.out, result)
        expect(verb("check", "--strict", path).code == 1, "--strict")
        result = verb("explain", path, "a.test:443", "--binary", f"{folder}/{binary}")
        expect(result.code == 1 and "line 5: this binary matches no process" in result.out
               and f"write {real}/tool" in result.out, result)
        expect(f"- path: {real}/tool" in result.out, result)


@test("explain offers nothing that the check of addresses refuses whatever a policy says")
def _blocked():
    path = harness.write_policy(GOOD)
    for target in ("127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "0.0.0.0:80", "169.254.169.254:80",
                   "[fe80::1]:80", "[::ffff:127.0.0.1]:80", "localhost:80", "x.localhost:80",
                   "10.0.0.1:10250", "https://127.0.0.1/x", "http://localhost:8080/"):
        result = verb("explain", path, target, "--binary", "/usr/bin/curl", "--json")
        answer = json.loads(result.out)
        expect(result.code == 1 and answer["change"] is None, target, answer)
        expect(any("no policy can allow it" in note for note in answer["notes"]), target, answer)
    result = verb("explain", path, "b.test:80", "--address", "127.0.0.1", "--binary", "/b", "--json")
    expect(json.loads(result.out)["change"] is None, result)
    for target in ("10.0.0.1:80", "b.test:80", "8.8.8.8:53"):
        result = verb("explain", path, target, "--binary", "/b", "--json")
        expect(json.loads(result.out)["change"] is not None, target, result)
    result = verb("check", harness.write_policy(GOOD.replace("a.test", "localhost")))
    expect("always blocked" in result.out, result)


def splice(path, add_to, yaml, line):
    """Puts the suggested lines where explain said, as a person would."""
    with open(path, encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    if add_to == "network_policies":
        at, indent = lines.index("network_policies:") + 1, "  "
    else:
        key = add_to.rpartition(".")[2] + ":"
        start = line - 1 if key == "rules:" else lines.index(f"  {add_to.split('.')[1]}:")
        at = next(n for n in range(start, len(lines)) if lines[n].strip() == key) + 1
        indent = lines[at][:len(lines[at]) - len(lines[at].lstrip())]
    lines[at:at] = [indent + text for text in yaml.splitlines()]
    return harness.write_policy("\n".join(lines) + "\n")


@test("what explain suggests allows what was denied")
def _suggestions():
    folder = plugins("protocol-demo")
    questions = [
        ["POST", "https://api.github.com/repos/a/b", "--binary", "/usr/bin/gh"],
        ["GET", "https://api.github.com/a*b/{c}", "--binary", "/usr/bin/gh"],
        ["PUT", "https://other.test/v1/x?y=1", "--binary", "/usr/bin/x"],
        ["https://example.com/", "--binary", "/usr/bin/wget"],
        ["https://mcp.test/", "--mcp-tool", "write", "--mcp-argument", "path=*", "--binary", "/b"],
        ["https://graph.test/graphql", "--graphql-operation", "mutation:Del:viewer", "--binary", "/b"],
        ["wss://feed.test/live", "--websocket-text", "--binary", "/b"],
        ["cache.test:6379", "--fact", "command=SET", "--fact", "key=a:b", "--fact", "key=c*",
         "--fact", "database=3", "--fact", "readonly=true", "--binary", "/b"],
        ["cache.test:6379", "--fact", "calls={name: x, args: [1, '[y]'], count: 2}", "--binary", "/b"],
    ]
    for words in questions:
        words = [*words, "--plugin-dir", folder]
        result = verb("explain", EXPLAINED, *words, "--json")
        answer = json.loads(result.out)
        expect(result.code == 1 and answer["change"], words, answer)
        line = answer["close"][0]["line"] if answer["close"] else 0
        changed = splice(EXPLAINED, answer["change"]["add_to"], answer["change"]["yaml"], line)
        result = verb("explain", changed, *words)
        expect(result.code == 0 and result.out.startswith("allowed"), words, answer, result)


@test("the command that a denial line says to type next works")
def _next():
    script = ("import socket\ns = socket.create_connection(('203.0.113.9', 443), 2)\n"
              "s.settimeout(10)\ntry: s.recv(1)\nexcept OSError: pass\n")
    result = harness.run_python(script, harness.write_policy(GOOD + "filesystem_policy:\n"
                                                            "  include_workdir: true\n"
                                                            "  read_only: [/usr, /lib, /lib64, "
                                                            "/etc, /bin]\n"))
    [line] = result.denials()
    command = line.partition("next: ")[2]
    expect(command.startswith("openshell-host explain "), result)
    done = subprocess.run(["/bin/sh", "-c", command.replace("openshell-host", harness.HOST, 1)],
                          capture_output=True, text=True, check=False, timeout=20)
    expect(done.returncode == 1 and done.stdout.startswith("denied: endpoint 203.0.113.9:443"), done)
    expect("host: 203.0.113.9" in done.stdout, done)


@test("explain follows a link in the policy to the file that a process is known by, as a run does")
def _links():
    folder = harness.scratch()
    program, link = os.path.join(folder, "program"), os.path.join(folder, "link")
    with open(program, "w", encoding="ascii"):
        pass
    os.symlink(program, link)
    policy = harness.write_policy(GOOD.replace("/usr/bin/curl", link))
    for binary in (os.path.realpath(program), link):
        result = verb("explain", policy, "a.test:443", "--binary", binary)
        expect(result.code == 0, result)
    result = verb("explain", policy, "a.test:443", "--binary", "/usr/bin/curl")
    expect(result.code == 1, result)
    result = verb("explain", policy, "a.test:444", "--binary", os.path.realpath(program))
    expect(result.code == 1 and "to allow it" in result.out, result)


@test("explain says what is wrong with its words")
def _words():
    policy = harness.write_policy(GOOD)
    for words, answer in (
            (("ftp://a.test", "--binary", "/b"), "a URL begins with https://, http://, wss:// or"),
            (("a.test:443", "--binary", "curl"), "--binary needs the full path"),
            (("a.test:443", "--binary", "/b", "--ancestor", "sh"), "--ancestor needs the full"),
            (("a.test", "--binary", "/b"), "write a URL, or HOST:PORT")):
        result = verb("explain", policy, *words)
        expect(result.code == 125 and answer in result.err, result)


@test("more operations than a merge can do in good time are refused")
def _operations():
    policy = harness.write_policy(GOOD)
    for count, code in ((256, 0), (257, 1)):
        path = os.path.join(harness.scratch(), "operations.yaml")
        with open(path, "w", encoding="ascii") as file:
            file.write("operations:\n" + count * "  - remove_rule: { rule_name: x }\n")
        result = verb("policy", "merge", policy, path)
        expect(result.code == code, result)
    expect("2:3: error: operations: more than 256 operations: split the file" in result.err, result)


@test("a verb whose output cannot be written has failed")
def _full():
    good = harness.write_policy(GOOD)
    recording = os.path.join(harness.scratch(), "run.jsonl")
    with open(recording, "w", encoding="ascii") as file:
        file.write('{"openshell-recording":1,"mode":"audit"}\n')
    for words in (("check", good), ("explain", good, "a.test:443", "--binary", "/usr/bin/curl"),
                  ("policy", "format", good), ("policy", "learn", recording),
                  ("replay", recording, good), ("init", "npm", "-o", "-"), ("doctor",), ("plugins",),
                  ("plugins", "settings"), ("--help",), ("--version",)):
        done = subprocess.run(["/bin/sh", "-c", '"$@" >&-', "-", harness.HOST, *words], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20,
                              env=harness.clean_environment())
        expect(done.returncode == 125 and b"could not be written" in done.stderr, words, done)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([harness.HOST, *words], stdout=full, stderr=subprocess.PIPE,
                                  check=False, timeout=20, env=harness.clean_environment())
        expect(done.returncode == 125 and b"could not be written" in done.stderr, words, done)


@test("words that a verb does not know are shown escaped")
def _unknown():
    for words in (("check",), ("explain",), ("replay",), ("policy", "learn"), ("policy", "format"),
                  ("policy", "learn", "run.jsonl", "--plugin-dir"), ()):
        result = verb(*words, "--x\033[31m\u202e")
        expect(result.code == 125, result)
        expect(all(c.isprintable() or c == "\n" for c in result.out + result.err), result)


@test("--help of each verb lists its options and exit codes")
def _help():
    for name, option in (("check", "--openshell"), ("explain", "--graphql-operation"),
                         ("replay", "--strict"), ("policy learn", "--ceiling")):
        result = verb(*name.split(), "--help")
        expect(re.search(r"\b125 (for a usage error|when) ?", result.out), result)
        expect(result.code == 0 and option in result.out and f"openshell-host {name}" in result.out,
               result)


harness.main()
