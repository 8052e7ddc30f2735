/** Fields with their label, a hint, and what is wrong with what was entered. */
import { cva } from "class-variance-authority";
import clsx from "clsx";
import { Eye, EyeOff } from "lucide-react";
import { type ComponentProps, type ReactNode, useId, useState } from "react";

interface Wired {
  id: string;
  "aria-invalid": true | undefined;
  "aria-describedby": string | undefined;
}

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: ReactNode;
  children: (wired: Wired) => ReactNode;
}

export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const noteId = `${id}-note`;
  const isNoted = Boolean(error || hint);
  return (
    <div className="grid min-w-0 gap-1.5">
      <label htmlFor={id} className="font-medium text-caption">
        {label}
      </label>
      {children({
        id,
        "aria-invalid": error ? true : undefined,
        "aria-describedby": isNoted ? noteId : undefined,
      })}
      {isNoted && (
        <p id={noteId} className={clsx("text-caption", error ? "text-bad" : "text-soft")}>
          {error || hint}
        </p>
      )}
    </div>
  );
}

export const fieldLook = cva(
  "w-full min-h-11 rounded-field border border-outline bg-card text-ink focus-visible:outline-offset-0 aria-invalid:border-bad disabled:opacity-60",
  {
    variants: {
      size: { regular: "px-3.5 text-lead", compact: "min-w-0 px-2.5 text-caption" },
      room: { none: "", icon: "pr-12", lines: "py-2.5" },
    },
    defaultVariants: { size: "regular", room: "none" },
  },
);

type Described = Omit<FieldProps, "children">;
type TextFieldProps = Described & Omit<ComponentProps<"input">, "id" | "className">;

export function TextField({ label, hint, error, ...input }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(wired) => <input type="text" {...input} {...wired} className={fieldLook()} />}
    </Field>
  );
}

/** A password, hidden until its owner asks to see it. */
export function PasswordField({ label, hint, error, ...input }: Omit<TextFieldProps, "type">) {
  const [isShown, setShown] = useState(false);
  const Icon = isShown ? EyeOff : Eye;
  return (
    <Field label={label} hint={hint} error={error}>
      {(wired) => (
        <div className="relative">
          <input
            {...input}
            {...wired}
            type={isShown ? "text" : "password"}
            className={fieldLook({ room: "icon" })}
            autoCapitalize="none"
            spellCheck={false}
          />
          <button
            type="button"
            className="absolute inset-y-0 right-0 grid w-11 place-items-center rounded-field text-soft hover:text-ink"
            aria-label={isShown ? "Hide password" : "Show password"}
            aria-pressed={isShown}
            onClick={() => setShown(!isShown)}
          >
            <Icon size={18} aria-hidden="true" />
          </button>
        </div>
      )}
    </Field>
  );
}

type TextAreaProps = Described & Omit<ComponentProps<"textarea">, "id" | "className">;

export function TextArea({ label, hint, error, ...input }: TextAreaProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(wired) => (
        <textarea rows={3} {...input} {...wired} className={fieldLook({ room: "lines" })} />
      )}
    </Field>
  );
}
