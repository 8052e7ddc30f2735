/** How a link in a text looks. */
export const TEXT_LINK = "font-medium text-link hover:underline";
