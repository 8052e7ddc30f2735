/** Which movements are shown. */
import { useNavigate } from "@tanstack/react-router";
import { Button } from "~/ui/button.tsx";
import { DateField } from "~/ui/date-field.tsx";
import { flawOfTime } from "~/ui/days.ts";
import { Select } from "~/ui/select.tsx";
import { KINDS } from "./kinds.ts";
import type { Filters } from "./queries.ts";

const OPTIONS = [
  { value: "", name: "Everything" },
  ...Object.entries(KINDS).map(([value, { word }]) => ({ value, name: word })),
];

export function LineFilters({ filters }: { filters: Filters }) {
  const navigate = useNavigate();
  const set = (change: Filters) =>
    void navigate({ to: "/transactions", search: { ...filters, ...change }, replace: true });
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <search className="flex flex-wrap items-start gap-3" aria-label="Filter the transactions">
      <div className="w-full phone:w-44">
        <Select
          label="Show"
          options={OPTIONS}
          value={filters.kind ?? ""}
          onChoose={(kind) => set({ kind: kind || undefined })}
        />
      </div>
      <div className="min-w-36 flex-1 phone:w-40 phone:flex-none">
        <DateField label="From" day={filters.from} onChoose={(from) => set({ from })} />
      </div>
      <div className="min-w-36 flex-1 phone:w-40 phone:flex-none">
        <DateField
          label="To"
          day={filters.to}
          error={flawOfTime(filters.from, filters.to)}
          onChoose={(to) => set({ to })}
        />
      </div>
      {isFiltered && (
        <div className="tablet:pt-6">
          <Button
            look="quiet"
            onClick={() => void navigate({ to: "/transactions", replace: true })}
          >
            Show everything
          </Button>
        </div>
      )}
    </search>
  );
}
