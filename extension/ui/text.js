/**
 * Every sentence comes from _locales through chrome.i18n.
 */

/**
 * @param {string} key
 * @param {...(string | number)} values for $1, $2…
 * @returns {string} the key itself where a sentence is missing, so that the gap is seen
 */
export function t(key, ...values) {
  return chrome.i18n.getMessage(key, values.map(String)) || key;
}

/** @returns {string} the language of the sentences: "en" or "zh-CN", whatever the browser's own */
export function language() {
  return t("lang");
}

/**
 * A counted sentence: `key_one` or `key_other`, with the number as $1.
 * @param {string} key
 * @param {number} count
 * @param {...(string | number)} values for $2…
 * @returns {string}
 */
export function counted(key, count, ...values) {
  const form = new Intl.PluralRules(language()).select(count) === "one" ? "one" : "other";
  return t(`${key}_${form}`, count, ...values);
}

/**
 * Cause and help for a code of the registry, always in our own words; any other code is a mistake of ours.
 * @param {{code?: string} | null | undefined} problem
 * @returns {{code: string, cause: string, fix: string}}
 */
export function sentences(problem) {
  const known = chrome.i18n.getMessage(`cause_${(problem?.code ?? "").replaceAll(".", "_")}`)
    ? String(problem?.code)
    : "internal";
  const name = known.replaceAll(".", "_");
  return { code: known, cause: t(`cause_${name}`), fix: chrome.i18n.getMessage(`fix_${name}`) };
}

const BARE = /^[\n\t -~]*$/;
/**
 * Drawn as nothing or as empty space, or moves what stands beside it: as in pywallet.provider.safe_text, whose texts
 * are stricter.
 */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\ufffc\u{1d159}\u{13441}\u{13442}]|\u{16fe4}/gu;
const STACKED = /(?<=[\p{Mn}\p{Me}]{4})[\p{Mn}\p{Me}]/gu;
/** Scripts whose words are written with joiners. */
const JOINED =
  "[\\p{Script=Arabic}\\p{Script=Devanagari}\\p{Script=Bengali}\\p{Script=Gujarati}\\p{Script=Gurmukhi}\\p{Script=Kannada}\\p{Script=Malayalam}\\p{Script=Oriya}\\p{Script=Sinhala}\\p{Script=Tamil}\\p{Script=Telugu}]";
/** Parts of a picture or a letter, seen in it. */
const PART = new RegExp(
  `(?<=\\p{Extended_Pictographic})\\uFE0F|(?<=\\p{Extended_Pictographic}|\\p{Emoji_Modifier}|\\uFE0F)\\u200D(?=\\p{Extended_Pictographic})|(?<=${JOINED})[\\u200C\\u200D](?=${JOINED})`,
  "gu",
);

/**
 * Text as it is shown, a stranger's or our own: unseen characters are written as \u{…}, and every space is the plain
 * one.
 * @param {string} text
 * @returns {string}
 */
export function seen(text) {
  if (BARE.test(text)) return text;
  const parts = new Set([...text.matchAll(PART)].map(({ index }) => index));
  /** @param {string} c @param {number} at */
  const write = (c, at) => (c === "\n" || c === "\t" || parts.has(at) ? c : `\\u{${c.codePointAt(0)?.toString(16)}}`);
  return text
    .replace(UNSEEN, write)
    .replace(STACKED, (c) => write(c, -1))
    .replace(/\p{Zs}/gu, " ");
}

/**
 * Gives a page its language and title.
 * @param {string} title
 */
export function dress(title) {
  document.documentElement.lang = language();
  document.title = seen(title);
}
