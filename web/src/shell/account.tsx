/** The account's panel: where else to go, how it shall look, and the way out. */
import { Link, useRouter } from "@tanstack/react-router";
import { LogOut } from "lucide-react";
import { useId, useRef } from "react";
import { sentenceOf } from "~/api/problems.ts";
import { useProduct, useSession } from "~/product.ts";
import { AppearanceChoice } from "~/theme/choice.tsx";
import { notifyProblem } from "~/ui/notify.ts";
import { ADMIN, PLACES, type Place, SETTINGS } from "./places.ts";

const LINE =
  "flex min-h-10 w-full items-center gap-3 rounded-small px-3 text-body text-left hover:bg-hover focus-visible:outline-offset-[-3px]";

export function Account() {
  const id = useId();
  const panel = useRef<HTMLDivElement>(null);
  const state = useSession();
  if (state.status !== "signed-in") return null;
  const close = () => panel.current?.hidePopover?.();
  return (
    <>
      <button
        type="button"
        popoverTarget={id}
        className="grid size-9 shrink-0 place-items-center rounded-full bg-ink font-semibold text-body text-page uppercase"
        aria-label={`Account: ${state.email}`}
      >
        {state.email.charAt(0)}
      </button>
      <div
        id={id}
        ref={panel}
        popover="auto"
        className="fixed inset-auto top-[3.75rem] right-3 m-0 w-72 animate-rise rounded-card border border-line bg-card p-2 text-ink shadow-floating"
      >
        <p className="truncate px-3 pt-2 pb-1 font-medium text-body" title={state.email}>
          {state.email}
        </p>
        <nav aria-label="Account" className="grid py-1">
          {PLACES.map((place) => (
            <span key={place.to} className="tablet:hidden">
              <PlaceLine place={place} onGo={close} />
            </span>
          ))}
          <PlaceLine place={SETTINGS} onGo={close} />
          {state.isAdmin && <PlaceLine place={ADMIN} onGo={close} />}
        </nav>
        <div className="border-line border-t px-3 py-3">
          <AppearanceChoice />
        </div>
        <div className="border-line border-t pt-1">
          <SignOut />
        </div>
      </div>
    </>
  );
}

function PlaceLine({ place: { to, name, icon: Icon }, onGo }: { place: Place; onGo: () => void }) {
  return (
    <Link to={to} className={LINE} onClick={onGo}>
      <Icon size={18} className="text-soft" aria-hidden="true" />
      {name}
    </Link>
  );
}

function SignOut() {
  const leave = useSignOut();
  return (
    <button type="button" className={LINE} onClick={() => void leave()}>
      <LogOut size={18} className="text-soft" aria-hidden="true" />
      Sign out
    </button>
  );
}

/** Sign out, and go where one can come back in. */
export function useSignOut(): () => Promise<void> {
  const { session } = useProduct();
  const router = useRouter();
  return async () => {
    try {
      await session.end();
      await router.navigate({ to: "/login" });
    } catch (problem) {
      notifyProblem(sentenceOf(problem));
    }
  };
}
