# SPDX-License-Identifier: Apache-2.0
"""The outer world of the demo and of the end-to-end tests: origin servers on 10.77.0.1.

Runs inside tests/e2e/outer-world, which has made that address. Every server is a thread of the
test program and ends with it; whatever else runs is a child that is stopped by its own pid.
Standard library only.
"""
import http.server
import json
import os
import socket
import socketserver
import ssl
import subprocess
import threading
import time

ADDRESS = "10.77.0.1"
OTHER_ADDRESS = "10.77.0.2"
ADDRESS6 = "fd77::1"
PUBLIC_ADDRESS = "192.31.196.7"  # public.test and www.public.test; of no private network
API_PORT = 8080       # policies of the tests allow it
REFUSED_PORT = 8081   # and never this one
GIT_PORT = 8090
TLS_PORT = 8443       # HTTPS, see World.serve_https()
ECHO_PORT = 7007
UDP_PORT = 7008


class ApiHandler(http.server.BaseHTTPRequestHandler):
    """Answers every request with what it saw, as JSON."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *arguments):
        pass

    def answer(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reply(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        self.server.requests.append(f"{self.command} {self.path}")
        if self.path.startswith("/big/"):
            self.answer(200, b"x" * int(self.path[5:]), "application/octet-stream")
            return
        if self.path.startswith("/sleep/"):
            time.sleep(float(self.path[7:]))
        seen = {"hello": "world", "method": self.command, "path": self.path,
                "host": self.headers.get("Host"), "body": body.decode("utf-8", "replace"),
                "headers": dict(self.headers)}
        self.answer(200, (json.dumps(seen) + "\n").encode())

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = reply


class GitHandler(ApiHandler):
    """/smart/NAME by `git http-backend`, /dumb/NAME as plain files."""

    def reply(self):
        self.server.requests.append(f"{self.command} {self.path}")
        path, _, query = self.path.partition("?")
        if path.startswith("/dumb/"):
            name = os.path.normpath(os.path.join(self.server.root, path[6:]))
            if not name.startswith(self.server.root) or not os.path.isfile(name):
                self.answer(404, b"no such file\n", "text/plain")
                return
            with open(name, "rb") as stream:
                self.answer(200, stream.read(), "application/octet-stream")
            return
        body = b""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        elif self.headers.get("Content-Length"):
            body = self.rfile.read(int(self.headers["Content-Length"]))
        environment = {
            "PATH": "/usr/bin:/bin", "GIT_PROJECT_ROOT": self.server.root,
            "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path[len("/smart"):],
            "REQUEST_METHOD": self.command, "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment,
                              capture_output=True, timeout=30, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        status, kind = 200, "text/plain"
        for line in head.decode().splitlines():
            key, _, value = line.partition(": ")
            if key.lower() == "status":
                status = int(value.split()[0])
            elif key.lower() == "content-type":
                kind = value
        self.answer(status, content, kind)

    do_GET = do_HEAD = do_POST = reply


class HttpServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, handler):
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.requests = []
        self.connections = 0
        super().__init__(address, handler)

    def server_bind(self):
        # Without the look-up of the server's own name that http.server does here.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request, client_address):
        pass  # a client that goes away is what some tests do

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)


class _EchoHandler(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.settimeout(30)
        self.server.connections += 1
        try:
            while data := self.request.recv(65536):
                self.request.sendall(data)
        except OSError:
            pass


class _EchoServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    connections = 0


class World:
    """All origins. `api`, `refused`, `git`, `echo` have .requests and .connections."""

    def __init__(self):
        self.api = self.serve(HttpServer((ADDRESS, API_PORT), ApiHandler))
        self.api_other = self.serve(HttpServer((OTHER_ADDRESS, API_PORT), ApiHandler))
        self.api6 = self.serve(HttpServer((ADDRESS6, API_PORT), ApiHandler))
        self.public = self.serve(HttpServer((PUBLIC_ADDRESS, API_PORT), ApiHandler))
        self.refused = self.serve(HttpServer((ADDRESS, REFUSED_PORT), ApiHandler))
        self.loopback = self.serve(HttpServer(("127.0.0.1", API_PORT), ApiHandler))
        self.echo = self.serve(_EchoServer((ADDRESS, ECHO_PORT), _EchoHandler))
        self.git = None
        self.udp_datagrams = []
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((ADDRESS, UDP_PORT))
        threading.Thread(target=self._receive, daemon=True).start()

    @staticmethod
    def serve(server):
        """Serves in a thread until the test program ends. Returns the server."""
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()
        return server

    def _receive(self):
        while True:
            data, peer = self._udp.recvfrom(2048)
            self.udp_datagrams.append((data, peer))
            self._udp.sendto(data, peer)

    def serve_https(self, folder, address=ADDRESS, port=TLS_PORT, handler=ApiHandler):
        """An origin like `api`, or of another handler, over TLS.

        Returns it, and the path of its certificate authority.
        """
        names = [f"IP:{ADDRESS}", "DNS:origin.test", "DNS:api.example.test"]
        authority, certificate, key = make_certificate(folder, *names)
        server = HttpServer((address, port), handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        # The thread of a connection shakes hands, with its first read.
        server.context = context
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
        return self.serve(server), authority

    def serve_git(self, folder):
        """Makes a repository project.git under `folder`, with one commit, and serves it."""
        work = os.path.join(folder, "work")
        environment = {"PATH": "/usr/bin:/bin", "HOME": folder, "GIT_CONFIG_NOSYSTEM": "1"}
        for command in (
            ["init", "-q", "-b", "main", work],
            ["-C", work, "-c", "user.name=Test", "-c", "user.email=test@example.test",
             "commit", "-q", "--allow-empty", "-m", "First"],
            ["clone", "-q", "--bare", work, os.path.join(folder, "project.git")],
            ["-C", os.path.join(folder, "project.git"), "update-server-info"],
        ):
            subprocess.run(["git", *command], env=environment, check=True, timeout=30)
        self.git = HttpServer((ADDRESS, GIT_PORT), GitHandler)
        self.git.root = folder
        self.serve(self.git)


def make_certificate(folder, *names):
    """Makes a certificate authority, and a server certificate of it, under `folder`, by openssl(1).

    Names are those of X.509: "DNS:NAME" or "IP:ADDRESS". Returns the paths of the authority, of
    the certificate and of its key.
    """
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=30)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    with open(os.path.join(folder, "extensions"), "w", encoding="ascii") as stream:
        stream.write(f"subjectAltName={','.join(names)}\n")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
            "-subj", "/CN=Authority of the test", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "30", "-extfile", "extensions", "-out", "server.pem")
    return [os.path.join(folder, name) for name in ("ca.pem", "server.pem", "server.key")]


def policy(*endpoints, binaries=("/**",), read_only=(), read_write=(), extra=""):
    """The text of a policy. An endpoint is "HOST:PORT" or a mapping of its YAML keys."""
    lines = ["version: 1", "filesystem_policy:", "  include_workdir: true", "  read_only:"]
    for path in ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", *read_only):
        lines.append(f"    - {json.dumps(path)}")
    lines.append("  read_write:")
    for path in ("/tmp", "/dev/null", *read_write):
        lines.append(f"    - {json.dumps(path)}")
    if endpoints:
        lines += ["network_policies:", "  allowed:", "    endpoints:"]
        for endpoint in endpoints:
            if isinstance(endpoint, str):
                host, _, port = endpoint.rpartition(":")
                endpoint = {"host": host.strip("[]"), "port": int(port)}
            for number, (key, value) in enumerate(endpoint.items()):
                lines.append(f"      {'-' if number == 0 else ' '} {key}: {json.dumps(value)}")
        lines.append("    binaries:")
        for path in binaries:
            lines.append(f"      - path: {json.dumps(path)}")
    return "\n".join(lines) + "\n" + extra
