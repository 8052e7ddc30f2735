/** Makes src/api/schema.d.ts from openapi.json, and from pending.openapi.json while the product lacks what is in it.

    node scripts/api.ts            write it
    node scripts/api.ts --check    change nothing; fail if it is stale
*/
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import openapiTS, { astToString, type OpenAPI3 } from "openapi-typescript";
import { type Document, joined, open, type Pending } from "./pending.ts";

const TYPES = new URL("../src/api/schema.d.ts", import.meta.url);
const PENDING = new URL("../pending.openapi.json", import.meta.url);

const product: Document = read(new URL("../openapi.json", import.meta.url));
const pending: Pending | null = existsSync(PENDING) ? open(product, read(PENDING)) : null;
const whole = pending === null ? product : joined(product, pending);
const types = astToString(
  await openapiTS(whole as unknown as OpenAPI3, { defaultNonNullable: false }),
);

if (process.argv.includes("--check")) check();
else write();

function read<Content>(file: URL): Content {
  return JSON.parse(readFileSync(file, "utf8"));
}

function write(): void {
  writeFileSync(TYPES, types);
  if (pending === null) rmSync(PENDING, { force: true });
  else writeFileSync(PENDING, `${JSON.stringify(pending, null, 1)}\n`);
}

function check(): void {
  if (readFileSync(TYPES, "utf8") === types) return;
  console.error("stale, run npm run api: src/api/schema.d.ts");
  process.exit(1);
}
