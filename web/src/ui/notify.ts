/** Outcomes, told in passing. The toasts are fetched when the first one is needed. */

interface Offer {
  label: string;
  onClick: () => void;
}

export function notify(sentence: string, offer?: Offer): void {
  void import("sonner").then(({ toast }) => toast(sentence, { action: offer }));
}

export function notifySuccess(sentence: string): void {
  void import("sonner").then(({ toast }) => toast.success(sentence));
}

export function notifyProblem(sentence: string, offer?: Offer): void {
  void import("sonner").then(({ toast }) => toast.error(sentence, { action: offer }));
}
