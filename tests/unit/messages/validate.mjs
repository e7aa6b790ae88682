/**
 * Validates values by docs/protocol.schema.json: each line of the input is [definition, values], each line of the
 * output whether the values are valid. The validator is that of web-ext's linter.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { resolve } = createRequire(import.meta.url);
const { default: Ajv } = createRequire(resolve("addons-linter/package.json"))("ajv/dist/2020.js");

const schema = JSON.parse(readFileSync(new URL("../../../docs/protocol.schema.json", import.meta.url), "utf8"));
const ajv = new Ajv({ strict: true, strictTypes: false, allowUnionTypes: true, keywords: ["lines"] });
ajv.addSchema(schema, "protocol");

for await (const line of createInterface({ input: process.stdin })) {
  const [name, values] = JSON.parse(line);
  const validate = ajv.getSchema(`protocol#/$defs/${name}`);
  process.stdout.write(`${JSON.stringify(values.map((/** @type {unknown} */ value) => validate(value)))}\n`);
}
