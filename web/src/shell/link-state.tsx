/** Whether this page is live; nothing is said while it is, or for a short break. */
import { WifiOff } from "lucide-react";
import { useEffect, useState, useSyncExternalStore } from "react";
import { useLink } from "~/product.ts";
import { Pill } from "~/ui/pill.tsx";
import { Spinner } from "~/ui/spinner.tsx";

const SHORT_MS = 1_200;

export function LinkState() {
  const isOnline = useSyncExternalStore(whileOnline, () => navigator.onLine);
  const isLost = useLasting(useLink() === "lost", SHORT_MS);
  return (
    <span role="status" className="contents">
      {isOnline ? isLost && <Reconnecting /> : <Offline />}
    </span>
  );
}

function Reconnecting() {
  return (
    <Pill tone="warn">
      <Spinner size={12} />
      <span className="max-tablet:sr-only">Reconnecting…</span>
    </Pill>
  );
}

function Offline() {
  return (
    <Pill tone="warn">
      <WifiOff size={13} aria-hidden="true" />
      <span className="max-tablet:sr-only">Offline</span>
    </Pill>
  );
}

/** True once it has been true for this long. */
function useLasting(isTrue: boolean, milliseconds: number): boolean {
  const [isLasting, setLasting] = useState(false);
  useEffect(() => {
    if (!isTrue) return setLasting(false);
    const timer = setTimeout(() => setLasting(true), milliseconds);
    return () => clearTimeout(timer);
  }, [isTrue, milliseconds]);
  return isTrue && isLasting;
}

function whileOnline(listener: () => void): () => void {
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
}
