/**
 * A form with one button; a failure is shown beside it.
 */

import { fill, h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { problemTexts, t } from "../ui/text.js";

/**
 * Creates a form.
 * @param {{fields: (Node | null)[], submit: string, busy: string, kind?: string, key?: string}} options `submit` and
 *   `busy`: labels of the button
 * @param {() => Promise<void>} work of the button; its error is shown with the code
 */
export function form({ fields, submit, busy, kind = "primary", key = "submit" }, work) {
  const go = h("button", { type: "submit", class: `btn ${kind} wide`, "data-key": key }, submit);
  const trouble = h("div", { class: "note stop", role: "alert", hidden: true });
  const node = h("form", { class: "stack t" }, fields, trouble, go);
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    // A script's submit is ignored.
    if (!event.isTrusted || go.disabled) return;
    go.disabled = true;
    go.textContent = busy;
    trouble.hidden = true;
    try {
      await work();
    } catch (error) {
      showFailure(/** @type {{code?: string}} */ (error));
    }
    go.disabled = false;
    go.textContent = submit;
  });
  /** @param {{code?: string}} error */
  function showFailure(error) {
    const { code, cause, fix } = problemTexts(error);
    fill(
      trouble,
      icon("refused"),
      h("span", { class: "grow" }, h("b", null, cause), " ", fix, " ", h("code", { class: "xs" }, code)),
    );
    trouble.hidden = false;
  }
  return { node, go, showFailure };
}

/**
 * The text of an error about an amount, for its field.
 * @param {unknown} error of a request with an amount
 * @param {string} invalid the text for input that is no amount
 * @returns {string | null} null for another error
 */
export function amountError(error, invalid) {
  const { code, detail = {} } = /** @type {{code?: string, detail?: Record<string, unknown>}} */ (error);
  if (code === "message.schema") return invalid;
  if (code === "wallet.amount.ambiguous")
    return t("amountTwoReadings", String(detail["thousands"]), String(detail["decimals"]));
  if (code !== "wallet.funds") return null;
  const { cause, fix } = problemTexts({ code });
  return `${cause}. ${fix}`;
}
