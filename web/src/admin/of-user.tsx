/** Whose rows alone a list shows, and the way back to everybody's. */
import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useProduct } from "~/product.ts";
import { buttonLook } from "~/ui/button.tsx";
import { oneUser } from "./queries.ts";

interface OfUserProps {
  userId: string | undefined;
  onClear: () => void;
}

export function OfUser({ userId, onClear }: OfUserProps) {
  return userId === undefined ? null : <OnlyOf userId={userId} onClear={onClear} />;
}

function OnlyOf({ userId, onClear }: { userId: string; onClear: () => void }) {
  const { api } = useProduct();
  const { data: user } = useQuery(oneUser(api, userId));
  return (
    <div className="flex min-h-11 min-w-0 items-center">
      <button
        type="button"
        className={buttonLook({ look: "outline", size: "compact" })}
        onClick={onClear}
      >
        <span className="max-w-72 truncate">Only {user?.email ?? userId}</span>
        <X size={14} aria-hidden="true" />
        <span className="sr-only">: show everybody's</span>
      </button>
    </div>
  );
}
