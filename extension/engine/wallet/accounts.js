/**
 * Accounts of the recovery words, and the names that a person gave to addresses.
 */

import { Problem } from "../../shared/problem.js";
import { python } from "../wallet_core.js";
import { now, set, state } from "./state.js";

const MOST_ACCOUNTS = 20;
const MOST_CONTACTS = 500;
const LONGEST_NAME = 40;

/** @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = {
  async "wallet.accounts"() {
    return { accounts: state.accounts, current: state.account };
  },
  async "wallet.account.add"({ name }) {
    if (state.accounts.length >= MOST_ACCOUNTS)
      throw new Problem("message.schema", { field: "accounts", most: MOST_ACCOUNTS });
    const index = Math.max(-1, ...state.accounts.map((account) => account.index)) + 1;
    const { account } = await python("account", { index });
    await set({ accounts: [...state.accounts, { index, name: clean(name), address: account }], account });
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
        account.index === index ? { ...account, name: clean(name) } : account,
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
    if (others.length >= MOST_CONTACTS || clean(name) === "") throw new Problem("message.schema", { field: "name" });
    await set({
      contacts: [...others, { address: account, name: clean(name) }].sort((a, b) => a.name.localeCompare(b.name)),
    });
    return { address: account, checksum };
  },
  async "wallet.contact.remove"({ address }) {
    await set({ contacts: state.contacts.filter((contact) => contact.address !== address) });
    return {};
  },
};

/** The name that a person gave an address, or null. @param {string} address */
export const nameOf = (address) =>
  state.contacts.find((contact) => contact.address === address)?.name ??
  state.accounts.find((account) => account.address === address)?.name ??
  null;

/** A name in one line, without characters that reorder or hide text. @param {string} name */
const clean = (name) =>
  name
    .normalize("NFKC")
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "")
    .trim()
    .slice(0, LONGEST_NAME);
