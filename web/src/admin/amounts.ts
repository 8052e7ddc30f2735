/** Amounts as people write them: what is wrong with one, in words, or nothing. */
import { counted, money } from "~/credits/words.ts";

const CREDITS_MAX = 1_000_000_000;

/** What is wrong with an amount of money that goes back. */
export function flawOfMoney(text: string, cents: number, currency: string): string | undefined {
  const written = text.trim();
  if (written === "") return "Enter an amount.";
  if (/^\d+,\d+$/.test(written)) return "Write a point in place of the comma.";
  if (!/^\d+(\.\d*)?$/.test(written)) return "Enter an amount in digits, like 12.50.";
  if (/\.\d{3,}$/.test(written)) return "Use at most two decimals.";
  if (centsOf(written) === 0) return "Enter more than 0.";
  return centsOf(written) > cents ? `Only ${money(cents, currency)} was paid.` : undefined;
}

export function centsOf(text: string): number {
  return Math.round(Number(text) * 100);
}

/** What is wrong with a number of credits that are given. */
export function flawOfCredits(text: string): string | undefined {
  const written = text.trim();
  if (written === "") return "Enter how many.";
  if (/^\d+[.,]\d+$/.test(written)) return "Credits are whole: enter a number without decimals.";
  if (!/^\d+$/.test(written)) return "Enter a number in digits alone, like 500.";
  if (Number(written) === 0) return "Enter 1 or more.";
  return Number(written) > CREDITS_MAX ? `Enter at most ${counted(CREDITS_MAX)}.` : undefined;
}

export function flawOfReason(text: string): string | undefined {
  return text.trim() === "" ? "Say why." : undefined;
}
