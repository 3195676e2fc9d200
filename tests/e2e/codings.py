# SPDX-License-Identifier: Apache-2.0
"""Content codings of bodies that tests send. Standard library only: br is a stream of one stored block."""
import gzip
import zlib

BR_HEAD, BR_END = 3, b"\x03"


def br(body):
    """RFC 7932, section 9: a window of 64 KiB, a block of 16 bits of size, stored, an empty last block."""
    assert 0 < len(body) <= 1 << 16
    return ((len(body) - 1) << 4 | 1 << 20).to_bytes(BR_HEAD, "little") + body + BR_END


ENCODERS = {"gzip": gzip.compress, "deflate": zlib.compress, "br": br}
DECODERS = {"gzip": gzip.decompress, "deflate": zlib.decompress,
            "br": lambda body: body[BR_HEAD:-len(BR_END)]}
