/** Where toasts appear. */
import { Toaster } from "sonner";
import "sonner/dist/styles.css";
import { useAppearance } from "~/theme/appearance.ts";

export function Toasts() {
  const theme = useAppearance();
  return (
    <Toaster
      theme={theme}
      position="bottom-center"
      closeButton
      offset={24}
      mobileOffset={16}
      toastOptions={{ className: "toast" }}
    />
  );
}
