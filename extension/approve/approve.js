/**
 * The approval window. The site is shown as the browser reports it. The button is enabled after a delay, and disabled
 * again after each change of focus: a press that was meant for a page approves nothing.
 */

import { byId, fill, h, press, write } from "../ui/dom.js";
import { icon, mark } from "../ui/icons.js";
import { field } from "../ui/pieces.js";
import { walletPort } from "../ui/port.js";
import { ignoreKeyRepeats } from "../ui/enable_delay.js";
import { setDocumentTitle, problemTexts, t } from "../ui/text.js";
import { viewOf } from "./views.js";

/** @typedef {import("../shared/approval_messages.d.ts").PendingApproval} PendingApproval */

const ENABLE_DELAY_MS = 800;
const DANGER_ENABLE_DELAY_MS = 2000;
/** Polling also keeps the background running while a person reads. */
const POLL_APPROVAL_MS = 20_000;

const root = byId("approve");
/** Key of the displayed facts; "" for nothing. */
let drawn = "";
/** @type {HTMLButtonElement | null} */
let agreeButton = null;
let enableDelayMs = ENABLE_DELAY_MS;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let enableTimer;

/** True if the background has stopped since the last request. */
let isDisconnected = false;
const request = walletPort(
  () => void next(),
  (isOpen) => {
    // Without the background the approval is void.
    if (!isOpen) blank();
    else if (isDisconnected) void next();
    isDisconnected = !isOpen;
  },
  "approval",
);

/** Clears the window; a failure stays until it is closed. */
function blank() {
  if (drawn.startsWith("failure")) return;
  drawn = "";
  agreeButton = null;
  fill(root);
}

/** Disables the button until the window was undisturbed for the delay. */
function restartDelay() {
  clearTimeout(enableTimer);
  if (!agreeButton) return;
  agreeButton.disabled = true;
  if (document.visibilityState !== "visible") return;
  const button = agreeButton;
  enableTimer = setTimeout(() => {
    if (agreeButton === button) button.disabled = false;
  }, enableDelayMs);
}
for (const name of ["focus", "resize", "blur"]) addEventListener(name, restartDelay);
document.addEventListener("visibilitychange", restartDelay);

/**
 * Closes the window after the engine has removed its port from the list of windows: an approval that is added meanwhile
 * is shown, or gets another window.
 */
async function closeWhenDone() {
  blank();
  const { more } = await request("approval.done").catch(() => ({ more: false }));
  if (more) return next();
  window.close();
}

/** Shows the next approval. @returns {Promise<void>} */
async function next() {
  let response;
  try {
    response = await request("approval.next");
  } catch (error) {
    return showFailure(/** @type {{code?: string}} */ (error));
  }
  const { approval, locked, waiting } = response;
  if (!approval) {
    // A failure stays until it is closed.
    return drawn.startsWith("failure") ? undefined : closeWhenDone();
  }
  const key = JSON.stringify([approval, locked]);
  if (key === drawn) return;
  drawn = key;
  agreeButton = null;
  fill(root, head(approval, waiting), ...(locked ? unlock() : decision(approval)));
  /** @type {HTMLElement | null} */ (root.querySelector(locked ? "input" : "h1"))?.focus({ preventScroll: true });
  restartDelay();
}

/** The site. @param {PendingApproval} approval @param {number} waiting number of further approvals */
function head({ origin, top }, waiting) {
  return h(
    "header",
    null,
    mark(28),
    h(
      "span",
      { class: "grow stack z" },
      h("span", { class: "xs faint" }, t("approveWho")),
      h("b", { "data-key": "origin" }, origin),
      top ? h("span", { class: "xs", "data-key": "top" }, t("approveInside", top)) : null,
    ),
    waiting > 0 ? h("span", { class: "chip", "data-key": "waiting" }, t("approveMore", waiting)) : null,
  );
}

/** The form that unlocks the wallet. @returns {Node[]} */
function unlock() {
  const password = field({ id: "password", label: t("password"), type: "password", autocomplete: "current-password" });
  const go = h("button", { type: "submit", class: "btn primary", form: "unlock", "data-key": "unlock" }, t("unlock"));
  const form = h("form", { class: "stack t", id: "unlock" }, password.node);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!event.isTrusted || go.disabled) return;
    go.disabled = true;
    try {
      await request("approval.unlock", { password: password.input.value });
      password.input.value = "";
      await next();
    } catch (error) {
      const { cause, fix } = problemTexts(/** @type {{code?: string}} */ (error));
      password.fail(`${cause} ${fix}`.trim());
      password.input.select();
    }
    go.disabled = false;
  });
  return [
    h(
      "main",
      { tabindex: -1 },
      h("h1", null, t("approveLocked")),
      h("p", { class: "dim" }, t("approveLockedLead")),
      form,
    ),
    h("footer", null, rejectAllButton(), go),
  ];
}

/** A button that closes the window, which rejects all approvals. */
function rejectAllButton() {
  return press(h("button", { type: "button", class: "btn", "data-key": "close" }, t("approveNo")), () =>
    window.close(),
  );
}

/** The view of an approval, with its buttons. @param {PendingApproval} approval @returns {Node[]} */
function decision(approval) {
  const view = viewOf(approval.kind, approval.facts);
  if (!view) return [h("main"), h("footer", null, rejectAllButton())];
  enableDelayMs = view.danger ? DANGER_ENABLE_DELAY_MS : ENABLE_DELAY_MS;
  const agree = h(
    "button",
    { type: "button", class: `btn ${view.danger ? "" : "primary"}`.trim(), "data-key": "agree", disabled: true },
    view.agree,
  );
  const refuse = h(
    "button",
    { type: "button", class: `btn ${view.danger ? "primary" : ""}`.trim(), "data-key": "refuse" },
    t("approveNo"),
  );
  /** @param {boolean} agreed */
  const answer = async (agreed) => {
    agreeButton = null;
    agree.disabled = refuse.disabled = true;
    try {
      await request("approval.answer", {
        approval: approval.id,
        agree: agreed,
        account: view.account(),
        looks: approval.looks,
      });
    } catch (error) {
      return showFailure(/** @type {{code?: string}} */ (error));
    }
    await next();
  };
  press(agree, () => void answer(true));
  press(refuse, () => void answer(false));
  agreeButton = agree;
  write(byId("live"), `${approval.origin}: ${view.title}`);
  return [
    h("main", { tabindex: 0 }, h("h1", { tabindex: -1 }, view.title), ...view.nodes.filter((node) => node !== null)),
    h("footer", null, refuse, agree),
  ];
}

/** Shows the failure of a request. @param {{code?: string}} error */
function showFailure(error) {
  const { code, cause, fix } = problemTexts(error);
  drawn = `failure ${code}`;
  agreeButton = null;
  fill(
    root,
    h("header", null, mark(28), h("span", { class: "grow" }, h("b", null, "GoMAA"))),
    h(
      "main",
      { tabindex: -1 },
      h(
        "div",
        { class: "note stop", role: "alert" },
        icon("refused"),
        h("span", { class: "grow" }, h("b", null, cause), " ", fix, " ", h("code", { class: "xs" }, code)),
      ),
    ),
    h(
      "footer",
      null,
      press(h("button", { type: "button", class: "btn wide", "data-key": "close" }, t("approveClose")), async () => {
        drawn = "";
        await next();
      }),
    ),
  );
}

setDocumentTitle("GoMAA");
ignoreKeyRepeats();
// In a frame, another page could draw over it: there it stays empty.
if (window.top === window) {
  void next();
  setInterval(() => void next(), POLL_APPROVAL_MS);
}
