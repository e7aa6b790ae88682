/**
 * Where rewards are collected, as onboarding and settings offer it.
 */

/** @type {readonly ("always" | "ask" | "never")[]} the first one is the choice where none was made */
export const COLLECT = ["always", "ask", "never"];
