import { describe, expect, test } from "vitest";
import { isMissing, isPassing, Refusal, refusalOf, sentenceOf, Unreachable } from "./problems.ts";

function answered(status: number, headers: HeadersInit = {}): Response {
  return new Response(null, { status, headers });
}

describe("a problem document", () => {
  test("is a refusal with its code, its sentence and its own members", () => {
    const body = {
      code: "insufficient_credits",
      detail: "There are not enough credits for this task.",
      needed: 100,
      available: 40,
    };

    const refusal = refusalOf(answered(402), body);

    expect(refusal).toMatchObject({ status: 402, code: "insufficient_credits" });
    expect(refusal.members).toMatchObject({ needed: 100, available: 40 });
    expect(sentenceOf(refusal)).toBe("There are not enough credits for this task.");
  });

  test("names the fields as forms do", () => {
    const errors = [{ field: "body.email", message: "Value error, not an address" }];

    const { fields } = refusalOf(answered(422), { code: "invalid", detail: "…", errors });

    expect(fields).toEqual([{ field: "email", message: "Not an address" }]);
  });
});

test.each([
  [["body.amount_cents", "body.reason"], "Look again at what you entered: amount cents, reason."],
  [["query.agent_type"], "What the address asks for is not there."],
  [[], "What the address asks for is not there."],
])("what the checks of a request mind, %j, is told without the API's names", (places, sentence) => {
  const errors = places.map((field) => ({ field, message: "Input should be …" }));
  const detail = `The request is not valid: ${places.join(", ")}.`;

  expect(sentenceOf(refusalOf(answered(422), { code: "invalid", detail, errors }))).toBe(sentence);
});

test("an answer that is no problem document is explained without its inside", () => {
  const refusal = refusalOf(answered(500), "<html>Traceback…");

  expect(refusal.code).toBe("500");
  expect(sentenceOf(refusal)).not.toContain("Traceback");
});

test.each([
  ["30", "Too many tries. Try again in 30 seconds."],
  ["600", "Too many tries. Try again in 10 minutes."],
])("a wait of %s seconds is said", (seconds, sentence) => {
  const refusal = refusalOf(answered(429, { "retry-after": seconds }), { detail: "Slow down." });

  expect(sentenceOf(refusal)).toBe(sentence);
});

test("only an outage passes", () => {
  expect(isPassing(new Unreachable())).toBe(true);
  expect(isPassing(new Refusal(503, "unavailable", ""))).toBe(true);
  expect(isPassing(new Refusal(500, "internal", ""))).toBe(false);
  expect(isPassing(new Refusal(409, "conflict", ""))).toBe(false);
});

test("what has no id, and what has none of ours, is missing", () => {
  expect(isMissing(new Refusal(404, "not_found", ""))).toBe(true);
  expect(isMissing(new Refusal(422, "invalid", ""))).toBe(true);
  expect(isMissing(new Refusal(403, "forbidden", ""))).toBe(false);
});
