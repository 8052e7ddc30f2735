/** A day, chosen as the device does it. */
import { Field, fieldLook } from "./field.tsx";

interface DateFieldProps {
  label: string;
  day: string | undefined;
  error?: string | undefined;
  onChoose: (day: string | undefined) => void;
}

export function DateField({ label, day, error, onChoose }: DateFieldProps) {
  return (
    <Field label={label} error={error}>
      {(wired) => (
        <input
          {...wired}
          type="date"
          value={day ?? ""}
          onChange={(event) => onChoose(event.target.value || undefined)}
          className={fieldLook({ size: "compact" })}
        />
      )}
    </Field>
  );
}
