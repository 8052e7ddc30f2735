/** Refusals as the API sends them (RFC 9457), and the silence of a server that cannot be reached. */

export interface FieldProblem {
  field: string;
  message: string;
}

/** The server understood and declined: a stable code, a sentence, and members of its own. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly fields: readonly FieldProblem[] = [],
    readonly members: Readonly<Record<string, unknown>> = {},
    readonly retryAfterS: number | null = null,
  ) {
    super(detail);
  }
}

const UNREACHABLE = "ImpacterAGI cannot be reached right now.";

/** Nobody answered: the connection is gone, or the server is. What was asked may be done or not. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";

  constructor() {
    super(UNREACHABLE);
  }
}

const WAIT_STATUSES = [502, 503, 504];

/** The same request may be sent again, and is worth it. */
export function isPassing(problem: unknown): boolean {
  if (problem instanceof Unreachable) return true;
  return problem instanceof Refusal && WAIT_STATUSES.includes(problem.status);
}

export function isRefusal(problem: unknown, code: string): problem is Refusal {
  return problem instanceof Refusal && problem.code === code;
}

export function isMissing(problem: unknown): boolean {
  return problem instanceof Refusal && [404, 422].includes(problem.status);
}

/** One sentence for a person. */
export function sentenceOf(problem: unknown): string {
  if (problem instanceof Refusal && problem.status === 429) return wait(problem);
  if (problem instanceof Refusal || problem instanceof Unreachable) return problem.message;
  return "Something went wrong on this page.";
}

/** The refusal that an answer is; bodies that are no problem document become one by their status. */
export function refusalOf(response: Response, body: unknown): Refusal {
  const { detail, code, errors, ...members } = isRecord(body) ? body : {};
  return new Refusal(
    response.status,
    typeof code === "string" ? code : String(response.status),
    code === "invalid" ? mistaken(errors) : toldBy(detail, response.status),
    fieldsOf(errors),
    members,
    secondsOf(response.headers.get("retry-after")),
  );
}

function toldBy(detail: unknown, status: number): string {
  return typeof detail === "string" ? detail : unexplained(status);
}

/** What the checks of a request mind has the API's names: people are told where to look. */
function mistaken(errors: unknown): string {
  const places = Array.isArray(errors) ? errors.filter(isRecord).map(({ field }) => field) : [];
  const entered = places.map(String).filter((place) => place.startsWith("body."));
  if (entered.length === 0) return "What the address asks for is not there.";
  const names = entered.map((place) => place.replace(/^.*\./, "").replaceAll("_", " "));
  return `Look again at what you entered: ${[...new Set(names)].join(", ")}.`;
}

function unexplained(status: number): string {
  if (WAIT_STATUSES.includes(status)) return UNREACHABLE;
  return "Something went wrong on our side. Try again in a moment.";
}

function wait(problem: Refusal): string {
  const seconds = problem.retryAfterS;
  if (seconds === null || seconds <= 0) return problem.message;
  const time = seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  return `Too many tries. Try again in ${time}.`;
}

function secondsOf(header: string | null): number | null {
  const seconds = Number(header ?? "");
  return header !== null && Number.isFinite(seconds) ? Math.ceil(seconds) : null;
}

function fieldsOf(errors: unknown): FieldProblem[] {
  if (!Array.isArray(errors)) return [];
  return errors.filter(isRecord).map((error) => ({
    field: String(error.field ?? "").replace(/^(body|query|path)\./, ""),
    message: capitalized(String(error.message ?? "").replace(/^(Value|Assertion) error, /, "")),
  }));
}

function capitalized(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
