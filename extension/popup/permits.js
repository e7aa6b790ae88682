/**
 * Sites that may see an account: which one, since when, and taking it back.
 */

import { h, press } from "../ui/dom.js";
import { language, t } from "../ui/text.js";
import { moment } from "../ui/time.js";
import { short, siteName } from "./frame.js";

/** @typedef {{origin: string, top: string | null, account: string, name: string, time_s: number}} Permit */

/**
 * @param {import("./popup.js").App} app
 * @param {() => Promise<void>} done
 */
export async function permits(app, done) {
  /** @type {Permit[]} */
  const all = (await app.ask("wallet.permits")).permits ?? [];
  return h(
    "section",
    { class: "stack t", "data-key": "permits" },
    h("h2", { class: "h" }, t("permitsTitle")),
    all.length === 0
      ? h("p", { class: "s dim" }, t("permitsNone"))
      : h(
          "ul",
          { class: "list card" },
          all.map((permit) =>
            h(
              "li",
              null,
              h(
                "span",
                { class: "grow stack z" },
                h("b", { class: "whole", title: permit.origin }, siteName(permit.origin)),
                permit.top
                  ? h("span", { class: "xs faint clip", title: permit.top }, t("permitInside", permit.top))
                  : null,
                h(
                  "span",
                  { class: "xs faint clip", title: permit.account },
                  t("permitSees", permit.name || short(permit.account), moment(permit.time_s, language())),
                ),
              ),
              press(
                h(
                  "button",
                  {
                    type: "button",
                    class: "btn small",
                    "data-key": "permit-revoke",
                    "aria-label": `${t("permitRevoke")}: ${permit.origin}`,
                  },
                  t("permitRevoke"),
                ),
                async () => {
                  await app.ask("wallet.permit.revoke", { origin: permit.origin, top: permit.top });
                  await done();
                },
              ),
            ),
          ),
        ),
  );
}
