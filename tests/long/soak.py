# SPDX-License-Identifier: Apache-2.0
"""One host under a steady mix of clients: what is allowed works to the end, nothing grows."""
import os
import sys
import time

import harness
import world

WARM_SECONDS = 5
MAX_GROWTH_KIB = 4096
MAX_DESCRIPTORS = 16

API = f"{world.ADDRESS}:{world.API_PORT}"

# Four clients side by side: forwarded, tunnelled, captured, refused; and one that hangs up.
CLIENTS = f"""
url=http://{API}/hello
loop() {{ while [ ! -e stop ]; do "$@" > /dev/null 2>&1; echo $? >> "$name"; done; }}
name=forwarded; loop curl -fsS --max-time 8 $url &
name=tunnelled; loop curl -fsS --max-time 8 --proxytunnel $url &
name=captured; loop curl -fsS --max-time 8 --noproxy '*' $url &
name=refused; loop curl -fsS --max-time 8 http://{world.ADDRESS}:{world.REFUSED_PORT}/ &
name=hung-up; loop nc -z -w 2 {world.ADDRESS} {world.API_PORT} &
wait
"""


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as stream:
        return next(int(line.split()[1]) for line in stream if line.startswith("VmRSS"))


def measure(pid):
    return resident_kib(pid), len(os.listdir(f"/proc/{pid}/fd"))


def main():
    seconds = int(sys.argv[1])
    origins = world.World()
    folder = harness.scratch()
    with open(os.path.join(folder, "stderr"), "wb") as errors:
        process = harness.start_host(["sh", "-c", CLIENTS], world.policy(API), cwd=folder,
                                     stderr=errors)
        time.sleep(min(WARM_SECONDS, seconds))
        memory, descriptors = measure(process.pid)
        time.sleep(max(0, seconds - WARM_SECONDS))
        last_memory, last_descriptors = measure(process.pid)
        with open(os.path.join(folder, "stop"), "wb"):
            pass
        process.communicate(timeout=30)
    problems = []
    for name, works in (("forwarded", True), ("tunnelled", True), ("captured", True),
                        ("refused", False)):
        with open(os.path.join(folder, name), encoding="utf-8") as stream:
            codes = stream.read().split()
        wrong = [code for code in codes if (code == "0") != works]
        print(f"{name:10} {len(codes):7} requests, {len(wrong)} not as they should be")
        if wrong or not codes:
            problems.append(f"{name}: {sorted(set(wrong))}")
    print(f"memory     {memory} KiB, then {last_memory} KiB; descriptors {descriptors}, then "
          f"{last_descriptors}")
    if last_memory - memory > MAX_GROWTH_KIB:
        problems.append("the memory grew")
    if last_descriptors - descriptors > MAX_DESCRIPTORS:
        problems.append("the descriptors grew")
    if process.returncode != 0:
        problems.append(f"the host ended with {process.returncode}")
    if origins.refused.connections:
        problems.append("the refused server was reached")
    print(f"soak: {'; '.join(problems) or 'all as it should be'} after {seconds} s", flush=True)
    harness.leave(bool(problems))


main()
