/** The account that a payment opened: its owner chooses a password, and is in. */
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { answer } from "~/api/api.ts";
import { isRefusal } from "~/api/problems.ts";
import { useProduct } from "~/product.ts";
import { Door } from "./door.tsx";
import { BrokenLink } from "./mailed-link.tsx";
import { NewPassword } from "./new-password.tsx";

const route = getRouteApi("/entrance/claim");

export function Claim() {
  const { api, session } = useProduct();
  const router = useRouter();
  const { token } = route.useSearch();
  const [isBroken, setBroken] = useState(false);
  if (token === undefined || isBroken) return <BrokenLink />;

  const claim = async (password: string) => {
    try {
      session.begin(await answer(api.POST("/api/auth/claim", { body: { token, password } })));
    } catch (flaw) {
      if (isRefusal(flaw, "link_invalid")) return setBroken(true);
      throw flaw;
    }
    await router.navigate({ to: "/dashboard", replace: true });
  };
  return (
    <Door
      title="Welcome to ImpacterAGI!"
      lead="Your credits are ready. Choose a password, and your account is yours."
    >
      <NewPassword action="Open my account" onChoose={claim} />
    </Door>
  );
}
