/** Buttons, and links that look like them. */
import { cva, type VariantProps } from "class-variance-authority";
import type { ComponentProps, ReactNode } from "react";
import { Spinner } from "./spinner.tsx";

export const buttonLook = cva(
  "relative inline-flex max-w-full items-center justify-center gap-2 whitespace-nowrap rounded-full font-medium transition-colors duration-150 select-none disabled:opacity-45 aria-disabled:opacity-45",
  {
    variants: {
      look: {
        primary: "bg-accent text-on-accent not-disabled:hover:bg-accent-strong",
        plain: "bg-well text-ink not-disabled:hover:bg-line",
        quiet: "text-link not-disabled:hover:bg-hover",
        danger: "bg-danger text-on-accent not-disabled:hover:opacity-90",
        outline: "border border-line bg-card text-ink not-disabled:hover:bg-hover",
      },
      size: {
        regular: "min-h-11 px-5 text-body",
        compact: "min-h-8 px-3.5 text-caption",
        icon: "size-9",
      },
      width: { own: "", full: "w-full" },
    },
    defaultVariants: { look: "plain", size: "regular", width: "own" },
  },
);

type Look = VariantProps<typeof buttonLook>;

interface ButtonProps extends Omit<ComponentProps<"button">, "className">, Look {
  /** It is being done: the button keeps its size and its focus, and does nothing when pressed. */
  busy?: boolean;
}

export function Button({ look, size, width, busy = false, children, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={buttonLook({ look, size, width })}
      aria-busy={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : rest.onClick}
    >
      {busy && (
        <span className="absolute inset-0 grid place-items-center">
          <Spinner />
        </span>
      )}
      <span className={busy ? "contents-center opacity-0" : "contents-center"}>{children}</span>
    </button>
  );
}

interface IconButtonProps extends Omit<ButtonProps, "size" | "children"> {
  label: string;
  children: ReactNode;
}

/** A button that shows an icon alone; its label is read out, and shown when it is pointed at. */
export function IconButton({ label, children, look = "quiet", ...rest }: IconButtonProps) {
  return (
    <Button {...rest} look={look} size="icon" aria-label={label} title={label}>
      {children}
    </Button>
  );
}
