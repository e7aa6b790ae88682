/**
 * The wallet's recovery words and its password. The words are only in this page until the wallet is made.
 */

import { fill, h, press, set, write } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { field } from "../ui/pieces.js";
import { problemTexts, t } from "../ui/text.js";
import { COLLECT } from "../ui/collect.js";
import { SHORTEST, strength } from "../ui/password_strength.js";
import { checkPositions } from "../ui/recovery_words.js";

/** @typedef {import("./app.js").App} App */

/** @returns {number} 0…1, cryptographically random */
function random() {
  return (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 4294967296;
}

/** @param {string} title @param {string} lead */
function heading(title, lead) {
  return h("div", null, h("h1", null, title), h("p", { class: "lead" }, lead));
}

/** @param {Node} left @param {Node} right */
function ends(left, right) {
  return h("div", { class: "row between" }, left, right);
}

/** @param {App} app @param {import("./app.js").Page} page */
function backTo(app, page) {
  return press(h("button", { type: "button", class: "btn quiet flush" }, t("back")), () => app.go(page));
}

/**
 * The page "words": new recovery words.
 * @param {App} app
 * @returns {HTMLElement}
 */
export function showWords(app) {
  // Words that were typed to restore a wallet are discarded.
  if (app.draft.restoring) Object.assign(app.draft, { mnemonic: "", restoring: false, positions: [] });
  const list = h("ol", { class: "words" });
  const hide = h("button", { type: "button", class: "btn" });
  const agree = h("input", { class: "check", type: "checkbox", id: "written" });
  const go = h("button", { type: "button", class: "btn primary big", disabled: true }, t("goOn"));
  const positionsNote = h("span", { class: "dim" });
  const trouble = h("p", { class: "hint", role: "alert" });
  const draw = () => {
    const words = app.draft.mnemonic.split(" ").filter(Boolean);
    fill(
      list,
      words.map((word) => h("li", null, h("span", null, word))),
    );
    list.hidden = words.length === 0;
    write(
      positionsNote,
      app.draft.positions.length ? t("asksFor", ...app.draft.positions.map((position) => position + 1)) : "",
    );
    agree.disabled = words.length === 0;
  };
  const toggle = (/** @type {boolean} */ hidden) => {
    list.classList.toggle("hidden", hidden);
    set(list, { "aria-hidden": hidden ? "true" : null });
    fill(hide, icon(hidden ? "eye" : "hidden"), t(hidden ? "show" : "hide"));
  };
  toggle(false);
  press(hide, () => toggle(!list.classList.contains("hidden")));
  agree.addEventListener("change", () => {
    go.disabled = !agree.checked;
  });
  press(go, () => app.go("check"));
  draw();
  if (!app.draft.mnemonic) {
    app.request("wallet.propose", { words: 12 }).then(
      ({ mnemonic }) => {
        app.draft.mnemonic = mnemonic;
        app.draft.positions = checkPositions(mnemonic.split(" ").length, random);
        draw();
      },
      (error) => {
        const { code, cause, fix } = problemTexts(error);
        write(trouble, `${cause} ${fix} (${code})`);
      },
    );
  }
  return h(
    "div",
    null,
    heading(t("wordsTitle"), t("wordsLead")),
    list,
    trouble,
    h(
      "div",
      { class: "row tight wrap" },
      hide,
      press(h("button", { type: "button", class: "btn quiet" }, t("haveWords")), () => app.go("restore")),
    ),
    h("label", { class: "agree", for: "written" }, agree, h("span", null, t("writtenDown"), " ", positionsNote)),
    ends(backTo(app, "choose"), go),
  );
}

/**
 * The page "check": some of the words, typed.
 * @param {App} app
 * @returns {HTMLElement}
 */
export function checkWords(app) {
  const words = app.draft.mnemonic.split(" ");
  const fields = app.draft.positions.map((position) => ({
    position,
    ...field({ id: `word-${position}`, label: t("wordNumber", position + 1) }),
  }));
  const form = h(
    "form",
    { class: "stack" },
    h(
      "div",
      { class: "thirds" },
      fields.map(({ node }) => node),
    ),
    ends(backTo(app, "words"), h("button", { type: "submit", class: "btn primary big" }, t("goOn"))),
  );
  const check = async () => {
    let good = true;
    for (const { position, input, fail, say } of fields) {
      const spelling = await app.request("wallet.spelling", { words: input.value });
      const right = spelling.words.length === 1 && spelling.words[0] === words[position];
      if (right) say(t("wordRight"), "good");
      else fail(t("wordWrong", position + 1));
      if (!right && good) input.focus();
      good &&= right;
    }
    if (good) app.go("password");
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.isTrusted) check().catch((error) => fields[0]?.fail(problemTexts(error).cause));
  });
  return h("div", null, heading(t("checkTitle"), t("checkLead")), form);
}

/**
 * The page "restore": existing recovery words.
 * @param {App} app
 * @returns {HTMLElement}
 */
