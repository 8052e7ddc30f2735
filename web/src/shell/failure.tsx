/** A page that could not be shown: why, and another try. While nobody answers it tries by itself. */
import { type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { CloudOff, TriangleAlert } from "lucide-react";
import { useEffect } from "react";
import { isPassing, sentenceOf } from "~/api/problems.ts";
import { Button } from "~/ui/button.tsx";
import { Empty } from "~/ui/empty.tsx";
import { useTitle } from "~/ui/page.tsx";

const AGAIN_MS = 3_000;

/** The same where nothing else stands around it. */
export function WholeFailure(problem: ErrorComponentProps) {
  return (
    <main id="content">
      <Failure {...problem} />
    </main>
  );
}

export function Failure({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const isOutage = isPassing(error);
  useTitle(isOutage ? "Not connected" : "Something went wrong");

  useEffect(() => {
    if (!isOutage) return;
    const again = () => void router.invalidate();
    const timer = setInterval(again, AGAIN_MS);
    window.addEventListener("online", again);
    return () => {
      clearInterval(timer);
      window.removeEventListener("online", again);
    };
  }, [router, isOutage]);

  const retry = () => {
    reset();
    void router.invalidate();
  };
  return (
    <div className="grid min-h-[70dvh] place-items-center" role="alert">
      <div>
        <h1 tabIndex={-1} className="sr-only">
          {isOutage ? "Not connected" : "Something went wrong"}
        </h1>
        <Empty
          icon={isOutage ? CloudOff : TriangleAlert}
          title={isOutage ? "ImpacterAGI cannot be reached" : "Something went wrong"}
          action={
            <Button look="primary" onClick={retry}>
              Try again
            </Button>
          }
        >
          {isOutage
            ? "Your work goes on without this page. It is tried again every few seconds."
            : sentenceOf(error)}
        </Empty>
      </div>
    </div>
  );
}
