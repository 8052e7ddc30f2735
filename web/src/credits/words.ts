/** Credits and money in words and numbers. */

const COUNT = new Intl.NumberFormat("en-US");
const SIGNED = new Intl.NumberFormat("en-US", { signDisplay: "exceptZero" });

export function counted(amount: number): string {
  return COUNT.format(amount);
}

/** `1 credit`, `1,000 credits`. */
export function credits(amount: number): string {
  return `${counted(amount)} ${Math.abs(amount) === 1 ? "credit" : "credits"}`;
}

/** `+1,000`, `−10` with a real minus, `0`. */
export function signed(amount: number): string {
  return SIGNED.format(amount).replace("-", "−");
}

/** `+1,000 credits`, `−1 credit`. */
export function signedCredits(amount: number): string {
  return `${signed(amount)} ${Math.abs(amount) === 1 ? "credit" : "credits"}`;
}

/** `$29`, `$9.50`, `€29`: cents only where there are some. */
export function money(amountCents: number, currency: string): string {
  const whole = amountCents % 100 === 0;
  const format = new Intl.NumberFormat("en-US", {
    style: "currency",
    currency: currency.toUpperCase(),
    minimumFractionDigits: whole ? 0 : 2,
  });
  return format.format(amountCents / 100);
}

export type Level = "good" | "warn" | "bad";

const PLENTY = 50;
const SOME = 10;

/** How the chip shows what is left: green from 50, yellow from 10, red below. */
export function levelOf(available: number): Level {
  if (available >= PLENTY) return "good";
  return available >= SOME ? "warn" : "bad";
}
