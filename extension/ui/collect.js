/**
 * The choices of where rewards are collected, for onboarding and settings.
 */

/** The first one is the default. @type {readonly import("../shared/wallet_state.d.ts").CollectChoice[]} */
export const COLLECT = ["always", "ask", "never"];
