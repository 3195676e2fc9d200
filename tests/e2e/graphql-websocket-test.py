# SPDX-License-Identifier: Apache-2.0
"""GraphQL over WebSocket on real traffic: each text is judged by the operation that it begins, over ws
and wss, captured and through CONNECT."""
import asyncio
import json
import os
import threading

import websockets

import harness
import world
from harness import PYTHON, expect, test

origins = world.World()
secure, AUTHORITY = origins.serve_https(harness.private_scratch())
CLEAR_PORT = 8083
SECURE_PORT = 8446
PROTOCOL = "graphql-transport-ws"


class GraphqlServer:
    """Answers each `subscribe` or `start` with one result, and keeps every text that came."""

    def __init__(self):
        self.texts = []
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        expect(ready.wait(10), "no server")

    def _run(self, ready):
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(self._serve())
        ready.set()
        loop.run_forever()

    async def _serve(self):
        for port, context in ((CLEAR_PORT, None), (SECURE_PORT, secure.context)):
            await websockets.serve(self._talk, world.ADDRESS, port, ssl=context, close_timeout=5,
                                   subprotocols=[PROTOCOL])

    async def _talk(self, connection, _path):
        try:
            async for text in connection:
                self.texts.append(text)
                message = json.loads(text)
                answer = {"connection_init": "connection_ack", "ping": "pong"}.get(message["type"], "next")
                await connection.send(json.dumps({"type": answer, "id": message.get("id")}))
        except websockets.exceptions.ConnectionClosed:
            pass


server = GraphqlServer()

# Says each text of a list and prints the type of each answer; then how the connection ended.
CLIENT = """
import asyncio, json, sys, websockets
async def talk(url, texts):
    async with websockets.connect(url, subprotocols=['graphql-transport-ws'], open_timeout=10) as connection:
        try:
            for text in texts:
                await connection.send(text)
                print(json.loads(await asyncio.wait_for(connection.recv(), 10))['type'])
            print('all')
        except websockets.exceptions.ConnectionClosed as closed:
            print(closed.rcvd.code if closed.rcvd else 'reset')
asyncio.run(talk(sys.argv[1], json.load(sys.stdin)))
"""


def graphql(port, **keys):
    return {"host": world.ADDRESS, "port": port, "path": "/graphql", "protocol": "websocket",
            "enforcement": "enforce",
            "rules": [{"allow": {"method": "GET", "path": "/graphql"}},
                      {"allow": {"operation_type": "subscription", "fields": ["ticks"]}},
                      {"allow": {"operation_type": "query", "fields": ["viewer"]}}], **keys}


POLICY = world.policy(graphql(CLEAR_PORT), graphql(SECURE_PORT))


def begin(document, kind="subscribe", **members):
    return json.dumps({"id": "1", "type": kind, "payload": {"query": document}, **members})


INIT = json.dumps({"type": "connection_init", "payload": {"token": "x"}})
PING = json.dumps({"type": "ping"})


def say(texts, url=f"ws://{world.ADDRESS}:{CLEAR_PORT}/graphql", policy=POLICY, words=("env", "-i")):
    """The types that came back, and what reached the server."""
    if not os.path.isdir(os.path.join(harness.BUILD, "plugins", "l7-ws")):
        raise harness.Skip("no plugin of this build speaks WebSocket")
    before = len(server.texts)
    result = harness.run_recorded([*words, PYTHON, "-I", "-c", CLIENT, url], policy,
                                  ["--set", f"network.upstream-ca={AUTHORITY}"],
                                  stdin=json.dumps(texts).encode())
    return result.out.split(), server.texts[before:], result


@test("operations that the rules allow, and what keeps the connection going, reach the server")
def _allowed():
    texts = [INIT, PING, begin("subscription { ticks }"), begin("{ me: viewer }", "start"),
             json.dumps({"id": "1", "type": "complete"})]
    bundle = ("env", "SSL_CERT_FILE=/run/openshell/ca-bundle.pem")
    for url, words in ((f"ws://{world.ADDRESS}:{CLEAR_PORT}/graphql", ("env", "-i")),
                       (f"wss://{world.ADDRESS}:{SECURE_PORT}/graphql", bundle)):
        found, seen, result = say(texts, url, words=words)
        expect(found == ["connection_ack", "pong", "next", "next", "next", "all"], url, found, result)
        expect(seen == texts and not result.denials(), url, seen, result)


@test("an operation that no rule allows ends the connection before the server hears of it")
def _refused():
    for text in (begin("mutation { drop }"), begin("{ viewer: secret }"),
                 begin("subscription { ...F } fragment F on S { secret }")):
        found, seen, result = say([INIT, text, PING])
        expect(found == ["connection_ack", "1008"] and seen == [INIT], text, found, seen, result)
        [line] = result.denials()
        expect("GraphQL operation blocked by endpoint policy: " in line, line)


@test("what is no message of a GraphQL client is refused, in audit mode too")
def _hard():
    policy = world.policy(graphql(CLEAR_PORT, enforcement="audit"))
    for text in ("{}", "[]", "hello", json.dumps({"type": "next", "id": "1"}), begin("{ viewer "),
                 begin("{ viewer }", id=""), '{"type":"ping","type":"subscribe"}',
                 '{"type":"ping","Type":"subscribe","id":"1","payload":{"query":"{ secret }"}}',
                 json.dumps({"query": "{ viewer }"})):
        found, seen, result = say([INIT, text], policy=policy)
        expect(found == ["connection_ack", "1008"] and seen == [INIT], text, found, seen, result)
    text = begin("{ secret }")
    found, seen, result = say([INIT, text], policy=policy)
    expect(found == ["connection_ack", "next", "all"] and seen == [INIT, text], found, seen, result)


harness.main()
