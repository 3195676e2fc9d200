# SPDX-License-Identifier: Apache-2.0
"""protocol: mcp and json-rpc on real traffic: a session over Streamable HTTP, call by call."""
import json

import harness
import world
from harness import PYTHON, expect, test

PORT, TLS_PORT = 8084, 8446
URL = f"http://{world.ADDRESS}:{PORT}/mcp"


class McpHandler(world.ApiHandler):
    """A server of MCP and of plain JSON-RPC: /mcp answers tool calls by a stream of events."""

    def send(self, status, body=b"", kind="application/json", **fields):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def stream(self, *messages):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for message in messages:
            event = b"event: message\ndata: " + json.dumps(message).encode() + b"\n\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
        self.wfile.write(b"0\r\n\r\n")

    def result_of(self, message):
        method, params = message["method"], message.get("params")
        params = params if isinstance(params, dict) else {}
        tool, cursor = params.get("name"), params.get("cursor", "")
        results = {
            "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                           "serverInfo": {"name": "test", "version": "1"}},
            "tools/list": {"tools": [{"name": name, "description": f"a tool {cursor[6:]}",
                                      "inputSchema": {"type": "object"}}
                                     for name in ("read", "rm", "write")]},
            "tools/call": {"content": [{"type": "text", "text": f"did {tool}"}]},
        }
        return {"jsonrpc": "2.0", "id": message["id"], "result": results.get(method, {})}

    def note(self, message):
        params = message.get("params")
        name = params.get("name") if isinstance(params, dict) else None
        self.server.calls.append(" ".join(filter(None, (message.get("method", "response"), name))))

    def do_POST(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        value = json.loads(body)
        messages = value if isinstance(value, list) else [value]
        for message in messages:
            self.note(message)
        answers = [self.result_of(one) for one in messages if "method" in one and "id" in one]
        if not answers:
            self.send(202)
        elif isinstance(value, list):
            self.send(200, json.dumps(answers).encode())
        elif value["method"] == "tools/call" or "stream" in body.decode():
            self.stream({"jsonrpc": "2.0", "method": "notifications/message",
                         "params": {"level": "info", "data": "working"}}, answers[0])
        else:
            self.send(200, json.dumps(answers[0]).encode(), Mcp_Session_Id="s1")

    def do_GET(self):
        self.server.calls.append("GET")
        self.stream({"jsonrpc": "2.0", "id": "ask", "method": "elicitation/create", "params": {}})

    def do_DELETE(self):
        self.server.calls.append("DELETE")
        self.send(200)


origins = world.World()
clear = world.World.serve(world.HttpServer((world.ADDRESS, PORT), McpHandler))
secure, AUTHORITY = origins.serve_https(harness.private_scratch(), port=TLS_PORT, handler=McpHandler)
for _server in (clear, secure):
    _server.calls = []

# The beginning of a client in the box. argv: transport, scheme.
CLIENT = """
import http.client, json, os, re, ssl, sys
way, scheme = sys.argv[1:3]
port = {tls_port} if scheme == 'https' else {port}
kind = http.client.HTTPSConnection if scheme == 'https' else http.client.HTTPConnection
more = {{'context': ssl.create_default_context(cafile='/run/openshell/ca-bundle.pem')}} if scheme == 'https' else {{}}
if way == 'connect':
    proxy = re.search(r'//([^/]+):(\\d+)', os.environ['http_proxy']).groups()
    c = kind(proxy[0], int(proxy[1]), timeout=10, **more)
    c.set_tunnel('{address}', port)
else:
    c = kind('{address}', port, timeout=10, **more)
FIELDS = {{'Content-Type': 'application/json', 'Accept': 'application/json, text/event-stream',
          'MCP-Protocol-Version': '2025-11-25'}}

def ask(body, method='POST', path='/mcp', **fields):
    if not isinstance(body, (str, bytes, type(None))):
        body = json.dumps(body)
    named = {{**FIELDS, **{{name.replace('_', '-'): value for name, value in fields.items()}}}}
    c.request(method, path, body, {{name: value for name, value in named.items() if value is not None}})
    r = c.getresponse()
    text = r.read().decode()
    if r.headers.get('Content-Type') == 'text/event-stream':
        messages = [json.loads(line[6:]) for line in text.splitlines() if line.startswith('data: ')]
    else:
        messages = [json.loads(text)] if text.strip() else []
    return r, messages

def call(id, tool, **arguments):
    return {{'jsonrpc': '2.0', 'id': id, 'method': 'tools/call',
            'params': {{'name': tool, 'arguments': arguments}}}}

def tools(cursor=''):
    r, messages = ask({{'jsonrpc': '2.0', 'id': 1, 'method': 'tools/list', 'params': {{'cursor': cursor}}}})
    print(r.status, *(tool['name'] for tool in messages[-1]['result']['tools']))

def say(r, messages):
    # One line: the status, and what each message is.
    words = [str(r.status)]
    for one in messages:
        for m in one if isinstance(one, list) else [one]:
            error = m.get('error')
            if isinstance(error, dict):
                words.append('%s:error:%s' % (m['id'], error['code']))
            elif error is not None:
                words.append(error)
            else:
                words.append('%s:result' % m['id'] if 'result' in m else m['method'])
    print(*words)
""".format(address=world.ADDRESS, port=PORT, tls_port=TLS_PORT)

RULES = [{"allow": {"method": method}} for method in
         ("initialize", "notifications/initialized", "tools/list", "ping")]
READ = [{"allow": {"method": "tools/call", "tool": "read", "mcp_arguments": {"path": "/work/*"}}}]
THREE = ["2025-03-26", "2025-06-18", "2025-11-25"]


def mcp(port, **keys):
    endpoint = {"host": world.ADDRESS, "port": port, "protocol": "mcp", "enforcement": "enforce",
                "mcp": {"versions": THREE}, "rules": RULES + READ}
    return {**endpoint, **keys}


def both(**keys):
    return world.policy(mcp(PORT, **keys), mcp(TLS_PORT, **keys))


POLICY = both()


def run(script, policy=POLICY, way="captured", scheme="http", options=(), **keywords):
    unaware = ["env", "-i"] if way == "captured" else []
    return harness.run_recorded([*unaware, PYTHON, "-I", "-c", CLIENT + script, way, scheme], policy,
                                ["--set", f"network.upstream-ca={AUTHORITY}", *options], **keywords)


def calls_of(server, action):
    """What the server is asked for meanwhile."""
    before = len(server.calls)
    result = action()
    return result, server.calls[before:]


SESSION = """
r, m = ask({'jsonrpc': '2.0', 'id': 0, 'method': 'initialize', 'params': {'protocolVersion': '2025-11-25', 'capabilities': {}, 'clientInfo': {'name': 'c', 'version': '1'}}}, MCP_Protocol_Version=None)
say(r, m); port = c.sock.getsockname()[1]
session = r.headers['Mcp-Session-Id']
say(*ask({'jsonrpc': '2.0', 'method': 'notifications/initialized'}, Mcp_Session_Id=session))
say(*ask({'jsonrpc': '2.0', 'id': 1, 'method': 'tools/list'}, Mcp_Session_Id=session))
say(*ask(call(2, 'read', path='/work/a'), Mcp_Session_Id=session))
r, m = ask(call('three', 'rm', path='/work/secret'), Mcp_Session_Id=session)
say(r, m); print(json.dumps(m[0]))
say(*ask(call(4, 'read', path='/etc/secret'), Mcp_Session_Id=session))
say(*ask(call(5, 'read', path='/work/b'), Mcp_Session_Id=session))
print(c.sock.getsockname()[1] == port)
"""


@test("a session of MCP over every transport: a refused tool and a refused argument are answered by "
      "an error with the id of the call, the server never hears of them, and the connection goes on")
def _session():
    for way, scheme in (("captured", "http"), ("connect", "http"), ("captured", "https"),
                        ("connect", "https")):
        server = secure if scheme == "https" else clear
        connections = server.connections
        result, calls = calls_of(server, lambda: run(SESSION, way=way, scheme=scheme))
        lines = result.out.splitlines()
        expect(result.code == 0 and len(lines) == 9, way, scheme, result)
        answer = json.loads(lines.pop(5))
        expect(lines == ["200 0:result", "202", "200 1:result",
                         "200 notifications/message 2:result", "200 three:error:-32050",
                         "200 4:error:-32050", "200 notifications/message 5:result", "True"], result)
        expect(calls == ["initialize", "notifications/initialized", "tools/list",
                         "tools/call read", "tools/call read"], calls)
        expect(server.connections == connections + 1, server.connections)
        denied = result.events("l7.denied")
        expect([event["payload"][-1].get("calls") for event in result.events("l7.allowed")] ==
               ["initialize", "notifications/initialized", "tools/list", "tools/call read",
                "tools/call read"], result.recorded)
        expect([event["payload"][-1].get("calls") for event in denied] ==
               ["tools/call rm", "tools/call read"], denied)
        data = answer["error"]["data"]
        expect(answer["jsonrpc"] == "2.0" and data["error"] == "policy_denied" and
               data["policy"] == "allowed" and data["protocol"] == "mcp" and
               data["layer"] == "l7" and data["method"] == "POST" and data["path"] == "/mcp" and
               data["host"] == world.ADDRESS and data["binary"].startswith("/usr/bin/python") and
               data["id"] == denied[0]["id"] and data["detail"] == denied[0]["payload"][10],
               answer, denied)
        expect(data["detail"] in answer["error"]["message"], answer)
        expect("secret" not in result.err and "secret" not in json.dumps(result.recorded) and
               "secret" not in lines[4], result)
        lines = result.denials()
        expect(len(lines) == 2 and all("[mcp, policy allowed]" in line for line in lines) and
               "the call is 'tools/call' of the tool 'rm'" in lines[0], result)


REVISIONS = """
ping = {'jsonrpc': '2.0', 'id': 1, 'method': 'ping'}
say(*ask(ping)); port = c.sock.getsockname()[1]
say(*ask(ping, MCP_Protocol_Version='2025-06-18'))
say(*ask(ping, MCP_Protocol_Version='2024-11-05'))
say(*ask(ping, MCP_Protocol_Version=''))
say(*ask(ping, MCP_Protocol_Version='2026-07-28'))
say(*ask([ping]))
say(*ask([ping, call(2, 'rm')], MCP_Protocol_Version='2025-03-26'))
say(*ask([ping, call(2, 'read', path='/work/a')], MCP_Protocol_Version='2025-03-26'))
say(*ask({'jsonrpc': '2.0', 'id': 1, 'method': 'server/discover'}))
say(*ask({'jsonrpc': '2.0', 'id': 1, 'method': 'roots/list'}))
say(*ask(ping, Mcp_Method='tools/list'))
say(*ask('{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"rm"}}'))
say(*ask('{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}'))
say(*ask('{"jsonrpc":"2.0","id":1\\0,"method":"ping"}'))
say(*ask(call(3, 'read all')))
say(*ask(ping, Content_Encoding='gzip'))
print(c.sock.getsockname()[1] == port)
"""


@test("what is no MCP of an accepted revision is refused with its kind, in audit mode too, and no "
      "such message reaches the server")
def _revisions():
    wanted = ["200 1:result", "200 1:result", "400 unsupported_mcp_protocol_version",
              "400 invalid_mcp_protocol_version_header", "403 mcp_protocol_version_not_allowed",
              "400 invalid_mcp_request", None, "200 1:result 2:result", "400 invalid_mcp_request",
              "400 invalid_mcp_request", "400 invalid_mcp_request_metadata", "400 None:error:-32700",
              "400 None:error:-32600", "400 None:error:-32700", "400 3:error:-32600",
              "400 None:error:-32600", "True"]
    for enforcement in ("enforce", "audit"):
        wanted[6] = ("200 1:error:-32050 2:error:-32050" if enforcement == "enforce"
                     else "200 1:result 2:result")
        result, calls = calls_of(clear, lambda: run(REVISIONS, both(enforcement=enforcement)))
        expect(result.out.splitlines() == wanted, result)
        # Audit mode lets pass what only the rules refuse.
        expect(calls == ["ping"] * 2 + (["ping", "tools/call rm"] if enforcement == "audit" else [])
               + ["ping", "tools/call read"], calls)


STREAM = """
r, m = ask(None, 'GET', Accept='text/event-stream', Content_Type=None)
say(r, m)
say(*ask({'jsonrpc': '2.0', 'id': 'ask', 'result': {'action': 'decline'}}))
r, m = ask(None, 'DELETE', Mcp_Session_Id='s1', Content_Type=None)
say(r, m)
"""


@test("a client opens the receive stream and answers its server; the end of a session is refused")
def _stream():
    result, calls = calls_of(clear, lambda: run(STREAM))
    expect(result.out.splitlines() == ["200 elicitation/create", "202", "403 policy_denied"], result)
    expect(calls == ["GET", "response"], calls)


LIST = """
for cursor in ('', 'stream', 'first one', 'first other'):
    tools(cursor)
"""


@test("a client sees the tools that it may call, in a body and in a stream; one that has changed is "
      "reported, or taken out")
def _list():
    result = run(LIST)
    expect(result.out.splitlines() == ["200 read"] * 4 and "is not what it was" not in result.err,
           result)
    # In audit mode it may call all of them.
    expect(run(LIST, both(enforcement="audit")).out.splitlines() == ["200 read rm write"] * 4, "audit")
    allowed = RULES + READ + [{"allow": {"method": "tools/call", "tool": "write"}}]
    for word, last in (("report", "200 read write"), ("refuse", "200")):
        result = run("tools('first one')\ntools('first one')\ntools('first other')",
                     both(rules=allowed, mcp={"versions": THREE, "pin_tools": word}))
        expect(result.out.splitlines() == ["200 read write", "200 read write", last], result)
        expect(f"the MCP tool 'read' of {world.ADDRESS}:{PORT}/mcp is not what it was when it was "
               "first listed" in result.err, result)


NEWEST = """
META = {'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {}}
def newest(id, tool):
    message = call(id, tool, path='/work/a'); message['params']['_meta'] = META; return message
V = {'MCP_Protocol_Version': '2026-07-28', 'Mcp_Method': 'tools/call'}
say(*ask(newest(1, 'read'), **V, Mcp_Name='read'))
say(*ask(newest(2, 'rm'), **V, Mcp_Name='read'))
say(*ask(newest(3, 'rm'), **V, Mcp_Name='rm'))
say(*ask(newest(4, 'read'), **V))
say(*ask(call(5, 'read', path='/work/a'), **V, Mcp_Name='read'))
r, m = ask(None, 'GET', Accept='text/event-stream', Content_Type=None, MCP_Protocol_Version='2026-07-28')
say(r, m); print(r.headers['Allow'])
"""


@test("of MCP 2026-07-28 the head of a request says what its body says, and POST is its only method")
def _newest():
    policy = both(mcp={"versions": ["2026-07-28"]}, rules=READ)
    result, calls = calls_of(clear, lambda: run(NEWEST, policy))
    expect(result.out.splitlines() == [
        "200 notifications/message 1:result", "400 invalid_mcp_request_metadata",
        "200 3:error:-32050", "400 invalid_mcp_request_metadata",
        "400 invalid_mcp_request_metadata", "405 mcp_http_method_not_allowed", "POST"], result)
    expect(calls == ["tools/call read"], calls)


RPC = """
def rpc(id, method, **more): return {'jsonrpc': '2.0', 'id': id, 'method': method, **more}
say(*ask(rpc(1, 'reports.list', params=[1]), path='/rpc'))
say(*ask(rpc(2, 'reports.purge'), path='/rpc'))
say(*ask([rpc(3, 'reports.list'), rpc(4, 'reports.purge')], path='/rpc'))
say(*ask([rpc(5, 'reports.list'), {'jsonrpc': '2.0', 'method': 'reports.list'}], path='/rpc'))
say(*ask({'jsonrpc': '2.0', 'id': 6, 'result': 1}, path='/rpc'))
say(*ask(None, 'GET', '/rpc', Accept='text/event-stream', Content_Type=None))
say(*ask((b'{"jsonrpc":"2.0","id":7,"method":"reports.list","params":["' + b'x' * 70000 + b'"]}'), path='/rpc'))
"""


@test("json-rpc: each call of a message is judged by its method; a response, a receive stream and a "
      "body beyond the limit are refused")
def _rpc():
    endpoint = {"host": world.ADDRESS, "port": PORT, "protocol": "json-rpc",
                "enforcement": "enforce", "rules": [{"allow": {"method": "reports.list"}}]}
    result, calls = calls_of(clear, lambda: run(RPC, world.policy(endpoint)))
    lines = result.out.splitlines()
    expect(lines[:6] == ["200 1:result", "200 2:error:-32050",
                         "200 3:error:-32050 4:error:-32050", "200 5:result",
                         "403 policy_denied", "403 policy_denied"], result)
    expect(lines[6] == "413 content_too_large", result)
    expect(calls == ["reports.list", "reports.list", "reports.list"], calls)


@test("with refusals=openshell a refused call gets the 403 of OpenShell")
def _plain():
    result, calls = calls_of(clear, lambda: run(
        "r, m = ask(call(1, 'rm'))\nsay(r, m); print(r.headers['X-OpenShell-Policy'], m[0]['protocol'])",
        options=["--set", "l7-jsonrpc.refusals=openshell"]))
    expect(result.out.splitlines() == ["403 policy_denied", "allowed mcp"] and not calls, result)


CHUNKED = """
def pieces():
    text = json.dumps(call(1, sys.argv[3], path='/work/' + 'a' * 20000)).encode()
    for at in range(0, len(text), 701):
        yield text[at:at + 701]
c.request('POST', '/mcp', pieces(), {**FIELDS, 'Transfer-Encoding': 'chunked'}, encode_chunked=True)
r = c.getresponse(); r.read(); print(r.status)
"""


@test("a body in chunks is judged as a whole: nothing of it leaves before")
def _chunked():
    result, calls = calls_of(clear, lambda: run(CHUNKED.replace("sys.argv[3]", "'read'")))
    expect(result.out.splitlines() == ["200"] and calls == ["tools/call read"], result, calls)
    result, calls = calls_of(clear, lambda: run(CHUNKED.replace("sys.argv[3]", "'rm'")))
    expect(result.out.splitlines() == ["200"] and not calls, result, calls)
    expect(len(result.events("l7.denied")) == 1, result.recorded)


@test("check --run takes an mcp endpoint; without the plugin the policy is refused, with its name")
def _load():
    path = harness.write_policy(POLICY)
    done = harness.run_host(None, None, ["check", "--run", path])
    expect(done.code == 0 and "not enforced" not in done.out + done.err, done)
    result = harness.run_host(["true"], POLICY, ["--disable", "l7-jsonrpc"])
    expect(result.code != 0 and "plugin l7-jsonrpc, which is not used: it is disabled by "
           "configuration" in result.err, result)


harness.main()
