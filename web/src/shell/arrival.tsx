/** After every way to another page: its heading has the focus, and is what is read out. */
import { useRouter } from "@tanstack/react-router";
import { useEffect } from "react";

export function Arrival() {
  const router = useRouter();
  useEffect(
    () =>
      router.subscribe("onRendered", ({ fromLocation, pathChanged }) => {
        const isFirst = fromLocation === undefined;
        if (!isFirst && pathChanged) document.querySelector<HTMLElement>("h1")?.focus();
      }),
    [router],
  );
  return null;
}
