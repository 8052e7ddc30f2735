/** The trace of a credit: the payment it came from, the work it went to, the file that came back. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import {
  ArrowUpRight,
  Coins,
  CreditCard,
  FileText,
  type LucideIcon,
  MessageSquareText,
  ReceiptText,
} from "lucide-react";
import type { ReactNode } from "react";
import type { Schema } from "~/api/api.ts";
import { isMissing } from "~/api/problems.ts";
import { counted, money, signedCredits } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { taskQuery } from "~/tasks/queries.ts";
import { STATUSES } from "~/tasks/status.ts";
import { Sheet } from "~/ui/dialog.tsx";
import { date, Moment } from "~/ui/moment.tsx";
import { Notice } from "~/ui/notice.tsx";
import { Problem } from "~/ui/problem.tsx";
import { size } from "~/ui/size.ts";
import { SkeletonLines } from "~/ui/skeleton.tsx";
import { TEXT_LINK } from "~/ui/text-link.ts";
import { kindSaid } from "./kinds.ts";
import { type Trace, traceQuery } from "./queries.ts";

export function TraceSheet({ lineId, onClose }: { lineId: string; onClose: () => void }) {
  const { api } = useProduct();
  const { data: trace, error, refetch } = useQuery(traceQuery(api, lineId));
  return (
    <Sheet open onClose={onClose} title="Where it came from and went" side="right">
      <div className="p-5" data-testid="trace">
        {trace && <Chain trace={trace} />}
        {!trace && !error && <SkeletonLines what="the trace" count={6} />}
        {!trace && isMissing(error) && (
          <Notice tone="info">There is no such line among your transactions.</Notice>
        )}
        {!trace && error && !isMissing(error) && (
          <Problem problem={error} onRetry={() => void refetch()} />
        )}
      </div>
    </Sheet>
  );
}

function Chain({ trace: { spent_from, brought, hold, transaction } }: { trace: Trace }) {
  return (
    <ol className="grid">
      {spent_from.map((source) => (
        <SourceSteps key={source.transaction_id} source={source} />
      ))}
      {brought?.payment && <PaymentStep payment={brought.payment} />}
      <Step icon={ReceiptText} title={signedCredits(transaction.amount)} isHere>
        {transaction.description}
        <br />
        <Moment at={transaction.created_at} />
        <br />
        {counted(transaction.balance_after)} left after it
        {hold && hold.released > 0 && `, ${counted(hold.released)} given back`}
        <Id id={transaction.id} />
      </Step>
      {brought && <Brought brought={brought} />}
      {transaction.task_id && <TaskSteps taskId={transaction.task_id} />}
    </ol>
  );
}

/** Credits that were spent: what was paid for them, and when they came. */
function SourceSteps({ source }: { source: Trace["spent_from"][number] }) {
  return (
    <>
      {source.payment && <PaymentStep payment={source.payment} />}
      <Step icon={Coins} title={`${counted(source.taken)} of what came in`}>
        {kindSaid(source.kind).word}
        <Id id={source.transaction_id} />
      </Step>
    </>
  );
}

function PaymentStep({ payment }: { payment: Schema<"PaidWith"> }) {
  return (
    <Step icon={CreditCard} title={`${money(payment.amount_cents, payment.currency)} paid`}>
      {payment.paid_at && <Moment at={payment.paid_at} />}
      <Id id={payment.id} />
    </Step>
  );
}

/** Credits that came in: what is left of them, and where the rest went. */
function Brought({ brought }: { brought: NonNullable<Trace["brought"]> }) {
  return (
    <>
      {brought.went_to.map(({ transaction, taken }) => (
        <Step key={transaction.id} icon={ArrowUpRight} title={`${counted(taken)} went to`}>
          <Link to="/transactions" search={{ trace: transaction.id }} className={TEXT_LINK}>
            {transaction.description}
          </Link>
        </Step>
      ))}
      <Step icon={Coins} title={`${counted(brought.remaining)} left of them`}>
        {brought.is_paused && "Paused until the plan is paid. "}
        {brought.expires_at ? `Until ${date(brought.expires_at)}.` : "They do not expire."}
      </Step>
    </>
  );
}

function TaskSteps({ taskId }: { taskId: string }) {
  const { api } = useProduct();
  const { data: task } = useQuery(taskQuery(api, taskId));
  if (task === undefined) return null;
  return (
    <>
      <Step icon={MessageSquareText} title={STATUSES[task.status].word}>
        <Link to="/dashboard" search={{ task: taskId }} className={TEXT_LINK}>
          {task.description}
        </Link>
      </Step>
      {task.files.map((file) => (
        <Step key={file.id} icon={FileText} title={file.name}>
          {size(file.size)}
          <Id id={`SHA-256 ${file.sha256}`} />
        </Step>
      ))}
    </>
  );
}

interface StepProps {
  icon: LucideIcon;
  title: string;
  isHere?: boolean;
  children: ReactNode;
}

function Step({ icon: Icon, title, isHere = false, children }: StepProps) {
  return (
    <li className="group grid grid-cols-[auto_1fr] gap-x-4" aria-current={isHere || undefined}>
      <span className="grid grid-rows-[auto_1fr] justify-items-center">
        <span className="grid size-9 place-items-center rounded-full bg-well text-soft group-aria-[current]:bg-accent group-aria-[current]:text-on-accent">
          <Icon size={17} aria-hidden="true" />
        </span>
        <span className="w-px bg-line group-last:hidden" />
      </span>
      <div className="min-w-0 pb-7">
        <p className="pt-1.5 font-semibold">{title}</p>
        <div className="text-soft">{children}</div>
      </div>
    </li>
  );
}

function Id({ id }: { id: string }) {
  return (
    <span className="block truncate font-mono text-caption" title={id}>
      {id}
    </span>
  );
}
