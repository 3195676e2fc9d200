# SPDX-License-Identifier: Apache-2.0
"""Clients that are slow, silent, too large or not speaking HTTP: answered or closed in time."""
import harness
import world
from harness import expect, test

origins = world.World()

API = f"{world.ADDRESS}:{world.API_PORT}"
POLICY = world.policy(API)
# Shortened so that a test need not wait for what a person would.
QUICK = ["--set", "network.head_timeout=1"]

PROXY = (
    "import os, re, socket, time\n"
    "host, port = re.search(r'//([^/]+):(\\d+)', os.environ['http_proxy']).groups()\n"
    "def connect():\n"
    "    s = socket.create_connection((host, int(port)), timeout=15); return s\n"
    "def answer(s):\n"
    "    try:\n"
    "        data = b''\n"
    "        while more := s.recv(65536): data += more\n"
    "        return data\n"
    "    except ConnectionResetError: return b'reset'\n"
    f"good = b'GET http://{API}/hello HTTP/1.1\\r\\nHost: {API}\\r\\nConnection: close\\r\\n\\r\\n'\n")


def ask(script, options=()):
    result = harness.run_python(PROXY + script, POLICY, options=options, timeout=35)
    expect(result.code == 0, result)
    return result


@test("a head of nine KiB is answered with 431 or 400, and the next client is served")
def _large():
    result = ask("s = connect(); s.sendall(good[:-2] + b'X: ' + b'y' * 9216 + b'\\r\\n\\r\\n')\n"
                 "print(answer(s)[:12])\n"
                 "s = connect(); s.sendall(good); print(b'world' in answer(s))\n")
    expect(("HTTP/1.1 431" in result.out or "HTTP/1.1 400" in result.out), result)
    expect(result.out.splitlines()[-1] == "True", result)


@test("garbage instead of HTTP is answered with 400 or closed")
def _garbage():
    result = ask("for junk in (b'\\x16\\x03\\x01\\x02\\x00\\x01\\x00', b'\\0' * 300, b'hello\\r\\n\\r\\n',\n"
                 "             b'GET / HTTP/9.9\\r\\n\\r\\n', b'GET http://a b/ HTTP/1.1\\r\\n\\r\\n',\n"
                 "             good.replace(b'\\r\\nHost', b'\\r\\n Host'),\n"
                 "             good.replace(b'Connection', b'Transfer-Encoding: chunked\\r\\n'\n"
                 "                          b'Content-Length: 5\\r\\nConnection')):\n"
                 "    s = connect(); s.sendall(junk); s.shutdown(1)\n"
                 "    a = answer(s); print('closed' if a in (b'', b'reset') else a[9:12].decode())\n"
                 "s = connect(); s.sendall(good); print(b'world' in answer(s))\n")
    words = result.out.split()
    expect(set(words[:-1]) <= {"closed", "400", "505", "501"} and len(words) == 8, result)
    expect(words[-1] == "True", result)


@test("a silent client is closed within the deadline for a head")
def _silent():
    result = ask("s = connect(); began = time.monotonic(); a = answer(s)\n"
                 "print(time.monotonic() - began)\n", QUICK)
    expect(float(result.out) < 4, result)


@test("a client that sends a byte now and then is closed within the same deadline")
def _slow():
    result = ask("s = connect(); began = time.monotonic(); s.settimeout(0.1)\n"
                 "try:\n"
                 "    for byte in good * 10:\n"
                 "        s.send(bytes([byte]))\n"
                 "        try:\n"
                 "            if s.recv(1000) == b'': break\n"
                 "            break\n"
                 "        except TimeoutError: pass\n"
                 "except OSError: pass\n"
                 "print(time.monotonic() - began)\n", QUICK)
    expect(float(result.out) < 4, result)


@test("two hundred silent clients do not keep another from being served")
def _many_silent():
    result = ask("held = [connect() for _ in range(200)]\n"
                 "s = connect(); s.sendall(good); print(b'world' in answer(s))\n")
    expect(result.out.strip() == "True", result)


@test("a head that arrives in pieces is served like one that arrives whole")
def _pieces():
    result = ask("s = connect()\n"
                 "for i in range(0, len(good), 7):\n"
                 "    s.send(good[i:i + 7]); time.sleep(0.002)\n"
                 "print(b'world' in answer(s))\n")
    expect(result.out.strip() == "True", result)


@test("a client that closes in the middle of a head, a request or an answer disturbs nobody")
def _gone():
    result = ask("for size in (1, 10, len(good) - 1, len(good)):\n"
                 "    for _ in range(10):\n"
                 "        s = connect(); s.send(good[:size]); s.close()\n"
                 "s = connect(); s.sendall(good); print(b'world' in answer(s))\n")
    expect(result.out.strip() == "True", result)


@test("half-close is passed on: what the client ends, the server still answers")
def _half_close():
    result = ask(f"s = socket.create_connection(('{world.ADDRESS}', {world.API_PORT}), timeout=8)\n"
                 "s.sendall(b'POST /x HTTP/1.0\\r\\nContent-Length: 3\\r\\n\\r\\nabc'); s.shutdown(1)\n"
                 "print(b'world' in answer(s))\n")
    expect(result.out.strip() == "True", result)


@test("two requests on one connection are each decided")
def _keep_alive():
    before = origins.refused.connections
    result = ask(f"bad = good.replace(b':{world.API_PORT}', b':{world.REFUSED_PORT}')\n"
                 "keep = good.replace(b'Connection: close', b'X: y')\n"
                 "s = connect(); s.sendall(keep + bad); a = answer(s)\n"
                 "print(b'world' in a, a.count(b'HTTP/1.1 200'))\n")
    expect(result.out.split() == ["True", "1"], result)
    expect(origins.refused.connections == before, result)


harness.main()
