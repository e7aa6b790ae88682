"""The headless demo: a fan listens, collects, and everything is checked against the chain."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chain.client import Chain
from demo import dashboard, proof, settle
from demo.browsers import launch
from demo.fan import Fan, Heard, install_host
from demo.report import Report
from demo.stack import Stack, running
from pywallet.encoding.hex import from_hex, to_hex

EPOCH_S = 24
"""Short epochs, so that a whole settlement fits into a minute; nothing is skipped or warped."""


def play_once(
    browser: str,
    song: Path,
    policy: Path,
    seconds: float,
    say: Callable[[str], None],
    shots: Path | None,
    artist: str | None,
) -> Report:
    """Run the demo from the chain's first block to the claim."""
    with tempfile.TemporaryDirectory(prefix="gomaa-demo-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        home.mkdir()
        with running(Path(folder) / "stack", [song], policy, epoch_s=EPOCH_S, say=say, artist=artist) as stack:
            install_host(home, stack.folder / "deployment.json", browser)
            say(f"starting {browser}")
            with launch(browser, home) as driven:
                return _scene(Fan(driven, stack, shots), stack, seconds, say)


def _scene(fan: Fan, stack: Stack, seconds: float, say: Callable[[str], None]) -> Report:
    say("making a wallet")
    fan.create_wallet()
    address = from_hex(fan.address(), 20)
    before = stack.ask(lambda chain: proof.money(stack, chain, address))
    say("opening the radio page")
    page, player = fan.open_radio()
    title = player.text(".title") or player.text("h2")
    fan.shot(page, "before")
    say(f"listening for {seconds:g} s")
    heard = fan.listen(page, player, seconds)
    return stack_report(fan, stack, heard, title, address, before, say)


def stack_report(
    fan: Fan, stack: Stack, heard: Heard, title: str, address: bytes, before: dict[str, int], say: Callable[[str], None]
) -> Report:
    """Settle, collect, read everything back."""

    async def finish(chain: Chain) -> list[int]:
        return await settle.final_epochs(stack, chain, nothing_after_s=(await chain.block()).timestamp)

    say("waiting for the epoch to become final")
    epochs = stack.ask(finish)
    say("collecting")
    fan.collect()

    async def read(chain: Chain) -> Report:
        posted = await proof.epochs(stack, chain)
        await settle.pay_owner(stack, chain, posted)
        after = await proof.money(stack, chain, address)
        content = next(iter(stack.songs.values()))
        plays, seeks, _ = proof.counted(stack, posted, content)
        reward = sum(one.data.total - sum(row.owned for row in one.data.owners) for one in posted)
        report = Report(
            browser=f"{fan.browser.name} {fan.browser.version}",
            content=to_hex(content),
            title=title,
            heard_s=heard.heard_s,
            plays=plays,
            seeks=seeks,
            reward_wei=reward,
            listener_balance_wei=after["listener"],
            owner_paid_wei=after["owner"] - before["owner"],
            commission_wei=after["treasury"] - before["treasury"],
            station_debit_wei=after["spent"] - before["spent"],
            epoch=epochs,
            engine_cold_ms=heard.engine_cold_ms,
            first_audio_ms=heard.first_audio_ms,
            seek_ms=heard.seek_ms,
            refusals=heard.refusals,
        )
        paid = report.owner_paid_wei + report.reward_wei + report.commission_wei
        report.promise(plays == 1, f"one play was made, {plays} are proven")
        drawn = proof.tickets(stack)
        report.promise(drawn == 1, f"one play takes one ticket, {drawn} were drawn")
        report.promise(seeks == heard.seeks, f"{heard.seeks} seeks were made, {seeks} are proven")
        report.promise(reward > 0, "a reward was promised, none was paid")
        report.promise(
            report.station_debit_wei == paid, f"the station paid {report.station_debit_wei}, the others got {paid}"
        )
        report.promise(
            after["listener"] - before["listener"] == reward, "the listener's balance did not rise by the reward"
        )
        report.promise(await proof.commission_agrees(stack, chain, posted), "the commission is not the registry's rate")
        return report

    report = stack.ask(read)
    say("auditing, in a process that knows the chain and the published data only")
    audit = audited(stack)
    figures = audit["figures"]
    report.audit = {name: figures[name] for name in ("epochs", "plays", "leaves")}
    report.promise(audit["ok"], f"the audit names {audit['faults'][:2]}")
    debited, paid = (
        int(figures["debited_wei"]),
        int(figures["claimed_wei"]) + int(figures["commission_wei"]) + int(figures["unclaimed_wei"]),
    )
    report.promise(debited == paid, f"by the audit {debited} were debited and {paid} paid or owed")
    report.promise(
        debited == report.station_debit_wei, f"the audit finds {debited} debited, the chain {report.station_debit_wei}"
    )
    say("comparing the station's dashboard")
    shown = dashboard.statements(stack.station_url, stack.folder, stack.server_address, report.epoch)
    stated = sum(int(row["gross_wei"]) for row in shown if row["state"] != "void")
    report.promise(
        stated == report.station_debit_wei,
        f"the dashboard states {stated} spent, the chain {report.station_debit_wei}",
    )
    if fan.shots is not None:
        page = fan.browser.tab(f"{stack.station_url}/studio/")
        dashboard.sign_in(page, stack.folder)
        fan.shot(page, "dashboard")
    return report


def audited(stack: Stack) -> dict[str, Any]:
    """Return the report of ``gomaa audit`` on the whole network."""
    deployment = stack.folder / "deployment.json"
    command = [
        sys.executable,
        "-m",
        "gomaa",
        "audit",
        "--deployment",
        str(deployment),
        "--data",
        stack.server_url,
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        raise RuntimeError(f"gomaa audit said nothing:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout))
