// The one error of the phone apps: a stable code, the same as the Python twin's, and values for the screen that says it in words.

/** A deliberate error. `code` is stable (docs/errors.md) and the only thing that a screen may build its sentence from, with
 * `values` (counts, places; never a secret or a person's data). `message`, `why` and `todo` are for developers. */
export class AmparoError extends Error {
  override readonly name = "AmparoError";
  readonly code: string;
  readonly why: string;
  readonly todo: string;
  readonly values: Readonly<Record<string, number | string>>;

  constructor(code: string, what: string, more: { why?: string; todo?: string; values?: Record<string, number | string> } = {}) {
    super(what);
    this.code = code;
    this.why = more.why ?? "";
    this.todo = more.todo ?? "";
    this.values = more.values ?? {};
  }
}

/** Throws the error `code`; `what` says in few English words what happened. */
export function fail(code: string, what: string, values: Record<string, number | string> = {}): never {
  throw new AmparoError(code, what, { values });
}

/** Throws `token.malformed`: what was read is not what it should be. */
export function malformed(what: string): never {
  return fail("token.malformed", what);
}

/** Whether something caught is one of ours with one of these codes (none named: any). */
export function isError(caught: unknown, ...codes: string[]): caught is AmparoError {
  return caught instanceof AmparoError && (!codes.length || codes.includes(caught.code));
}

/** The numbers of the specification's error table (error_codes.md) as our codes: what a mint's refusal `{code, detail}` means. */
const NUMBERS: Readonly<Record<number, string>> = {
  10001: "token.proof_false",
  11001: "token.already_spent",
  11002: "token.pending",
  11003: "token.outputs_already_signed",
  11005: "token.not_balanced",
  11006: "token.amount_refused",
  11007: "token.duplicate_inputs",
  11008: "token.duplicate_outputs",
  11009: "token.units_mixed",
  11010: "token.units_differ",
  11013: "token.unit_unknown",
  11014: "token.too_many",
  11015: "token.too_many_outputs",
  11016: "token.duplicate_quotes",
  11017: "token.too_many_quotes",
  12001: "token.keyset_unknown",
  12002: "token.keyset_inactive",
  12003: "token.keyset_expired",
  20001: "token.quote_not_paid",
  20002: "token.quote_already_issued",
  20005: "token.quote_pending",
  20006: "token.quote_settled",
  20008: "token.quote_signature_false",
  20009: "token.quote_key_missing",
  30001: "token.clear_auth_missing",
  30002: "token.clear_auth_false",
  31001: "token.blind_auth_missing",
  31002: "token.blind_auth_false",
  31003: "token.too_many_auth_tokens",
  31004: "token.auth_rate_exceeded",
};

/** The code of a mint's refusal by its number; `token.error` for one that has no code here. */
export function codeOf(number: number): string {
  return NUMBERS[number] ?? "token.error";
}

/** What `action` gives; an error of ours that it throws becomes `code`. */
export function renamed<T>(code: string, what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    return isError(error) ? fail(code, what) : rethrow(error);
  }
}

function rethrow(error: unknown): never {
  throw error;
}
