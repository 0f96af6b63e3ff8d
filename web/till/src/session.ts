// The till put together: sealed store, public log, clients of the services. Loaded behind the first screen.

import { fail } from "@amparo/cashu/errors.ts";
import type { Addresses } from "@amparo/kit/settings.ts";
import { clockOf } from "@amparo/kit/settings.ts";
import type { Keeping } from "@amparo/kit/settings_screen.tsx";
import { Client } from "@amparo/purse/client.ts";
import { openDevice, wipeDevice } from "@amparo/purse/device.ts";
import { openPhone } from "@amparo/purse/phone.ts";
import type { Enrolment } from "./model.ts";
import { Till, readEnrolment } from "./till.ts";
import { keptEnrolment } from "./till_settings.ts";

const NAME = "amparo-till";
// A till needs no rules, no decisions and no receipts.
const KINDS = ["key-announced", "keyset-announced"] as const;

/** The open till: without a shop until a code was given. */
export interface Session {
  till(): Till | undefined;
  /** Make this phone the till of the shop that a code names. Rejects with `till.enrolment_code_false` and what the shops side refuses. */
  enrol(code: string): Promise<void>;
  keep: Keeping;
  /** What runs by itself while there is a connection. */
  upkeep(): Promise<void>;
}

/** Throw away what cannot be opened: the PIN was forgotten, or the store is damaged. */
export async function wipe(): Promise<void> {
  await wipeDevice(NAME);
}

/** Open everything. `waiting` is called when another window has the till. Rejects with the errors of store and log. */
export async function open(told: Addresses, pin: string | undefined, waiting: () => void): Promise<Session> {
  const device = await openDevice(NAME, pin, waiting);
  const { vault, keep } = device;
  const { log, filters } = await openPhone(device, told, KINDS);
  const now = clockOf(told);
  const openTill = async (enrolment: Enrolment) => {
    const shops = new Client(told.shops, { bearer: enrolment.access });
    return Till.open({ vault, mint: new Client(told.mint), shops, log, filters, now }, enrolment);
  };
  const known = keptEnrolment(vault);
  let till = known ? await openTill(known) : undefined;
  return {
    till: () => till,
    async enrol(code) {
      const read = readEnrolment(code);
      if (read.vkey !== told.vkey) fail("till.enrolment_code_false", "This is the code of another programme.");
      // Where the services are is known from where the app came; a code cannot send the till elsewhere.
      const enrolment = { ...read, mint: told.mint, shops: told.shops, log: told.log };
      const shops = new Client(told.shops, { bearer: enrolment.access });
      await shops.get(`/mine/${enrolment.units[0] ?? ""}`, (plain) => plain);
      await log.refresh();
      till = await openTill(enrolment);
    },
    keep,
    async upkeep() {
      await log.refresh();
      await till?.recover();
      await till?.upkeep();
    },
  };
}
