import { afterEach, expect, test } from "vitest";
import { aQuote } from "~/testing/tasks.ts";
import { draftOf, keepDraft } from "./drafts.ts";
import { NOTHING } from "./order.ts";

const MINUTE = 60_000;
const sending = {
  description: "Find leads",
  agentType: null,
  key: "key",
  quote: aQuote(),
  since: 0,
};

afterEach(() => localStorage.clear());

test("a draft outlives the page, for its own writer", () => {
  keepDraft(localStorage, "usr_1", { ...NOTHING, description: "Find", agentType: "research" });

  expect(draftOf(localStorage, "usr_1", 0)).toMatchObject({
    description: "Find",
    agentType: "research",
  });
  expect(draftOf(localStorage, "usr_2", 0)).toEqual(NOTHING);
});

test("an order on its way keeps its key, so that it is sent again and not anew", () => {
  keepDraft(localStorage, "usr_1", { ...NOTHING, description: "Find leads", sending });

  expect(draftOf(localStorage, "usr_1", MINUTE).sending).toEqual(sending);
});

test("an order of long ago is a draft again", () => {
  keepDraft(localStorage, "usr_1", { ...NOTHING, description: "Find leads", sending });

  const draft = draftOf(localStorage, "usr_1", 11 * MINUTE);

  expect(draft.sending).toBeNull();
  expect(draft.description).toBe("Find leads");
});

test("nothing is kept of nothing", () => {
  keepDraft(localStorage, "usr_1", { ...NOTHING, description: "Find" });
  keepDraft(localStorage, "usr_1", NOTHING);

  expect(localStorage.length).toBe(0);
});

test("what somebody else left there is no draft", () => {
  localStorage.setItem("draft of usr_1", "{");

  expect(draftOf(localStorage, "usr_1", 0)).toEqual(NOTHING);
});
