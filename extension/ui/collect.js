/**
 * The choices of where rewards are collected, for onboarding and settings.
 */

/** The first one is the default. @type {readonly ("always" | "ask" | "never")[]} */
export const COLLECT = ["always", "ask", "never"];
