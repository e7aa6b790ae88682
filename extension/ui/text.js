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
  const known = chrome.i18n.getMessage(`cause_${(problem?.code ?? "").replaceAll(".", "_")}`) ? String(problem?.code) : "internal";
  const name = known.replaceAll(".", "_");
  return { code: known, cause: t(`cause_${name}`), fix: chrome.i18n.getMessage(`fix_${name}`) };
}

/**
 * Gives a page its language and title.
 * @param {string} title
 */
export function dress(title) {
  document.documentElement.lang = language();
  document.title = title;
}
