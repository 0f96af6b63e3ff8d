// What the wallet says when something does not work: what happened and what to do, by stable code. Two short sentences at most.

import { storeWords } from "@amparo/kit/says.ts";
import type { Failure } from "@amparo/kit/task.ts";
import { _, fillText, moment } from "@amparo/kit/words.ts";

/** The sentences for a failure, in the chosen language. */
export function failureWords(failure: Failure): string {
  const ofStore = storeWords(failure);
  if (ofStore) return ofStore;
  const until = failure.until ? moment(failure.until) : "";
  switch (failure.code) {
    case "service.unreachable":
    case "service.timed_out":
      return _("There is no connection. Nothing is lost; try again later.");
    case "purse.not_enough":
      return _("That is more than you have.");
    case "purse.no_exact_coins":
      return _("This exact amount needs a connection. Choose another amount.");
    case "purse.aid_rests":
      return fillText(_("This aid is ready to pay from {moment}. Waiting protects your privacy."), { moment: until });
    case "purse.exchange_rests":
    case "purse.claim_rests":
      return fillText(_("Wait until {moment}. Waiting protects your privacy."), { moment: until });
    case "mint.crowd_too_small":
      return _("Too few people have asked yet. Try again in some hours: you lose nothing.");
    case "token.malformed":
    case "cashu.bad_token":
      return _("This is not a code of a shop or of aid.");
    case "wallet.request_not_payable":
      return _("This wallet cannot pay what is asked here. Ask the shop for another code, or type the amount.");
    case "credentials.malformed":
      return _("This is not the code inside a card.");
    case "wallet.amount_differs":
      return _("The amounts do not agree. Nothing was taken; call the programme.");
    case "wallet.claimed_elsewhere":
      return _("This aid was taken with another phone. Bring that wallet back with its code.");
    case "wallet.nothing_to_claim":
      return _("There is nothing to take now.");
    case "office.unknown_enrolment_code":
      return _("This code is not known or was used. Ask the office for a new one.");
    case "purse.recovery_code_false":
      return _("There is a slip in the code. Compare it with the paper.");
    case "purse.in_use":
      return _("This wallet was used already. Begin with an empty one.");
    case "token.keyset_not_in_log":
      return _("This code was not issued by the programme. Do not accept it.");
    case "token.signature_not_proved":
      return _("This code is not genuine. Do not accept it.");
    case "token.already_spent":
    case "token.pending":
      return _("This code was used before. Ask for another one.");
    case "token.units_differ":
      return _("This code mixes kinds of aid. Ask for another one.");
    default:
      return fillText(_("That did not work ({code}). Nothing is lost; try again."), { code: failure.code });
  }
}
