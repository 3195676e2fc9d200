# SPDX-License-Identifier: Apache-2.0
"""HTTP requests of all kinds by every transport while policies change: none judged wrong, all recorded.

requests.py SECONDS [SEED]. Two policies take turns; every request has a path of its own, which one of
them allows, or both, or neither. What the origin got is compared with the events, the client's
answers, and the policy that was in force.
"""
import collections
import json
import os
import random
import re
import subprocess
import sys
import threading
import time

import harness
import strict_http
import wire

WORKERS = 8
# Of odd and even generations.
ALLOWED = {1: ("/a/", "/both/"), 0: ("/b/", "/both/")}

CLIENT = wire.CLIENT + r"""
import random, threading
seconds, seed, workers = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
limit = time.monotonic() + seconds
out = open('results', 'w')
lock = threading.Lock()

def socks(port):
    proxy = re.search(r'//([^/]+):(\d+)', os.environ['http_proxy']).groups()
    s = socket.create_connection((proxy[0], int(proxy[1])), 20)
    s.sendall(b'\5\1\0' + b'\5\1\0\3' + bytes([len(NAME)]) + NAME.encode() + port.to_bytes(2, 'big'))
    answer = b''
    while len(answer) < 12:
        more = s.recv(12 - len(answer))
        assert more, answer
        answer += more
    assert answer[3] == 0, answer
    return s

context = ssl.create_default_context()
def connect(way, secure):
    if way != 'socks':
        return dial(way, secure)
    s = socks(443 if secure else 80)
    return context.wrap_socket(s, server_hostname=NAME) if secure else s

class Worker(threading.Thread):
    def __init__(self, number):
        super().__init__()
        self.random, self.number, self.count = random.Random(seed * 1000 + number), number, 0

    def request(self, way):
        # Returns its path, when it began, and its bytes.
        place = self.random.choice(('a', 'b', 'both', 'both', 'neither'))
        self.count += 1
        path = f'/{place}/{self.number}-{self.count}'
        query = self.random.choice(('', '', '?q=1', '?q=/b/'))
        size = self.random.choice((0, 0, 0, 10, 5000, 60000, 200000))
        if size == 0:
            return path, head(way, 'GET', path + query)
        body = b'z' * size
        if self.random.random() < 0.5:
            return path, head(way, 'PUT', path + query, f'Content-Length: {size}') + body
        half = size // 2
        return path, head(way, 'PUT', path + query, 'Transfer-Encoding: chunked') + \
            b'%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n' % (half, body[:half], size - half, body[half:])

    def answer(self, s, data):
        # Returns the status, the body, and what came behind them.
        data = read_to(s, b'\r\n\r\n', data)
        first, mark, rest = data.partition(b'\r\n\r\n')
        if not mark:
            return None, b'', b''
        length = int(re.search(rb'(?i)\r\ncontent-length: (\d+)', first)[1])
        while len(rest) < length:
            more = s.recv(65536)
            if not more:
                return None, rest, b''
            rest += more
        return int(first[9:12]), rest[:length], rest[length:]

    def converse(self):
        way = self.random.choice(('captured', 'connect', 'forward', 'socks'))
        secure = way != 'forward' and self.random.random() < 0.5
        rows, s = [], connect(way, secure)
        try:
            for _ in range(self.random.randint(1, 6)):
                burst = [self.request(way) for _ in range(self.random.choice((1, 1, 1, 2, 4)))]
                began = time.monotonic()
                rows += [[path, began, 'cut', way, secure] for path, _ in burst]
                try:
                    s.sendall(b''.join(data for _, data in burst))
                except OSError as error:
                    pass    # a refusal may have come already
                data = b''
                for row in rows[-len(burst):]:
                    status, body, data = self.answer(s, data)
                    if status is None:
                        return rows
                    row[2] = status
                    if status == 200 and body.decode() != row[0]:
                        row[2] = 'answer of another request: ' + body.decode()
                    if status == 403 and f'"path":"{row[0]}"' not in body.decode():
                        row[2] = 'refusal of another request: ' + body.decode()
                    if status != 200:
                        return rows
        except OSError as error:
            rows[-1][2] = f'{type(error).__name__}: {error}' if rows[-1][2] == 'cut' else rows[-1][2]
        finally:
            s.close()
        return rows

    def run(self):
        while time.monotonic() < limit:
            try:
                rows = self.converse()
            except (OSError, AssertionError) as error:
                rows = [['', time.monotonic(), f'no connection: {error}', '', False]]
            with lock:
                out.writelines(json.dumps(row) + '\n' for row in rows)

everybody = [Worker(number) for number in range(workers)]
for worker in everybody: worker.start()
for worker in everybody: worker.join()
out.close()
"""


