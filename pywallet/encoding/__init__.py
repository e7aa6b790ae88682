"""Byte encodings: hexadecimal, CBOR (RFC 8949), RLP and the words of the contract ABI."""
