/**
 * Classes of addresses: a page may have the engine fetch from its own class and those outside of it (docs/protocol.md
 * section 5).
 *
 * A page of the internet reaches the internet; one of a private network that network too; one of this computer
 * everything.
 */

/** Address classes, from the outermost to the innermost. */
export const INTERNET = 0;
export const NETWORK = 1;
export const COMPUTER = 2;

/** First address and length of the prefix, bits. @type {[number[], number, number][]} */
const INSIDE_4 = [
  [[0, 0, 0, 0], 8, COMPUTER],
  [[127, 0, 0, 0], 8, COMPUTER],
  [[10, 0, 0, 0], 8, NETWORK],
  [[100, 64, 0, 0], 10, NETWORK],
  [[169, 254, 0, 0], 16, NETWORK],
  [[172, 16, 0, 0], 12, NETWORK],
  [[192, 0, 0, 0], 24, NETWORK],
  [[192, 168, 0, 0], 16, NETWORK],
  [[198, 18, 0, 0], 15, NETWORK],
  // Multicast, reserved and broadcast.
  [[224, 0, 0, 0], 3, NETWORK],
];

/** @type {[number[], number, number][]} */
const INSIDE_6 = [
  [[0xfc00], 7, NETWORK],
  [[0xfe80], 10, NETWORK],
  [[0xfec0], 10, NETWORK],
  [[0xff00], 8, NETWORK],
  [[0x64, 0xff9b, 1], 48, NETWORK],
];

/** Prefixes that an IPv4 address follows: compatible, mapped, translated, NAT64, 6to4. @type {[number[], number][]} */
const CARRY_4 = [
  [[0, 0, 0, 0, 0, 0], 96],
  [[0, 0, 0, 0, 0, 0xffff], 96],
  [[0, 0, 0, 0, 0xffff, 0], 96],
  [[0x64, 0xff9b, 0, 0, 0, 0], 96],
  [[0x2002], 16],
];

/** Names that no public resolver resolves, and their subdomains. */
const NAMES = new Map([
  ...["localhost", "localdomain", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback"].map(
    (name) => /** @type {[string, number]} */ ([name, COMPUTER]),
  ),
  ...["local", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa"].map(
    (name) => /** @type {[string, number]} */ ([name, NETWORK]),
  ),
]);

/**
 * Compares the first bits of two addresses.
 * @param {number[]} parts
 * @param {number[]} prefix
 * @param {number} bits
 * @param {number} width bits of a part
 */
function begins(parts, prefix, bits, width) {
  for (let i = 0; i * width < bits; i++) {
    const shift = Math.max(0, width - (bits - i * width));
    if ((parts[i] ?? 0) >> shift !== (prefix[i] ?? 0) >> shift) return false;
  }
  return true;
}

/** @param {number[]} bytes */
const placeOf4 = (bytes) => INSIDE_4.find(([prefix, bits]) => begins(bytes, prefix, bits, 8))?.[2] ?? INTERNET;

/** The eight groups of an address as URL writes it. @param {string} text */
function groupsOf(text) {
  const [head = "", tail] = text.split("::");
  const groups = (/** @type {string} */ part) =>
    part
      .split(":")
      .filter(Boolean)
      .map((group) => parseInt(group, 16));
  const [first, last] = [groups(head), groups(tail ?? "")];
  return tail === undefined ? first : [...first, ...Array(8 - first.length - last.length).fill(0), ...last];
}

/** @param {string} text */
function placeOf6(text) {
  const groups = groupsOf(text);
  if (begins(groups, [0, 0, 0, 0, 0, 0, 0, 1], 128, 16)) return COMPUTER;
  for (const [prefix, bits] of CARRY_4) {
    if (!begins(groups, prefix, bits, 16)) continue;
    return placeOf4(groups.slice(bits / 16, bits / 16 + 2).flatMap((group) => [group >> 8, group & 255]));
  }
  return INSIDE_6.find(([prefix, bits]) => begins(groups, prefix, bits, 16))?.[2] ?? INTERNET;
}

/**
 * Place of a host, by its name alone: what a resolver says of a public name is not seen here.
 * @param {string} hostname as URL writes it
 */
export function placeOf(hostname) {
  if (hostname.startsWith("[")) return placeOf6(hostname.slice(1, -1));
  const name = hostname.toLowerCase().replace(/\.+$/, "");
  if (/^\d+(\.\d+){3}$/.test(name)) return placeOf4(name.split(".").map(Number));
  for (const [suffix, place] of NAMES) if (name === suffix || name.endsWith(`.${suffix}`)) return place;
  // A name without a dot is one of the network's own.
  return name.includes(".") ? INTERNET : NETWORK;
}

/**
 * Rule for what the engine fetches for a page.
 * @param {string} address
 * @param {string} page its origin; one that is no web address has the internet only
 */
export function mayReach(address, page) {
  const url = URL.parse(address);
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:") || url.username || url.password) return false;
  return placeOf(url.hostname) <= placeOfPage(page);
}

/**
 * Place that a page stands at. Of names `localhost` alone is this computer in every browser; others that are often so
 * may be answered by the network.
 * @param {string} page its origin
 */
export function placeOfPage(page) {
  const url = URL.parse(page);
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) return INTERNET;
  const place = placeOf(url.hostname);
  return place === COMPUTER && !/^\[|^[\d.]+$|^(.+\.)?localhost\.?$/.test(url.hostname) ? NETWORK : place;
}
