/** The command palette: everything that can be gone to or done, found by a few letters. */
import { type InfiniteData, keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { LogOut, type LucideIcon, Moon, SquarePen, Sun } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useProduct, useSession } from "~/product.ts";
import type { Summary } from "~/tasks/keys.ts";
import { historyQuery } from "~/tasks/queries.ts";
import { choose } from "~/theme/appearance.ts";
import { usePaused } from "~/ui/paused.ts";
import { useSignOut } from "./account.tsx";
import { fitting } from "./fitting.ts";
import { placesOf, SETTINGS } from "./places.ts";

const WORDS_MAX = 200;

export function Palette({ onClose }: { onClose: () => void }) {
  useGivenBack();
  const navigate = useNavigate();
  const signOut = useSignOut();
  const state = useSession();
  const [written, setWritten] = useState("");
  const words = usePaused(written.trim());
  const places = [
    ...placesOf({ isAdmin: state.status === "signed-in" && state.isAdmin }),
    SETTINGS,
  ];
  const done = (act: () => void) => () => {
    onClose();
    act();
  };
  return (
    <Command.Dialog
      open
      onOpenChange={onClose}
      label="Search and commands"
      loop
      filter={fitting}
      overlayClassName="fixed inset-0 z-40 bg-veil animate-appear"
      contentClassName="fixed z-50 inset-x-4 top-[12vh] mx-auto max-w-xl overflow-hidden rounded-card bg-card text-ink shadow-floating animate-rise focus:outline-none"
    >
      <Command.Input
        value={written}
        onValueChange={setWritten}
        maxLength={WORDS_MAX}
        placeholder="Search your tasks, or say where to go…"
        className="w-full border-line border-b bg-transparent px-5 py-4 text-lead focus:outline-none"
      />
      <Command.List className="max-h-[50vh] overflow-y-auto overscroll-contain p-2">
        <Command.Empty className="px-4 py-8 text-center text-soft">Nothing fits.</Command.Empty>
        <Group heading="Do">
          <Item icon={SquarePen} onSelect={done(() => void navigate({ to: "/dashboard" }))}>
            New task
          </Item>
          <Item icon={Sun} onSelect={done(() => choose("light"))}>
            Light appearance
          </Item>
          <Item icon={Moon} onSelect={done(() => choose("dark"))}>
            Dark appearance
          </Item>
          <Item icon={LogOut} onSelect={done(() => void signOut())}>
            Sign out
          </Item>
        </Group>
        <Group heading="Go to">
          {places.map(({ to, name, icon }) => (
            <Item key={to} icon={icon} onSelect={done(() => void navigate({ to }))}>
              {name}
            </Item>
          ))}
        </Group>
        <Tasks
          words={words}
          onChoose={(task) => done(() => void navigate({ to: "/dashboard", search: { task } }))()}
        />
      </Command.List>
    </Command.Dialog>
  );
}

/** Gives the focus back to what had it, unless another page has taken it. */
function useGivenBack(): void {
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      setTimeout(() => {
        const there = before?.isConnected ? before : document.querySelector("h1");
        const isFree = document.activeElement === document.body;
        if (isFree && there instanceof HTMLElement) there.focus();
      });
    },
    [before],
  );
}

interface TasksProps {
  words: string;
  onChoose: (taskId: string) => void;
}

/** The newest tasks, and older ones that have the words. */
function Tasks({ words, onChoose }: TasksProps) {
  const { api } = useProduct();
  const { data: newest } = useInfiniteQuery(historyQuery(api, {}));
  const { data: found, isPlaceholderData } = useInfiniteQuery({
    ...historyQuery(api, { q: words }),
    enabled: words !== "",
    placeholderData: keepPreviousData,
  });
  const ofServer = isPlaceholderData ? [] : listed(found).map(({ task_id }) => task_id);
  const tasks = new Map([...listed(newest), ...listed(found)].map((task) => [task.task_id, task]));
  if (tasks.size === 0) return null;
  return (
    <Group heading="Tasks">
      {[...tasks.values()].map(({ task_id, description }) => (
        <Item
          key={task_id}
          value={task_id}
          // what the server found fits, whatever it found it by
          keywords={ofServer.includes(task_id) ? [description, words] : [description]}
          onSelect={() => onChoose(task_id)}
        >
          {description}
        </Item>
      ))}
    </Group>
  );
}

function listed(history: InfiniteData<{ tasks: Summary[] }> | undefined): Summary[] {
  return history?.pages[0]?.tasks ?? [];
}

function Group({ heading, children }: { heading: string; children: ReactNode }) {
  return (
    <Command.Group
      heading={heading}
      className="[&_[cmdk-group-heading]]:px-3 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-caption [&_[cmdk-group-heading]]:text-soft"
    >
      {children}
    </Command.Group>
  );
}

interface ItemProps {
  icon?: LucideIcon;
  value?: string;
  keywords?: string[];
  onSelect: () => void;
  children: ReactNode;
}

function Item({ icon: Icon, children, ...item }: ItemProps) {
  return (
    <Command.Item
      {...item}
      className="flex min-h-10 items-center gap-3 rounded-small px-3 text-body data-[selected=true]:bg-hover"
    >
      {Icon && <Icon size={18} className="shrink-0 text-soft" aria-hidden="true" />}
      <span className="truncate">{children}</span>
    </Command.Item>
  );
}
