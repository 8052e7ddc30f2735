import { screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, test } from "vitest";
import { closeAll, open } from "~/testing/pages.tsx";
import { adasServer, problem, Server, tokenOf } from "~/testing/server.ts";

afterEach(closeAll);

const SIGNED_IN = { token: tokenOf("ada@example.com"), email: "ada@example.com", credits: 5 };

describe("signing in", () => {
  test("goes on to where one wanted to", async () => {
    const server = adasServer().on("POST /api/auth/login", () => SIGNED_IN);
    const { ada, where } = open("/login?next=%2Fsettings", server);

    await ada.type(await screen.findByLabelText("E-mail"), "ada@example.com");
    await ada.type(screen.getByLabelText("Password"), "correct horse battery{Enter}");

    await waitFor(() => expect(where()).toBe("/settings"));
  });

  test("that is refused says why, and keeps the address", async () => {
    const server = new Server().on("POST /api/auth/login", () =>
      problem(401, "wrong_credentials", "The e-mail address or the password is not right."),
    );
    const { ada } = open("/login", server);

    await ada.type(await screen.findByLabelText("E-mail"), "ada@example.com");
    await ada.type(screen.getByLabelText("Password"), "wrong{Enter}");

    expect((await screen.findByRole("alert")).textContent).toContain("is not right");
    expect(screen.getByLabelText("E-mail")).toHaveProperty("value", "ada@example.com");
  });

  test("with nothing is not sent; the first field that is wrong has the focus", async () => {
    const server = new Server();
    const { ada } = open("/login", server);

    await ada.click(await screen.findByRole("button", { name: "Sign in" }));

    const field = await screen.findByRole("textbox", { name: "E-mail" });
    expect(await screen.findByText("Enter your e-mail address.")).toBeDefined();
    expect(field.getAttribute("aria-invalid")).toBe("true");
    expect(document.activeElement).toBe(field);
    expect(server.asked).toEqual([]);
  });
});

test("a forgotten password does not ask for the address again", async () => {
  const { ada } = open("/login", new Server());

  await ada.type(await screen.findByLabelText("E-mail"), "ada@example.com");
  await ada.click(screen.getByRole("link", { name: "Forgot your password?" }));

  expect(await screen.findByRole("button", { name: "Send the link" })).toBeDefined();
  expect(screen.getByLabelText("E-mail")).toHaveProperty("value", "ada@example.com");
});

test("a page of one's own leads strangers to the sign-in, and back", async () => {
  const server = new Server().on("POST /api/auth/refresh", () =>
    problem(401, "unauthorized", "Sign in again."),
  );
  const { where } = open("/transactions?kind=bonus", server);

  expect(await screen.findByRole("heading", { name: "Sign in" })).toBeDefined();
  expect(where()).toBe("/login?next=%2Ftransactions%3Fkind%3Dbonus");
});

test("an outage signs nobody out", async () => {
  const server = adasServer();
  server.isAway = true;
  open("/dashboard", server);

  expect(await screen.findByText("ImpacterAGI cannot be reached")).toBeDefined();
  server.isAway = false;

  expect(await screen.findByText("What do you need done?")).toBeDefined();
});

test("signing up with an address that is taken is told at the address", async () => {
  const server = new Server().on("POST /api/auth/signup", () =>
    problem(409, "email_taken", "There is an account for this address already."),
  );
  const { ada } = open("/signup", server);

  await ada.type(await screen.findByLabelText("E-mail"), "ada@example.com");
  await ada.type(screen.getByLabelText("Password"), "correct horse battery{Enter}");

  const field = screen.getByLabelText("E-mail");
  await waitFor(() => expect(field.getAttribute("aria-invalid")).toBe("true"));
  expect(await screen.findByText(/already\.$/)).toBeDefined();
  expect(document.activeElement).toBe(field);
  const [there] = screen.getAllByRole("link", { name: "Sign in" });
  expect(there?.getAttribute("href")).toBe("/login?email=ada%40example.com");
});

test("what the server minds about a password is told at the password", async () => {
  const message = "This password is one of the most common ones; choose another.";
  const server = new Server().on("POST /api/auth/password/reset", () =>
    problem(422, "password_refused", message, { errors: [{ field: "body.password", message }] }),
  );
  const { ada } = open("/reset?token=t", server);

  await ada.type(await screen.findByLabelText("New password"), "password123{Enter}");

  expect(await screen.findByText(message)).toBeDefined();
});

test("a link is confirmed by a person and not by its opening", async () => {
  const server = new Server().on("POST /api/auth/email/verify", () => ({
    email: "ada@example.com",
  }));
  const { ada } = open("/verify?token=t", server);

  const button = await screen.findByRole("button", { name: "Confirm my address" });
  expect(server.asked).toEqual([]);
  await ada.click(button);

  expect(await screen.findByRole("heading", { name: "Your e-mail is confirmed" })).toBeDefined();
});

test.each(["/claim", "/reset", "/verify"])(
  "%s without its token is a broken link",
  async (path) => {
    open(path, new Server());

    expect(await screen.findByRole("heading", { name: "This link cannot be used" })).toBeDefined();
  },
);

describe("other names", () => {
  test.each([
    ["/sign-in", "/login"],
    ["/auth/signin?next=%2Fcredits", "/login?next=%2Fcredits"],
    ["/sign-up", "/signup"],
    ["/auth/signup", "/signup"],
    ["/dashboard/credits/purchase", "/credits"],
  ])("%s is %s", async (path, page) => {
    const { where } = open(path, new Server());

    await waitFor(() => expect(where()).toBe(page));
  });
});

describe("the operators' pages", () => {
  test("are there for operators", async () => {
    const server = adasServer({ isAdmin: true }).on("GET /health/ready", () => ({
      status: "ready",
      services: {},
    }));
    open("/admin", server);

    expect(await screen.findByRole("heading", { name: "Health" })).toBeDefined();
  });

  test("are not there for anybody else", async () => {
    open("/admin", adasServer());

    expect(await screen.findByText("There is no page here")).toBeDefined();
  });
});
