/** Light, dark, or as the device says: kept in this browser, applied before the first paint by public/appearance.js. */
import { useSyncExternalStore } from "react";

export const APPEARANCES = ["system", "light", "dark"] as const;
export type Appearance = (typeof APPEARANCES)[number];

const KEY = "appearance";
const DARK = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

export function appearance(): Appearance {
  const chosen = document.documentElement.dataset.appearance;
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

export function choose(chosen: Appearance): void {
  if (chosen === "system") {
    delete document.documentElement.dataset.appearance;
    localStorage.removeItem(KEY);
  } else {
    document.documentElement.dataset.appearance = chosen;
    localStorage.setItem(KEY, chosen);
  }
  for (const listener of listeners) listener();
}

export function useAppearance(): Appearance {
  return useSyncExternalStore(subscribe, appearance);
}

/** Whether the page is dark now, whoever decided that. */
export function useDark(): boolean {
  const chosen = useAppearance();
  const isDevicesDark = useSyncExternalStore(followDevice, () => DARK.matches);
  return chosen === "system" ? isDevicesDark : chosen === "dark";
}

function followDevice(listener: () => void): () => void {
  DARK.addEventListener("change", listener);
  return () => DARK.removeEventListener("change", listener);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
