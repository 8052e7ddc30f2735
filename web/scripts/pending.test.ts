// @vitest-environment node
import { expect, test } from "vitest";
import { type Document, digests, joined, open, type Pending } from "./pending.ts";

const has: Document = {
  paths: { "/a": { get: { id: "a" } } },
  components: { schemas: { A: { type: "string" } } },
};

function pendingOf(paths: Pending["paths"], schemas: Pending["schemas"]): Pending {
  return { paths, schemas, instead_of: digests(has, paths, schemas) };
}

const wanted = pendingOf(
  { "/a": { post: { id: "new" } }, "/b": { get: { id: "b" } } },
  { A: { type: "integer" } },
);

test("what is pending is added, and counts", () => {
  expect(joined(has, wanted)).toEqual({
    paths: { "/a": { get: { id: "a" }, post: { id: "new" } }, "/b": { get: { id: "b" } } },
    components: { schemas: { A: { type: "integer" } } },
  });
});

test("it is pending for as long as the product has what it had", () => {
  expect(open(has, wanted)).toEqual(wanted);
});

test("what the product has by now is pending no longer, in whatever form", () => {
  const later: Document = {
    paths: { ...has.paths, "/b": { get: { id: "another b" } } },
    components: { schemas: { A: { type: "number" } } },
  };

  expect(open(later, wanted)).toEqual(pendingOf({ "/a": { post: { id: "new" } } }, {}));
});

test("in the end nothing is", () => {
  const later: Document = {
    paths: { "/a": { get: { id: "a" }, post: { id: "new" } }, "/b": { get: { id: "b" } } },
    components: { schemas: { A: { type: "integer" } } },
  };

  expect(open(later, wanted)).toBeNull();
});
