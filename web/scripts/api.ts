/** Makes src/api/schema.d.ts from openapi.json.

    node scripts/api.ts            write it
    node scripts/api.ts --check    change nothing; fail if it is stale
*/
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const TYPES = new URL("../src/api/schema.d.ts", import.meta.url);

const product = new URL("../openapi.json", import.meta.url);
const types = astToString(await openapiTS(product, { defaultNonNullable: false }));

if (process.argv.includes("--check")) check();
else writeFileSync(TYPES, types);

function check(): void {
  if (readFileSync(TYPES, "utf8") === types) return;
  console.error("stale, run npm run api: src/api/schema.d.ts");
  process.exit(1);
}
