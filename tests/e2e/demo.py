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
CURL = ["curl", "-fsS", "--max-time", "8"]


class Demo:
    def __init__(self):
        self.number = 0
        self.failures = []
        self.shown = set()
        self.origins = world.World()
        self.folder = harness.scratch()

    def step(self, sentence, command):
        """Shows a step, runs it, returns how it ended."""
        self.number += 1
        shown = shlex.join(command)
        print(f"\n{self.number}. {sentence}", flush=True)
        print(f"   $ openshell-host --policy data/examples/demo.yaml -- {shown}", flush=True)
        try:
            result = harness.run_host(command, POLICY, cwd=self.folder)
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
