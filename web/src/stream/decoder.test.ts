import { expect, test } from "vitest";
import { Decoder } from "./decoder.ts";

test("an event is complete with the empty line after it", () => {
  const decoder = new Decoder();

  expect(decoder.take("event: task\nid: 7\nda")).toEqual([]);
  expect(decoder.take('ta: {"a":1}\n')).toEqual([]);
  expect(decoder.take("\n")).toEqual([{ id: "7", event: "task", data: '{"a":1}' }]);
});

test("a piece may hold several events, and the beginning of another", () => {
  const decoder = new Decoder();

  const events = decoder.take("id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\n");

  expect(events.map(({ id, data }) => [id, data])).toEqual([
    ["1", "a"],
    ["2", "b"],
  ]);
  expect(decoder.take("data: c\n\n")).toEqual([{ id: "3", event: "message", data: "c" }]);
});

test("comments say only that the line is open", () => {
  expect(new Decoder().take(": ping\n\n: ping\n\n")).toEqual([]);
});

test("data of several lines is one text", () => {
  expect(new Decoder().take("data: a\ndata:  b\n\n")[0]?.data).toBe("a\n b");
});

test("carriage returns are line ends too, wherever the pieces are cut", () => {
  const decoder = new Decoder();

  const events = ["data: a\r", "\n\r", "\ndata: b\r\n\r\n"].flatMap((piece) => decoder.take(piece));

  expect(events.map(({ data }) => data)).toEqual(["a", "b"]);
});
