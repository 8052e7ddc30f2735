/** What the pages ask about the account. */
import { queryOptions } from "@tanstack/react-query";
import { type Api, answer } from "~/api/api.ts";
import { SESSIONS, USER } from "./keys.ts";

export function userQuery(api: Api) {
  return queryOptions({
    queryKey: USER,
    queryFn: ({ signal }) => answer(api.GET("/api/user", { signal })),
  });
}

export function sessionsQuery(api: Api) {
  return queryOptions({
    queryKey: SESSIONS,
    queryFn: ({ signal }) => answer(api.GET("/api/auth/sessions", { signal })),
  });
}
