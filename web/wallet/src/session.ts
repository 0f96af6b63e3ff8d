// The wallet put together above its store: public log, clients of the services. Loaded behind the first screen.

import type { Addresses } from "@amparo/kit/settings.ts";
import { clockOf } from "@amparo/kit/settings.ts";
import { Client } from "@amparo/purse/client.ts";
import type { Device } from "@amparo/purse/device.ts";
import { openPhone } from "@amparo/purse/phone.ts";
import { cardIn } from "./card.ts";
// Not loaded late: a file of its own would cost more, in bytes and in time, than a session that asks for no decision saves.
import { check as checkReceipt, explain, proof } from "./checking.ts";
import type { CheckReceipt } from "./model.ts";
import type { Keeping } from "./state.ts";
import { Wallet } from "./wallet.ts";

/** The open wallet. */
export interface Session {
  wallet: Wallet;
  keep: Keeping;
  /** What runs by itself while there is a connection. */
  upkeep(): Promise<void>;
}

/** Open what stands above the store. Rejects with the errors of the log. */
export async function openSession(device: Device, told: Addresses): Promise<Session> {
  const now = clockOf(told);
  const { vault, keep } = device;
  const { log, filters } = await openPhone(device, told);
  const checking = { vault, log, told };
  const check: CheckReceipt = (bundle) => checkReceipt(checking, bundle);
  const wallet = await Wallet.open({ vault, office: new Client(told.office), mint: new Client(told.mint), log, filters, check, now });
  return {
    wallet,
    keep: {
      ...keep,
      card: cardIn(vault),
      explain: (paper) => explain(checking, paper),
      proof: (paper) => proof(checking, paper),
    },
    async upkeep() {
      await log.refresh();
      await wallet.keepEnds();
      if (wallet.isEnrolled()) await wallet.fetchPapers();
      await wallet.recover();
      for (const unit of wallet.units()) await wallet.upkeep(unit);
    },
  };
}
