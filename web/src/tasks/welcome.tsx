/** What one can ask for, before one has asked for anything; and what stands between a new account and its first task. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { Globe, type LucideIcon, Mail, PenLine, Users } from "lucide-react";
import type { RefObject } from "react";
import { answer } from "~/api/api.ts";
import { sentenceOf } from "~/api/problems.ts";
import { useBalance } from "~/credits/balance.ts";
import { useProduct } from "~/product.ts";
import { userQuery } from "~/settings/queries.ts";
import { Button } from "~/ui/button.tsx";
import { Notice } from "~/ui/notice.tsx";
import { notifyProblem, notifySuccess } from "~/ui/notify.ts";
import type { Ordering } from "./use-order.ts";

const IDEAS: { icon: LucideIcon; text: string }[] = [
  { icon: Users, text: "Find me 100 leads in Miami" },
  { icon: Mail, text: "Send an e-mail to 200 customers" },
  { icon: Globe, text: "Scrape the prices of three competitors" },
  { icon: PenLine, text: "Write a blog article about solar roofs" },
];

interface WelcomeProps {
  ordering: Ordering;
  writing: RefObject<HTMLTextAreaElement | null>;
}

export function Welcome({ ordering, writing }: WelcomeProps) {
  const begin = (text: string) => {
    ordering.write(text);
    writing.current?.focus();
  };
  return (
    <div className="grid gap-6">
      <ul className="flex flex-wrap justify-center gap-2" aria-label="Ideas">
        {IDEAS.map(({ icon: Icon, text }) => (
          <li key={text}>
            <Button look="outline" size="compact" onClick={() => begin(text)}>
              <Icon size={15} className="text-soft" aria-hidden="true" />
              {text}
            </Button>
          </li>
        ))}
      </ul>
      <Unconfirmed />
    </div>
  );
}

/** An address that is not confirmed yet; who signed up and has nothing yet gets 10 credits for it. */
function Unconfirmed() {
  const { api } = useProduct();
  const { data: user } = useQuery(userQuery(api));
  const sending = useMutation({
    mutationFn: () => answer(api.POST("/api/auth/email/resend")),
    onSuccess: () => notifySuccess("Another link is on its way."),
    onError: (problem) => notifyProblem(sentenceOf(problem)),
  });
  const isNew = useBalance()?.balance === 0;
  if (user === undefined || user.email_verified) return null;
  return (
    <Notice
      tone="info"
      title={isNew ? "Confirm your e-mail, and 10 credits are yours" : "Confirm your e-mail"}
      action={
        <Button
          look="outline"
          size="compact"
          busy={sending.isPending}
          onClick={() => sending.mutate()}
        >
          Mail it again
        </Button>
      }
    >
      {user.opened_by === "payment"
        ? `Follow the link in our welcome mail to ${user.email}. It asks for a password once more: only whoever reads that mail may choose it.`
        : `The link is in the mail that we sent to ${user.email}.`}
    </Notice>
  );
}
