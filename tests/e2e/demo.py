# SPDX-License-Identifier: Apache-2.0
"""What scripts/demo shows, step by step. Each step says what it does, shows it and checks it."""
import os
import shlex
import subprocess
import sys

import harness
import world

POLICY = os.path.join(harness.SOURCE, "data/examples/demo.yaml")
ALLOWED = f"http://{world.ADDRESS}:{world.API_PORT}/hello"
REFUSED = f"http://{world.ADDRESS}:{world.REFUSED_PORT}/hello"
HTTPS_POLICY = os.path.join(harness.SOURCE, "data/examples/demo-https.yaml")
ITEM = f"https://{world.ADDRESS}:{world.TLS_PORT}/items/7"
# Where a program of the box finds the certificate authorities, when no variable tells it.
BUNDLE = "/run/openshell/ca-bundle.pem"
CURL = ["curl", "-fsS", "--max-time", "8"]


class Demo:
    def __init__(self):
        self.number = 0
        self.failures = []
        self.shown = set()
        self.origins = world.World()
        self.secure, self.authority = self.origins.serve_https(harness.private_scratch())
        self.folder = harness.scratch()

    def step(self, sentence, command, policy=POLICY, options=()):
        """Shows a step, runs it, returns how it ended."""
        self.number += 1
        shown = shlex.join(command)
        print(f"\n{self.number}. {sentence}", flush=True)
        words = shlex.join(["--policy", os.path.relpath(policy, harness.SOURCE), *options])
        print(f"   $ openshell-host {words} -- {shown}", flush=True)
        try:
            result = harness.run_host(command, policy, options, cwd=self.folder)
        except subprocess.TimeoutExpired as error:
            result = harness.Result(-1, (error.stdout or b"").decode(),
                                    (error.stderr or b"").decode(), error.timeout)
        for text in (result.out, result.err):
            for line in text.splitlines():
                # What says the same each time, and where in urllib it happened, is shown once.
                if line not in self.shown and not line.startswith(("  File", "    ")):
                    print(f"   {line}")
                if line.startswith("openshell: ") and "DENIED" not in line:
                    self.shown.add(line)
        print(f"   exit code {result.code}, {result.seconds:.2f} s")
        return result

    def check(self, condition, sentence):
        print(f"   {'ok  ' if condition else 'FAIL'} {sentence}", flush=True)
        if not condition:
            self.failures.append(f"step {self.number}: {sentence}")

    def run_https(self):
        """Without a proxy variable: `env -i` clears all of them."""
        inspected = (HTTPS_POLICY, ["--set", f"network.upstream-ca={self.authority}"])
        curl = ["env", "-i", "curl", "-sS", "--max-time", "8", "--cacert", BUNDLE]
        result = self.step("Inside HTTPS each request is decided: this GET is allowed.",
                           [*curl, ITEM], *inspected)
        self.check(result.code == 0 and '"path": "/items/7"' in result.out, "the answer came back")
        self.check(not result.denials(), "nothing was denied")

        result = self.step("A POST to the same place is refused, and the answer says why.",
                           [*curl, "--fail-with-body", "-d", "price=0", ITEM], *inspected)
        self.check(result.code == 22 and '"error":"policy_denied"' in result.out
                   and '"rule":"POST /items/7"' in result.out, "curl got a 403 with the reason")
        self.check(len(result.denials()) == 1 and "POST /items/7" in result.denials()[0],
                   "one line says DENIED, with method and path")
        self.check(self.secure.requests == ["GET /items/7"],
                   "the server on the other side saw the GET alone")

        seen = " ".join([shlex.join([*curl, "-v", "-o", "/dev/null", ITEM]), "2>&1 |",
                         "grep -E 'issuer:|verify ok'"])
        result = self.step("The certificate that curl sees is made by this run, and is trusted.",
                           ["sh", "-c", seen], *inspected)
        self.check("issuer: CN=OpenShell" in result.out and "certificate verify ok" in result.out,
                   "its issuer is the certificate authority of the run")

    def run(self):
        result = self.step("A request that the policy allows succeeds.", [*CURL, ALLOWED])
        self.check(result.code == 0 and '"hello": "world"' in result.out, "the answer came back")
        self.check(not result.denials(), "nothing was denied")

        result = self.step("No proxy variable is needed: what ignores them is captured.",
                           ["env", "-i", *CURL, ALLOWED])
        self.check(result.code == 0 and '"hello": "world"' in result.out, "the answer came back")

        result = self.step("A request that no rule allows is refused, and stderr says why.",
                           [*CURL, REFUSED])
        self.check(result.code != 0, "curl failed")
        self.check(len(result.denials()) == 1, "exactly one line says DENIED")
        self.check(f"{world.ADDRESS}:{world.REFUSED_PORT}" in "".join(result.denials()),
                   "it names the destination")

        result = self.step("Going round the proxy does not help: the same refusal.",
                           [*CURL, "--noproxy", "*", REFUSED])
        self.check(result.code != 0, "curl failed")
        self.check(len(result.denials()) == 1, "exactly one line says DENIED")
        self.check(self.origins.refused.connections == 0,
                   "the server on the other side never saw a connection")

        result = self.step("The allowed place is for curl alone: another program is refused.",
                           [harness.PYTHON, "-I", "-c",
                            f"import urllib.request as r; r.urlopen('{ALLOWED}', timeout=8)"])
        self.check(result.code != 0, "python3 failed")
        self.check(len(result.denials()) == 1 and "python3" in "".join(result.denials()),
                   "one line names the program")

        private = os.path.join(harness.home(), "private.txt")
        result = self.step("Files outside the policy are not there, or not readable.",
                           ["cat", "/etc/shadow", private])
        self.check(result.code != 0 and "home sweet home" not in result.out
                   and "root:" not in result.out, "neither could be read")

        self.run_https()

        result = self.step("The program's own exit code comes back.", ["sh", "-c", "exit 7"])
        self.check(result.code == 7, "7")

        left = {command for pid, command in harness.all_processes().items()
                if pid not in (1, os.getpid())}
        print("\nAfterwards:")
        self.check(not left, f"no process is left {left or ''}")
        self.check(len(self.origins.api.requests) == 2, "the server answered two requests in all")


def main():
    demo = Demo()
    who = "root" if harness.IS_ROOT else f"an ordinary user (uid {os.getuid()})"
    print(f"=== The demo, as {who}", flush=True)
    demo.run()
    print()
    for failure in demo.failures:
        print(f"demo: differs from what it should be: {failure}")
    if not demo.failures:
        print(f"demo: all as it should be, as {who}")
    sys.stdout.flush()
    harness.leave(bool(demo.failures))


main()
