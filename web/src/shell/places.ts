/** Where one can go, in the order of the header; a new part of the product is a line here. */
import {
  Coins,
  type LucideIcon,
  MessageSquareText,
  ReceiptText,
  Settings,
  Wrench,
} from "lucide-react";

export interface Place {
  to: "/dashboard" | "/credits" | "/transactions" | "/settings" | "/admin";
  name: string;
  icon: LucideIcon;
}

export const PLACES: readonly Place[] = [
  { to: "/dashboard", name: "Work", icon: MessageSquareText },
  { to: "/credits", name: "Credits", icon: Coins },
  { to: "/transactions", name: "Transactions", icon: ReceiptText },
];

export const SETTINGS: Place = { to: "/settings", name: "Settings", icon: Settings };
export const ADMIN: Place = { to: "/admin", name: "Admin", icon: Wrench };

export function placesOf({ isAdmin }: { isAdmin: boolean }): readonly Place[] {
  return isAdmin ? [...PLACES, ADMIN] : PLACES;
}
