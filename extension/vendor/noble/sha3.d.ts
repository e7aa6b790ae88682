export * from "@noble/hashes/sha3.js";
