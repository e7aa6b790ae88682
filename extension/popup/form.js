/**
 * A form of one purpose: what is typed is checked, sent once, and a failure is said beside it.
 */

import { fill, h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { sentences, t } from "../ui/text.js";

/**
 * @param {{fields: (Node | null)[], submit: string, busy: string, kind?: string, key?: string}} shape
 * @param {() => Promise<void>} work what the button does; what it throws is shown with its code
 */
export function form({ fields, submit, busy, kind = "primary", key = "submit" }, work) {
  const go = h("button", { type: "submit", class: `btn ${kind} wide`, "data-key": key }, submit);
  const trouble = h("div", { class: "note stop", role: "alert", hidden: true });
  const node = h("form", { class: "stack t" }, fields, trouble, go);
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    // A script's submit does nothing.
    if (!event.isTrusted || go.disabled) return;
    go.disabled = true;
    go.textContent = busy;
    trouble.hidden = true;
    try {
      await work();
    } catch (error) {
      say(/** @type {{code?: string}} */ (error));
    }
    go.disabled = false;
    go.textContent = submit;
  });
  /** @param {{code?: string}} error */
  function say(error) {
    const { code, cause, fix } = sentences(error);
    fill(
      trouble,
      icon("refused"),
      h("span", { class: "grow" }, h("b", null, cause), " ", fix, " ", h("code", { class: "xs" }, code)),
    );
    trouble.hidden = false;
  }
  return { node, go, say };
}

/**
 * The sentence for an amount that was not accepted, to be shown at its field; null for an error of another kind.
 * @param {unknown} error of a request with an amount @param {string} wrong the sentence for text that is no amount
 * @returns {string | null}
 */
export function amountFault(error, wrong) {
  const { code, detail = {} } = /** @type {{code?: string, detail?: Record<string, unknown>}} */ (error);
  if (code === "message.schema") return wrong;
  if (code === "wallet.amount.ambiguous")
    return t("amountTwoReadings", String(detail["thousands"]), String(detail["decimals"]));
  if (code !== "wallet.funds") return null;
  const { cause, fix } = sentences({ code });
  return `${cause}. ${fix}`;
}
