/** Something that could not be shown or done: why, and another try. */
import { sentenceOf } from "~/api/problems.ts";
import { Button } from "./button.tsx";
import { Notice } from "./notice.tsx";

interface ProblemProps {
  problem: unknown;
  onRetry?: () => void;
}

export function Problem({ problem, onRetry }: ProblemProps) {
  const action = onRetry && (
    <Button look="outline" size="compact" onClick={onRetry}>
      Try again
    </Button>
  );
  return (
    <Notice tone="bad" action={action}>
      {sentenceOf(problem)}
    </Notice>
  );
}
