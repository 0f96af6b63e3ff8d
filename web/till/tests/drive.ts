// A phone with a till for tests/foreign/test_web_purse.py. The first order after a start is `enrol` with the code.

import { FilterShelf } from "@amparo/purse/filters.ts";
import { MemoryShelf } from "@amparo/purse/backend.ts";
import { Client } from "@amparo/purse/client.ts";

import { serve } from "../../purse/tests/drive.ts";
import { Till } from "../src/till.ts";
import { readEnrolment } from "../src/till_settings.ts";

await serve(async ({ vault, log, now, told }) => {
  const device = {
    async enrol(code: string): Promise<string> {
      const enrolment = readEnrolment(code);
      const shops = new Client(enrolment.shops, { bearer: enrolment.access });
      const filters = await FilterShelf.open(new MemoryShelf());
      const till = await Till.open({ vault, mint: new Client(told.mint), shops, log, filters, now }, enrolment);
      for (const name of ["begin", "sale", "take", "finish", "deposit", "standing", "askSettlement", "sales", "addVoucher", "finishBatch", "today", "secondTill", "upkeep"]) {
        const work: unknown = Reflect.get(till, name);
        if (typeof work === "function") Reflect.set(device, name, work.bind(till));
      }
      return till.lockKey;
    },
  };
  return device;
});
