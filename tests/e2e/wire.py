# SPDX-License-Identifier: Apache-2.0
"""Raw connections to one name, from a box by every transport, and an origin that does as it is told.

CLIENT is the beginning of a script for a program in the box, or outside it (transport "direct").
Standard library only.
"""
import os
import socket
import ssl
import threading

import harness
import world

NAME = "in.example"     # of the outer world; its ports are the ones that a Host without one means
CLEAR_PORT, TLS_PORT = 80, 443
# (transport, in TLS): every one by which a program reaches an origin.
TRANSPORTS = (("captured", False), ("captured", True), ("connect", False), ("connect", True),
              ("forward", False))

CLIENT = r"""
import json, os, re, select, socket, ssl, sys, time
NAME = 'in.example'

def dial(way, secure, authority=None):
    port = 443 if secure else 80
    if way in ('captured', 'direct'):
        s = socket.create_connection((NAME, port), 20)
    else:
        proxy = re.search(r'//([^/]+):(\d+)', os.environ['http_proxy']).groups()
        s = socket.create_connection((proxy[0], int(proxy[1])), 20)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if way == 'connect':
        s.sendall(b'CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n\r\n' % ((NAME.encode(), port) * 2))
        answer = b''
        while not answer.endswith(b'\r\n\r\n'):
            answer += s.recv(1)
        assert answer.startswith(b'HTTP/1.1 200 '), answer
    if secure:
        context = ssl.create_default_context(cafile=authority)
        s = context.wrap_socket(s, server_hostname=NAME, suppress_ragged_eofs=False)
    return s

def head(way, method, path, *fields):
    target = 'http://' + NAME + path if way == 'forward' else path
    return '\r\n'.join([f'{method} {target} HTTP/1.1', f'Host: {NAME}', *fields, '', '']).encode()

def read_to(s, mark, data=b''):
    while mark not in data:
        more = s.recv(65536)
        if not more:
            return data
        data += more
    return data

def read_all(s, data=b''):
    # Returns the bytes, and how they ended: 'end', or the name of the error.
    try:
        while more := s.recv(1 << 16):
            data += more
        return data, 'end'
    except OSError as error:
        return data, type(error).__name__
"""


class Origin:
    """In clear and in TLS: what begins at a path is answered by the function that a test sets.

    The function gets the connection, the head and the bytes behind it; the connection is closed when
    it returns, unless it returns True, or the bytes that it has not used: then the next head is read.
    `cut` and `end` close one in ways of their own.
    """

    def __init__(self):
        self.scripts = {}
        names = [f"IP:{world.ADDRESS}", f"DNS:{NAME}"]
        self.authority, certificate, key = world.make_certificate(harness.private_scratch(), *names)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        for port, context in ((CLEAR_PORT, None), (TLS_PORT, self.context)):
            listener = socket.create_server((world.ADDRESS, port), backlog=256)
            threading.Thread(target=self._accept, args=(listener, context), daemon=True).start()

    def _accept(self, listener, context):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self._serve, args=(connection, context), daemon=True).start()

    def _serve(self, connection, context):
        connection.settimeout(30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True)
            data, goes_on = b"", True
            while goes_on:
                while b"\r\n\r\n" not in data:
                    more = connection.recv(65536)
                    if not more:
                        return
                    data += more
                head, _, data = data.partition(b"\r\n\r\n")
                path = head.split(b" ")[1].decode()
                script = next(value for key, value in self.scripts.items() if path.startswith(key))
                goes_on = script(connection, head, data)
                data = goes_on if isinstance(goes_on, bytes) else b""
                goes_on = goes_on is True or isinstance(goes_on, bytes)
        except OSError:
            pass
        finally:
            connection.close()


def end(connection):
    """Ends it as one does who has said everything; in TLS with close_notify."""
    if isinstance(connection, ssl.SSLSocket):
        connection.settimeout(2)
        connection = connection.unwrap()
    connection.close()


def cut(connection):
    """Ends the TCP connection; in TLS without close_notify."""
    os.close(connection.detach())


def reset(connection):
    """Ends it by a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    os.close(connection.detach())


def policy(**keys):
    """One REST endpoint for each port, that allows everything unless @keys say otherwise."""
    return world.policy(*({"host": NAME, "port": port, "protocol": "rest", "enforcement": "enforce",
                           **({} if "rules" in keys else {"access": "full"}), **keys}
                          for port in (CLEAR_PORT, TLS_PORT)))
