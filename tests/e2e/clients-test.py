# SPDX-License-Identifier: Apache-2.0
"""Real clients in the box: with proxy variables, without any, by name and by address."""
import os
import re

import harness
import world
from harness import PYTHON, expect, test

origins = world.World()
origins.serve_git(harness.scratch())

API = f"{world.ADDRESS}:{world.API_PORT}"
GIT = f"{world.ADDRESS}:{world.GIT_PORT}"
ECHO = f"{world.ADDRESS}:{world.ECHO_PORT}"
URL = f"http://{API}/hello"
CURL = ["curl", "-sS", "--max-time", "8"]
# What `env` is given to run a program as if it had never heard of a proxy.
UNAWARE = ["env", "-u", "http_proxy", "-u", "https_proxy", "-u", "all_proxy", "-u", "HTTP_PROXY",
           "-u", "HTTPS_PROXY", "-u", "ALL_PROXY", "-u", "no_proxy", "-u", "NO_PROXY"]


def transports(result):
    return [event["payload"][3] for event in result.events("network.allowed")]


def expect_hello(result):
    expect(result.code == 0 and '"hello": "world"' in result.out, result)
    expect(not result.denials(), result)


@test("curl with the proxy variables that the box sets is served as a forward proxy serves")
def _curl_forward():
    result = harness.run_recorded([*CURL, URL], world.policy(API))
    expect_hello(result)
    expect(transports(result) == ["forward"], transports(result))


@test("curl that asks for a tunnel gets one by CONNECT")
def _curl_connect():
    result = harness.run_recorded([*CURL, "--proxytunnel", URL], world.policy(API))
    expect_hello(result)
    expect(transports(result) == ["connect"], transports(result))


@test("curl without any environment is captured and served")
def _curl_captured():
    result = harness.run_recorded(["env", "-i", *CURL, URL], world.policy(API))
    expect_hello(result)
    expect(transports(result) == ["transparent"], transports(result))


@test("python3 urllib works with proxy variables and without")
def _urllib():
    for prefix, transport in (([], "forward"), (UNAWARE, "transparent")):
        result = harness.run_recorded(
            [*prefix, PYTHON, "-I", "-c",
             f"import urllib.request as r; print(r.urlopen('{URL}', timeout=8).read().decode())"],
            world.policy(API))
        expect_hello(result)
        expect(transports(result) == [transport], transports(result))


@test("Node's fetch, which ignores proxy variables, is captured and served")
def _node():
    result = harness.run_recorded(
        ["/usr/bin/node", "-e",
         f"fetch('{URL}').then(r => r.text()).then(console.log)"
         ".catch(e => { console.error(e); process.exit(3) })"], world.policy(API))
    expect_hello(result)
    expect("transparent" in transports(result), transports(result))


@test("git clones over http, with proxy variables and without, smart and dumb")
def _git():
    for number, (prefix, kind) in enumerate([([], "smart"), (UNAWARE, "smart"), ([], "dumb")]):
        folder = harness.scratch()
        result = harness.run_host(
            [*prefix, "git", "clone", "-q", f"http://{GIT}/{kind}/project.git", f"copy{number}"],
            world.policy(GIT), cwd=folder)
        expect(result.code == 0, kind, result)
        expect(os.path.isdir(os.path.join(folder, f"copy{number}", ".git")), result)


@test("nc talks to a raw TCP echo server")
def _nc():
    result = harness.run_host(["nc", "-q", "1", "-w", "5", world.ADDRESS, str(world.ECHO_PORT)],
                              world.policy(ECHO), stdin=b"one two three\n")
    expect(result.code == 0 and result.out == "one two three\n", result)


@test("curl over SOCKS is served by name and by address, and is told by a number why not")
def _socks():
    proxy = "${http_proxy#http://}"
    curl = f"curl -sS --max-time 8 --noproxy '' -o /dev/null -w '%{{http_code}}\\n'"
    result = harness.run_recorded(["sh", "-c", "\n".join((
        f"{curl} --socks5-hostname {proxy} http://api.example.test:8080/hello",
        f"{curl} --socks5 {proxy} http://{world.ADDRESS}:8080/hello",
        f"{curl} --socks5 {proxy} -g http://[{world.ADDRESS6}]:8080/hello",
        f"{curl} --socks5-hostname {proxy} http://{world.ADDRESS}:8081/; echo refused $?",
        f"{curl} --socks5-hostname {proxy} http://{world.ADDRESS}:9/; echo closed $?"))],
        world.policy({"host": "api.example.test", "port": 8080,
                      "allowed_ips": [f"{world.ADDRESS}/32"]},
                     f"{world.ADDRESS}:8080", f"{world.ADDRESS}:9",
                     f"[{world.ADDRESS6}]:8080"))
    expect(result.out.split() == ["200"] * 3 + ["000", "refused", "97", "000", "closed", "97"], result)
    expect(transports(result) == ["socks"] * 4, transports(result))
    expect(re.search(r"\(2\)", result.err) and re.search(r"\(5\)", result.err), result)
    expect(len(result.denials()) == 1 and "8081" in result.denials()[0], result)


