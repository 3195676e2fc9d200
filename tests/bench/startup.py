# SPDX-License-Identifier: Apache-2.0
"""startup.py [ROUNDS]: what it costs to start /bin/true in a box, against its peers, in one run.

Every round runs each candidate once, so that all see the same machine. Prints the median and the
99th percentile of the time from start to reaped exit, and the ratio of medians to plain fork+exec
and to bubblewrap. Peers that are not installed are left out. Run it in tests/e2e/outer-world.
"""
import os
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import harness  # pylint: disable=wrong-import-position
import world  # pylint: disable=wrong-import-position


def candidates():
    policy = harness.write_policy(world.policy(f"{world.ADDRESS}:{world.API_PORT}"))
    yield "plain fork+exec", ["/bin/true"]
    if shutil.which("bwrap"):
        yield "bwrap --unshare-all", ["/usr/bin/bwrap", "--unshare-all", "--ro-bind", "/", "/",
                                      "--proc", "/proc", "--dev", "/dev", "/bin/true"]
    if shutil.which("firejail"):
        yield "firejail --net=none --seccomp", ["/usr/bin/firejail", "--quiet", "--noprofile",
                                                "--net=none", "--seccomp", "/bin/true"]
    yield "openshell-host", harness.host_command(["/bin/true"], policy)
    yield "openshell-host, no network", harness.host_command(
        ["/bin/true"], world.policy(), ["--disable", "network"])
    for count in (1, 100, 1000):
        hosts = [f"h{number}.example.test:443" for number in range(count)]
        yield f"openshell-host, {count} endpoints", harness.host_command(
            ["/bin/true"], harness.write_policy(world.policy(*hosts)))


def measure(command, environment, folder):
    began = time.perf_counter()
    pid = os.posix_spawn(command[0], command, environment, file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.path.join(folder, "stderr"),
         os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)])
    _, status = os.waitpid(pid, 0)
    if status != 0:
        with open(os.path.join(folder, "stderr"), encoding="utf-8") as stream:
            raise SystemExit(f"startup: {command} ended with {status}:\n{stream.read()}")
    return (time.perf_counter() - began) * 1000


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    folder = harness.scratch()
    os.chdir(folder)
    environment = harness.clean_environment()
    chosen = list(candidates())
    times = {name: [] for name, _ in chosen}
    for number in range(rounds + 3):
        for name, command in chosen:
            spent = measure(command, environment, folder)
            if number >= 3:
                times[name].append(spent)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{'start of /bin/true, ' + str(rounds) + ' rounds':32} {'p50 ms':>8} {'p99 ms':>8}"
          f" {'x plain':>8} {'x bwrap':>8}")
    for name, values in times.items():
        tail = sorted(values)[min(len(values) - 1, len(values) * 99 // 100)]
        bwrap = medians.get("bwrap --unshare-all")
        print(f"{name:32} {medians[name]:8.2f} {tail:8.2f}"
              f" {medians[name] / medians['plain fork+exec']:8.2f}"
              f" {medians[name] / bwrap if bwrap else float('nan'):8.2f}")
    shutil.rmtree(os.path.dirname(folder), ignore_errors=True)


main()
