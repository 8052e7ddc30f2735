/** A mailed link that cannot be used: cut off on its way, used already, or too old. */
import { Link } from "@tanstack/react-router";
import { Notice } from "~/ui/notice.tsx";
import { TEXT_LINK } from "~/ui/text-link.ts";
import { Door } from "./door.tsx";

export function BrokenLink() {
  return (
    <Door title="This link cannot be used" after={<OtherLink />}>
      <Notice tone="warn">
        Links work once and for a limited time, and this one was used, is too old, or was cut off on
        its way.
      </Notice>
    </Door>
  );
}

function OtherLink() {
  return (
    <>
      <Link to="/forgot" className={TEXT_LINK}>
        Mail me a new link
      </Link>
      <Link to="/login" className={TEXT_LINK}>
        Sign in
      </Link>
    </>
  );
}
