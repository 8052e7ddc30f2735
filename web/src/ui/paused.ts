/** What is being written, told when the writer pauses. */
import { useEffect, useState } from "react";

export const TYPING_MS = 300;

export function usePaused(written: string): string {
  const [told, tell] = useState(written);
  useEffect(() => {
    const timer = setTimeout(() => tell(written), TYPING_MS);
    return () => clearTimeout(timer);
  }, [written]);
  return told;
}
