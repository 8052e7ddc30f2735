/** A document of the API, saved as a file on the reader's machine. */
import { refusalOf } from "~/api/problems.ts";

interface Fetched {
  data?: Blob;
  error?: unknown;
  response: Response;
}

export async function save(fetching: Promise<Fetched>, name: string): Promise<void> {
  const { data, error, response } = await fetching;
  if (!response.ok || data === undefined) throw refusalOf(response, error);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(data);
  link.download = nameIn(response.headers.get("content-disposition")) ?? name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function nameIn(disposition: string | null): string | null {
  return /filename="?([^";]+)"?/.exec(disposition ?? "")?.[1] ?? null;
}
