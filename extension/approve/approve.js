/**
 * The approval window. The site is shown as the browser reports it. The button is enabled a moment after the window is
 * visible, and disabled again after each change of focus: a press meant for something else approves nothing.
 */

import { byId, fill, h, press, write } from "../ui/dom.js";
import { icon, mark } from "../ui/icons.js";
import { field } from "../ui/pieces.js";
import { walletPort } from "../ui/port.js";
import { pressOnce } from "../ui/wake_delay.js";
import { dress, sentences, t } from "../ui/text.js";
import { VIEWS } from "./views.js";

/**
 * A pending approval.
 * @typedef {{id: string, kind: string, origin: string, top: string | null, looks?: number, facts?: any}}
 *   PendingApproval
 */

const WAKE_MS = 800;
const DANGER_WAKE_MS = 2000;
/** Also keeps the background running while a person reads. */
const POLL_APPROVAL_MS = 20_000;

const root = byId("approve");
let drawn = "";
/** @type {HTMLButtonElement | null} */
let agreeButton = null;
let wakeMs = WAKE_MS;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let wakeTimer;

/** Whether the background has gone since the last request. */
let lost = false;
const ask = walletPort(
  () => void next(),
  (up) => {
    // Without the background the request is void.
    if (!up) blank();
    else if (lost) void next();
    lost = !up;
  },
  "approval",
);

/** Clears the window; a failure stays until it was read. */
function blank() {
  if (drawn.startsWith("trouble")) return;
  drawn = "";
  agreeButton = null;
  fill(root);
}

/** Disables the button until the window was undisturbed for the delay. */
function sleep() {
  clearTimeout(wakeTimer);
  if (!agreeButton) return;
  agreeButton.disabled = true;
  if (document.visibilityState !== "visible") return;
  const button = agreeButton;
  wakeTimer = setTimeout(() => {
    if (agreeButton === button) button.disabled = false;
  }, wakeMs);
}
for (const name of ["focus", "resize", "blur"]) addEventListener(name, sleep);
document.addEventListener("visibilitychange", sleep);

/**
 * Closes the window once the engine knows that it is empty: a request in the meantime is shown or gets another
 * window.
 */
async function leave() {
  blank();
  const { more } = await ask("approval.done").catch(() => ({ more: false }));
  if (more) return next();
  window.close();
}

/** Shows the next request. @returns {Promise<void>} */
async function next() {
  let response;
  try {
    response = await ask("approval.next");
  } catch (error) {
    return trouble(/** @type {{code?: string}} */ (error));
  }
  const { approval, locked, waiting } = response;
  if (!approval) {
    // A failure stays until it was read.
    return drawn.startsWith("trouble") ? undefined : leave();
  }
  const key = JSON.stringify([approval, locked]);
  if (key === drawn) return;
  drawn = key;
  agreeButton = null;
  fill(root, head(approval, waiting), ...(locked ? unlock() : question(approval)));
  /** @type {HTMLElement | null} */ (root.querySelector(locked ? "input" : "h1"))?.focus({ preventScroll: true });
  sleep();
}

/** @param {PendingApproval} asked @param {number} waiting */
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

/** @returns {Node[]} */
function unlock() {
  const password = field({ id: "password", label: t("password"), type: "password", autocomplete: "current-password" });
  const go = h("button", { type: "submit", class: "btn primary", form: "unlock", "data-key": "unlock" }, t("unlock"));
  const form = h("form", { class: "stack t", id: "unlock" }, password.node);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!event.isTrusted || go.disabled) return;
    go.disabled = true;
    try {
      await ask("approval.unlock", { password: password.input.value });
      password.input.value = "";
      await next();
    } catch (error) {
      const { cause, fix } = sentences(/** @type {{code?: string}} */ (error));
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
    h("footer", null, no(), go),
  ];
}

/** A button that closes the window, which rejects all requests. */
function no() {
  return press(h("button", { type: "button", class: "btn", "data-key": "close" }, t("approveNo")), () =>
    window.close(),
  );
}

/** @param {PendingApproval} approval @returns {Node[]} */
function question(approval) {
  const view = VIEWS[approval.kind]?.(approval.facts);
  if (!view) return [h("main"), h("footer", null, no())];
  wakeMs = view.danger ? DANGER_WAKE_MS : WAKE_MS;
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
      await ask("approval.answer", {
        approval: approval.id,
        agree: agreed,
        account: view.account(),
        looks: approval.looks,
      });
    } catch (error) {
      return trouble(/** @type {{code?: string}} */ (error));
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

/** @param {{code?: string}} error */
function trouble(error) {
  const { code, cause, fix } = sentences(error);
  drawn = `trouble ${code}`;
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

dress("GoMAA");
pressOnce();
// In a frame another page could draw over it.
if (window.top === window) {
  void next();
  setInterval(() => void next(), POLL_APPROVAL_MS);
}
