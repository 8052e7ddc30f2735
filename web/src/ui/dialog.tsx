/** What takes the whole attention: dialogs, questions, and sheets from the side. */
import clsx from "clsx";
import { X } from "lucide-react";
import { AlertDialog as RadixAlert, Dialog as RadixDialog } from "radix-ui";
import { type ReactNode, useRef } from "react";
import { Button, IconButton } from "./button.tsx";

const VEIL = "fixed inset-0 z-40 bg-veil animate-appear";
const PANEL =
  "fixed z-50 bg-card text-ink shadow-floating animate-rise focus:outline-none overflow-y-auto overscroll-contain";
const CENTRE =
  "inset-x-4 bottom-4 tablet:bottom-auto tablet:top-[18vh] mx-auto max-w-md rounded-card p-6 max-h-[80dvh]";

/** Gives the focus back to what had it: these open by their state, so radix knows of no trigger. */
function useGivenBack() {
  const before = useRef<Element | null>(null);
  return {
    onOpenAutoFocus: () => {
      before.current = document.activeElement;
    },
    onCloseAutoFocus: (event: Event) => {
      event.preventDefault();
      const there = before.current?.isConnected ? before.current : document.querySelector("h1");
      if (there instanceof HTMLElement) there.focus();
    },
  };
}

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: ReactNode;
  children: ReactNode;
}

export function Dialog({ open, onClose, title, description, children }: DialogProps) {
  const focus = useGivenBack();
  return (
    <RadixDialog.Root open={open} onOpenChange={(isOpen) => !isOpen && onClose()}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className={VEIL} />
        <RadixDialog.Content
          {...focus}
          className={clsx(PANEL, CENTRE, "grid gap-5")}
          {...(description ? {} : { "aria-describedby": undefined })}
        >
          <div className="grid gap-1.5">
            <RadixDialog.Title className="pr-10 font-semibold text-title3">
              {title}
            </RadixDialog.Title>
            {description && (
              <RadixDialog.Description className="text-soft">{description}</RadixDialog.Description>
            )}
          </div>
          {children}
          <span className="absolute top-4 right-4">
            <Close />
          </span>
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}

function Close() {
  return (
    <RadixDialog.Close asChild>
      <IconButton label="Close" look="plain">
        <X size={18} aria-hidden="true" />
      </IconButton>
    </RadixDialog.Close>
  );
}

interface ConfirmProps extends Omit<DialogProps, "children"> {
  /** What is done, in words: never "OK". */
  action: string;
  /** What happens otherwise. */
  refusal?: string;
  look?: "primary" | "danger";
  onConfirm: () => void;
}

export function Confirm({
  open,
  onClose,
  title,
  description,
  action,
  refusal = "Keep it",
  look = "danger",
  onConfirm,
}: ConfirmProps) {
  const focus = useGivenBack();
  return (
    <RadixAlert.Root open={open} onOpenChange={(isOpen) => !isOpen && onClose()}>
      <RadixAlert.Portal>
        <RadixAlert.Overlay className={VEIL} />
        <RadixAlert.Content {...focus} className={clsx(PANEL, CENTRE, "grid gap-5")}>
          <div className="grid gap-1.5">
            <RadixAlert.Title className="font-semibold text-title3">{title}</RadixAlert.Title>
            <RadixAlert.Description className="text-soft">{description}</RadixAlert.Description>
          </div>
          <div className="flex flex-wrap justify-end gap-3">
            <RadixAlert.Cancel asChild>
              <Button>{refusal}</Button>
            </RadixAlert.Cancel>
            <RadixAlert.Action asChild>
              <Button look={look} onClick={onConfirm}>
                {action}
              </Button>
            </RadixAlert.Action>
          </div>
        </RadixAlert.Content>
      </RadixAlert.Portal>
    </RadixAlert.Root>
  );
}

interface SheetProps extends DialogProps {
  side: "left" | "right";
}

/** A panel that comes in from a side and takes the height of the window. */
export function Sheet({ open, onClose, title, description, side, children }: SheetProps) {
  const focus = useGivenBack();
  return (
    <RadixDialog.Root open={open} onOpenChange={(isOpen) => !isOpen && onClose()}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className={VEIL} />
        <RadixDialog.Content
          {...focus}
          className={clsx(
            PANEL,
            "inset-y-0 flex w-[min(26rem,calc(100vw-2.5rem))] flex-col",
            side === "left" ? "left-0" : "right-0",
          )}
          {...(description ? {} : { "aria-describedby": undefined })}
        >
          <div className="sticky top-0 z-10 flex items-center justify-between gap-3 bg-card px-5 pt-4 pb-3">
            <RadixDialog.Title className="font-semibold text-title3">{title}</RadixDialog.Title>
            <Close />
          </div>
          {description && (
            <RadixDialog.Description className="px-5 text-soft">
              {description}
            </RadixDialog.Description>
          )}
          {children}
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}
