# SPDX-License-Identifier: Apache-2.0
"""protocol: graphql on real traffic: each request is judged by its operations, over http and https."""
import base64
import gzip
import json
import os
import re
import threading
import urllib.parse

import codings
import harness
import world
from harness import PYTHON, expect, test

origins = world.World()
AUDIT_PORT = 8082
BUNDLE = "/run/openshell/ca-bundle.pem"
CURL = ["curl", "-sS", "--max-time", "10"]
UNAWARE = ["env", "-i"]
NODE = "/usr/bin/node"
JSON = {"Content-Type": "application/json"}
HASH = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38"


class GraphqlHandler(world.ApiHandler):
    """A server that answers every request, and keeps what came."""

    def reply(self):
        if self.headers.get("Transfer-Encoding"):
            self.answer(501, b"no chunks here\n", "text/plain")
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        self.answer(200, b'{"data":{"answered":true}}')

    do_GET = do_POST = do_PUT = do_HEAD = reply


def serve(port):
    return origins.serve(world.HttpServer((world.ADDRESS, port), GraphqlHandler))


plain = serve(8083)
audit = serve(AUDIT_PORT)
secure, AUTHORITY = origins.serve_https(harness.private_scratch(), port=8445, handler=GraphqlHandler)
PLAIN_URL = f"http://{world.ADDRESS}:8083/graphql"
SECURE_URL = f"https://{world.ADDRESS}:8445/graphql"
NAMED_URL = "https://origin.test:8445/graphql"


def graphql(port, host=world.ADDRESS, **keys):
    return {"host": host, "port": port, "path": "/graphql", "protocol": "graphql",
            "enforcement": "enforce",
            "rules": [{"allow": {"operation_type": "query", "fields": ["viewer", "repository*"]}},
                      {"allow": {"operation_type": "mutation", "operation_name": "AddStar",
                                 "fields": ["addStar"]}}],
            "persisted_queries": "allow_registered",
            "graphql_persisted_queries": {HASH: {"operation_type": "query", "fields": ["viewer"]},
                                          "drop": {"operation_type": "mutation", "fields": ["drop"]}},
            **keys}


POLICY = world.policy(graphql(8083), graphql(8445), graphql(8445, "origin.test"),
                      graphql(AUDIT_PORT, enforcement="audit"))


def run(command, policy=POLICY, options=(), **keywords):
    return harness.run_recorded(command, policy,
                                ["--set", f"network.upstream-ca={AUTHORITY}", *options], **keywords)


def while_watched(server, action):
    """What reaches the server meanwhile."""
    before = len(server.requests)
    result = action()
    return result, server.requests[before:]


def query(text, **members):
    return json.dumps({"query": text, **members})


# Sends each of a list of requests on a connection of its own, and prints the answers.
CLIENT = """
import base64, http.client, json, sys
for method, path, headers, body, chunks in json.load(sys.stdin):
    connection = http.client.HTTPConnection(ADDRESS, PORT, timeout=10)
    body = base64.b64decode(body)
    connection.request(method, path, iter([body[:7], body[7:]]) if chunks else body or None, headers,
                       encode_chunked=chunks)
    response = connection.getresponse()
    print(json.dumps([response.status, response.read().decode()]))
"""


def send(requests, port=8083, options=(), policy=POLICY):
    """Of (method, path, headers, body): the status and the text of each answer."""
    script = CLIENT.replace("ADDRESS", repr(world.ADDRESS)).replace("PORT", str(port))
    given = []
    for method, path, headers, body, *chunks in requests:
        body = body.encode() if isinstance(body, str) else body
        headers = {**headers, "Transfer-Encoding": "chunked"} if chunks else headers
        given.append([method, path, headers, base64.b64encode(body).decode(), bool(chunks)])
    result = run([*UNAWARE, PYTHON, "-I", "-c", script], policy, options, stdin=json.dumps(given).encode())
    expect(result.code == 0, result)
    answers = [json.loads(line) for line in result.out.splitlines()]
    expect(len(answers) == len(requests), result)
    return answers, result


