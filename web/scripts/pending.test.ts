// @vitest-environment node
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { merged } from "./pending.ts";

function read(name: string) {
  return JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), "utf8"));
}

test("what the product has counts, what it does not have yet is added", () => {
  const base = { paths: { "/a": { get: { id: "theirs" } } }, list: [{ name: "limit" }] };
  const pending = {
    paths: { "/a": { get: { id: "ours" } }, "/b": {} },
    list: [{ name: "limit", x: 1 }, { name: "q" }],
  };

  expect(merged(base, pending)).toEqual({
    paths: { "/a": { get: { id: "theirs" } }, "/b": {} },
    list: [{ name: "limit" }, { name: "q" }],
  });
});

test("nothing is promised that the product has", () => {
  const has = read("openapi.json").paths;
  const promised = Object.entries(read("pending.openapi.json").paths as Record<string, object>);

  const kept = promised.flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method, promise]) => has[path]?.[method] && "responses" in promise)
      .map(([method]) => `${method} ${path}`),
  );

  expect(kept).toEqual([]);
});
