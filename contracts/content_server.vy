# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Content server
@notice The part of Content that moves a recording to another security server.
"""
from . import content_storage as storage

uses: storage


event ServerProposed:
    server: indexed(address)


event ServerMoved:
    server: indexed(address)
    previous_server: indexed(address)
    from_epoch: uint256


@external
def propose_server(server: address):
    """
    @notice Propose another security server; zero takes the proposal back.
    @dev The proposed server receives the content's keys, sealed, from the present one, and then accepts.
    """
    storage._check_owner()
    assert not storage.revoked, "content: revoked"
    number: uint256 = storage.server_changes
    assert storage.servers[number] >> 160 <= block.timestamp // storage.EPOCH_LENGTH, "content: move pending"
    if server != empty(address):
        assert server != convert(storage.servers[number] & storage.MASK_160, address), "content: same server"
        assert (staticcall storage.IRegistry(storage.REGISTRY).server(server)).active, "content: server not active"
    else:
        assert storage.proposed_server != empty(address), "content: no proposal"
    storage.changes += 1
    storage.proposed_server = server
    log ServerProposed(server=server)


@external
def accept_server():
    """@notice Accept the proposal. Only the proposed server, once it has the keys; it serves from the next epoch on."""
    assert msg.sender == storage.proposed_server, "content: not the proposed server"
    assert not storage.revoked, "content: revoked"
    assert (staticcall storage.IRegistry(storage.REGISTRY).server(msg.sender)).active, "content: server not active"
    number: uint256 = storage.server_changes
    previous_server: address = convert(storage.servers[number] & storage.MASK_160, address)
    from_epoch: uint256 = block.timestamp // storage.EPOCH_LENGTH + 1
    storage.server_changes = number + 1
    storage.servers[number + 1] = (from_epoch << 160) | convert(msg.sender, uint256)
    storage.proposed_server = empty(address)
    log ServerMoved(server=msg.sender, previous_server=previous_server, from_epoch=from_epoch)
