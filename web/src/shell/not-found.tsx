/** There is no such page, or it is somebody else's. */
import { Link } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { buttonLook } from "~/ui/button.tsx";
import { Empty } from "~/ui/empty.tsx";
import { useTitle } from "~/ui/page.tsx";

/** The same where nothing else stands around it. */
export function NowhereFound() {
  return (
    <main id="content">
      <NotFound />
    </main>
  );
}

export function NotFound() {
  useTitle("Not found");
  return (
    <div className="grid min-h-[70dvh] place-items-center">
      <div>
        <h1 tabIndex={-1} className="sr-only">
          Not found
        </h1>
        <Empty
          icon={Compass}
          title="There is no page here"
          action={
            <Link to="/dashboard" className={buttonLook({ look: "primary" })}>
              Go to your work
            </Link>
          }
        >
          The address may be mistyped, or what it led to is gone. Nothing of yours is lost.
        </Empty>
      </div>
    </div>
  );
}
