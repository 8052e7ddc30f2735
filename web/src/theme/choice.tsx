/** Light, dark, or as the device says. */
import { Monitor, Moon, Sun } from "lucide-react";
import { useId } from "react";
import { APPEARANCES, type Appearance, choose, useAppearance } from "./appearance.ts";

const SHOWN: Record<Appearance, { name: string; icon: typeof Sun }> = {
  system: { name: "Auto", icon: Monitor },
  light: { name: "Light", icon: Sun },
  dark: { name: "Dark", icon: Moon },
};

export function AppearanceChoice() {
  const group = useId();
  const chosen = useAppearance();
  return (
    <fieldset className="grid gap-2">
      <legend className="sr-only">Appearance</legend>
      <div className="grid grid-cols-3 gap-1 rounded-field bg-well p-1">
        {APPEARANCES.map((appearance) => {
          const { name, icon: Icon } = SHOWN[appearance];
          return (
            <label
              key={appearance}
              className="relative flex min-h-8 cursor-pointer items-center justify-center gap-1.5 rounded-small text-caption text-soft has-checked:bg-chosen has-checked:font-medium has-checked:text-ink has-checked:shadow-card has-focus-visible:outline-3 has-focus-visible:outline-link"
            >
              <input
                type="radio"
                name={group}
                className="sr-only"
                checked={chosen === appearance}
                onChange={() => choose(appearance)}
              />
              <Icon size={14} aria-hidden="true" />
              {name}
            </label>
          );
        })}
      </div>
    </fieldset>
  );
}
