/**
 * Classes of addresses: the engine fetches for a page from its own class and those outside of it (docs/protocol.md
 * section 5).
 *
 * A page of the internet has the internet; one of a private network that network too; one of this computer all.
 */

/** Address classes, from the outermost to the innermost. */
export const INTERNET = 0;
export const NETWORK = 1;
export const COMPUTER = 2;

/**
 * First address, length of the prefix in bits, and class.
 * @type {[address: number[], bits: number, level: number][]}
 */
const IPV4_RANGES = [
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
const IPV6_RANGES = [
  [[0xfc00], 7, NETWORK],
  [[0xfe80], 10, NETWORK],
  [[0xfec0], 10, NETWORK],
  [[0xff00], 8, NETWORK],
  [[0x64, 0xff9b, 1], 48, NETWORK],
];

/**
 * Prefixes of IPv6 addresses that embed an IPv4 address: compatible, mapped, translated, NAT64, 6to4.
 * @type {[address: number[], bits: number][]}
 */
const EMBEDS_IPV4 = [
  [[0, 0, 0, 0, 0, 0], 96],
  [[0, 0, 0, 0, 0, 0xffff], 96],
  [[0, 0, 0, 0, 0xffff, 0], 96],
  [[0x64, 0xff9b, 0, 0, 0, 0], 96],
  [[0x2002], 16],
];

/** Names that public resolvers do not resolve; they include their subdomains. */
const PRIVATE_NAMES = new Map([
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

/** Class of an IPv4 address. @param {number[]} bytes */
const classOfIpv4 = (bytes) => IPV4_RANGES.find(([prefix, bits]) => begins(bytes, prefix, bits, 8))?.[2] ?? INTERNET;

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

/** Class of an IPv6 address. @param {string} text */
function classOfIpv6(text) {
  const groups = groupsOf(text);
  if (begins(groups, [0, 0, 0, 0, 0, 0, 0, 1], 128, 16)) return COMPUTER;
  for (const [prefix, bits] of EMBEDS_IPV4) {
    if (!begins(groups, prefix, bits, 16)) continue;
    return classOfIpv4(groups.slice(bits / 16, bits / 16 + 2).flatMap((group) => [group >> 8, group & 255]));
  }
  return IPV6_RANGES.find(([prefix, bits]) => begins(groups, prefix, bits, 16))?.[2] ?? INTERNET;
}

/**
 * Class of a host, by its name alone: the addresses to which public names resolve are not available here.
 * @param {string} hostname as URL writes it
 */
export function classOf(hostname) {
  if (hostname.startsWith("[")) return classOfIpv6(hostname.slice(1, -1));
  const name = hostname.toLowerCase().replace(/\.+$/, "");
  if (/^\d+(\.\d+){3}$/.test(name)) return classOfIpv4(name.split(".").map(Number));
  for (const [suffix, value] of PRIVATE_NAMES) if (name === suffix || name.endsWith(`.${suffix}`)) return value;
  // Names without a dot are of the local network.
  return name.includes(".") ? INTERNET : NETWORK;
}

/**
 * True if the engine may fetch an address for a page.
 * @param {string} address
 * @param {string} page origin of the page; one that is no web address has the class of the internet
 */
export function mayReach(address, page) {
  const url = URL.parse(address);
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:") || url.username || url.password) return false;
  return classOf(url.hostname) <= classOfPage(page);
}

/**
 * Class of a page. `localhost` is the only name that is this computer in every browser; the network may resolve others
 * that often are.
 * @param {string} page origin
 */
export function classOfPage(page) {
  const url = URL.parse(page);
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) return INTERNET;
  const value = classOf(url.hostname);
  return value === COMPUTER && !/^\[|^[\d.]+$|^(.+\.)?localhost\.?$/.test(url.hostname) ? NETWORK : value;
}
