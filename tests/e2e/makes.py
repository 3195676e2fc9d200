# SPDX-License-Identifier: Apache-2.0
"""HTTP origins of different make, which say in each answer what request they saw.

nginx and Node are children of the test program, on loopback addresses that no box reaches; Python's
http.server is a thread. Each answers with X-Saw: METHOD TARGET. Standard library only.
"""
import atexit
import http.server
import os
import re
import signal
import socket
import socketserver
import subprocess
import threading

import harness

NGINX_PORT, NODE_PORT, PYTHON_PORT = 9101, 9102, 9103

# The body of a request is read and thrown away, whatever its framing.
NGINX = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0;
    merge_slashes off;
    server {{
        listen 127.0.0.1:{port};
        add_header X-Saw "$request_method $request_uri" always;
        location / {{ return 200 ok; }}
    }}
}}
"""

NODE = """
function answer(request, response) {
    let length = 0;
    request.on('data', (piece) => { length += piece.length; });
    request.on('end', () => {
        response.setHeader('X-Saw', request.method + ' ' + request.url);
        response.setHeader('X-Length', length);
        response.end('ok');
    });
}
const server = require('http').createServer(answer);
server.on('checkExpectation', answer);
server.keepAliveTimeout = 20000;
server.listen(%d, '127.0.0.1', () => console.log('ready'));
"""


class _PythonHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def log_message(self, *arguments):
        pass

    def _body(self):
        """Reads what the fields promise, as forgivingly as Python reads numbers."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            length = 0
            while size := int(self.rfile.readline().split(b";")[0], 16):
                while size > 0:
                    piece = self.rfile.read(min(size, 65536))
                    if not piece:
                        raise ValueError("the body is cut short")
                    length, size = length + len(piece), size - len(piece)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return length
        wanted, length = int(self.headers.get("Content-Length") or 0), 0
        while length < wanted:
            # Python makes a buffer of the size that it is asked for at once.
            piece = self.rfile.read(min(wanted - length, 65536))
            if not piece:
                raise ValueError("the body is cut short")
            length += len(piece)
        return length

    def _answer(self):
        try:
            length = self._body()
        except ValueError:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("X-Saw", f"{self.command} {self.path}")
        self.send_header("X-Length", str(length))
        self.send_header("Content-Length", "0" if self.command == "HEAD" else "2")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"ok")

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self):
        # Without the look-up of the server's own name that http.server does here.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request, client_address):
        pass


_children = []


@atexit.register
def stop():
    """Ends what was started here."""
    for child in _children:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            child.wait(10)
    _children.clear()


def _wait_for(port, child):
    def answers():
        harness.expect(child.poll() is None, f"{child.args[0]} ended with {child.poll()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    harness.wait_until(answers, 15, f"nothing listens at port {port}")


def start_nginx():
    """Returns its port; None where it is not installed."""
    if not os.path.exists("/usr/sbin/nginx"):
        return None
    folder = harness.private_scratch()
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w", encoding="ascii") as stream:
        stream.write(NGINX.format(folder=folder, port=NGINX_PORT,
                                  user="user root;" if harness.IS_ROOT else ""))
    child = subprocess.Popen(["/usr/sbin/nginx", "-c", path, "-e", os.path.join(folder, "first.log")],
                             env=harness.clean_environment())
    _children.append(child)
    _wait_for(NGINX_PORT, child)
    return NGINX_PORT


def start_node():
    """Returns its port; None where it is not installed."""
    if not os.path.exists("/usr/bin/node"):
        return None
    child = subprocess.Popen(["/usr/bin/node", "-e", NODE % NODE_PORT], stdout=subprocess.DEVNULL,
                             env=harness.clean_environment())
    _children.append(child)
    _wait_for(NODE_PORT, child)
    return NODE_PORT


def start_python():
    """Returns its port."""
    server = _Server(("127.0.0.1", PYTHON_PORT), _PythonHandler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return PYTHON_PORT


def start_all():
    """The ports of the makes that are installed, by name."""
    ports = {"nginx": start_nginx(), "node": start_node(), "python": start_python()}
    for name, port in ports.items():
        if port is None:
            print(f"# NOT INSTALLED: {name}; scripts/install-deps would install it")
    return {name: port for name, port in ports.items() if port is not None}


def ask(port, data):
    """Sends @data as it is. Returns what was seen, in order, and the last status."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.settimeout(5)
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                answer += piece
        except OSError:
            pass
    statuses = re.findall(rb"HTTP/1\.[01] (\d{3})", answer)
    seen = re.findall(rb"\r\nX-Saw: ([^\r\n]*)\r\n", answer, re.IGNORECASE)
    # nginx names nothing where it refused the request line.
    return [line.decode("latin-1") for line in seen if line.strip()], int(statuses[-1]) if statuses else 0
