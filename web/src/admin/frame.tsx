/** What stands around the operators' pages. */
import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { useEffect, useRef } from "react";

const PAGES = [
  { to: "/admin", name: "Health", isExact: true },
  { to: "/admin/tasks", name: "Tasks", isExact: false },
  { to: "/admin/users", name: "Users", isExact: false },
  { to: "/admin/payments", name: "Payments", isExact: false },
  { to: "/admin/refunds", name: "Refunds", isExact: false },
  { to: "/admin/prices", name: "Prices", isExact: false },
  { to: "/admin/events", name: "Parked events", isExact: false },
  { to: "/admin/mails", name: "Mails", isExact: false },
  { to: "/admin/books", name: "Books", isExact: false },
] as const;

export function AdminFrame() {
  const bar = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: on narrow windows the present page is brought into sight
  useEffect(() => {
    const here = bar.current?.querySelector("[aria-current=page]");
    here?.scrollIntoView?.({ block: "nearest", inline: "center" });
  }, [pathname]);
  return (
    <>
      <nav ref={bar} aria-label="Admin" className="overflow-x-auto border-line border-b">
        <ul className="mx-auto flex max-w-7xl gap-1 px-3 py-2 tablet:px-5">
          {PAGES.map(({ to, name, isExact }) => (
            <li key={to}>
              <Link
                to={to}
                activeOptions={{ exact: isExact, includeSearch: false }}
                className="block whitespace-nowrap rounded-full px-3 py-1.5 text-body text-soft hover:text-ink focus-visible:outline-offset-[-3px] aria-[current=page]:bg-well aria-[current=page]:font-medium aria-[current=page]:text-ink"
              >
                {name}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <Outlet />
    </>
  );
}
