/**
 * Localised texts from _locales, and the display of untrusted text.
 */

/**
 * A localised text.
 * @param {string} key
 * @param {...(string | number)} values for $1, $2…
 * @returns {string} the key itself where the text is missing
 */
export function t(key, ...values) {
  return chrome.i18n.getMessage(key, values.map(String)) || key;
}

/** The language of the texts. @returns {string} "en" or "zh-CN" */
export function language() {
  return t("lang");
}

/**
 * A localised text with a plural form: `key_one` or `key_other`, with the number as $1.
 * @param {string} key
 * @param {number} count
 * @param {...(string | number)} values for $2…
 * @returns {string}
 */
export function plural(key, count, ...values) {
  const form = new Intl.PluralRules(language()).select(count) === "one" ? "one" : "other";
  return t(`${key}_${form}`, count, ...values);
}

/**
 * Localised cause and help for a registered code; any other code counts as "internal".
 * @param {{code?: string} | null | undefined} problem
 * @returns {{code: string, cause: string, fix: string}}
 */
export function problemTexts(problem) {
  const code = chrome.i18n.getMessage(`cause_${(problem?.code ?? "").replaceAll(".", "_")}`)
    ? String(problem?.code)
    : "internal";
  const name = code.replaceAll(".", "_");
  return { code, cause: t(`cause_${name}`), fix: chrome.i18n.getMessage(`fix_${name}`) };
}

/** Printable ASCII. */
const PRINTABLE_ASCII = /^[\n\t -~]*$/;
/** Characters that are invisible or reorder text, as in pywallet.provider.safe_text, which is stricter. */
const INVISIBLE =
  /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\ufffc\u{1d159}\u{13441}\u{13442}]|\u{16fe4}/gu;
const STACKED = /(?<=[\p{Mn}\p{Me}]{4})[\p{Mn}\p{Me}]/gu;
/** Scripts that use joiners. */
const JOINED =
  "[\\p{Script=Arabic}\\p{Script=Devanagari}\\p{Script=Bengali}\\p{Script=Gujarati}\\p{Script=Gurmukhi}\\p{Script=Kannada}\\p{Script=Malayalam}\\p{Script=Oriya}\\p{Script=Sinhala}\\p{Script=Tamil}\\p{Script=Telugu}]";
/** Joiners and variation selectors within an emoji or a letter, which are visible there. */
const JOINER = new RegExp(
  `(?<=\\p{Extended_Pictographic})\\uFE0F|(?<=\\p{Extended_Pictographic}|\\p{Emoji_Modifier}|\\uFE0F)\\u200D(?=\\p{Extended_Pictographic})|(?<=${JOINED})[\\u200C\\u200D](?=${JOINED})`,
  "gu",
);

/**
 * Makes invisible characters of a text visible as \u{…}, and replaces every space by the plain one.
 * @param {string} text
 * @returns {string}
 */
export function visibleText(text) {
  if (PRINTABLE_ASCII.test(text)) return text;
  const parts = new Set([...text.matchAll(JOINER)].map(({ index }) => index));
  /** @param {string} c @param {number} at */
  const write = (c, at) => (c === "\n" || c === "\t" || parts.has(at) ? c : `\\u{${c.codePointAt(0)?.toString(16)}}`);
  return text
    .replace(INVISIBLE, write)
    .replace(STACKED, (c) => write(c, -1))
    .replace(/\p{Zs}/gu, " ");
}

/**
 * Sets the language and the title of the document.
 * @param {string} title
 */
export function setDocumentTitle(title) {
  document.documentElement.lang = language();
  document.title = visibleText(title);
}
