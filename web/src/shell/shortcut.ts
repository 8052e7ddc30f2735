/** A key pressed with Ctrl or ⌘. */
import { useEffect, useEffectEvent } from "react";

export function useShortcut(key: string, act: () => void): void {
  const press = useEffectEvent((event: KeyboardEvent) => {
    if (event.key.toLowerCase() !== key || !(event.metaKey || event.ctrlKey) || event.shiftKey)
      return;
    event.preventDefault();
    act();
  });
  useEffect(() => {
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}
