/** Credits: what is left, what can be bought, the plan, and the invoices. */
import { getRouteApi, Link } from "@tanstack/react-router";
import { useSession } from "~/product.ts";
import { Notice } from "~/ui/notice.tsx";
import { Page } from "~/ui/page.tsx";
import { TEXT_LINK } from "~/ui/text-link.ts";
import { Catalogue } from "./catalogue.tsx";
import { Holdings } from "./holdings.tsx";
import { Invoices } from "./invoices.tsx";

const route = getRouteApi("/shared/credits");

export function Credits() {
  const { cancelled } = route.useSearch();
  const isIn = useSession().status === "signed-in";
  return (
    <Page
      title="Credits"
      lead="Every task is priced before it starts. What is not delivered costs nothing."
    >
      {cancelled && (
        <Notice tone="info" title="Checkout cancelled">
          Nothing was charged. What you looked at is still here.
        </Notice>
      )}
      {isIn ? <Holdings /> : <Guest />}
      <Catalogue />
      {isIn && <Invoices />}
    </Page>
  );
}

function Guest() {
  return (
    <Notice tone="info">
      You can buy without an account: paying opens one for your e-mail. If you have one,{" "}
      <Link to="/login" search={{ next: "/credits" }} className={TEXT_LINK}>
        sign in
      </Link>{" "}
      first.
    </Notice>
  );
}
