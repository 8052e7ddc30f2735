import { screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { closeAll, open } from "~/testing/pages.tsx";
import { adasServer, problem } from "~/testing/server.ts";

afterEach(closeAll);

const AT = "2026-11-28T10:00:00Z";
const HERE = {
  id: "ses_1",
  device: "Firefox/1 Linux",
  address: "10.0.0.1",
  is_current: true,
  created_at: AT,
  last_seen_at: AT,
  ends_at: AT,
};
const PHONE = { ...HERE, id: "ses_2", device: "Safari/1 iPhone", is_current: false };

function server() {
  return adasServer().on("GET /api/auth/sessions", () => ({
    sessions: [HERE, PHONE],
    next_cursor: null,
  }));
}

test("a device is signed out at once for the eye, and back where that is refused", async () => {
  let refuse = () => {};
  const { ada } = open(
    "/settings",
    server().on("DELETE /api/auth/sessions/ses_2", async () => {
      await new Promise<void>((resolve) => {
        refuse = resolve;
      });
      return problem(503, "unavailable", "A part of the system does not answer right now.");
    }),
  );

  await ada.click(await screen.findByRole("button", { name: "Sign out Safari on iPhone" }));
  await waitFor(() => expect(screen.queryByText("Safari on iPhone")).toBeNull());
  refuse();

  expect(await screen.findByText("Safari on iPhone")).toBeDefined();
  expect(await screen.findByText(/does not answer/)).toBeDefined();
});

test("the device that one is on has no way out here", async () => {
  open("/settings", server());

  expect(await screen.findByText("This device")).toBeDefined();
  expect(screen.queryByRole("button", { name: "Sign out Firefox on Linux" })).toBeNull();
});

test("a password that is not the current one is told at its field", async () => {
  const message = "The current password is not right.";
  const errors = [{ field: "body.current_password", message }];
  const { ada } = open(
    "/settings",
    server().on("POST /api/auth/password/change", () =>
      problem(422, "wrong_password", message, { errors }),
    ),
  );

  await ada.type(await screen.findByLabelText("Current password"), "not this one");
  await ada.type(screen.getByLabelText("New password"), "correct horse battery{Enter}");

  expect(await screen.findByText(message)).toBeDefined();
  expect(screen.getByLabelText("Current password").getAttribute("aria-invalid")).toBe("true");
});

test("the appearance is chosen for good", async () => {
  const { ada } = open("/settings", server());

  await ada.click((await screen.findAllByRole("radio", { name: "Dark" }))[0] as HTMLElement);

  expect(document.documentElement.dataset.appearance).toBe("dark");
  expect(localStorage.getItem("appearance")).toBe("dark");
});
