# SPDX-License-Identifier: Apache-2.0
"""Connections by 50 programs that come and go: none is taken for another, none refused for one.

identity.py SECONDS [CONNECTIONS [SEED]]: rounds of 10,000 connections until the seconds are over,
or as many connections as are given, 100,000 at least unless SECONDS is below 60.
"""
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

import harness
import world

STORM = os.path.join(harness.BUILD, "tests", "long", "identity-storm")
PORT = 7070
ROUND = 10000


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
        fields = stream.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_round(folder, policy, count, seed, way, said):
    host = harness.start_host(
        [os.path.join(folder, "other"), "storm", world.ADDRESS, str(PORT), str(count), str(seed)],
        policy, ["--set", f"process.identity={way}"], cwd=folder, stderr=said)
    text = host.stdout.readline().decode()
    spent = processor_seconds(host.pid)
    host.stdout.close()
    code = host.wait(30)
    words = text.split()
    harness.expect(code == 0 and len(words) == 14, f"the storm ended with {code}: {text!r}")
    return dict(zip(words[::2], map(int, words[1::2]))), spent


def print_refusals(said):
    """Why a program that is allowed was refused. What init says of one is about the other as well."""
    said.seek(0)
    for line in said.read().decode(errors="replace").splitlines():
        if "DENIED" not in line or " other(" not in line or "not allowed" not in line:
            print(f"identity: said: {line}", flush=True)


def reuse_ports():
    """More connections go to one address than it has ports in the minute for which one is kept. The
    short form has enough of them; an ordinary user may not say it."""
    with contextlib.suppress(PermissionError):
        with open("/proc/sys/net/ipv4/tcp_tw_reuse", "w", encoding="ascii") as stream:
            stream.write("1")


def main():
    reuse_ports()
    seconds = float(sys.argv[1])
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else (100000 if seconds >= 60 else 3000)
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 20261130
    folder = harness.scratch()
    for name in ("allowed", "other"):
        shutil.copy(STORM, os.path.join(folder, name))
        os.chmod(os.path.join(folder, name), 0o777)
    policy = world.policy(f"{world.ADDRESS}:{PORT}",
                          binaries=[os.path.join(folder, "allowed")])
    server = subprocess.Popen([STORM, "serve", world.ADDRESS, str(PORT)])
    total, spent, began, rounds = {}, 0.0, time.monotonic(), 0
    try:
        while total.get("connections", 0) < wanted or (
                len(sys.argv) < 3 and time.monotonic() - began < seconds):
            with tempfile.TemporaryFile() as said:
                one, cost = run_round(folder, policy, min(ROUND, wanted), seed + rounds, "connect", said)
                if one["allowed-refused"] + one["broken"] > 0:
                    print_refusals(said)
            rounds += 1
            spent += cost
            for key, value in one.items():
                total[key] = total.get(key, 0) + value
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(os.path.dirname(folder), ignore_errors=True)
    took = time.monotonic() - began
    print(f"identity: seed {seed}, {rounds} rounds, {took:.0f} s, "
          f"{total['connections'] / took:.0f} connections/s, "
          f"{spent / total['connections'] * 1e6:.0f} us of the host's processor time for each")
    print("identity: " + ", ".join(f"{key} {value}" for key, value in total.items()))
    wrong = total["other-served"] + total["allowed-refused"] + total["broken"]
    print(f"identity: {'every one' if wrong == 0 else 'not every one'} as it should be")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
