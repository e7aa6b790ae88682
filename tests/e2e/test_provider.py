"""The wallet's provider in real browsers: discovery, connection, signing, sending, and refusals."""

from __future__ import annotations

import json

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data

from demo.fan import PASSWORD
from pywallet.encoding.hex import to_hex
from tests.e2e.dapp import question, site
from tests.e2e.money import FRIEND, GOMAA, held
from tests.e2e.world import BrowserWorld
from tests.unit.pywallet.provider.typed_samples import MAIL

pytestmark = pytest.mark.usefixtures("wallet")


def test_a_site_finds_connects_signs_and_sends(world: BrowserWorld) -> None:
    """Before approval a site gets no account; then one account, whose signatures recover to it.

    What is sent is in the activity.
    """
    account = world.fan.address()
    with site(world.browser) as dapp:
        info = json.loads(dapp.view.run("JSON.stringify(document.defaultView.announced[0].info)"))
        assert (info["name"], info["rdns"]) == ("GoMAA", "io.gomaa.wallet")
        assert info["icon"].startswith("data:image/svg+xml,")
        assert dapp.view.run("document.defaultView.ethereum === undefined")
        assert dapp.ask("eth_accounts") == {"value": []}
        assert dapp.ask("wallet_getPermissions") == {"value": []}
        assert dapp.ask("eth_getBalance", [account, "latest"])["code"] == 4100
        assert dapp.ask("personal_sign", ["hello", account])["code"] == 4100

        connected, said = dapp.agreed("eth_requestAccounts")
        assert connected == {"value": [account]}
        assert dapp.origin in said
        chain_id = int(dapp.ask("eth_chainId")["value"], 16)
        assert ["accountsChanged", [account]] in dapp.events()
        assert int(dapp.ask("eth_getBalance", [account, "latest"])["value"], 16) == GOMAA

        signed, said = dapp.agreed("personal_sign", [to_hex("Hello, 世界".encode()), account])
        assert "Hello, 世界" in said
        assert Account.recover_message(encode_defunct(text="Hello, 世界"), signature=signed["value"]).lower() == account

        data = {**MAIL, "domain": {**MAIL["domain"], "chainId": chain_id}}
        signed, said = dapp.agreed("eth_signTypedData_v4", [account, json.dumps(data)])
        assert (
            Account.recover_message(encode_typed_data(full_message=data), signature=signed["value"]).lower() == account
        )
        for shown in (
            "contents",
            "Hello, Bob!",
            "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826",
            MAIL["domain"]["verifyingContract"],
        ):
            assert shown in said

        token = to_hex(world.stack.deployment.token)
        call = "0xa9059cbb" + FRIEND[2:].rjust(64, "0") + f"{GOMAA:064x}"
        before = held(world, FRIEND)
        sent, said = dapp.agreed("eth_sendTransaction", [{"from": account, "to": token, "data": call}])
        assert len(sent["value"]) == 66, sent
        assert "1 GoMAA" in said
        for shown in ("What changes in your account", "\u22121 GoMAA", "Everything in this call", str(GOMAA)):
            assert shown in said
        popup = world.browser.extension_tab("popup/popup.html")
        popup.click('button[data-key="tab-activity"]')
        popup.until("document.querySelector('[data-key=item-0] .state.settled') !== null")
        assert held(world, FRIEND) == before + GOMAA

        popup.click('button[data-key="tab-sites"]')
        popup.click('button[data-key="permit-revoke"]')
        popup.until(
            "document.querySelector('[data-key=permits]') && !document.querySelector('[data-key=permit-revoke]')"
        )
        popup.close()
        dapp.view.until("JSON.stringify(document.defaultView.events.at(-1)) === '[\"accountsChanged\",[]]'")
        assert dapp.ask("eth_accounts") == {"value": []}


