/** What can wait until the page has been shown. */
import { useEffect, useState } from "react";

const LATER_MS = 300;

export function useLater(): boolean {
  const [isLater, setLater] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLater(true), LATER_MS);
    return () => clearTimeout(timer);
  }, []);
  return isLater;
}
