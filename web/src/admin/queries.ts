/** What several of the operators' pages ask. */
import { queryOptions } from "@tanstack/react-query";
import { type Api, answer } from "~/api/api.ts";
import { BOOKS, EVERY_USER } from "./keys.ts";

export function oneUser(api: Api, userId: string) {
  return queryOptions({
    queryKey: [...EVERY_USER, userId],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/admin/users/{user_id}", { params: { path: { user_id: userId } }, signal }),
      ),
  });
}

export function booksQuery(api: Api) {
  return queryOptions({
    queryKey: BOOKS,
    queryFn: ({ signal }) => answer(api.GET("/api/admin/books", { signal })),
  });
}
