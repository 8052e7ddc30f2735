/** What stands around the pages. */
import { Outlet } from "@tanstack/react-router";
import { Suspense, useState } from "react";
import { Announcer } from "~/ui/announcer.tsx";
import { lazyPart } from "~/ui/code.ts";
import { Arrival } from "./arrival.tsx";
import { Header } from "./header.tsx";
import { useLater } from "./later.ts";
import { Name } from "./mark.tsx";
import { Outcomes } from "./outcomes.tsx";
import { useShortcut } from "./shortcut.ts";
import { Waiting } from "./waiting.tsx";

const Toasts = lazyPart(() => import("~/ui/toasts.tsx").then(({ Toasts }) => Toasts));
const Palette = lazyPart(() => import("./palette.tsx").then(({ Palette }) => Palette));

export function Frame() {
  const isLater = useLater();
  return (
    <Announcer>
      <Arrival />
      <Outlet />
      <Suspense>{isLater && <Toasts />}</Suspense>
    </Announcer>
  );
}

export function ProductFrame() {
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  const openPalette = () => {
    closePanels();
    setPaletteOpen(true);
  };
  useShortcut("k", openPalette);
  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#content"
        className="sr-only z-50 rounded-full bg-card px-4 py-2 text-link shadow-floating focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to the content
      </a>
      <Header onPalette={openPalette} />
      <main id="content" className="flex flex-1 flex-col">
        <div className="flex-1">
          <Outlet />
        </div>
      </main>
      <Outcomes />
      <Suspense>{isPaletteOpen && <Palette onClose={() => setPaletteOpen(false)} />}</Suspense>
    </div>
  );
}

/** The same before it is known who is there. */
export function WaitingFrame() {
  return (
    <div className="min-h-dvh">
      <div className="flex h-14 items-center border-line border-b px-4 tablet:px-6">
        <Name />
      </div>
      <main id="content">
        <Waiting />
      </main>
    </div>
  );
}

export function EntranceFrame() {
  return (
    <main id="content" className="grid min-h-dvh grid-rows-[1fr_auto] px-4">
      <div className="mx-auto grid w-full max-w-md content-center gap-8 py-12">
        <div className="justify-self-center">
          <Name />
        </div>
        <Outlet />
      </div>
      <p className="pb-8 text-center text-caption text-soft">
        Nothing paid is ever lost, nothing undelivered is ever charged.
      </p>
    </main>
  );
}

/** Close what is open in the top layer, which the palette would lie under. */
function closePanels(): void {
  for (const panel of document.querySelectorAll<HTMLElement>("[popover]")) panel.hidePopover?.();
}