def post(body, **headers):
    return ("POST", "/graphql", {**JSON, **headers}, body)


def get(**parameters):
    return ("GET", "/graphql?" + urllib.parse.urlencode(parameters), {}, "")


def check_curl(words, server, url):
    """An allowed query comes through; a refused mutation is answered with the reason, and the server
    never hears of it."""
    headers = ["-H", "Content-Type: application/json"]
    body = query("query { me: viewer { login } }")
    result, seen = while_watched(server, lambda: run([*words, *headers, "-d", body, url]))
    expect(result.code == 0 and result.out == '{"data":{"answered":true}}', result)
    expect([(one[0], one[1], one[3]) for one in seen] == [("POST", "/graphql", body.encode())], seen)
    expect(len(result.events("l7.allowed")) == 1 and not result.denials(), result)
    body = query("query { viewer: secretThing }")
    result, seen = while_watched(server, lambda: run([*words, *headers, "-d", body, url]))
    answer = json.loads(result.out)
    expect(answer["error"] == "policy_denied" and answer["protocol"] == "graphql" and
           answer["detail"] == "GraphQL operation blocked by endpoint policy: query of secretThing",
           answer)
    expect(seen == [], seen)
    [line] = result.denials()
    expect(re.search(r"POST /graphql \[graphql, policy allowed\]", line), line)
    expect(not result.events("l7.allowed"), result.recorded)


def proxy_words(kind):
    """Shell words before curl's own; the address of the proxy is known inside the box."""
    return ["sh", "-c", f'exec curl -sS --max-time 10 {kind} "${{http_proxy#http://}}" "$@"', "curl"]


@test("over http each operation is judged: captured, by proxy variables, by CONNECT and by SOCKS")
def _http():
    for words in ([*UNAWARE, *CURL], CURL, [*CURL, "-p"], proxy_words("--noproxy '' --socks5-hostname")):
        check_curl(words, plain, PLAIN_URL)


@test("over https each operation is judged: captured, by CONNECT, by address and by name")
def _https():
    check_curl([*UNAWARE, *CURL, "--cacert", BUNDLE], secure, SECURE_URL)
    check_curl(CURL, secure, SECURE_URL)
    check_curl(CURL, secure, NAMED_URL)


ALLOWED = (
    post(query("{ viewer }")),
    post(query("{ x: viewer ...F } fragment F on Query { repositoryOwner }")),
    post(query("query A { viewer } mutation AddStar { addStar }", operationName="AddStar")),
    post(query("query A { viewer }", operationName=None)),
    post(json.dumps([{"query": "{ viewer }"}, {"query": "{ repository }"}])),
    post(json.dumps({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}})),
    post(query("{ viewer }", extensions={"persistedQuery": {"version": 1, "sha256Hash": "f" * 64}})),
    post(query("{ viewer(x: \"\"\"} mutation { drop }\"\"\") }")),
    post(query("{ viewer # } mutation { drop }\n }")),
    ("POST", "/graphql?trace=1", JSON, query("{ viewer }")),
    ("POST", "/graphql", {"Content-Type": "Application/JSON; charset=utf-8"}, query("{ viewer }")),
    get(query="{ viewer }", variables="{}"),
    get(extensions=json.dumps({"persistedQuery": {"sha256Hash": HASH}})),
)

