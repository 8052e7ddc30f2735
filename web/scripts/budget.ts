/** What the first load of each page costs, compressed; fails where one is over the budget.

    node scripts/budget.ts [the folder that was built, dist]
*/
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET = { js: 180_000, css: 10_000 };
const DIST = pathToFileURL(`${resolve(process.argv[2] ?? "dist")}/`);

interface Chunk {
  file: string;
  name?: string;
  imports?: string[];
  dynamicImports?: string[];
  css?: string[];
}

const chunks: Record<string, Chunk> = JSON.parse(
  readFileSync(new URL(".vite/manifest.json", DIST), "utf8"),
);
const sizes = new Map<string, number>();

function sizeOf(file: string): number {
  const known = sizes.get(file) ?? gzipSync(readFileSync(new URL(file, DIST)), { level: 9 }).length;
  sizes.set(file, known);
  return known;
}

/** A chunk and all that it cannot do without. */
function withImports(name: string, seen = new Set<string>()): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const other of chunks[name]?.imports ?? []) withImports(other, seen);
  return seen;
}

function costOf(page: string): { js: number; css: number } {
  const needed = [...withImports("index.html"), ...withImports(page)];
  const files = new Set(needed.map((name) => chunks[name]?.file ?? ""));
  const styles = new Set(needed.flatMap((name) => chunks[name]?.css ?? []));
  const sum = (names: Set<string>) => [...names].map(sizeOf).reduce((all, one) => all + one, 0);
  return { js: sum(files), css: sum(styles) };
}

/** What can wait until the page is there is no page. */
const LATER = /^(node_modules|src\/shell|src\/ui)\//;
const pages = (chunks["index.html"]?.dynamicImports ?? []).filter((name) => !LATER.test(name));
if (pages.length === 0) throw new Error("no pages in dist/: run npm run build first");

const rows = pages
  .map((page) => ({ page, ...costOf(page) }))
  .sort((one, other) => other.js - one.js);
for (const { page, js, css } of rows) {
  console.log(
    `${(js / 1000).toFixed(1).padStart(7)} kB JS ${(css / 1000).toFixed(1).padStart(5)} kB CSS  ${page}`,
  );
}
const over = rows.filter(({ js, css }) => js > BUDGET.js || css > BUDGET.css);
if (over.length > 0) {
  console.error(`over the budget of ${BUDGET.js / 1000} kB JS and ${BUDGET.css / 1000} kB CSS:`);
  console.error(over.map(({ page }) => page).join("\n"));
  process.exit(1);
}
