// A phone with a wallet for tests/foreign/test_web_purse.py.

import { checkBundle } from "@amparo/log/evidence.ts";
import { Client } from "@amparo/purse/client.ts";
import type { ReceiptBundle } from "@amparo/rules/receipt.ts";

import { serve } from "../../purse/tests/drive.ts";
import { Wallet } from "../src/wallet.ts";

await serve(async ({ vault, log, now, told }) => {
  const check = async (bundle: unknown) => (await checkBundle(bundle as ReceiptBundle, log, told.vkey)).receipt;
  return Wallet.open({ vault, office: new Client(told.office), mint: new Client(told.mint), log, check, now });
});
