"""Exceptions of GoMAA with stable codes.

Every code has a sentence for a person: what happened, and what to do. Codes are never renamed or reused; tests compare
this table with the recorded list.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pywallet.redaction import conceal, redact

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        # the file
        "sps.truncated": "This file ends too early. Download it again.",
        "sps.magic": "This is not an SPS file.",
        "sps.version": "This file needs a newer player. Update GoMAA.",
        "sps.header.malformed": "The file's header is damaged. Download it again.",
        "sps.header.signature": "The header is not signed by the band that owns this song.",
        "sps.header.critical": "This file asks for something this player doesn't know. Update GoMAA.",
        "sps.header.chain": "This song belongs to another network than the one you are connected to.",
        "sps.policy.mismatch": "The terms in this file are not the ones the band published.",
        "sps.segment.hash": "A part of this file was altered. Nothing was charged for it.",
        "sps.segment.tag": "A part of this file could not be opened with the band's key.",
        "sps.segment.missing": "A part of this file is missing. Try again later.",
        "sps.live.malformed": "The live stream's index is damaged. Try again later.",
        "sps.live.signature": "The live stream's index is not signed by who the band named.",
        "sps.live.order": "The live stream's index is older than one that came before, or contradicts it.",
        # the policy
        "policy.malformed": "The terms of this song can't be read.",
        "policy.action.denied": "The band doesn't allow this.",
        "policy.count.exhausted": "You have used up what the band allows here.",
        "policy.not_yet": "This song is not out yet.",
        "policy.expired": "The time for this song is over.",
        "policy.ttl.expired": "Your time with this song, counted from your first play, is over.",
        "policy.station.denied": "The band doesn't allow this song on this site.",
        "policy.wallet.required": "The band asks for a wallet with this song. Create or unlock yours.",
        "policy.start.late": "The last day to begin with this song is over.",
        "policy.metered.exhausted": "You have heard this song for as long as the band allows.",
        "policy.territory.denied": "The band doesn't allow this song where you are.",
        "policy.purpose.denied": "The band doesn't allow this song for this purpose.",
        "policy.device.limit": "You have used this song on as many computers as the band allows.",
        "policy.concurrent.limit": "This song plays on as many players as the band allows. Stop one of them.",
        "policy.hold.denied": "This song takes no hold: each play is counted before its first sound.",
        "policy.hold.limit": "Too many holds of this song went unused today: a play is counted before its first sound.",
        "policy.part.denied": "The band allows another part of this song only.",
        "policy.preview.over": "The free preview ends here.",
        "policy.renewal.due": "The player must ask the band's server again before it goes on. Check your connection.",
        "policy.clock.rollback": "The clock has been set back, so the time of this song can't be trusted.",
        "policy.child.wider": "Terms that are passed on may only be narrower.",
        # the content on the chain
        "content.unknown": "This song is not registered on the chain.",
        "content.owner": "The header names another owner than the chain does.",
        "content.revoked": "The band has withdrawn this song. Nothing more was charged.",
        "content.destroyed": "The band has destroyed this song.",
        "content.changed": "The band has changed this song since you looked at it. Look again, then decide.",
        # the station
        "station.unknown": "This site is not a registered station, so nobody would be paid.",
        "station.escrow.short": "The station's account is empty, so nobody would be paid. Try again later.",
        "station.right.missing": "The station has no right to this song.",
        "station.credit.exhausted": "The station hasn't confirmed earlier plays. Try again later.",
        "station.unreachable": "The station doesn't answer. Try again later.",
        "station.database.version": "This database is of another version of the station. Start that version, or an "
        "empty database.",
        "station.database.old": "This database is of an older version of the station. Back it up, then run "
        "gomaa station migrate with the station's settings.",
        "station.busy": "Too many plays were asked for at once. Try again in a minute.",
        "station.points": "The station's points, offers or passes are not those that were shown. Nothing was bought "
        "or used: look again.",
        "station.answer": "The station's answer can't be understood. Nothing was charged. Try again later.",
        # tickets, sessions, invocations, leases
        "ticket.missing": "The station gave no ticket for this play.",
        "ticket.signature": "The ticket is not signed by this station.",
        "ticket.expired": "The ticket has expired. Press play again.",
        "ticket.mismatch": "The ticket is for something else.",
        "ticket.used": "This ticket was used before.",
        "session.signature": "The session is not signed by your wallet.",
        "session.expired": "Your session with this station has ended. Unlock your wallet to start a new one.",
        "session.device": "The session belongs to another computer.",
        "session.station": "The session belongs to another station.",
        "session.busy": "Playing in another tab. Stop it there, or move it here.",
        "invocation.signature": "An action was not signed by this computer.",
        "invocation.replayed": "An action was sent twice. It was counted once.",
        "invocation.sequence": "An action arrived out of order and was not counted.",
        "invocation.time": "This computer's clock is wrong. Set it and try again.",
        "invocation.state": "This can't be done now.",
        "invocation.pace": "You have jumped far through this song and heard little of it. The music goes on by "
        "itself in a moment.",
        "lease.expired": "The keys for this song have expired. Go online and press play.",
        "lease.exhausted": "No more actions without the network. Go online.",
        # listeners who pay
        "listener.escrow.short": "There is too little listening money for the next part. Put some in, or listen to "
        "the preview.",
        "listener.voucher.missing": "What you heard is not signed for yet, so the music waits. Unlock your wallet.",
        "listener.statement": "The server asks money for what was not heard here. Nothing was signed.",
        # servers and chain
        "server.unreachable": "The security server doesn't answer, so no keys come. Nothing was charged.",
        "server.mismatch": "Another security server answered than the one the band chose.",
        "server.moved": "The band has moved this song to another security server.",
        "server.handover": "That security server is not the one to which the band moves this song.",
        "server.unbonded": "The security server has no bond, so nobody's pay would be safe.",
        "server.protocol": "The security server speaks another version. Update GoMAA.",
        "server.mismatch.chain": "The security server's books and the chain disagree. Nothing was charged.",
        "server.epoch.closed": "This epoch is closed, and nothing enters it any more. Try again.",
        "server.epoch.damaged": "The stored bytes of this epoch are not those that were closed. Restore the database "
        "from a backup.",
        "server.epoch.import": "These bytes are not an epoch that the chain holds for this server.",
        "server.database.busy": "This database does not answer, or another process uses it. Try again, or stop that "
        "process.",
        "server.database.version": "This database is of another version of the server. Start that version, or an "
        "empty database.",
        "server.busy": "The security server is asked too much at once. Try again in a moment.",
        "server.unready": "The security server can't serve now: it starts, ends, or lacks what it needs. Try again in "
        "a moment.",
        "server.answer": "The security server's answer can't be understood. Nothing was charged. Try again later.",
        "chain.unreachable": "The chain doesn't answer, so terms can't be checked. Nothing was charged.",
        "chain.reverted": "The chain refused this transaction.",
        "chain.mismatch": "The chain says something else than the server does.",
        "chain.funds": "The account has too little of the network's own money to pay for this transaction. Nothing "
        "was sent.",
        "chain.fee.high": "The network asks a higher fee than was allowed. Nothing was sent.",
        "chain.schedule": "This network is too slow for such short epochs. Choose longer ones.",
        # the native host
        "host.missing": "The GoMAA host is not installed on this computer.",
        "host.version": "The GoMAA host is of another version than this extension.",
        "host.gone": "The GoMAA host has stopped. What you heard so far is kept.",
        "host.slow": "The GoMAA host takes too long to answer. Try again in a moment.",
        "host.frame.size": "A message to the host was too large.",
        "host.frame.malformed": "A message to the host could not be read.",
        "host.message.unknown": "The host doesn't know this message.",
        "host.message.schema": "A message to the host has a wrong field.",
        "host.stream.unknown": "The host doesn't know this stream.",
        "host.answer": "The host's answer can't be understood. Update GoMAA.",
        "host.disk.full": "The disk is full, so the host can't write its ledger and nothing is played. Make room, "
        "then try again.",
        "host.folder.denied": "The host may not write its own folder, so nothing is played. Run gomaa host repair.",
        "host.ledger.busy": "Another program holds the host's ledger, so nothing is played. Try again in a moment.",
        "host.ledger.failed": "The disk answers the host with errors, so nothing is played. Check the disk, then try "
        "again.",
        "host.ledger.damaged": "The host's ledger is damaged, so nothing is played. Run gomaa host repair.",
        "host.ledger.version": "The host's ledger was written by a newer GoMAA, so nothing is played. Update GoMAA.",
        "host.device.key": "The host's key file is damaged or open to other users. Run gomaa host repair.",
        "host.network.missing": "The host doesn't know this song's network yet. Add the network that the station "
        "names.",
        "host.network.damaged": "The host's file of this song's network is damaged. Add the network that the station "
        "names.",
        "host.network.none": "This station names no network. Ask it for the network's file: gomaa host install "
        "--network FILE.",
        "host.network.insecure": "This network was named where others can change the words on the way. Nothing was "
        "added.",
        "host.network.taken": "The host knows another network with this number. Nothing was added.",
        "host.network.mismatch": "The node that was named is not of that network. Nothing was added.",
        # the wallet
        "wallet.missing": "There is no wallet yet.",
        "wallet.exists": "There is a wallet already.",
        "wallet.locked": "Your wallet is locked.",
        "wallet.password": "This password doesn't open the wallet.",
        "wallet.password.weak": "This password is too short: take 8 characters or more.",
        "wallet.mnemonic": "These words are not a wallet's words. Check their order and spelling.",
        "wallet.vault": "The stored wallet is damaged. Restore it from your words.",
        "wallet.recipient": "This is not an address, or one of its characters is mistyped.",
        "wallet.funds": "You don't have that much GoMAA.",
        "wallet.amount.ambiguous": "This number can be read in two ways. Write it without commas between thousands.",
        "wallet.fee": "This account has too little of the network's coin to pay the fee.",
        "wallet.quote": "The fee shown is not valid any more. Look at it again.",
        "wallet.refused": "You declined this.",
        "transfer.unknown": "No block has this transaction yet. It may still come: look again later.",
        "transfer.replaced": "Another transaction with the same number is in a block, so this one can never be.",
        "transfer.cancelled": "You cancelled this transfer. No GoMAA moved; the fee was paid.",
        "transfer.settled": "This transfer is in a block already and can't be changed any more.",
        "wallet.unsupported": "GoMAA doesn't sign this: nobody could tell you what it means.",
        # what a site may do
        "site.consent": "You have taken back this site's leave to play.",
        "site.paused": "You have paused this site.",
        "site.budget": "This would cost more than you allow in a day.",
        "site.account": "This site may not see your account. It has to ask, and you have to agree.",
        "site.network": "GoMAA doesn't know this network. A site can't add one.",
        "site.waiting": "This site has asked already. Answer in GoMAA's window, or wait a minute.",
        "site.address": "This page names a song in your own network or on your computer. GoMAA asks for nothing "
        "there on a page's behalf.",
        "site.streams": "This site shows more songs at once than GoMAA opens for one site. Close some of its pages.",
        # money
        "claim.pending": "Not final yet. It can be collected after the window ends.",
        "claim.done": "This was collected before.",
        "claim.signature": "The claim is not signed by its payee.",
        "claim.unknown": "The chain knows no such earning.",
        "claim.small": "This is less than what sending it costs. It stays yours: let it grow, or send the claim "
        "yourself.",
        "claim.busy": "Too many claims were sent for others this hour. Nothing is lost: try again later.",
        "statement.mismatch": "The statement doesn't agree with the station's own tickets.",
        "statement.line": "One line of the statement doesn't agree with the payer's own books. It is not paid; the "
        "others are.",
        "statement.minimum": "What is owed is below the least that is settled in an epoch. It waits for a later one.",
        "server.epoch.full": "This epoch has no more room at the security server. What is owed waits for the next one.",
        "voucher.signature": "The voucher is not signed by its payer.",
        "voucher.cap": "The voucher covers less than was spent.",
        # messages, media, everything else
        "message.denied": "This page may not do that.",
        "message.schema": "A message has a wrong field.",
        "message.flood": "This page asks for too much at once. What was too much was not heard.",
        "player.press": "This waits for a person's own press of play in the player: the page's script is not enough.",
        "media.unsupported": "Sound of this format can't be played or used here.",
        "media.decode": "The recording can't be read as audio.",
        # the genre commands
        "genre.table": "The table of songs can't be used.",
        # the watermark
        "watermark.mismatch": "The sound belongs to another song than the one this file names. It was stopped.",
        # the command line
        "command.extra": "This command belongs to a part of GoMAA that is not installed.",
        # work that is spread over processes or a cluster
        "spread.unreachable": "The Dask scheduler doesn't answer, or has no worker. Check its address.",
        "spread.version": "A worker of the cluster has no GoMAA, or another release of it. Install this one there.",
        "spread.lost": "A worker ended before this part of the work was done. Run the command again.",
        "spread.file": "A worker can't read or write this file. On a cluster every worker needs the same folders.",
        "spread.failed": "A mistake in GoMAA itself ended this part of the work. Please report it.",
        "spread.plain": "This work has a private key in it, and the address is not encrypted. Use a tls:// address.",
        "internal": "A mistake in GoMAA itself. Please report it.",
    }
)


_PUBLIC: Final = """
    account added added_wei address agreed amount_wei at_s balance before block_time bond cap cap_wei chain chain_id
    code codecs column confirmations content contract cost_wei count covered_wei day_wei decimals declared
    deployment device domain epoch epochs event expected expected_wei expires_s expiry_s extension field found function
    generation got header heard here host hours install intervals known least_s least_wei length limit line method
    missing most name needed needs net not_after not_after_s not_before now now_ms now_s number offered offset op
    origin owner part per_hour per_minute points position_ms possible posted price protocol rate reach_ms reason
    receipt received renderer retry_after retry_ms rule samples seconds seen segment sequence server session settled
    short short_wei size spent start state station status stream thousands time_ms time_s to transaction type unplayed
    until version wei_per_gas words
