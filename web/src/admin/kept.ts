/** What somebody writes in a sheet that a key closes: kept in this window until it is sent. */
import { useState } from "react";

export interface Kept {
  text: string;
  write: (text: string) => void;
  forget: () => void;
}

export function useKept(name: string): Kept {
  const [text, setText] = useState(() => sessionStorage.getItem(name) ?? "");
  const write = (written: string) => {
    setText(written);
    sessionStorage.setItem(name, written);
  };
  const forget = () => sessionStorage.removeItem(name);
  return { text, write, forget };
}