REFUSED = (
    ("a field", post(query("{ secret }")), "blocked by endpoint policy"),
    ("a field beside an allowed one", post(query("{ viewer secret }")), "blocked by endpoint policy"),
    ("an alias", post(query("{ viewer: secret }")), "blocked by endpoint policy"),
    ("a fragment that comes later", post(query("{ ...F } fragment F on Query { secret }")),
     "blocked by endpoint policy"),
    ("a directive", post(query("{ viewer secret @skip(if: true) }")), "blocked by endpoint policy"),
    ("introspection", post(query("{ viewer __schema { types { name } } }")),
     "blocked by endpoint policy"),
    ("a mutation", post(query("mutation { addStar }")), "blocked by endpoint policy"),
    ("a mutation behind a comment",
     post(query("query A { viewer } # \r mutation B { drop }", operationName="B")),
     "blocked by endpoint policy: mutation B of drop"),
    ("one request of a batch", post(json.dumps([{"query": "{ viewer }"}, {"query": "{ secret }"}])),
     "blocked by endpoint policy: query of secret"),
    ("a mutation by GET", get(query="mutation { drop }"), "blocked by endpoint policy"),
    ("a registered mutation", post(json.dumps({"id": "drop"})), "blocked by endpoint policy"),
    ("an unknown hash",
     post(json.dumps({"extensions": {"persistedQuery": {"sha256Hash": "f" * 64}}})),
     "persisted query is not registered"),
    ("an allowed hash beside another document",
     post(query("{ secret }", extensions={"persistedQuery": {"sha256Hash": HASH}})),
     "blocked by endpoint policy"),
    ("a syntax error", post(query("{ viewer ")), "request rejected: the document is not GraphQL"),
    ("two operations and no name", post(query("query A { viewer } query B { viewer }")),
     "request rejected: the document has several operations"),
    ("a member twice", post('{"query":"{ viewer }","query":"{ secret }"}'),
     "request rejected: the body cannot be read as JSON"),
    ("a member in another case", post('{"query":"{ viewer }","Query":"{ secret }"}'),
     "request rejected: a member differs"),
    ("a query in the URL too", ("POST", "/graphql?query=%7Bsecret%7D", JSON, query("{ viewer }")),
     "request rejected: the request has a body, and GraphQL in its URL too"),
    ("a query twice", ("GET", "/graphql?query=%7Bviewer%7D&query=%7Bsecret%7D", {}, ""),
     "request rejected: a parameter of GraphQL stands twice"),
    ("a form", ("POST", "/graphql", {"Content-Type": "application/x-www-form-urlencoded"},
                query("{ viewer }", x="&query={secret}&")),
     "request rejected: the Content-Type of the body is not application/json"),
    ("another charset", ("POST", "/graphql", {"Content-Type": "application/json; charset=utf-7"},
                         query("{ viewer }")),
     "request rejected: the charset of the body is not utf-8"),
    ("no body", post(""), "request rejected: the request has no body"),
    ("another method", ("PUT", "/graphql", JSON, query("{ viewer }")),
     "request rejected: the method is neither GET nor POST"),
    ("a compressed body", post(gzip.compress(query("{ viewer }").encode()),
                               **{"Content-Encoding": "gzip"}),
     "request rejected: the body has a Content-Encoding that decode_content of the endpoint does not name"),
    ("a body of several parts",
     ("POST", "/graphql", {"Content-Type": "multipart/form-data; boundary=b"}, "--b--\r\n"),
     "request rejected: the body has several parts"),
    ("a path without an endpoint", ("POST", "/other", JSON, query("{ viewer }")), ""),
)


@test("what a client may ask for reaches the server as it was sent")
def _allowed():
    (answers, result), seen = while_watched(plain, lambda: send(ALLOWED))
    expect([status for status, _ in answers] == [200] * len(ALLOWED), answers)
    expect([(one[0], one[1], one[3]) for one in seen] ==
           [(method, path, body.encode()) for method, path, _, body in ALLOWED], seen)
    expect(len(result.events("l7.allowed")) == len(ALLOWED) and not result.denials(), result)


@test("what a client may not ask for, or hides, or says in two ways, never reaches the server")
def _refused():
    (answers, result), seen = while_watched(plain, lambda: send([one for _, one, _ in REFUSED]))
    expect(seen == [], seen)
    for (sentence, _, reason), (status, text) in zip(REFUSED, answers):
        answer = json.loads(text)
        expect(status == 403 and reason in answer["detail"], sentence, status, text)
        expect("secret" not in text or "blocked" in reason, sentence, text)
    expect(not result.events("l7.allowed"), result.recorded)