class Load:
    """The origin with its log, the host with its policy file, and when each generation was seen."""

    def __init__(self, seconds, seed):
        self.got = collections.Counter()
        self.in_force = {}          # generation: when it was seen on standard error
        self.other = []             # lines that are no denial
        self.n_written = 0
        self.origin = wire.Origin()
        self.origin.scripts["/"] = self.serve
        self.path = os.path.join(harness.private_scratch(), "policy.yaml")
        self.folder = harness.scratch()
        self.events_path = os.path.join(harness.scratch(), "events.jsonl")
        self.write()
        self.in_force[1] = time.monotonic()
        self.host = harness.start_host(
            [harness.PYTHON, "-I", "-c", CLIENT, str(seconds), str(seed), str(WORKERS)], self.path,
            ["--events", self.events_path, "--set", f"network.upstream-ca={self.origin.authority}"],
            cwd=self.folder, stdout=subprocess.DEVNULL, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def serve(self, connection, head, rest):
        """Counts the request, reads its body, and answers with its path."""
        path = head.split(b" ")[1].partition(b"?")[0]
        self.got[path.decode()] += 1
        data = head + b"\r\n\r\n" + rest
        while (end := strict_http.read_one(data)[1]) is None:
            more = connection.recv(262144)
            if not more:
                return False
            data += more
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path))
        return data[end:]

    def read(self):
        for line in self.host.stderr:
            found = re.search(r"generation (\d+) is in force", line)
            if found:
                self.in_force[int(found[1])] = time.monotonic()
            elif "openshell: DENIED" not in line:
                self.other.append(line.rstrip())

    def write(self):
        """Renames the next policy over the one in force."""
        self.n_written += 1
        text = wire.policy(rules=[{"allow": {"method": method, "path": place + "**"}}
                                  for method in ("GET", "PUT")
                                  for place in ALLOWED[self.n_written % 2]])
        with open(self.path + ".new", "w", encoding="utf-8") as stream:
            stream.write(text + f"# {self.n_written}\n")
        os.rename(self.path + ".new", self.path)

    def events(self):
        """(what, path, generation, for how many) of each request that was judged. Refusals of one
        program beyond a rate are counted into one event, whose path is that of the first. A request
        that a policy allowed and that a later one finds in flight, and refuses, is "cut"."""
        with open(self.events_path, encoding="utf-8") as stream:
            for line in stream:
                event = json.loads(line)
                payload = event["payload"]
                if event["topic"] == "openshell.l7.allowed/1":
                    yield "allowed", payload[4], payload[10], event["count"]
                elif event["topic"] == "openshell.l7.denied/1":
                    reload = payload[-1].get("control") == "reload"
                    yield "cut" if reload else "denied", payload[5], payload[11], event["count"]


def judge(load, rows, problems):
    """Compares the client's rows, the origin's log and the events. Returns figures."""
    events, n_events = collections.defaultdict(list), collections.Counter()
    for what, path, generation, count in load.events():
        n_events[what] += count
        events[path].append((what, generation))
    figures, began = collections.Counter(), {row[0]: row[1] for row in rows}
    for path, count in load.got.items():
        if count != 1:
            problems.append(f"{path} reached the origin {count} times")
        if [what for what, _ in events[path]] not in (["allowed"], ["allowed", "cut"]):
            problems.append(f"{path} reached the origin with the events {events[path]}")
    for path, judged in events.items():
        for what, generation in judged:
            allowed = path.startswith(ALLOWED[generation % 2])
            if allowed != (what == "allowed"):
                problems.append(f"{path} was {what} by generation {generation}")
            oldest = max((number for number, when in load.in_force.items()
                          if when < began.get(path, 0)), default=0)
            if generation < oldest:
                problems.append(f"{path} was judged by generation {generation} when {oldest} was in force")
            figures["late"] += generation > oldest
    for path, _, status, way, secure in rows:
        figures[f"{way} {'https' if secure else 'http'} {status if status in (200, 403) else 'cut'}"] += 1
        whats = [what for what, _ in events.get(path, ())]
        figures["cut by a reload"] += "cut" in whats
        if status == 200 and (whats not in (["allowed"], ["allowed", "cut"]) or load.got[path] != 1):
            problems.append(f"{path} was answered with 200: events {whats}, {load.got[path]} times")
        if status == 403 and ("allowed" in whats or load.got[path]):
            problems.append(f"{path} was answered with 403: events {whats}, {load.got[path]} times")
        if status not in (200, 403, "cut"):
            problems.append(f"{path} by {way}{' in TLS' if secure else ''}: {status}")
        # Behind a refused request of a pipeline nothing is judged.
        if status == "cut" and "cut" not in whats and whats:
            problems.append(f"{path} has no answer: events {whats}")
    n_refused = sum(row[2] == 403 for row in rows)
    if n_events["denied"] + n_events["cut"] < n_refused or n_events["allowed"] != sum(load.got.values()):
        problems.append(f"{dict(n_events)} events for {n_refused} refused requests and "
                        f"{sum(load.got.values())} that reached the origin")
    return figures


def main():
    seconds = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)
    changes, load = random.Random(seed), Load(seconds, seed)
    limit = time.monotonic() + seconds
    while time.monotonic() < limit and load.host.poll() is None:
        time.sleep(changes.uniform(0.2, 1.0))
        load.write()
        wanted, patience = load.n_written, time.monotonic() + 5
        while wanted not in load.in_force and time.monotonic() < patience:
            time.sleep(0.005)
    code = load.host.wait(40)
    load.reader.join(5)
    if not os.path.exists(os.path.join(load.folder, "results")):
        sys.exit("\n".join(load.other))
    with open(os.path.join(load.folder, "results"), encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    problems = []
    figures = judge(load, rows, problems)
    if code != 0:
        problems.append(f"the host ended with {code}")
    if not rows or not load.got:
        problems.append("nothing was asked")
    if len(load.in_force) < 2:
        problems.append("no policy changed")
    late, cut = figures.pop("late"), figures.pop("cut by a reload")
    for name in sorted(figures):
        print(f"{name:24} {figures[name]:8}")
    print(f"seed {seed}: {len(rows)} requests in {seconds} s, {sum(load.got.values())} reached the "
          f"origin; {len(load.in_force) - 1} reloads, {late} requests judged by a newer policy than the "
          f"one that was seen in force when they began, {cut} found in flight by one that refuses them")
    for line in load.other[:5] if problems else ():
        print(line)
    for problem in problems[:20]:
        print(problem)
    print(f"requests: {f'{len(problems)} problems' if problems else 'all as it should be'}", flush=True)
    for word in {problem.split()[0] for problem in problems[:5]}:
        os.system(f"grep -F '{word}\"' {load.events_path} | cut -c1-600")
    harness.leave(bool(problems))


main()
