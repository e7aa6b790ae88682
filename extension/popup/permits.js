/**
 * Permissions of sites to see an account.
 */

import { h, press } from "../ui/dom.js";
import { language, t } from "../ui/text.js";
import { moment } from "../ui/time.js";
import { short, siteName } from "./frame.js";

/**
 * The list of permits.
 * @param {import("./app.js").App} app
 * @param {() => Promise<void>} done called after one was revoked
 */
export async function permits(app, done) {
  const all = (await app.request("wallet.permits")).permits ?? [];
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
                  await app.request("wallet.permit.revoke", { origin: permit.origin, top: permit.top });
                  await done();
                },
              ),
            ),
          ),
        ),
  );
}