@test("audit lets pass what the rules refuse, and nothing that cannot be understood")
def _audit():
    requests = [post(query("{ secret }")), post(query("{ viewer ")), post(""),
                post('{"query":"{ viewer }","Query":"{ secret }"}'), post(query("{ viewer }"))]
    (answers, _), seen = while_watched(audit, lambda: send(requests, AUDIT_PORT))
    expect([status for status, _ in answers] == [200, 403, 403, 403, 200], answers)
    expect([one[3].decode() for one in seen] == [requests[0][3], requests[4][3]], seen)


@test("a chunked body is judged whole and reaches the server with its length")
def _chunked():
    requests = [(*post(query("{ viewer }")), True), (*post(query("{ secret }")), True)]
    (answers, _), seen = while_watched(plain, lambda: send(requests))
    expect([status for status, _ in answers] == [200, 403], answers)
    [(_, _, headers, body)] = seen
    expect(body.decode() == requests[0][3] and headers["Content-Length"] == str(len(body)) and
           "Transfer-Encoding" not in headers, seen)


@test("each request of a connection is judged, also when all of them come at once")
def _pipelined():
    script = """
import socket, sys
def request(text):
    body = '{"query":"%s"}' % text
    return ('POST /graphql HTTP/1.1\\r\\nHost: ADDRESS:8083\\r\\nContent-Type: application/json\\r\\n'
            'Content-Length: %d\\r\\n\\r\\n%s' % (len(body), body)).encode()
connection = socket.create_connection(('ADDRESS', 8083), 10)
connection.sendall(request('{ viewer }') + request('{ repository }') + request('{ secret }') + request('{ viewer }'))
answer = b''
while data := connection.recv(65536):
    answer += data
print([part[:3] for part in answer.decode().split('HTTP/1.1 ')[1:]])
""".replace("ADDRESS", world.ADDRESS)
    result, seen = while_watched(plain, lambda: run([*UNAWARE, PYTHON, "-I", "-c", script]))
    expect(result.out.strip() == "['200', '200', '403']", result)
    expect([one[3] for one in seen] == [b'{"query":"{ viewer }"}', b'{"query":"{ repository }"}'], seen)


@test("a body is inspected up to graphql_max_body_bytes, and one that is larger is refused by name")
def _size():
    policy = world.policy(graphql(8083, graphql_max_body_bytes=200))
    fits = query("{ viewer }", x="a" * (200 - len(query("{ viewer }", x=""))))
    (answers, _), seen = while_watched(plain, lambda: send([post(fits), post(fits + " ")], policy=policy))
    expect(answers[0][0] == 200 and answers[1][0] in (403, 413), answers)
    expect("graphql_max_body_bytes" in answers[1][1] and len(seen) == 1, answers)
    large = query("{ viewer }", variables={"x": "a" * 300000})
    policy = world.policy(graphql(8083, graphql_max_body_bytes=400000))
    (answers, _), seen = while_watched(plain, lambda: send([post(large), post(large)[:3] +
                                                            (large.replace("viewer", "secret"),)],
                                                           policy=policy))
    expect([status for status, _ in answers] == [200, 403], answers[0][0], answers[1])
    expect([one[3].decode() for one in seen] == [large], len(seen))


@test("a compressed body is refused by the name of the key; where the endpoint asks it is judged, and the "
      "server gets it as it was sent; one that decodes to more than a limit is refused by its name")
