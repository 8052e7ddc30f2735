/** Forms: checked before they are sent, and told field by field what the server minds. */
import { useState } from "react";
import type { FieldValues, Path, Resolver, UseFormReturn } from "react-hook-form";
import type * as z from "zod/mini";
import { type FieldProblem, Refusal } from "~/api/problems.ts";

/** The check of a form's values by a schema, in the form library's words. */
export function checkedBy<Values extends FieldValues>(
  schema: z.ZodMiniType<Values, Values>,
): Resolver<Values> {
  return (values) => {
    const checked = schema.safeParse(values);
    if (checked.success) return { values: checked.data, errors: {} };
    const issues = checked.error.issues.map((issue) => [
      issue.path.join("."),
      { type: issue.code, message: issue.message },
    ]);
    // the first issue of a field is the one that is shown
    return { values: {}, errors: Object.fromEntries(issues.reverse()) };
  };
}

/** Send a form; what is wrong with a field is shown there, and anything else is returned. */
export function useSending<Values extends FieldValues>(
  form: UseFormReturn<Values>,
  send: (values: Values) => Promise<void>,
) {
  const [problem, setProblem] = useState<unknown>(null);
  const submit = form.handleSubmit(async (values) => {
    setProblem(null);
    try {
      await send(values);
    } catch (flaw) {
      const shown = flaw instanceof Refusal ? flaw.fields.filter(isOf(values)) : [];
      for (const { field, message } of shown) {
        form.setError(field as Path<Values>, { message }, { shouldFocus: true });
      }
      if (shown.length === 0) setProblem(flaw);
    }
  });
  return { submit, problem, isBusy: form.formState.isSubmitting };
}

function isOf(values: FieldValues): (problem: FieldProblem) => boolean {
  return ({ field }) => field in values;
}
