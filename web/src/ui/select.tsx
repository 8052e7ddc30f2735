/** A choice among few: the device's own list, which every keyboard, phone and reader knows. */
import clsx from "clsx";
import { ChevronDown } from "lucide-react";
import type { ComponentProps } from "react";
import { Field } from "./field.tsx";

export interface Option {
  value: string;
  name: string;
}

interface SelectProps
  extends Omit<ComponentProps<"select">, "className" | "children" | "onChange"> {
  label: string;
  options: readonly Option[];
  onChoose: (value: string) => void;
  /** The label is read out alone, for choices that explain themselves. */
  isQuiet?: boolean;
}

export function Select({ label, isQuiet = false, ...choice }: SelectProps) {
  if (isQuiet) return <Chooser {...choice} aria-label={label} isQuiet />;
  return <Field label={label}>{(wired) => <Chooser {...choice} {...wired} />}</Field>;
}

type ChooserProps = Omit<SelectProps, "label">;

function Chooser({ options, onChoose, isQuiet = false, ...select }: ChooserProps) {
  return (
    <span className="relative inline-flex min-w-0 items-center">
      <select
        {...select}
        className={clsx(
          "w-full min-w-0 appearance-none truncate pr-8 text-ink",
          isQuiet
            ? "min-h-8 rounded-full bg-well pl-3.5 text-caption hover:bg-line"
            : "min-h-11 rounded-field border border-outline bg-card pl-3.5 text-body",
        )}
        onChange={(event) => onChoose(event.target.value)}
      >
        {options.map(({ value, name }) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
      <ChevronDown
        className="pointer-events-none absolute right-2.5 text-soft"
        size={16}
        aria-hidden="true"
      />
    </span>
  );
}
