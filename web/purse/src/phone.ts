// What both apps open on a device besides its store: the public log with its memory, and the lists of coins that are spent.

import { httpFetch } from "@amparo/log/client.ts";
import type { LogFollower } from "@amparo/log/follow.ts";
import { openFollower } from "@amparo/log/follow.ts";

import type { Device } from "./device.ts";
import { FilterShelf } from "./filters.ts";

/** The kinds of entries that an app keeps of the log. */
type LogKinds = Parameters<typeof openFollower>[3];

/** The log and the filters. */
export interface Phone {
  log: LogFollower;
  filters: FilterShelf;
}

/** Follow the log at an address. `kinds`: what is kept of it. Rejects with the errors of the log. */
export async function openPhone({ shelf, memory }: Device, from: { log: string; vkey: string }, kinds?: LogKinds): Promise<Phone> {
  return { log: await openFollower(httpFetch(from.log), from.vkey, memory, kinds), filters: await FilterShelf.open(shelf) };
}
