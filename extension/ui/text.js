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
 * What happened and what helps, for a code of the registry.
 * @param {{code?: string, message?: string, fix?: string} | null | undefined} problem
 * @returns {{code: string, cause: string, fix: string}}
 */
export function sentences(problem) {
  const code = problem?.code || "internal";
  const name = code.replaceAll(".", "_");
  const cause = chrome.i18n.getMessage(`cause_${name}`) || problem?.message || t("cause_internal");
  const fix = chrome.i18n.getMessage(`fix_${name}`) || problem?.fix || "";
  return { code, cause, fix };
}

/**
 * Gives a page its language and title.
 * @param {string} title
 */
export function dress(title) {
  document.documentElement.lang = language();
  document.title = title;
}
