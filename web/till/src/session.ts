// The till put together above its store: public log, clients of the services. Loaded behind the first screen.

import { fail } from "@amparo/cashu/errors.ts";
import type { Addresses } from "@amparo/kit/settings.ts";
import { clockOf } from "@amparo/kit/settings.ts";
import { Client } from "@amparo/purse/client.ts";
import type { Device } from "@amparo/purse/device.ts";
import { openPhone } from "@amparo/purse/phone.ts";
import { keptEnrolment } from "./glance.ts";
import type { Enrolment } from "./model.ts";
import { Till } from "./till.ts";
import { readEnrolment } from "./till_settings.ts";

// A till needs no rules, no decisions and no receipts.
const KINDS = ["key-announced", "keyset-announced"] as const;

/** The open till: without a shop until a code was given. */
export interface Session {
  till(): Till | undefined;
  /** Make this phone the till of the shop that a code names. Rejects with `till.enrolment_code_false` and what the shops side refuses. */
  enrol(code: string): Promise<void>;
  /** What runs by itself while there is a connection. */
  upkeep(): Promise<void>;
}

/** Open what stands above the store. Rejects with the errors of the log. */
export async function openSession(device: Device, told: Addresses): Promise<Session> {
  const { vault } = device;
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
    async upkeep() {
      await log.refresh();
      await till?.recover();
      await till?.upkeep();
    },
  };
}
