/** The seal of the books: on which day they were last proved to agree. */
import { useQuery } from "@tanstack/react-query";
import { ShieldAlert, ShieldCheck } from "lucide-react";
import { summaryQuery } from "~/credits/queries.ts";
import { useProduct } from "~/product.ts";
import { Ago, date } from "~/ui/moment.tsx";

export function Books() {
  const { api } = useProduct();
  const { data: summary } = useQuery(summaryQuery(api));
  const books = summary?.books;
  if (!books) return null;
  const day = date(`${books.day}T12:00:00`);
  return (
    <p className="flex items-center gap-2.5 px-1 text-body">
      {books.balanced ? (
        <>
          <ShieldCheck size={19} className="shrink-0 text-good" aria-hidden="true" />
          <span>
            The books of {day} balance, to the credit.{" "}
            <span className="text-soft">
              Proved <Ago at={books.proved_at} />.
            </span>
          </span>
        </>
      ) : (
        <>
          <ShieldAlert size={19} className="shrink-0 text-warn" aria-hidden="true" />
          <span>The books of {day} are being checked. Your credits are safe.</span>
        </>
      )}
    </p>
  );
}
