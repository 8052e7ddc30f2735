/** Before the tests of a worker: what browsers have and jsdom has not. */
import { configure } from "@testing-library/react";
import { vi } from "vitest";

configure({
  asyncUtilTimeout: 20_000, // machines that do other things besides
  getElementError: (message) => new Error(message ?? "not found"),
});

if (typeof window !== "undefined") {
  window.scrollTo = () => {};
  Element.prototype.scrollIntoView = () => {};
  window.ResizeObserver = class {
    observe() {}
    unobserve() {}
    disconnect() {}
  };
  window.matchMedia = (media) => Object.assign(new EventTarget(), unmatched(media));
}

function unmatched(media: string): Omit<MediaQueryList, keyof EventTarget> {
  return { media, matches: false, onchange: null, addListener: vi.fn(), removeListener: vi.fn() };
}
