"""Deployment files of the networks for which this release was made, one JSON file each (docs/operate-chain.md).

None so far.
"""
