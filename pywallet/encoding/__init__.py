"""Encodings: hexadecimal, CBOR (RFC 8949), RLP, words of the contract ABI, and amounts as text."""