export function restore(app) {
  const words = field({ id: "words", label: t("yourWords"), hint: t("yourWordsHint"), area: true });
  const corrections = h("div", { class: "row tight wrap", role: "group", "aria-label": t("didYouMean"), hidden: true });
  const form = h(
    "form",
    { class: "stack" },
    words.node,
    corrections,
    app.draft.exists ? h("div", { class: "note dial" }, icon("info"), h("span", null, t("restoreReplaces"))) : null,
    ends(backTo(app, "choose"), h("button", { type: "submit", class: "btn primary big" }, t("goOn"))),
  );
  /** @param {string} text */
  const fail = (text) => {
    words.fail(text);
    words.input.focus();
  };
  const check = async () => {
    corrections.hidden = true;
    const spelling = await app.request("wallet.spelling", { words: words.input.value });
    const typed = spelling.words;
    const slip = spelling.slips[0];
    if (slip) {
      corrections.hidden = slip.near.length === 0;
      fill(
        corrections,
        h("span", { class: "s dim" }, t("didYouMean")),
        slip.near.map((word) =>
          press(h("button", { type: "button", class: "btn small" }, word), () => {
            words.input.value = typed.with(slip.position - 1, word).join(" ");
            words.fail("");
            return check();
          }),
        ),
      );
      return fail(t("wordsLetters", slip.position, typed[slip.position - 1] ?? ""));
    }
    if (!spelling.size) return fail(t("wordsCount", typed.length));
    if (!spelling.holds) return fail(t("wordsTogether"));
    app.draft.mnemonic = spelling.words.join(" ");
    app.draft.restoring = true;
    return app.go("password");
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.isTrusted) check().catch((error) => fail(problemTexts(error).cause));
  });
  return h("div", null, heading(t("restoreTitle"), t("restoreLead")), form);
}

/**
 * The page "password".
 * @param {App} app
 * @returns {HTMLElement}
 */
export function newPassword(app) {
  const first = field({
    id: "new-password",
    label: t("newPassword"),
    type: "password",
    autocomplete: "new-password",
    hint: t("passwordHint", SHORTEST),
  });
  const second = field({ id: "again", label: t("passwordAgain"), type: "password", autocomplete: "new-password" });
  const go = h("button", { type: "submit", class: "btn primary big" }, t("makeWallet"));
  const trouble = h("div", { class: "note stop", role: "alert", hidden: true });
  first.input.addEventListener("input", () => {
    const word = strength(first.input.value);
    first.say(word === "empty" ? "" : t(`strength_${word}`), word);
  });
  second.input.addEventListener("input", () =>
    second.say(second.input.value !== "" && second.input.value === first.input.value ? t("passwordsSame") : "", "good"),
  );
  const collect = COLLECT.map((value, i) =>
    h("input", {
      type: "radio",
      class: "check",
      name: "collect",
      value,
      id: `collect-${value}`,
      checked: value === app.draft.collect,
    }),
  );
  const collectChoice = h(
    "fieldset",
    { class: "collect" },
    h("legend", null, t("collectAt")),
    collect.map((input, i) =>
      h(
        "label",
        { class: "agree", for: input.id },
        input,
        h("span", null, t(`collect_${COLLECT[i]}`), " ", h("span", { class: "dim" }, t(`collectSub_${COLLECT[i]}`))),
      ),
    ),
  );
  const form = h(
    "form",
    { class: "stack" },
    h("div", { class: "stack narrow" }, first.node, second.node),
    collectChoice,
    trouble,
    ends(backTo(app, app.draft.restoring ? "restore" : "check"), go),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!event.isTrusted || go.disabled) return;
    if ([...first.input.value].length < SHORTEST) {
      first.fail(t("cause_wallet_password_weak"));
      first.input.focus();
      return;
    }
    if (first.input.value !== second.input.value) {
      second.fail(t("passwordsDiffer"));
      second.input.focus();
      return;
    }
    go.disabled = true;
    go.textContent = t("sealing");
    trouble.hidden = true;
    try {
      const choice = COLLECT.find((value, i) => collect[i]?.checked) ?? "always";
      await app.request("wallet.collect", { choice });
      await app.request("wallet.create", {
        mnemonic: app.draft.mnemonic,
        password: first.input.value,
        replace: app.draft.exists && app.draft.restoring,
        fresh: !app.draft.restoring,
      });
      first.input.value = second.input.value = app.draft.mnemonic = "";
      app.draft.exists = true;
      app.say(t("walletMade"));
      app.go("computer");
      return;
    } catch (error) {
      const { code, cause, fix } = problemTexts(/** @type {{code?: string}} */ (error));
      trouble.hidden = false;
      fill(
        trouble,
        icon("refused"),
        h("span", { class: "grow" }, h("b", null, cause), " ", fix, " ", h("code", { class: "xs" }, code)),
        code === "wallet.mnemonic" && app.draft.restoring
          ? press(h("button", { type: "button", class: "link" }, t("backToWords")), () => app.go("restore"))
          : null,
      );
    }
    go.disabled = false;
    go.textContent = t("makeWallet");
  });
  return h("div", null, heading(t("passwordTitle"), t("passwordLead")), form);
}
