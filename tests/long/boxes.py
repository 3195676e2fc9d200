# SPDX-License-Identifier: Apache-2.0
"""Two dozen boxes at a time, started and killed at random: nothing of them is left behind."""
import os
import random
import signal
import subprocess
import sys
import time

import harness
import world

BOXES = 24
# How a box ends: by itself, by the signal to its host that ends it after a grace, or by the one that
# nobody can act upon. SIGINT is the program's to obey or not.
ENDS = ("itself", "itself", signal.SIGTERM, signal.SIGTERM, signal.SIGKILL, signal.SIGKILL)
# What its program does: nothing; has children that leave its session; is connected.
PROGRAMS = (
    ["/bin/true"],
    ["/bin/sh", "-c", "sleep 0.3"],
    ["/bin/sh", "-c", "trap '' TERM INT; setsid sleep 60 & setsid sleep 60 & sleep 60"],
    ["/bin/sh", "-c", f"curl -fsS --max-time 5 http://{world.ADDRESS}:{world.API_PORT}/hello; sleep 60"],
    ["/bin/sh", "-c", "while :; do (true); done"],
)


class Box:
    def __init__(self, random_source, policy, folder, temporary):
        self.program = random_source.choice(PROGRAMS)
        self.end = random_source.choice(ENDS)
        # Also in the middle of its start.
        self.at = time.monotonic() + random_source.choice((0, 0.005, 0.02, 0.1, 0.5)) \
            * random_source.random() * 2
        self.limit = time.monotonic() + 30
        self.process = subprocess.Popen(
            harness.host_command(self.program, policy, ["--timeout", "1"] if self.end == "itself" else []),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
            env=harness.clean_environment(TMPDIR=temporary))

    def step(self):
        """Returns what is wrong, "" when it has ended as it should, None while it goes on."""
        code = self.process.poll()
        now = time.monotonic()
        if code is None and now > self.limit:
            self.process.kill()
            return f"{self.program} did not end after {self.end}"
        if code is None:
            if self.end != "itself" and now >= self.at:
                self.process.send_signal(self.end)
                self.at = self.limit + 1
            return None
        if self.end == "itself" and code not in (0, 124):
            return f"{self.program} ended with {code}"
        return ""


def left_in(folder):
    return sorted(os.listdir(folder))


def main():
    seconds = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 32)
    random_source = random.Random(seed)
    print(f"boxes: seed {seed}", flush=True)
    _origins = world.World()
    folder = harness.scratch()
    policy = harness.write_policy(world.policy(f"{world.ADDRESS}:{world.API_PORT}", read_only=["/proc"]))
    before = set(harness.all_processes())
    mounts, temporary = harness.mounts(), harness.scratch()
    boxes, ended, problems = [], 0, []
    stop = time.monotonic() + seconds
    while boxes or time.monotonic() < stop:
        while len(boxes) < BOXES and time.monotonic() < stop:
            boxes.append(Box(random_source, policy, folder, temporary))
        for box in list(boxes):
            verdict = box.step()
            if verdict is None:
                continue
            boxes.remove(box)
            ended += 1
            if verdict:
                problems.append(verdict)
        time.sleep(0.005)
    limit = time.monotonic() + 5
    while (left := {pid: command for pid, command in harness.all_processes().items()
                    if pid not in before}) and time.monotonic() < limit:
        time.sleep(0.05)
    if left:
        problems.append(f"processes are left: {left}")
    if harness.mounts() != mounts:
        problems.append(f"mounts are left: {harness.mounts() - mounts}")
    if left_in(temporary):
        problems.append(f"temporary files are left: {left_in(temporary)}")
    if left_in(folder):
        problems.append(f"files are left in the working directory: {left_in(folder)}")
    print(f"boxes: {ended} ended; {'; '.join(problems[:5]) or 'nothing is left behind'} "
          f"after {seconds} s", flush=True)
    harness.leave(bool(problems or not ended))


main()
