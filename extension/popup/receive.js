/**
 * Receive: the whole address, and its QR code.
 */

import { h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { copyOnPress } from "../ui/pieces.js";
import { qr } from "../ui/qr.js";
import { t } from "../ui/text.js";
import { address, backBar, middle } from "./frame.js";

/**
 * @param {import("./app.js").App} app
 * @returns {Node[]}
 */
export function receive(app) {
  const ownAddress = app.model.summary?.address || app.model.status?.address || "";
  if (!ownAddress) return [backBar(app, t("receive"), "home"), middle(h("p", { class: "dim" }, t("starting")))];
  return [
    backBar(app, t("receive"), "home"),
    middle(
      h(
        "section",
        { class: "card stack centre" },
        h("div", { class: "frame-qr" }, qr(ownAddress, t("qrLabel"))),
        address(ownAddress),
      ),
      h("div", { class: "note" }, icon("coin"), h("span", null, t("receiveNote"))),
      h("p", { class: "s dim" }, t("receiveRewards")),
    ),
    h(
      "footer",
      null,
      copyOnPress(
        h("button", { type: "button", class: "btn primary", "data-key": "copy" }, icon("copy"), t("copyAddress")),
        () => ownAddress,
      ),
    ),
  ];
}
