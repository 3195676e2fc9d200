# SPDX-License-Identifier: Apache-2.0
"""protocol: rest: what a refused request is told, and what is said of it, by what refuses it."""
import json
import re
import socket
import subprocess

import harness
import world
from harness import expect, test

origins = world.World()
UNTRUSTED_PORT = 8445
secure, AUTHORITY = origins.serve_https(harness.private_scratch())
# Its authority is unknown to every run here.
untrusted, _ = origins.serve_https(harness.private_scratch(), port=UNTRUSTED_PORT)
HTTP = f"http://{world.ADDRESS}:{world.API_PORT}"
HTTPS = f"https://{world.ADDRESS}:{world.TLS_PORT}"
CURL = ["curl", "-sS", "-g", "--max-time", "10"]
SILENT_PORT = 8447
SECRET = "s3cr3t-value"
RULES = [{"allow": {"method": "GET", "path": "/search", "query": {"q": "repo:*", "page": "?"}}},
         {"allow": {"method": "POST", "path": "/items/*"}}]
DENY = [{"method": "POST", "path": "/items/locked"},
        {"method": "POST", "path": "/items/*", "query": {"force": "*"}}]


def rest(port, host=world.ADDRESS, **keys):
    return {"host": host, "port": port, "protocol": "rest", "enforcement": "enforce",
            **({} if "access" in keys else {"rules": RULES, "deny_rules": DENY}), **keys}


def run(command, policy, **keywords):
    return harness.run_recorded(command, policy, ["--set", f"network.upstream-ca={AUTHORITY}"],
                                **keywords)


def requests_of(server, action):
    """What reaches the server meanwhile."""
    before = len(server.requests)
    result = action()
    return result, server.requests[before:]


def refused(method, target, url=HTTP, port=world.API_PORT):
    """The body of the answer, the event and the line on standard error of one refused request."""
    result = run([*CURL, "-X", method, f"{url}{target}"], world.policy(rest(port)))
    expect(result.code == 0, result)
    [denied] = result.events("l7.denied")
    [line] = result.denials()
    expect(SECRET not in line and SECRET not in json.dumps(result.recorded), line, result.recorded)
    return json.loads(result.out), denied["payload"], line


def explain_next(line):
    """What the command says that a line says to type next."""
    command = line.partition("next: ")[2]
    expect(command.startswith("openshell-host explain "), line)
    done = subprocess.run(["/bin/sh", "-c", command.replace("openshell-host", harness.HOST, 1)],
                          capture_output=True, text=True, check=False, timeout=20)
    return command, done.stdout


@test("a deny rule that refuses a request is named with its place, and no allow rule is proposed")
def _deny_rule():
    for target, rule in (("/items/locked", "'POST /items/locked'"),
                         (f"/items/1?force={SECRET}", "'POST /items/*'")):
        body, payload, line = refused("POST", target)
        reason = body["detail"]
        expect(reason.startswith(f"POST {target.partition('?')[0]} blocked by deny rule {rule} (line "),
               body)
        expect("rule_missing" not in body and "allow" not in json.dumps(body["next_steps"]), body)
        expect("change that rule" in reason and payload[10] == reason and reason in line, payload, line)


@test("a refusal because of the query alone names the keys and none of their values, in the answer, "
      "the event and the line")
def _query():
    for method, target, words in (
            ("GET", f"/search?q={SECRET}", "the query does not: 'q' does not match, 'page' is missing"),
            ("POST", f"/items/1?force={SECRET}", "because of the query key 'force'")):
        body, payload, line = refused(method, target)
        expect(words in body["detail"] and payload[10] == body["detail"] and words in line,
               body, payload, line)
        expect(("rule_missing" in body) == (method == "GET"), body)
        expect("query" in explain_next(line)[1], line)
    body, _, line = refused("GET", "/other?q=1")
    expect("query" not in body["detail"] and body["rule_missing"]["type"] == "rest_allow", body)


@test("the command that the line of a refused request says to type next says why")
def _next():
    _, _, line = refused("POST", "/items")
    expect(explain_next(line)[1].startswith("denied: POST /items not permitted by policy"), line)


@test("the command to type next has the scheme that the client used, whatever the port")
def _scheme():
    _, _, line = refused("DELETE", "/items/1")
    expect(f" DELETE {HTTP}/items/1 " in line, line)
    _, _, line = refused("DELETE", "/items/1", HTTPS, world.TLS_PORT)
    command, said = explain_next(line)
    expect(f" DELETE {HTTPS}/items/1 " in command and said.startswith("denied: DELETE"), line, said)
    result = run([*CURL, f"{HTTPS}/"], world.policy(rest(world.API_PORT)))
    [line] = result.denials()
    command, said = explain_next(line)
    expect("://" not in command and said.startswith("denied: "), line, said)


