/** A day, chosen as the device does it. */
import clsx from "clsx";
import { FIELD, Field } from "./field.tsx";

interface DateFieldProps {
  label: string;
  day: string | undefined;
  onChoose: (day: string | undefined) => void;
}

export function DateField({ label, day, onChoose }: DateFieldProps) {
  return (
    <Field label={label}>
      {(wired) => (
        <input
          {...wired}
          type="date"
          value={day ?? ""}
          onChange={(event) => onChoose(event.target.value || undefined)}
          className={clsx(FIELD, "min-w-0 px-2.5 text-caption")}
        />
      )}
    </Field>
  );
}
