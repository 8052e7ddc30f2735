/** The form of every entrance page: a heading, what is asked, one thing to do, and where else to go. */
import type { FormEventHandler, ReactNode } from "react";
import { Button } from "~/ui/button.tsx";
import { Card } from "~/ui/card.tsx";
import { useTitle } from "~/ui/page.tsx";
import { Problem } from "~/ui/problem.tsx";

interface DoorProps {
  title: string;
  lead?: ReactNode;
  children?: ReactNode;
  after?: ReactNode;
}

export function Door({ title, lead, children, after }: DoorProps) {
  useTitle(title);
  return (
    <div className="grid gap-6">
      <div className="grid gap-1.5 text-center">
        <h1 tabIndex={-1} className="font-bold text-title2">
          {title}
        </h1>
        {lead && <p className="text-lead text-soft">{lead}</p>}
      </div>
      {children}
      {after && <div className="grid gap-2 text-center text-soft">{after}</div>}
    </div>
  );
}

interface DoorFormProps {
  onSubmit: FormEventHandler;
  problem: unknown;
  isBusy: boolean;
  action: string;
  children: ReactNode;
}

export function DoorForm({ onSubmit, problem, isBusy, action, children }: DoorFormProps) {
  return (
    <Card>
      <form onSubmit={onSubmit} noValidate className="grid gap-5">
        {problem !== null && <Problem problem={problem} />}
        {children}
        <Button type="submit" look="primary" width="full" busy={isBusy}>
          {action}
        </Button>
      </form>
    </Card>
  );
}
