/** What may be entered at the entrance; the server checks again. */
import * as z from "zod/mini";

export const PASSWORD_HINT = "8 characters or more. A few words make a good one.";

export const address = z
  .string()
  .check(
    z.trim(),
    z.minLength(1, "Enter your e-mail address."),
    z.email("Enter a whole address, like you@example.com."),
  );

export const knownPassword = z.string().check(z.minLength(1, "Enter your password."));

export const newPassword = z
  .string()
  .check(z.minLength(8, "Choose 8 characters or more."), z.maxLength(1024, "That is too long."));
