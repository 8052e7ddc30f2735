// @vitest-environment node
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test("the types are those of the committed document", () => {
  const script = fileURLToPath(new URL("./api.ts", import.meta.url));

  expect(() => execFileSync(process.execPath, [script, "--check"])).not.toThrow();
});