def _compressed():
    bodies = [(coding, codings.ENCODERS[coding](query(text).encode()))
              for coding in ("gzip", "br", "deflate") for text in ("{ viewer }", "{ secret }")]
    requests = [post(body, **{"Content-Encoding": coding}) for coding, body in bodies]
    (answers, _), seen = while_watched(plain, lambda: send(requests))
    expect(not seen and all(status == 403 and "that decode_content of the endpoint does not name" in text
                            for status, text in answers), answers)
    decoding = world.policy(graphql(8083, decode_content=["gzip", "deflate", "br"]))
    spaces = gzip.compress(query("{ viewer }", x=" " * 70000).encode())
    requests += [post(spaces, **{"Content-Encoding": "gzip"}),
                 post(bodies[0][1], **{"Content-Encoding": "gzip, gzip"}),
                 post(bodies[0][1] + bodies[1][1], **{"Content-Encoding": "gzip"}),
                 post(bodies[0][1][:-1], **{"Content-Encoding": "gzip"})]
    (answers, _), seen = while_watched(plain, lambda: send(requests, policy=decoding))
    expect([status for status, _ in answers] == [200, 403] * 3 + [403] * 4, answers)
    expect([(one[2]["Content-Encoding"], one[3]) for one in seen] == bodies[::2], seen)
    for (_, text), reason in zip(answers[1:], ("blocked by endpoint policy: query of secret", None, None,
                                               None, None, "larger than graphql_max_body_bytes",
                                               "more than one Content-Encoding", "something follows",
                                               "the end of the encoded body is missing")):
        expect(reason is None or reason in text, reason, text)
    decoding = world.policy(graphql(8083, decode_content=["gzip"], graphql_max_body_bytes=1 << 26))
    bomb = gzip.compress(query("{ viewer }", x=" " * (1 << 25)).encode())
    (answers, _), seen = while_watched(plain, lambda: send([post(bomb, **{"Content-Encoding": "gzip"})],
                                                           policy=decoding))
    expect(answers[0][0] == 403 and "decode_content allows no more" in answers[0][1] and not seen, answers)


@test("the configuration sets limits, and may have files read")
def _configuration():
    part = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
    parts = [part.format("map", "", '{"0":["variables.file"]}'), part.format("0", '; filename="a"', "x"),
             "--b--\r\n"]
    bodies = ["".join([part.format("operations", "", query(text)), *parts])
              for text in ("mutation AddStar { addStar }", "mutation { drop }")]
    requests = [("POST", "/graphql", {"Content-Type": "multipart/form-data; boundary=b"}, body)
                for body in bodies]
    (answers, _), seen = while_watched(plain, lambda: send(
        requests, options=["--set", "l7-graphql.multipart=read"]))
    expect([status for status, _ in answers] == [200, 403], answers)
    expect([one[3].decode() for one in seen] == [bodies[0]], seen)
    (answers, _), seen = while_watched(plain, lambda: send(
        [post(query("{ viewer { a { b { c { d { e { f { g } } } } } } } }"))],
        options=["--set", "l7-graphql.max_depth=8"]))
    expect(answers[0][0] == 200 and len(seen) == 1, answers)
    (answers, _), seen = while_watched(plain, lambda: send(
        [post(query("{ viewer { a { b { c { d { e { f { g { h } } } } } } } } }"))],
        options=["--set", "l7-graphql.max_depth=8"]))
    expect(answers[0][0] == 403 and "max_depth is 8" in answers[0][1] and seen == [], answers)


FETCH = """
for (const text of ['{ viewer }', '{ secret }']) {
    const response = await fetch('URL', {method: 'POST',
        headers: {'Content-Type': 'application/json'}, body: JSON.stringify({query: text})});
    console.log(response.status, JSON.stringify(await response.json()).includes('blocked'));
}
"""


@test("a client of Node gets its answers, and its reasons")
def _node():
    if not os.path.exists(NODE):
        raise harness.Skip("node is not installed")
    for url in (PLAIN_URL, SECURE_URL):
        result = run([NODE, "--input-type=module", "-e", FETCH.replace("URL", url)])
        expect(result.out.split("\n")[:2] == ["200 false", "403 true"], url, result)


@test("many clients at once are each judged for themselves")
def _many():
    requests = [post(query("{ viewer }")) if number % 2 else post(query("{ secret }"))
                for number in range(40)]
    found = []
    threads = [threading.Thread(target=lambda: found.append(send(requests)[0])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect(len(found) == 3, found)
    for answers in found:
        expect([status for status, _ in answers] == [403, 200] * 20, answers)


harness.main()
