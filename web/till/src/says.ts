// What the till says when a code or a request does not work: one sentence, and what to do. Never "give the goods" when in doubt.

import { storeWords } from "@amparo/kit/says.ts";
import type { Failure } from "@amparo/kit/task.ts";
import { _, fillText } from "@amparo/kit/words.ts";

/** The sentence for a failure. */
export function failureWords(failure: Failure): string {
  const ofStore = storeWords(failure);
  if (ofStore) return ofStore;
  switch (failure.code) {
    case "service.unreachable":
    case "service.timed_out":
      return _("There is no connection. What is stored is safe; try again later.");
    case "token.malformed":
      return _("This is not a code of aid.");
    case "till.wrong_amount":
      return _("This code is of another amount. Ask for the amount shown.");
    case "till.not_locked_to_this_shop":
      return _("This code was not made for this shop. Connect and scan again. If it is refused again, ask for another one.");
    case "till.lock_too_short":
      return _("This code ends too soon. Ask for a new one.");
    case "till.taken_before":
      return _("This code was collected here before.");
    case "till.spent_before":
    case "token.already_spent":
    case "token.pending":
      return _("This code was used before.");
    case "till.sale_too_large":
      return _("Too much for one sale without a connection. Connect to continue.");
    case "till.offline_limit":
      return _("The till has stored as much as it may. Connect to continue.");
    case "till.alone_too_long":
      return _("Too many hours without a connection. Connect to continue.");
    case "till.practice_code":
      return _("This is a practice code without value.");
    case "till.practice_only":
      return _("This is a practice sale. Use a practice code.");
    case "token.signature_not_proved":
      return _("This code is not genuine.");
    case "token.keyset_not_in_log":
    case "token.keyset_unknown":
      return _("This code was not issued by the programme.");
    case "token.keyset_expired":
      return _("This code has expired.");
    case "token.units_differ":
    case "token.units_mixed":
      return _("This code is of another programme.");
    case "till.enrolment_code_false":
      return _("This is not the code for a till. Ask the office.");
    case "till.nothing_to_refund":
      return _("This till has no money of its own to give back.");
    case "purse.not_enough":
      return _("This till has less money of its own than that.");
    default:
      return fillText(_("That did not work ({code}). Try again."), { code: failure.code });
  }
}

/** Whether goods must not be handed over because of it: a code was refused, and not just a line that is down. */
export function isRefusal(failure: Failure): boolean {
  return failure.code.startsWith("till.") || failure.code.startsWith("token.");
}