def test_refusals_have_their_codes(world: BrowserWorld) -> None:
    """A closed window is 4001, eth_sign 4200; unknown fields and chains and GoMAA's own messages open no approval."""
    account = world.fan.address()
    with site(world.browser) as dapp:
        number = dapp.begin("eth_requestAccounts")
        question(world.browser).click('button[data-key="refuse"]')
        assert dapp.answer(number)["code"] == 4001
        number = dapp.begin("eth_requestAccounts")
        window = question(world.browser)
        window.wait('button[data-key="agree"]')
        window.close()
        assert dapp.answer(number)["code"] == 4001
        assert dapp.agreed("eth_requestAccounts")[0] == {"value": [account]}

        chain_id = int(dapp.ask("eth_chainId")["value"], 16)
        said = dapp.ask("eth_sign", [account, "0x" + "00" * 32])
        assert (said["code"], said["data"]["code"]) == (4200, "wallet.unsupported")
        assert dapp.ask("eth_sendRawTransaction", ["0x00"])["code"] == 4200
        assert dapp.ask("anvil_setBalance", [account, "0x0"])["code"] == 4200
        assert dapp.ask("wallet_addEthereumChain", [{"chainId": "0x1"}])["code"] == 4902
        good = {**MAIL, "domain": {**MAIL["domain"], "chainId": chain_id}}
        own = {"verifyingContract": to_hex(world.stack.deployment.settlement)}
        for wrong in (
            MAIL,
            {**good, "message": {**good["message"], "extra": "x"}},
            {**good, "message": {"contents": "x"}},
        ):
            assert dapp.ask("eth_signTypedData_v4", [account, json.dumps(wrong)])["code"] == -32602
        said = dapp.ask("eth_signTypedData_v4", [account, json.dumps({**good, "domain": {**good["domain"], **own}})])
        assert (said["code"], said["data"]["code"]) == (4200, "wallet.unsupported")
        assert dapp.ask("personal_sign", ["hello", FRIEND])["code"] == 4100

        # No message of a contract is signed without a warning.
        types = {
            "EIP712Domain": MAIL["types"]["EIP712Domain"],
            "Pay": [{"name": "to", "type": "address"}, {"name": "value", "type": "uint256"}],
        }
        pay = {"types": types, "primaryType": "Pay", "domain": good["domain"], "message": {"to": FRIEND, "value": "5"}}
        number = dapp.begin("eth_signTypedData_v4", [account, json.dumps(pay)])
        window = question(world.browser)
        window.wait('[data-key="reading"][data-kind="transfer"] [data-key="spends"]')
        window.click('button[data-key="refuse"]')
        assert dapp.answer(number)["code"] == 4001

        text = (
            f"evil.example wants you to sign in with your Ethereum account:\n{account}\n\nURI: "
            f"https://evil.example\nVersion: 1\n"
        )
        number = dapp.begin("personal_sign", [text, account])
        window = question(world.browser)
        window.wait('[data-key="sign-in-domain"]')
        window.click('button[data-key="refuse"]')
        assert dapp.answer(number)["code"] == 4001


def test_a_locked_wallet_and_a_foreign_frame_expose_nothing(world: BrowserWorld) -> None:
    """A script's click approves nothing; while locked no account is exposed.

    A frame names both sites and has no permission of the page.
    """
    account = world.fan.address()
    with site(world.browser) as dapp, site(world.browser, "localhost") as other:
        assert dapp.agreed("eth_requestAccounts")[0] == {"value": [account]}
        number = dapp.begin("personal_sign", ["hello", account])
        window = question(world.browser)
        window.wait('button[data-key="agree"]:not([disabled])')
        window.run("(document.querySelector('[data-key=agree]').click(), 1)")
        assert window.exists('button[data-key="agree"]')
        window.click('button[data-key="refuse"]')
        assert dapp.answer(number)["code"] == 4001

        popup = world.browser.extension_tab("popup/popup.html")
        popup.click("header button:last-child")
        popup.wait("#password")
        dapp.view.until("JSON.stringify(document.defaultView.events.at(-1)) === '[\"accountsChanged\",[]]'")
        assert dapp.ask("eth_accounts") == {"value": []}
        popup.close()
        number = dapp.begin("eth_requestAccounts")
        window = question(world.browser)
        window.fill("#password", PASSWORD)
        window.click('button[data-key="unlock"]')
        assert dapp.answer(number) == {"value": [account]}

        framed = world.browser.tab(f"{other.origin}/?frame={dapp.origin}/")
        framed.until("document.defaultView.heard.length > 0")
        assert framed.run("document.defaultView.heard[0]") == []
        window = question(world.browser)
        window.wait('button[data-key="agree"]')
        assert window.text('[data-key="origin"]') == dapp.origin
        assert other.origin in window.text('[data-key="top"]')
        window.click('button[data-key="refuse"]')
        framed.close()


def test_each_of_many_requests_is_settled(world: BrowserWorld) -> None:
    """Requests of a page above its rate are each answered with -32005, and none stays pending."""
    ask = 'document.defaultView.announced[0].provider.request({method: "eth_accounts"})'
    with site(world.browser) as dapp:
        assert dapp.ask("eth_accounts") == {"value": []}
        dapp.view.run(
            f"(document.defaultView.settled = null, Promise.allSettled(Array.from({{length: 900}}, () => {ask}))"
            ".then((all) => { document.defaultView.settled = all.map(({reason}) => reason?.code ?? 0); }), 1)"
        )
        codes = json.loads(
            dapp.view.until("document.defaultView.settled && JSON.stringify(document.defaultView.settled)")
        )
        # A slow browser may never exceed the rate.
        assert len(codes) == 900
        assert set(codes) <= {0, -32005}
