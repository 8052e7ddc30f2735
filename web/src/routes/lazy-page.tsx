/** A page whose code is fetched when it is first gone to, or pointed at; where nobody answers it is asked for again. */
import { type ComponentType, use } from "react";
import { Unreachable } from "~/api/problems.ts";

/* What browsers and Vite say of a file that did not come; a page that is broken says something else. */
const NOT_FETCHED = /dynamically imported module|importing a module script|preload css/i;

export function lazyPage<Name extends string>(
  fetchCode: () => Promise<Record<Name, ComponentType>>,
  name: Name,
) {
  let Whole: ComponentType | undefined;
  let fetching: Promise<void> | undefined;
  let isLost = false;

  /** The router asks for the code before it shows the page, and again with each try. */
  function preload(): Promise<void> {
    if (fetching !== undefined && !isLost) return fetching;
    isLost = false;
    fetching = fetchCode().then(
      (code) => {
        Whole = code[name];
      },
      (flaw: unknown) => {
        isLost = true;
        throw reasonOf(flaw);
      },
    );
    return fetching;
  }

  // biome-ignore lint/correctness/noComponentHookFactories: made once for each route, by its module
  function LazyPage() {
    if (Whole === undefined) use(fetching ?? preload());
    return Whole && <Whole />;
  }
  return Object.assign(LazyPage, { preload });
}

function reasonOf(flaw: unknown): unknown {
  const isAway = flaw instanceof Error && NOT_FETCHED.test(flaw.message);
  return isAway ? new Unreachable() : flaw;
}
