import { expect, test, vi } from "vitest";
import { fetchAgain, fetchAtLast } from "./code.ts";

const GONE = new TypeError("Failed to fetch dynamically imported module: /assets/far.js");
const BARE = new Error("Unable to preload CSS for /assets/far.css");

test("a part whose code does not come is fetched once the network is back", async () => {
  const fetching = vi.fn(() => Promise.resolve("code")).mockRejectedValueOnce(GONE);

  const part = fetchAtLast(fetching);
  await vi.waitFor(() => expect(fetching).toHaveBeenCalledTimes(1));
  await Promise.resolve();
  window.dispatchEvent(new Event("online"));

  expect(await part).toBe("code");
  expect(fetching).toHaveBeenCalledTimes(2);
});

test("a part that is broken is not fetched again", async () => {
  const broken = new TypeError("undefined is not a function");
  const fetching = vi.fn(() => Promise.reject(broken));

  await expect(fetchAtLast(fetching)).rejects.toBe(broken);
  expect(fetching).toHaveBeenCalledTimes(1);
});

test("a style that did not come is there before its code", async () => {
  const fetching = vi.fn(() => Promise.resolve("code"));
  const link = () => document.head.querySelector<HTMLLinkElement>("link[href='/assets/far.css']");

  const lost = fetchAgain(fetching, BARE);
  link()?.dispatchEvent(new Event("error"));
  await expect(lost).rejects.toBe(BARE);
  expect(link()).toBeNull();
  expect(fetching).not.toHaveBeenCalled();

  const found = fetchAgain(fetching, BARE);
  link()?.dispatchEvent(new Event("load"));
  expect(await found).toBe("code");
});
