# SPDX-License-Identifier: Apache-2.0
"""sse.py [EVENTS [GAP]]: how much later server-sent events arrive through the proxy.

Each is measured from the server's write to the client's read, 2000 events 2000 microseconds apart
unless given, direct and by each transport to an endpoint with protocol: rest, so inspected. Run it in
tests/e2e/outer-world:

    build/tests/e2e/outer-world env OSH_HOST=$PWD/build/host/openshell-host python3 -B \\
        tests/bench/sse.py
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import event_stream  # pylint: disable=wrong-import-position
import harness  # pylint: disable=wrong-import-position
import wire  # pylint: disable=wrong-import-position

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
GAP = int(sys.argv[2]) if len(sys.argv) > 2 else 2000


def main():
    origin = wire.Origin()
    origin.scripts["/events/"] = event_stream.serve
    policy = harness.write_policy(wire.policy())
    direct = {}
    print(f"{COUNT} events, {GAP} us apart; us from write to read\n"
          f"{'':18}{'p50':>8}{'p99':>8}{'max':>8}{'added p50':>12}{'added p99':>12}")
    for way, secure in (("direct", False), ("direct", True), *wire.TRANSPORTS):
        _, delays = event_stream.measure(origin, way, secure, COUNT, GAP, policy)
        p50, p99 = (event_stream.percentile(delays, part) * 1e6 for part in (0.5, 0.99))
        direct.setdefault(secure, (p50, p99))
        print(f"{way + (' https' if secure else ' http'):18}{p50:8.0f}{p99:8.0f}"
              f"{max(delays) * 1e6:8.0f}{p50 - direct[secure][0]:12.0f}"
              f"{p99 - direct[secure][1]:12.0f}", flush=True)
    harness.leave(False)


main()
