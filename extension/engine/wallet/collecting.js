/**
 * Choice where rewards are collected: one for all stations, with an answer for each station where it is "ask".
 */

import { Problem } from "../../shared/problem.js";
import { now, set, state } from "./state.js";

/** @typedef {import("./state.js").Answer} Answer */
/** A station as registered on the chain. @typedef {{address: string, name: string, domain: string}} Station */

/** @import { Handlers, WalletOperations } from "../../shared/wallet_messages.d.ts" */
/** @import { CollectChoice } from "../../shared/wallet_state.d.ts" */

/** @type {CollectChoice[]} */
export const CHOICES = ["always", "ask", "never"];
/** Most stored answers; for older ones the question is asked again. */
const MAX_ANSWERS = 512;

/** The answer for a station. @param {string} station address */
const answerOf = (station) => state.answers.find((item) => item.station === station);

/**
 * State of collecting at a station: on, off, or "asks": not before the fan has answered.
 * @param {{address: string} | null | undefined} station
 * @returns {"yes" | "no" | "asks"}
 */
export function collectingAt(station) {
  if (state.collect !== "ask") return state.collect === "always" ? "yes" : "no";
  const collect = station ? (answerOf(station.address)?.collect ?? null) : null;
  return collect === null ? "asks" : collect ? "yes" : "no";
}

/**
 * Adds the question for a station, where a play begins and the choice is "ask".
 * @param {Station | null} station
 */
export async function addQuestion(station) {
  if (!station || state.vault === null || state.collect !== "ask" || answerOf(station.address)) return;
  const { address, domain, name } = station;
  await set({ answers: [{ station: address, domain, name, collect: null }, ...state.answers].slice(0, MAX_ANSWERS) });
  now.decisionsChanged();
}

/** Stations without an answer. @returns {Answer[]} */
export const pendingQuestions = () =>
  state.collect === "ask" && state.vault !== null ? state.answers.filter(({ collect }) => collect === null) : [];

/** Stores the choice. @param {CollectChoice} choice one of CHOICES @throws {Problem} `message.schema` */
export async function choose(choice) {
  if (!CHOICES.includes(choice)) throw new Problem("message.schema", { field: "choice" });
  await set({ collect: choice });
  now.changed();
}

/**
 * Stores the answer for a station.
 * @param {string} station address
 * @param {boolean} collect
 * @throws {Problem} `message.schema` without a question for this station
 */
export async function answer(station, collect) {
  if (!answerOf(station)) throw new Problem("message.schema", { field: "station" });
  await set({ answers: state.answers.map((item) => (item.station === station ? { ...item, collect } : item)) });
  now.changed();
}

/** Operations of the wallet's screens. @satisfies {Partial<Handlers<WalletOperations>>} */
export const OPS = {
  async "wallet.collect"({ choice }) {
    await choose(choice);
    return {};
  },
  async "wallet.decisions"() {
    return { questions: pendingQuestions(), ...now.decisions() };
  },
  async "wallet.collect.answer"({ station, collect }) {
    await answer(station, collect);
    return {};
  },
  async "wallet.takeover"({ stream }) {
    now.takeOver(stream);
    return {};
  },
};