"""
PUBLIC_DETAIL: Final = frozenset(_PUBLIC.split())
"""Fields of a detail that are sent to other programs; all others are not.

URLs of nodes, servers and databases and names of files are not among them.
"""
_MAX_FIELD_LENGTH: Final = 200
"""Most characters of one field of a detail on the wire."""


class GomaaError(Exception):
    """Base of the exceptions: an expected failure.

    ``code`` is stable. ``detail`` is data: redacted in logs, and reduced to its public part for other programs.
    """

    def __init__(self, code: str, /, **detail: Any) -> None:
        if code not in SENTENCES:
            raise ValueError(f"unregistered code {code!r}")
        super().__init__(code)
        self.code = code
        self.detail = detail

    @property
    def message(self) -> str:
        """Sentence for a person."""
        return SENTENCES[self.code]

    def __str__(self) -> str:
        """The error for logs and terminals, with URLs reduced to scheme, host and port."""
        extra = ", ".join(f"{k}={redact(str(v))}" for k, v in self.detail.items())
        return f"{self.code}: {self.message}" + (f" ({extra})" if extra else "")

    def public_detail(self) -> dict[str, Any]:
        """The fields of ``PUBLIC_DETAIL``, without URLs and paths of this machine, for other programs."""
        return {
            name: value if isinstance(value, (int, bool)) or value is None else conceal(str(value))[:_MAX_FIELD_LENGTH]
            for name, value in self.detail.items()
            if name in PUBLIC_DETAIL
        }

    def to_json(self) -> dict[str, Any]:
        """The JSON form (docs/protocol.md section 1)."""
        return {"code": self.code, "message": self.message, "detail": self.public_detail()}


class InputError(GomaaError):
    """Invalid bytes or an invalid message."""


class Refusal(GomaaError):
    """A rule refuses an action, which is recorded with an amount of zero."""


class Unavailable(GomaaError):
    """A program or node that is needed does not respond; a later attempt may succeed."""

    def public_detail(self) -> dict[str, Any]:
        """As ``GomaaError.public_detail``, without ``reason``, which is a text of a node, system call or database."""
        return {name: value for name, value in super().public_detail().items() if name != "reason"}


class WalletError(GomaaError):
    """The wallet is locked, or a password or mnemonic is wrong."""
