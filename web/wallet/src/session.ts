// The wallet put together: sealed store, public log, clients of the services. Loaded behind the first screen.

import type { Addresses } from "@amparo/kit/settings.ts";
import { clockOf } from "@amparo/kit/settings.ts";
import { Client } from "@amparo/purse/client.ts";
import { openPhone, wipePhone } from "@amparo/purse/phone.ts";
import { cardIn } from "./card.ts";
import type { CheckReceipt } from "./model.ts";
import type { Keeping } from "./state.ts";
import { Wallet } from "./wallet.ts";

const NAME = "amparo-wallet";

/** The open wallet. */
export interface Session {
  wallet: Wallet;
  keep: Keeping;
  /** What runs by itself while there is a connection. */
  upkeep(): Promise<void>;
}

/** Throw away what cannot be opened: the PIN was forgotten, or the store is damaged. */
export async function wipe(): Promise<void> {
  await wipePhone(NAME);
}

/** Open everything. `waiting` is called when another window has the wallet. Rejects with the errors of store and log. */
export async function open(told: Addresses, pin: string | undefined, waiting: () => void): Promise<Session> {
  const now = clockOf(told);
  const { vault, log, filters, keep } = await openPhone(NAME, told, pin, waiting);
  const checking = { vault, log, told };
  const check: CheckReceipt = async (bundle) => (await import("./checking.ts")).check(checking, bundle);
  const wallet = await Wallet.open({ vault, office: new Client(told.office), mint: new Client(told.mint), log, filters, check, now });
  return {
    wallet,
    keep: {
      ...keep,
      card: cardIn(vault),
      explain: async (paper) => (await import("./checking.ts")).explain(checking, paper),
      proof: async (paper) => (await import("./checking.ts")).proof(checking, paper),
    },
    async upkeep() {
      await log.refresh();
      if (wallet.isEnrolled()) await wallet.fetchPapers();
      await wallet.recover();
      for (const unit of wallet.units()) await wallet.upkeep(unit);
    },
  };
}
