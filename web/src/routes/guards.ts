/** Who may see which pages; the server decides again for everything that they ask. */
import { notFound, redirect } from "@tanstack/react-router";
import type { Product } from "~/product.ts";
import { ownPath } from "./search.ts";

interface Arriving {
  context: Product;
  location: { href: string };
}

export async function signedInOnly({ context, location }: Arriving): Promise<void> {
  const { status } = await context.session.known();
  if (status !== "signed-in") throw redirect({ to: "/login", search: { next: location.href } });
}

export async function everybody({ context }: Arriving): Promise<void> {
  await context.session.knownIfRemembered();
}

export async function operatorsOnly({ context }: Arriving): Promise<void> {
  const state = await context.session.known();
  if (state.status !== "signed-in" || !state.isAdmin) throw notFound();
}

/** Whoever is signed in already goes on to where they wanted to. */
export async function strangersOnly({
  context,
  search,
}: Arriving & { search: { next?: string } }): Promise<void> {
  const { status } = await context.session.knownIfRemembered();
  if (status === "signed-in") throw redirect({ href: ownPath(search.next), replace: true });
}
