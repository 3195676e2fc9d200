# SPDX-License-Identifier: Apache-2.0
"""Request paths, addresses and file paths (40-policy section 7, 20-network sections 5.1 and 9)."""
import ipaddress
import re

# ---- request path: 40-policy section 7 ------------------------------------------------------------

MAX_PATH = 4096
MARK = 1  # stands for an encoded slash; no control byte can be left by then
UNRESERVED = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
LITERAL = UNRESERVED | set(b"!$&'()*+,;=:@")


class PathError(Exception):
    pass


def _absolute_form(text):
    """The path of an absolute URI, or None if `text` is not one. An authority and legal characters
    are required; anything else is left to the check for the leading slash."""
    match = re.fullmatch(r"[A-Za-z0-9+.-]{1,64}://([^/]+)(/.*)?", text)
    if not match or not _is_authority(match[1]):
        return None
    path = match[2] or "/"
    return path if re.fullmatch(r'[!"$-;=@-_a-z{|}~]*', path) else None


def _is_authority(text):
    """Host and port with the characters of a URI: at most one colon outside of brackets and user."""
    if not re.fullmatch(r"[\[\]A-Za-z0-9._~!$&'()*+,;=:@-]+", text) or text.endswith("@"):
        return False
    opened = closed = colons = 0
    for c in text:
        opened, closed = opened + (c == "["), closed + (c == "]")
        colons = 0 if c in "]@" else colons + (c == ":")
        if colons > 8:
            return False
    return opened == closed and opened <= 1 and colons <= 1


def _decode(path, allow_encoded_slash):
    out, i = bytearray(), 0
    while i < len(path):
        if path[i] != "%":
            out.append(ord(path[i]))
            i += 1
            continue
        if not re.fullmatch("[0-9A-Fa-f]{2}", path[i + 1:i + 3]):
            raise PathError("InvalidPercentEncoding")
        byte = int(path[i + 1:i + 3], 16)
        if byte == ord("/"):
            if not allow_encoded_slash:
                raise PathError("EncodedSlashNotAllowed")
            byte = MARK
        elif byte < 0x20 or byte == 0x7F:
            raise PathError("NullOrControlByte")
        out.append(byte)
        i += 3
    return bytes(out)


def _fold(segments):
    """Dot segments: "." goes, ".." takes the one before with it, a last one leaves a slash."""
    kept = []
    for i, segment in enumerate(segments):
        last = i == len(segments) - 1
        if segment == b"..":
            if not kept:
                raise PathError("TraversalAboveRoot")
            kept.pop()
        if segment in (b".", b".."):
            kept += [b""] if last else []
        elif segment or last:
            kept.append(segment)
    return kept


def canonical(target, allow_encoded_slash=False, strip_path_parameters=True):
    """(path, query or None, rewritten), or PathError with the name of the refusal."""
    for byte in target.encode("utf-8", "surrogatepass"):
        if byte < 0x20 or byte == 0x7F:
            raise PathError("NullOrControlByte")
        if byte >= 0x80:
            raise PathError("NonAscii")
    if "#" in target:
        raise PathError("FragmentInRequestTarget")
    raw, mark, query = target.partition("?")
    raw = _absolute_form(raw) or raw or "/"
    if raw[0] != "/":
        raise PathError("MalformedTarget")
    if len(raw) > MAX_PATH:
        raise PathError("PathTooLong")
    segments = _decode(raw, allow_encoded_slash)[1:].split(b"/")
    if strip_path_parameters:
        segments = [segment.partition(b";")[0] for segment in segments]
    segments = _fold(segments)
    for segment in segments:
        if any(piece in (b".", b"..") for piece in segment.split(bytes([MARK]))):
            raise PathError("ResidualDotSegment")
    path = "/" + "/".join(
        "".join("%2F" if b == MARK else chr(b) if b in LITERAL else f"%{b:02X}" for b in segment)
        for segment in segments)
    return path, query if mark else None, path != raw


# ---- addresses: 20-network section 5.1 ------------------------------------------------------------

def _nets(*texts):
    return [ipaddress.ip_network(text) for text in texts]


def _inside(prefix, nets):
    """The IPv6 networks that hold `nets` in their last 32 bits (45-openshell-0.1, section 4)."""
    return [ipaddress.ip_network((int(ipaddress.ip_address(prefix)) | int(net.network_address),
                                  96 + net.prefixlen)) for net in nets]


BLOCKED_4 = _nets("127.0.0.0/8", "169.254.0.0/16", "0.0.0.0/32")
INTERNAL_4 = _nets("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "192.0.0.0/24",
                   "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15",
                   "255.255.255.255/32")
BLOCKED = BLOCKED_4 + _nets("::1/128", "::/128", "fe80::/10") + _inside("::ffff:0:0", BLOCKED_4) + \
    _inside("64:ff9b::", BLOCKED_4)
INTERNAL = INTERNAL_4 + _nets("fc00::/7", "64:ff9b:1::/48") + _inside("::ffff:0:0", INTERNAL_4) + \
    _inside("64:ff9b::", INTERNAL_4)


def _overlaps(net, nets):
    return any(net.version == other.version and net.overlaps(other) for other in nets)


def net_class(net):
    if _overlaps(net, BLOCKED):
        return "always_blocked"
    return "internal" if _overlaps(net, INTERNAL) else "public"


def parse_net(text):
    """An entry of allowed_ips: an address or a CIDR, host bits ignored. ValueError if neither."""
    address, slash, prefix = text.partition("/")
    if slash and not re.fullmatch("[0-9]{1,3}", prefix):
        raise ValueError(text)
    return ipaddress.ip_network(text, strict=False)


def is_metadata_hostname(name):
    return name.strip().rstrip(".").lower() == "metadata.google.internal"


# ---- file paths: 40-policy sections 3.3 and 8 -----------------------------------------------------

def file_path(path, fold_parents):
    """Lexical: repeated slashes, "." and a trailing slash go; ".." only when links are joined."""
    root = "/" if path.startswith("/") else ""
    kept = []
    for part in path.split("/"):
        if part == ".." and fold_parents:
            kept = kept[:-1]
        elif part not in ("", "."):
            kept.append(part)
    return root + "/".join(kept)
