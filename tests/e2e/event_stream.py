# SPDX-License-Identifier: Apache-2.0
"""A stream of server-sent events, and how late each arrives.

The server writes the time into each event; all clocks here are the machine's CLOCK_MONOTONIC.
"""
import json
import subprocess
import time

import harness
import wire

CLIENT = wire.CLIENT + r"""
way, secure, count, gap, authority = sys.argv[1:]
s = dial(way, secure == 'yes', authority or None)
s.sendall(head(way, 'GET', f'/events/{count}/{gap}', 'Accept: text/event-stream'))
data, delays, pieces = b'', [], 0
while len(delays) < int(count):
    more = s.recv(65536)
    now = time.monotonic()
    if not more:
        break
    data += more
    found = re.findall(rb'data: (\d+) ([0-9.]+)\n\n', data)
    pieces += bool(found)
    for number, sent in found:
        assert int(number) == len(delays), (number, len(delays))
        delays.append(now - float(sent))
    data = data[data.rfind(b'\n\n') + 2:]
print(json.dumps([pieces, delays]))
"""


def serve(connection, head, _rest):
    """GET /events/COUNT/GAP: so many events, so many microseconds after each other."""
    _, _, count, gap = head.split(b" ")[1].split(b"/")
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                       b"Transfer-Encoding: chunked\r\n\r\n")
    for number in range(int(count)):
        time.sleep(int(gap) / 1e6)
        event = b"data: %d %.9f\n\n" % (number, time.monotonic())
        connection.sendall(b"%x\r\n%b\r\n" % (len(event), event))
    connection.sendall(b"0\r\n\r\n")
    return True


def measure(origin, way, secure, count, gap, policy=None):
    """Returns in how many pieces the events came, and the delay of each in seconds."""
    command = [harness.PYTHON, "-I", "-c", CLIENT, way, "yes" if secure else "no", str(count), str(gap)]
    if way == "direct":
        done = subprocess.run([*command, origin.authority if secure else ""], check=True, timeout=120,
                              capture_output=True, env=harness.clean_environment())
        return json.loads(done.stdout)
    result = harness.run_host([*command, ""], policy,
                              ["--set", f"network.upstream-ca={origin.authority}"], timeout=120)
    harness.expect(result.code == 0, result)
    return json.loads(result.out)


def percentile(delays, part):
    return sorted(delays)[min(len(delays) - 1, int(len(delays) * part))]
