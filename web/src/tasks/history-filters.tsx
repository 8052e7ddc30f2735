/** Which tasks the history shows. */
import { useNavigate } from "@tanstack/react-router";
import { ListFilter } from "lucide-react";
import { useId, useState } from "react";
import { isFiltered } from "~/stream/learning.ts";
import { IconButton } from "~/ui/button.tsx";
import { DateField } from "~/ui/date-field.tsx";
import { flawOfTime } from "~/ui/days.ts";
import { SearchField } from "~/ui/search-field.tsx";
import { Select } from "~/ui/select.tsx";
import type { AgentType, Filters } from "./keys.ts";
import { AGENTS } from "./status.ts";

const SHOWN = [
  { value: "", name: "All of them" },
  { value: "active", name: "Under way" },
  { value: "done", name: "Done" },
  { value: "undone", name: "Not done" },
];
const KINDS = [
  { value: "", name: "Any agent" },
  ...Object.entries(AGENTS).map(([value, name]) => ({ value, name })),
];

interface HistoryFiltersProps {
  filters: Filters;
  chosen: string | undefined;
}

export function HistoryFilters({ filters, chosen }: HistoryFiltersProps) {
  const navigate = useNavigate();
  const { q: _, ...others } = filters;
  const [isOpen, setOpen] = useState(isFiltered(others));
  const id = useId();
  const set = (change: Filters) => {
    void navigate({
      to: "/dashboard",
      search: { ...filters, ...change, task: chosen },
      replace: true,
    });
  };
  return (
    <search className="grid gap-2">
      <div className="flex items-center gap-1">
        <SearchField
          label="Search"
          text={filters.q ?? ""}
          onSearch={(q) => set({ q: q || undefined })}
        />
        <IconButton
          label="Filters"
          look={isFiltered(others) ? "plain" : "quiet"}
          aria-expanded={isOpen}
          aria-controls={id}
          onClick={() => setOpen(!isOpen)}
        >
          <ListFilter size={18} aria-hidden="true" />
        </IconButton>
      </div>
      <div id={id} hidden={!isOpen} className="grid gap-3 rounded-card bg-card p-3">
        <Select
          label="Show"
          options={SHOWN}
          value={filters.show ?? ""}
          onChoose={(show) => set({ show: (show || undefined) as Filters["show"] })}
        />
        <Select
          label="Kind of agent"
          options={KINDS}
          value={filters.agent ?? ""}
          onChoose={(agent) => set({ agent: (agent || undefined) as AgentType | undefined })}
        />
        <div className="grid grid-cols-2 gap-2">
          <DateField label="From" day={filters.after} onChoose={(after) => set({ after })} />
          <DateField
            label="To"
            day={filters.before}
            error={flawOfTime(filters.after, filters.before)}
            onChoose={(before) => set({ before })}
          />
        </div>
      </div>
    </search>
  );
}
