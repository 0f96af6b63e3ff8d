// A device for tests against real services: reads one JSON order a line ({method, args, now}) from stdin and answers with a line
// ({result} or {error: code}). What it drives is given by the tests of wallet and till.

import { createInterface } from "node:readline";

import { isError } from "@amparo/cashu/errors.ts";
import { type LogFollower, openFollower } from "@amparo/log/follow.ts";
import { httpFetch } from "@amparo/log/client.ts";

import { MemoryBackend } from "../src/backend.ts";
import { RemoteError } from "../src/client.ts";
import { Vault } from "../src/vault.ts";

export interface Settings {
  office: string;
  mint: string;
  shops: string;
  log: string;
  vkey: string;
}

/** What a device is made of, and its clock. */
export interface Parts {
  vault: Vault;
  log: LogFollower;
  now: () => number;
  told: Settings;
}

/** Serves orders to what `open` makes, until stdin ends. `restart` is the one order that is for the device itself: it starts again
 * from what is on its disk. */
export async function serve(open: (parts: Parts) => Promise<object>): Promise<void> {
  const backend = new MemoryBackend();
  let moment = 0;
  let device: object | undefined;
  const memory = { load: async () => null, save: async () => undefined, keepEvidence: async () => undefined };
  const start = async (told: Settings) => {
    const log = await openFollower(httpFetch(told.log), told.vkey, memory);
    await log.refresh();
    return open({ vault: await Vault.open({ backend, name: "drive" }), log, now: () => moment, told });
  };
  for await (const text of createInterface({ input: process.stdin })) {
    const { method, args = [], now } = JSON.parse(text) as { method: string; args?: unknown[]; now?: number };
    moment = now ?? moment;
    let said: object;
    try {
      if (method === "restart") device = await start(args[0] as Settings);
      const work = device === undefined || method === "restart" ? null : Reflect.get(device, method);
      said = { result: (typeof work === "function" ? await work.apply(device, args) : work) ?? null };
    } catch (error) {
      if (!isError(error)) throw error;
      said = { error: error instanceof RemoteError ? error.said : error.code };
    }
    if (method === "restart") said = { result: null, ...("error" in said ? said : {}) };
    process.stdout.write(`${JSON.stringify(said)}\n`);
  }
}
