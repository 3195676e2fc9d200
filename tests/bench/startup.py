# SPDX-License-Identifier: Apache-2.0
"""startup.py [ROUNDS]: what it costs to start /bin/true in a box, against its peers, in one run.

Every round runs each candidate once, so that all see the same machine. Prints the median and the
99th percentile of the time from start to reaped exit, the ratio of medians to plain fork+exec and to
bubblewrap, and what is left of the noise of a busy machine: the least processor time of all
processes of a run, by `perf stat` where it is installed, and the page faults. Peers that are not
installed are left out. Run it in tests/e2e/outer-world, and as root for perf:

    build/tests/e2e/outer-world env OSH_HOST=$PWD/build/host/openshell-host python3 -B \\
        tests/bench/startup.py

A policy with an endpoint that is looked into has the run make a certificate authority; the row
"with an authority" shows that by network.tls=always.

Where the time goes:

    perf record -F 8000 --call-graph dwarf,8192 -- sh -c \\
        'for i in $(seq 25); do build/host/openshell-host --policy P -- /bin/true; done'
    perf report --children --comm openshell-host --sort symbol -g none
    perf report --no-children --sort comm -g none       # host, init, program

The phases are run_load_policy, osh_run_scan, osh_plugin_load (dlopen), osh_own_files_list,
resolve_identity, plan_mounts, build_filters, osh_box_open (clone and the work of init),
osh_seccomp_give_up, network_start, osh_launcher_seal, and run_clear. In openshell-init it is
netlink_sendmsg above all: the first NAT chain of a machine makes the kernel patch its own code
(static_key_slow_inc), which costs nothing where a firewall or a container engine has one already.
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
    yield "openshell-host, no policy", harness.host_command(["/bin/true"])
    yield "openshell-host, with an authority", harness.host_command(
        ["/bin/true"], policy, ["--set", "network.tls=always"])
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


def cost(command, environment):
    """Processor milliseconds and page faults of one run, with every process of it."""
    done = subprocess.run(["perf", "stat", "-x,", "-e", "task-clock,page-faults", *command],
                          env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, check=False)
    found = {words[2]: float(words[0]) for line in done.stderr.splitlines()
             if len(words := line.split(",")) > 2 and words[0].replace(".", "").isdigit()}
    return found.get("task-clock"), found.get("page-faults")


def costs(chosen, environment, rounds):
    if shutil.which("perf") is None:
        return {}
    least = {}
    for _ in range(rounds):
        for name, command in chosen:
            spent = cost(command, environment)
            if None not in spent:
                least[name] = min(least.get(name, spent), spent)
    return least


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
    print(f"{'start of /bin/true, ' + str(rounds) + ' rounds':36} {'p50 ms':>8} {'p99 ms':>8}"
          f" {'x plain':>8} {'x bwrap':>8} {'cpu ms':>8} {'x bwrap':>8} {'faults':>8}")
    least = costs(chosen, environment, max(rounds // 5, 5))
    reference = least.get("bwrap --unshare-all", (float("nan"), 0))[0]
    for name, values in times.items():
        tail = sorted(values)[min(len(values) - 1, len(values) * 99 // 100)]
        bwrap = medians.get("bwrap --unshare-all")
        print(f"{name:36} {medians[name]:8.2f} {tail:8.2f}"
              f" {medians[name] / medians['plain fork+exec']:8.2f}"
              f" {medians[name] / bwrap if bwrap else float('nan'):8.2f}", end="")
        if name in least:
            print(f" {least[name][0]:8.2f} {least[name][0] / reference:8.2f}"
                  f" {least[name][1]:8.0f}", end="")
        print()
    shutil.rmtree(os.path.dirname(folder), ignore_errors=True)


main()
