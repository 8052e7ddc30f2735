/** A sentence that matters here and now, with what can be done about it. */
import { cva } from "class-variance-authority";
import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

const ICONS = { info: Info, good: CircleCheck, warn: TriangleAlert, bad: CircleAlert };

const noticeLook = cva("flex flex-wrap gap-3 rounded-card px-4 py-3.5 text-body", {
  variants: {
    tone: {
      info: "bg-tint text-ink",
      good: "bg-good-tint text-good",
      warn: "bg-warn-tint text-warn",
      bad: "bg-bad-tint text-bad",
    },
  },
});

interface NoticeProps {
  tone: keyof typeof ICONS;
  title?: string;
  children?: ReactNode;
  action?: ReactNode;
}

export function Notice({ tone, title, children, action }: NoticeProps) {
  const Icon = ICONS[tone];
  return (
    <div className={noticeLook({ tone })} role={tone === "bad" ? "alert" : "status"}>
      <Icon className="mt-px shrink-0" size={20} aria-hidden="true" />
      <div className="grid min-w-48 flex-1 gap-0.5">
        {title && <p className="font-semibold">{title}</p>}
        {children && <div>{children}</div>}
      </div>
      {action && <div className="ml-8 shrink-0 self-center tablet:ml-0">{action}</div>}
    </div>
  );
}
