/** Makes src/api/schema.d.ts from openapi.json, and from what pending.openapi.json promises until the product has it.

    node scripts/api.ts            write it
    node scripts/api.ts --check    change nothing; fail if it is stale
*/
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString, type OpenAPI3 } from "openapi-typescript";
import { merged } from "./pending.ts";

const FILE = new URL("../src/api/schema.d.ts", import.meta.url);

function read(name: string): OpenAPI3 {
  return JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), "utf8"));
}

const document = merged(read("openapi.json"), read("pending.openapi.json"));
const text = astToString(await openapiTS(document));

if (!process.argv.includes("--check")) {
  writeFileSync(FILE, text);
} else if (readFileSync(FILE, "utf8") !== text) {
  console.error("stale, run npm run api: src/api/schema.d.ts");
  process.exit(1);
}
