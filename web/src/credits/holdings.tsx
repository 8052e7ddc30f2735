/** What one has: credits, where they are, and the plan that brings more. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useProduct } from "~/product.ts";
import { Card } from "~/ui/card.tsx";
import { date } from "~/ui/moment.tsx";
import { Notice } from "~/ui/notice.tsx";
import { TEXT_LINK } from "~/ui/text-link.ts";
import { useBalance } from "./balance.ts";
import { PlanCard } from "./plan-card.tsx";
import { type Summary, summaryQuery } from "./queries.ts";
import { counted, credits } from "./words.ts";

export function Holdings() {
  const { api } = useProduct();
  const { data: summary } = useQuery(summaryQuery(api));
  return (
    <div className="grid gap-4">
      {summary && <Troubles summary={summary} />}
      <div className="grid grid-cols-1 items-stretch gap-4 tablet:grid-cols-2">
        <BalanceCard summary={summary} />
        <PlanCard />
      </div>
    </div>
  );
}

function BalanceCard({ summary }: { summary: Summary | undefined }) {
  const balance = useBalance();
  if (balance === null) return null;
  return (
    <Card>
      <div className="grid h-full content-between gap-4">
        <div>
          <p className="text-soft">Available now</p>
          <p className="font-bold text-title1 tabular-nums" data-testid="available">
            {counted(balance.available)}
          </p>
        </div>
        <p className="text-caption text-soft">
          {balance.reserved > 0 && `${counted(balance.reserved)} set aside for work under way. `}
          {summary?.expiring &&
            `${credits(summary.expiring.amount)} expire on ${date(summary.expiring.expires_at)}. `}
          <Link to="/transactions" className={TEXT_LINK}>
            See every movement
          </Link>
        </p>
      </div>
    </Card>
  );
}

function Troubles({ summary: { debt = 0, paused = 0 } }: { summary: Summary }) {
  return (
    <>
      {debt > 0 && (
        <Notice tone="warn" title={`${credits(debt)} are owed`}>
          A payment was taken back after its credits were spent. The next credits pay this first.
        </Notice>
      )}
      {paused > 0 && (
        <Notice tone="warn" title={`${credits(paused)} of your plan are paused`}>
          The last renewal could not be charged. They are back as soon as it is paid.
        </Notice>
      )}
    </>
  );
}
