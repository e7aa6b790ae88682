/**
 * Accounts of the recovery words, and the user's names of addresses.
 */

import { Problem } from "../../shared/problem.js";
import { python } from "../wallet_core.js";
import { now, set, state } from "./state.js";

const MAX_ACCOUNTS = 20;
const MAX_CONTACTS = 500;
const MAX_NAME_CHARS = 40;

/** @import { Handlers, WalletOperations } from "../../shared/wallet_messages.d.ts" */

/** Operations of the wallet's screens. @satisfies {Partial<Handlers<WalletOperations>>} */
export const OPS = {
  async "wallet.accounts"() {
    return { accounts: state.accounts, current: state.account };
  },
  async "wallet.account.add"({ name }) {
    if (state.accounts.length >= MAX_ACCOUNTS)
      throw new Problem("message.schema", { field: "accounts", most: MAX_ACCOUNTS });
    const index = Math.max(-1, ...state.accounts.map((account) => account.index)) + 1;
    const { account } = await python("account", { index });
    await set({ accounts: [...state.accounts, { index, name: cleanName(name), address: account }], account });
    now.changed();
    return { index, address: account };
  },
  async "wallet.account.use"({ index }) {
    const match = state.accounts.find((account) => account.index === index);
    if (!match) throw new Problem("message.schema", { field: "index" });
    await set({ account: match.address });
    now.changed();
    return {};
  },
  async "wallet.account.name"({ index, name }) {
    await set({
      accounts: state.accounts.map((account) =>
        account.index === index ? { ...account, name: cleanName(name) } : account,
      ),
    });
    return {};
  },
  async "wallet.contacts"() {
    return { contacts: state.contacts };
  },
  async "wallet.contact.save"({ address, name }) {
    // The same check as for sending.
    const { account, checksum } = await python("recipient", { text: address });
    const others = state.contacts.filter((contact) => contact.address !== account);
    if (others.length >= MAX_CONTACTS || cleanName(name) === "") throw new Problem("message.schema", { field: "name" });
    await set({
      contacts: [...others, { address: account, name: cleanName(name) }].sort((a, b) => a.name.localeCompare(b.name)),
    });
    return { address: account, checksum };
  },
  async "wallet.contact.remove"({ address }) {
    await set({ contacts: state.contacts.filter((contact) => contact.address !== address) });
    return {};
  },
};

/** The user's name of an address, or null. @param {string} address */
export const nameOf = (address) =>
  state.contacts.find((contact) => contact.address === address)?.name ??
  state.accounts.find((account) => account.address === address)?.name ??
  null;

/** A name in one line, without characters that reorder or hide text. @param {string} name */
const cleanName = (name) =>
  name
    .normalize("NFKC")
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "")
    .trim()
    .slice(0, MAX_NAME_CHARS);
