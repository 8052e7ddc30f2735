/** A page whose code is fetched when it is first gone to, or pointed at; where nobody answers it is asked for again. */
import { type ComponentType, use } from "react";
import { Unreachable } from "~/api/problems.ts";
import { fetchAgain, isNotFetched } from "~/ui/code.ts";

export function lazyPage<Name extends string>(
  fetchCode: () => Promise<Record<Name, ComponentType>>,
  name: Name,
) {
  let Whole: ComponentType | undefined;
  let fetching: Promise<void> | undefined;
  let lost: { because: unknown } | null = null;

  /** The router asks for the code before it shows the page, and again with each try. */
  function preload(): Promise<void> {
    if (fetching !== undefined && lost === null) return fetching;
    const before = lost?.because;
    lost = null;
    const code = isNotFetched(before) ? fetchAgain(fetchCode, before) : fetchCode();
    fetching = code.then(
      ({ [name]: Came }) => {
        Whole = Came;
      },
      (flaw: unknown) => {
        lost = { because: flaw };
        throw isNotFetched(flaw) ? new Unreachable() : flaw;
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
