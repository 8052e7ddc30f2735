/** The header of every page: where one is, where one can go, what is left to spend. */
import { Link } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useSession } from "~/product.ts";
import { buttonLook, IconButton } from "~/ui/button.tsx";
import { Account } from "./account.tsx";
import { CreditsChip } from "./credits-chip.tsx";
import { LinkState } from "./link-state.tsx";
import { Name } from "./mark.tsx";
import { placesOf } from "./places.ts";

export function Header({ onPalette }: { onPalette: () => void }) {
  const state = useSession();
  const isIn = state.status === "signed-in";
  return (
    <header className="sticky top-0 z-30 h-14 border-line border-b bg-page/85 backdrop-blur-xl">
      <div className="mx-auto flex h-full items-center gap-3 px-4 tablet:px-6">
        <Link
          to={isIn ? "/dashboard" : "/login"}
          className="flex rounded-small"
          aria-label="ImpacterAGI"
        >
          <Name />
        </Link>
        {isIn && <Navigation isAdmin={state.isAdmin} />}
        <div className="ml-auto flex items-center gap-2">
          {isIn ? <Own onPalette={onPalette} /> : <Doors />}
        </div>
      </div>
    </header>
  );
}

function Navigation({ isAdmin }: { isAdmin: boolean }) {
  return (
    <nav aria-label="Main" className="ml-4 hidden tablet:block">
      <ul className="flex items-center gap-1">
        {placesOf({ isAdmin }).map(({ to, name }) => (
          <li key={to}>
            <Link
              to={to}
              className="rounded-full px-3 py-1.5 text-body text-soft transition-colors hover:text-ink aria-[current=page]:bg-well aria-[current=page]:font-medium aria-[current=page]:text-ink"
            >
              {name}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Own({ onPalette }: { onPalette: () => void }) {
  return (
    <>
      <LinkState />
      <CreditsChip />
      <span className="hidden tablet:inline">
        <IconButton
          label="Search and commands (Ctrl K)"
          onClick={onPalette}
          aria-keyshortcuts="Control+K Meta+K"
        >
          <Search size={18} aria-hidden="true" />
        </IconButton>
      </span>
      <Account />
    </>
  );
}

function Doors() {
  return (
    <>
      <Link to="/login" className={buttonLook({ look: "quiet", size: "compact" })}>
        Sign in
      </Link>
      <Link to="/signup" className={buttonLook({ look: "primary", size: "compact" })}>
        Sign up
      </Link>
    </>
  );
}
