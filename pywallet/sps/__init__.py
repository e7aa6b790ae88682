"""SPS files: container, signed header, sealed segments (docs/format/)."""

from pywallet.sps.container import MAGIC, MAX_HEADER, ByteRange, Container
from pywallet.sps.header import Artwork, Header, Rendition, Segment, ServerRef
from pywallet.sps.segments import merkle_root, open_segment, seal_segment, segment_aad, segment_key
from pywallet.sps.signed_header import encode_header, open_header, sign_header

__all__ = [
    "MAGIC",
    "MAX_HEADER",
    "Artwork",
    "ByteRange",
    "Container",
    "Header",
    "Rendition",
    "Segment",
    "ServerRef",
    "encode_header",
    "merkle_root",
    "open_header",
    "open_segment",
    "seal_segment",
    "segment_aad",
    "segment_key",
    "sign_header",
]
