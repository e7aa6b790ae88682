/**
 * Accounts of the same recovery words, and the address book.
 */

import { fill, h, press } from "../ui/dom.js";
import { icon, iconButton } from "../ui/icons.js";
import { field } from "../ui/pieces.js";
import { problemTexts, t } from "../ui/text.js";
import { form } from "./form.js";
import { backBar, middle, short } from "./frame.js";

/** @typedef {import("./app.js").App} App */

/** The name of an account, or its number. @param {{index: number, name: string}} account */
export const accountName = ({ index, name }) => name || t("accountNumber", index + 1);

/**
 * The screen "accounts".
 * @param {App} app
 * @returns {Node[]}
 */
export function accounts(app) {
  const list = h("ul", { class: "list card" });
  const name = field({ id: "name", label: t("accountName"), hint: t("accountNameHint") });
  const more = form({ fields: [name.node], submit: t("accountAdd"), busy: t("starting"), kind: "" }, async () => {
    await app.request("wallet.account.add", { name: name.input.value });
    name.input.value = "";
    await draw();
  });
  const draw = async () => {
    const { accounts: all = [], current } = await app.request("wallet.accounts");
    fill(
      list,
      all.map((account) =>
        h(
          "li",
          null,
          press(
            h(
              "button",
              {
                type: "button",
                class: "item",
                "data-key": `account-${account.index}`,
                "aria-pressed": String(account.address === current),
              },
              icon(account.address === current ? "settled" : "open"),
              h(
                "span",
                { class: "grow stack z" },
                h("b", { class: "clip" }, accountName(account)),
                h("span", { class: "xs faint mono" }, short(account.address)),
              ),
            ),
            async () => {
              await app.request("wallet.account.use", { index: account.index });
              await app.refresh();
              app.go("home");
            },
          ),
        ),
      ),
    );
  };
  void draw().catch((error) => more.showFailure(error));
  return [
    backBar(app, t("accounts"), "settings"),
    middle(h("p", { class: "s dim" }, t("accountsLead")), list, more.node),
  ];
}

/**
 * The screen "contacts".
 * @param {App} app
 * @returns {Node[]}
 */
export function contacts(app) {
  const list = h("ul", { class: "list card", hidden: true });
  const nameField = field({ id: "name", label: t("contactName") });
  const addressField = field({ id: "address", label: t("contactAddress"), hint: t("sendToHint"), area: true });
  addressField.input.setAttribute("rows", "2");
  const more = form(
    { fields: [nameField.node, addressField.node], submit: t("contactAdd"), busy: t("starting"), kind: "" },
    async () => {
      addressField.fail("");
      nameField.fail("");
      try {
        await app.request("wallet.contact.save", {
          name: nameField.input.value,
          address: addressField.input.value.trim(),
        });
        nameField.input.value = addressField.input.value = "";
      } catch (error) {
        const { code, cause, fix } = problemTexts(/** @type {{code?: string}} */ (error));
        if (code === "wallet.recipient") return addressField.fail(`${cause}. ${fix}`);
        if (code === "message.schema") return nameField.fail(t("contactNameMissing"));
        throw error;
      }
      await draw();
    },
  );
  const draw = async () => {
    const { contacts: all = [] } = await app.request("wallet.contacts");
    list.hidden = all.length === 0;
    fill(
      list,
      all.map(({ address, name: contact }) =>
        h(
          "li",
          null,
          h(
            "span",
            { class: "grow stack z" },
            h("b", { class: "clip", title: contact }, contact),
            h("span", { class: "xs faint mono", title: address }, short(address)),
          ),
          press(iconButton("close", t("contactRemove", contact), "small"), async () => {
            await app.request("wallet.contact.remove", { address });
            await draw();
          }),
        ),
      ),
    );
  };
  void draw().catch((error) => more.showFailure(error));
  return [backBar(app, t("addressBook"), "settings"), middle(list, more.node)];
}