@test("rules beside tls: skip are warned of on every port, and explain says that they do not hold "
      "over TLS")
def _skip():
    policy = world.policy(rest(world.TLS_PORT, tls="skip", access="read-only"), read_only=[AUTHORITY])
    words = [*CURL, "--cacert", AUTHORITY, "-d", "x", f"{HTTPS}/skipped"]
    result, seen = requests_of(secure, lambda: run(words, policy))
    expect(result.code == 0 and seen == ["POST /skipped"], result)
    expect("encrypted requests cannot be inspected" in result.err, result)
    path = harness.private_scratch() + "/skip.yaml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(policy)
    for arguments, wanted, code in (
            (["explain", path, "POST", f"{HTTPS}/skipped", "--binary", "/usr/bin/curl"],
             "requests over TLS are not inspected (tls: skip)", 0),
            (["explain", path, "POST", f"http://{world.ADDRESS}:{world.TLS_PORT}/", "--binary",
              "/usr/bin/curl"], "denied: POST / not permitted by policy", 1),
            (["check", path], "encrypted requests cannot be inspected", 0)):
        done = subprocess.run([harness.HOST, *arguments], capture_output=True, text=True, check=False,
                              timeout=20)
        expect(wanted in done.stdout + done.stderr and done.returncode == code, done)


@test("a server whose certificate is not trusted is told of by a 502, and by a failure event")
def _untrusted():
    url = f"https://{world.ADDRESS}:{UNTRUSTED_PORT}/hello"
    for words in ([*CURL], ["env", "-i", *CURL, "--cacert", "/run/openshell/ca-bundle.pem"]):
        result, seen = requests_of(untrusted, lambda: run(
            [*words, "-i", url], world.policy(rest(UNTRUSTED_PORT))))
        expect("HTTP/1.1 502 " in result.out and "certificate" in result.out and seen == [], result)
        answer = json.loads(result.out.rpartition("\r\n\r\n")[2])
        expect(answer["error"] == "upstream_tls_failed" and "network.upstream-ca" in answer["reason"], answer)
        [failed] = result.events("network.failed")
        expect(failed["payload"][1] == "tls" and "certificate" in failed["payload"][4], failed)
        expect(not result.events("l7.allowed") and "FAILED" in result.err, result)


@test("a server whose certificate is for another name is told of by a 502")
def _other_name():
    name = "git.example.test"
    result, seen = requests_of(secure, lambda: run(
        [*CURL, "-i", f"https://{name}:{world.TLS_PORT}/hello"],
        world.policy(rest(world.TLS_PORT, host=name))))
    expect("HTTP/1.1 502 " in result.out and "upstream_tls_failed" in result.out and seen == [], result)
    [failed] = result.events("network.failed")
    expect(failed["payload"][1:4] == ["tls", name, world.TLS_PORT], failed)


@test("a program that does not trust the run's certificate authority gets its TLS error, and one "
      "line names the program")
def _distrusting():
    url = f"{HTTPS}/hello"
    result, seen = requests_of(secure, lambda: run(
        ["sh", "-c", f"for n in 1 2 3; do env -i curl -sS --max-time 8 {url}; echo $?; done"],
        world.policy(rest(world.TLS_PORT))))
    expect(result.out.split() == ["60", "60", "60"] and seen == [], result)
    lines = [line for line in result.err.splitlines() if "[certificate-refused]" in line]
    expect(len(lines) == 1 and re.search(r" curl\(\d+\) -> ", lines[0]) and "CURL_CA_BUNDLE" in lines[0],
           result)
    expect(len(result.events("network.notice")) == 1 and "FAILED" not in result.err, result)
    ends = [event["payload"][4] for event in result.events("network.closed")]
    expect(ends == ["certificate refused"] * 3, ends)


@test("a server that is silent in the TLS handshake is told of by a 504, and one that speaks no TLS "
      "by a 502 with what to do")
def _silent():
    silent = socket.create_server((world.ADDRESS, SILENT_PORT))
    result = run([*CURL[:-1], "20", "-o", "/dev/stdout", "-w", " %{http_code}",
                  f"https://{world.ADDRESS}:{SILENT_PORT}/"], world.policy(rest(SILENT_PORT)))
    expect(result.out.endswith(" 504") and "did not answer the TLS handshake in time" in result.out,
           result)
    [failed] = result.events("network.failed")
    expect(failed["payload"][1] == "timeout" and "DENIED" not in result.err, failed, result)
    silent.close()
    result = run([*CURL, "-w", " %{http_code}", f"https://{world.ADDRESS}:{world.API_PORT}/"],
                 world.policy(rest(world.API_PORT)))
    expect(result.out.endswith(" 502") and "may not speak TLS on this port" in result.out, result)


harness.main()
