// What every app says of its own store: it is damaged, newer, or the PIN was not right. What else fails is each app's to say.

import type { Failure } from "./task.ts";
import { _, fillText, moment } from "./words.ts";

/** The sentences for a failure of the sealed store, in the chosen language; undefined for every other code. */
export function storeWords({ code, until }: Failure): string | undefined {
  switch (code) {
    case "vault.damaged":
    case "vault.rolled_back":
    case "vault.closed":
      return _("What this phone kept is damaged or an old copy. Ask for help before you throw it away.");
    case "vault.too_new":
      return _("A newer release of this app wrote this. Connect and open the app again.");
    case "vault.pin_wrong":
      return _("That is not the PIN.");
    case "vault.pin_wait":
      return fillText(_("Too many tries. Wait until {moment}."), { moment: moment(until) });
    default:
      return undefined;
  }
}
