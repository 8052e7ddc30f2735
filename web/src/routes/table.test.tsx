import { screen, within } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { closeAll, open } from "~/testing/pages.tsx";
import { adasServer } from "~/testing/server.ts";

afterEach(closeAll);

test.each(["/admin", "/admin/users"])(
  "who is no operator finds nothing at %s, with the way elsewhere around it",
  async (path) => {
    open(path, adasServer());

    const content = within(await screen.findByRole("main"));
    expect(await content.findByText("There is no page here")).toBeDefined();
    expect(screen.getByRole("banner")).toBeDefined();
    expect(screen.queryByRole("navigation", { name: "Admin" })).toBeNull();
  },
);
