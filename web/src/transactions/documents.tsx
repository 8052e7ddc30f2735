/** What can be taken home: the list as CSV, and a signed statement of a time. */
import { useMutation } from "@tanstack/react-query";
import { Download, FileBadge } from "lucide-react";
import { useState } from "react";
import { sentenceOf } from "~/api/problems.ts";
import { useProduct } from "~/product.ts";
import { Button } from "~/ui/button.tsx";
import { DateField } from "~/ui/date-field.tsx";
import { dayOf, flawOfTime } from "~/ui/days.ts";
import { Dialog } from "~/ui/dialog.tsx";
import { notifyProblem } from "~/ui/notify.ts";
import { asked, type Filters } from "./queries.ts";
import { save } from "./saving.ts";

export function Documents({ filters }: { filters: Filters }) {
  const [isOpen, setOpen] = useState(false);
  const saving = useSavingLines(filters);
  return (
    <div className="flex flex-wrap gap-2">
      <Button busy={saving.isPending} onClick={() => saving.mutate()}>
        <Download size={16} aria-hidden="true" />
        CSV
      </Button>
      <Button onClick={() => setOpen(true)}>
        <FileBadge size={16} aria-hidden="true" />
        Statement
      </Button>
      <StatementDialog open={isOpen} onClose={() => setOpen(false)} />
    </div>
  );
}

function useSavingLines(filters: Filters) {
  const { api } = useProduct();
  return useMutation({
    mutationFn: () =>
      save(
        api.GET("/api/credits/transactions", {
          params: { query: asked(filters) },
          headers: { accept: "text/csv" },
          parseAs: "blob",
        }),
        "transactions.csv",
      ),
    onError: (problem) => notifyProblem(sentenceOf(problem)),
  });
}

const FORMS = [
  { type: "application/pdf", name: "PDF", file: "statement.pdf" },
  { type: "text/csv", name: "CSV", file: "statement.csv" },
  { type: "application/json", name: "Signed JSON", file: "statement.json" },
];

function StatementDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { api } = useProduct();
  const [{ from, to }, setTime] = useState(thisMonth);
  const flaw = flawOfTime(from, to);
  const saving = useMutation({
    mutationFn: ({ type, file }: (typeof FORMS)[number]) =>
      save(
        api.GET("/api/credits/statement", {
          params: { query: asked({ from, to }) },
          headers: { accept: type },
          parseAs: "blob",
        }),
        file,
      ),
    onError: (problem) => notifyProblem(sentenceOf(problem)),
  });
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title="Statement"
      description="Every line of a time with its opening and closing balance, signed, so that anybody can check it."
    >
      <div className="grid grid-cols-2 gap-3">
        <DateField label="From" day={from} onChoose={(day) => setTime({ from: day, to })} />
        <DateField
          label="To"
          day={to}
          error={flaw}
          onChoose={(day) => setTime({ from, to: day })}
        />
      </div>
      <div className="flex flex-wrap gap-2">
        {FORMS.map((form, place) => (
          <Button
            key={form.type}
            look={place === 0 ? "primary" : "plain"}
            busy={saving.isPending && saving.variables.type === form.type}
            aria-disabled={flaw !== undefined || undefined}
            onClick={() => flaw === undefined && saving.mutate(form)}
          >
            {form.name}
          </Button>
        ))}
      </div>
    </Dialog>
  );
}

function thisMonth(): { from: string | undefined; to: string | undefined } {
  const now = new Date();
  return { from: dayOf(new Date(now.getFullYear(), now.getMonth(), 1)), to: dayOf(now) };
}
