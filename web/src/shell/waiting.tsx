/** A page that takes longer than a moment to come. */
import { Spinner } from "~/ui/spinner.tsx";

export function Waiting() {
  return (
    <div className="grid min-h-[50dvh] place-items-center text-soft" role="status">
      <Spinner size={26} />
      <span className="sr-only">Loading the page…</span>
    </div>
  );
}
