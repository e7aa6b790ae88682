"""The extension's sources, and the packer that makes the two browsers' packages of them."""
