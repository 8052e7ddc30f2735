/** A new password with a mailed link; every session ends. */
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { answer } from "~/api/api.ts";
import { isRefusal } from "~/api/problems.ts";
import { useProduct } from "~/product.ts";
import { notifySuccess } from "~/ui/notify.ts";
import { Door } from "./door.tsx";
import { BrokenLink } from "./mailed-link.tsx";
import { NewPassword } from "./new-password.tsx";

const route = getRouteApi("/entrance/reset");

export function Reset() {
  const { api } = useProduct();
  const router = useRouter();
  const { token } = route.useSearch();
  const [isBroken, setBroken] = useState(false);
  if (token === undefined || isBroken) return <BrokenLink />;

  const set = async (password: string) => {
    try {
      await answer(api.POST("/api/auth/password/reset", { body: { token, password } }));
    } catch (flaw) {
      if (isRefusal(flaw, "link_invalid")) return setBroken(true);
      throw flaw;
    }
    notifySuccess("Your password is changed. Sign in with the new one.");
    await router.navigate({ to: "/login" });
  };
  return (
    <Door
      title="Set a new password"
      lead="You are then signed out everywhere else within 15 minutes."
    >
      <NewPassword action="Set password" onChoose={set} />
    </Door>
  );
}
