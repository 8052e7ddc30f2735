/** Everybody's accounts. */
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { answer, type Schema } from "~/api/api.ts";
import { counted } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { LongText } from "~/ui/facts.tsx";
import { type Column, Listing } from "~/ui/listing.tsx";
import { Ago } from "~/ui/moment.tsx";
import { Page } from "~/ui/page.tsx";
import { Pill } from "~/ui/pill.tsx";
import { SearchField } from "~/ui/search-field.tsx";
import { EVERY_USER } from "./keys.ts";
import { useRows } from "./paging.ts";
import { UserSheet } from "./user-sheet.tsx";

export type User = Schema<"UserView">;

const route = getRouteApi("/own/admin/users");
const COLUMNS: Column<User>[] = [
  { title: "E-mail", show: ({ email }) => <span className="font-medium">{email}</span> },
  { title: "Name", kind: "wide", show: ({ name }) => <LongText>{name}</LongText> },
  {
    title: "State",
    show: ({ email_verified, roles }) => (
      <span className="flex gap-1.5">
        <Pill tone={email_verified ? "good" : "warn"}>
          {email_verified ? "Confirmed" : "Not confirmed"}
        </Pill>
        {roles.includes("admin") && <Pill tone="busy">Admin</Pill>}
      </span>
    ),
  },
  { title: "Credits", kind: "number", show: ({ credits }) => counted(credits) },
  { title: "Since", show: ({ created_at }) => <Ago at={created_at} /> },
];

export function AdminUsers() {
  const { api } = useProduct();
  const navigate = useNavigate();
  const search = route.useSearch();
  const { q, user } = search;
  const go = (change: Partial<typeof search>) =>
    void navigate({ to: "/admin/users", search: { ...search, ...change }, replace: "q" in change });
  const { rows, asking } = useRows([...EVERY_USER, { q }], "users", ({ cursor, signal }) =>
    answer(api.GET("/api/admin/users", { params: { query: { email: q, cursor } }, signal })),
  );
  return (
    <Page title="Users" width="wide">
      <search className="max-w-sm">
        <SearchField
          label="Find by e-mail"
          text={q ?? ""}
          onSearch={(words) => go({ q: words || undefined })}
        />
      </search>
      <Listing
        what="the users"
        rows={rows}
        asking={asking}
        keyOf={({ id }) => id}
        columns={COLUMNS}
        open={{ label: ({ email }) => `Open ${email}`, onOpen: ({ id }) => go({ user: id }) }}
        nothing="There is no such user"
      />
      {user !== undefined && <UserSheet userId={user} onClose={() => go({ user: undefined })} />}
    </Page>
  );
}