@test("a client of SOCKS or CONNECT that resolves names itself is judged and told of by the name")
def _socks_own():
    curl = "curl -sS --max-time 8 --noproxy '' -o /dev/null -w '%{http_code}\\n'"
    name = "api.example.test"
    result = harness.run_recorded(["sh", "-c", "\n".join((
        f"{curl} --socks5 ${{http_proxy#http://}} http://{name}:8080/hello",
        f"{curl} --socks5 ${{http_proxy#http://}} http://{name}:8081/",
        f"address=$(getent ahostsv4 {name} | head -n1 | cut -d' ' -f1)",
        f"{curl} -p -x $http_proxy -H 'Host: {name}:8080' http://$address:8080/hello"))],
        world.policy({"host": name, "port": 8080, "allowed_ips": [f"{world.ADDRESS}/32"]}))
    expect(result.out.split() == ["200", "000", "200"], result)
    hosts = [event["payload"][1:3] for event in result.events("network.allowed")]
    expect(hosts == [[name, 8080]] * 2, hosts)
    [line] = result.denials()
    expect(f"-> {name}:8081 [socks]" in line and "198.18." not in line, line)


@test("a server that is closed is a failure, never a denial")
def _closed():
    result = harness.run_host([*CURL, "-f", f"http://{world.ADDRESS}:9/"],
                              world.policy(f"{world.ADDRESS}:9"))
    expect(result.code != 0 and not result.denials(), result)


@test("an IPv6 destination is captured and served")
def _ipv6():
    result = harness.run_host(["env", "-i", *CURL, "-g",
                               f"http://[{world.ADDRESS6}]:{world.API_PORT}/hello"],
                              world.policy(f"[{world.ADDRESS6}]:{world.API_PORT}"))
    expect_hello(result)


@test("eight MiB arrive whole, forwarded, tunnelled and captured")
def _bulk():
    size = 8 << 20
    for prefix, more in (([], []), ([], ["--proxytunnel"]), (["env", "-i"], [])):
        result = harness.run_host([*prefix, *CURL, *more, "-o", "/dev/null", "-w",
                                   "%{size_download}", f"http://{API}/big/{size}"],
                                  world.policy(API))
        expect(result.code == 0 and result.out == str(size), prefix, more, result)


@test("a request body of 300 KiB arrives whole")
def _upload():
    result = harness.run_shell(
        f"head -c 300000 /dev/zero | tr '\\0' z | curl -sS --max-time 8 -d @- {URL} | "
        f"tr -cd z | wc -c", world.policy(API))
    expect(result.code == 0 and result.out.strip() == "300000", result)


@test("a name in the policy works through the proxy")
def _names():
    result = harness.run_host([*CURL, "http://api.example.test:8080/hello"],
                              world.policy("api.example.test:8080"))
    expect_hello(result)


@test("a wildcard in the policy covers a public name only: a private address is refused")
def _wildcard_private():
    result = harness.run_host([*CURL, "-f", "http://api.example.test:8080/hello"],
                              world.policy("*.example.test:8080"))
    expect(result.code != 0 and "hello" not in result.out and len(result.denials()) == 1, result)


@test("a wildcard with allowed_ips reaches a private address that is listed, and no other")
def _allowed_ips():
    for allowed, works in (("10.77.0.1/32", True), ("10.77.0.2/32", False)):
        result = harness.run_host(
            [*CURL, "http://api.example.test:8080/hello"],
            world.policy({"host": "*.example.test", "port": 8080, "allowed_ips": [allowed]}))
        expect((result.code == 0 and "hello" in result.out) == works, allowed, result)
        expect(len(result.denials()) == (0 if works else 1), allowed, result)


@test("curl fails on a refused request of every kind, and the server never sees it")
def _refused():
    url = f"http://{world.ADDRESS}:{world.REFUSED_PORT}/"
    for command in ([*CURL, "-f", url], [*CURL, "--proxytunnel", url], ["env", "-i", *CURL, "-f", url]):
        result = harness.run_host(command, world.policy(API))
        expect(result.code != 0, command, result)
        expect(len(result.denials()) == 1, command, result)
    expect(origins.refused.connections == 0, origins.refused.requests)


@test("the 403 body of a refused request carries the id that stderr shows")
def _same_id():
    result = harness.run_host([*CURL, f"http://{world.ADDRESS}:{world.REFUSED_PORT}/"],
                              world.policy(API))
    expect(len(result.denials()) == 1, result)
    ids = [word.strip("[]()") for word in result.denials()[0].split() if "e" in word
           and word.strip("[]()")[:1] == "e" and word.strip("[]()")[1:].isdigit()]
    expect(len(ids) == 1 and f'"{ids[0]}"' in result.out, result)


@test("only the binary that the policy names is served; a child of it is too")
def _binary():
    python = os.path.realpath(PYTHON)
    script = f"import urllib.request as r; print(r.urlopen('{URL}', timeout=8).read().decode())"
    for binaries, works in (((python,), True), ((PYTHON,), True), (("/usr/bin/curl",), False)):
        result = harness.run_python(script, world.policy(API, binaries=binaries))
        expect((result.code == 0) == works, binaries, result)
        expect(len(result.denials()) == (0 if works else 1), binaries, result)
    result = harness.run_python(f"import subprocess; subprocess.run({[*CURL, URL]!r}, check=True)",
                                world.policy(API, binaries=(python,)))
    expect_hello(result)


harness.main()
