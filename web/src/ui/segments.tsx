/** A choice among two or three, all of them in sight. */
import { useId } from "react";

interface SegmentsProps<Value extends string> {
  label: string;
  options: readonly { value: Value; name: string }[];
  chosen: Value;
  onChoose: (value: Value) => void;
}

export function Segments<Value extends string>({
  label,
  options,
  chosen,
  onChoose,
}: SegmentsProps<Value>) {
  const group = useId();
  return (
    <fieldset className="flex gap-1 rounded-full bg-well p-1">
      <legend className="sr-only">{label}</legend>
      {options.map(({ value, name }) => (
        <label
          key={value}
          className="relative flex min-h-8 cursor-pointer items-center rounded-full px-4 text-caption text-soft has-checked:bg-chosen has-checked:font-medium has-checked:text-ink has-checked:shadow-card has-focus-visible:outline-3 has-focus-visible:outline-link"
        >
          <input
            type="radio"
            name={group}
            className="sr-only"
            checked={chosen === value}
            onChange={() => onChoose(value)}
          />
          {name}
        </label>
      ))}
    </fieldset>
  );
}
