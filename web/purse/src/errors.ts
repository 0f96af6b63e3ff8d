// Errors of the purse, with the codes of amparo_purse.errors: purse.not_enough, purse.no_exact_coins, purse.keyset_not_current,
// purse.too_many_keysets, purse.recovery_code_false, purse.in_use, purse.restore_unfinished, purse.lock_outlives_coins,
// purse.coins_busy, and those below. Only here: vault.* (vault.ts).

import { AmparoError } from "@amparo/cashu/errors.ts";

type RestingCode = "purse.aid_rests" | "purse.exchange_rests" | "purse.claim_rests";

/** What is done later, so that its time tells nothing. `until` (unix time, also in `values`) says when; each can be gone on with at
 * once (`hurry`), at a cost in privacy and none in money. */
export class Resting extends AmparoError {
  readonly until: number;

  constructor(code: RestingCode, until: number) {
    super(code, "This waits.", { values: { until } });
    this.until = until;
  }
}
