/**
 * Whether rewards are collected at a station: a choice made once, in the extension's own pages, and an answer for each
 * station where it is "ask".
 */

import { Problem } from "../../shared/problem.js";
import { now, set, state } from "./state.js";

/** @typedef {import("./state.js").Answer} Answer */
/** @typedef {{address: string, name: string, domain: string}} Station as the chain has it registered */

export const CHOICES = ["always", "ask", "never"];
/** Stations whose answers are kept; the oldest ones are asked about again. */
const MOST_KEPT = 512;

/** @param {string} station address */
const answerOf = (station) => state.answers.find((one) => one.station === station);

/**
 * What stands for a station: it is collected there, it is not, or the fan has not answered yet and collects nothing
 * until then.
 * @param {{address: string} | null | undefined} station
 * @returns {"yes" | "no" | "asks"}
 */
export function collectingAt(station) {
  if (state.collect !== "ask") return state.collect === "always" ? "yes" : "no";
  const collect = station ? (answerOf(station.address)?.collect ?? null) : null;
  return collect === null ? "asks" : collect ? "yes" : "no";
}

/**
 * A play begins at this station: where the choice is "ask", its question waits from now on in the extension.
 * @param {Station | null} station
 */
export async function question(station) {
  if (!station || state.vault === null || state.collect !== "ask" || answerOf(station.address)) return;
  const { address, domain, name } = station;
  await set({ answers: [{ station: address, domain, name, collect: null }, ...state.answers].slice(0, MOST_KEPT) });
  now.asks();
}

/** Questions that wait for an answer. @returns {Answer[]} */
export const questions = () =>
  state.collect === "ask" && state.vault !== null ? state.answers.filter(({ collect }) => collect === null) : [];

/** @param {string} choice one of CHOICES @throws {Problem} `message.schema` */
export async function choose(choice) {
  if (!CHOICES.includes(choice)) throw new Problem("message.schema", { field: "choice" });
  await set({ collect: /** @type {import("./state.js").Collect} */ (choice) });
  now.changed();
}

/** @param {string} station address @param {boolean} collect @throws {Problem} `message.schema` where nobody asked */
export async function answer(station, collect) {
  if (!answerOf(station)) throw new Problem("message.schema", { field: "station" });
  await set({ answers: state.answers.map((one) => (one.station === station ? { ...one, collect } : one)) });
  now.changed();
}

/** @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = {
  async "wallet.collect"({ choice }) {
    await choose(choice);
    return {};
  },
  async "wallet.decisions"() {
    return { questions: questions(), ...now.decisions() };
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
