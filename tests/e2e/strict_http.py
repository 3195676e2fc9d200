# SPDX-License-Identifier: Apache-2.0
"""A strict reader of HTTP/1.1 requests (RFC 9112), written without the product's code.

It is what an origin of the tests reads with: bytes that it does not take are a fault of the proxy
that sent them. Standard library only.
"""
import re

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e]+) HTTP/1\.([01])")
FIELD = re.compile(rb"(" + TOKEN + rb"):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*"
                   rb"[\x21-\x7e\x80-\xff])?)?)[ \t]*")
CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
MAX_HEAD = 65536


class NotHttp(Exception):
    """The bytes are not a request; the text says why."""


class Request:
    """One request. `body` is decoded; `is_complete` is False where its end has not come."""

    def __init__(self, method, target, minor, fields):
        self.method, self.target, self.minor, self.fields = method, target, minor, fields
        self.body, self.is_complete = b"", True

    def values(self, name):
        return [value for key, value in self.fields if key.lower() == name]

    def keeps_connection(self):
        options = b",".join(self.values(b"connection")).lower()
        return b"close" not in options and (self.minor == 1 or b"keep-alive" in options)

    def name(self):
        """As the events of the host name a request: no query."""
        return f"{self.method} {self.target.partition('?')[0]}"

    def __repr__(self):
        return f"{self.method} {self.target}" + ("" if self.is_complete else " (incomplete)")


def _line(data, at):
    end = data.find(b"\n", at)
    if end < 0:
        if len(data) - at > MAX_HEAD:
            raise NotHttp("a line has no end")
        return None, at
    if end == at or data[end - 1:end] != b"\r" or b"\r" in data[at:end - 1]:
        raise NotHttp("a line does not end by CRLF")
    return data[at:end - 1], end + 1


def _fields(data, at):
    """Returns the fields and where they end; None where they have no end yet."""
    fields = []
    while True:
        line, at = _line(data, at)
        if line is None:
            return None, at
        if not line:
            return fields, at
        match = FIELD.fullmatch(line)
        if not match:
            raise NotHttp(f"a field is malformed: {line[:80]!r}")
        fields.append((match.group(1), match.group(2)))


def _read_chunked(request, data, at):
    while True:
        line, after = _line(data, at)
        if line is None:
            return None
        match = CHUNK.fullmatch(line)
        if not match:
            raise NotHttp(f"a chunk size is malformed: {line[:80]!r}")
        size = int(match.group(1), 16)
        if size == 0:
            trailer, end = _fields(data, after)
            return None if trailer is None else end
        request.body += data[after:after + size]
        if len(data) < after + size + 2:
            if len(data) > after + size and data[after + size:] != b"\r":
                raise NotHttp("a chunk does not end where its size says")
            return None
        if data[after + size:after + size + 2] != b"\r\n":
            raise NotHttp("a chunk does not end where its size says")
        at = after + size + 2


def read_one(data, at=0):
    """Returns the request at `at` and where it ends; (None, at) where its head has no end yet.

    An incomplete request is returned with None for its end.
    """
    line, after = _line(data, at)
    if line is None:
        return None, at
    match = REQUEST_LINE.fullmatch(line)
    if not match:
        raise NotHttp(f"the request line is malformed: {line[:80]!r}")
    fields, after = _fields(data, after)
    if fields is None:
        return None, at
    request = Request(match.group(1).decode(), match.group(2).decode(), int(match.group(3)), fields)
    lengths, codings = request.values(b"content-length"), request.values(b"transfer-encoding")
    if len(request.values(b"host")) != 1 and not (request.minor == 0 and not request.values(b"host")):
        raise NotHttp("there is not one Host")
    if len(lengths) + len(codings) > 1:
        raise NotHttp("there is more than one framing")
    if codings:
        if codings[0].lower() != b"chunked" or request.minor == 0:
            raise NotHttp(f"the transfer coding is not chunked: {codings[0]!r}")
        end = _read_chunked(request, data, after)
    else:
        if lengths and not re.fullmatch(rb"[0-9]{1,18}", lengths[0]):
            raise NotHttp(f"the content length is not a number: {lengths[0]!r}")
        end = after + (int(lengths[0]) if lengths else 0)
        request.body = data[after:end]
        if len(data) < end:
            end = None
    request.is_complete = end is not None
    return request, end


def read_all(data):
    """Returns the requests, the last perhaps incomplete. What is left over is not HTTP."""
    requests, at = [], 0
    while at is not None and at < len(data):
        request, at = read_one(data, at)
        if request is None:
            raise NotHttp(f"a head is cut short: {data[at:at + 80]!r}")
        requests.append(request)
    return requests
