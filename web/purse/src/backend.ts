// Where a device keeps bytes: sealed records that change together, the key of this device, and public files. In a browser
// IndexedDB; in tests memory that can die.

import { type DBSchema, type IDBPDatabase, deleteDB, openDB } from "idb";

/** Sealed records. `commit` is one step: after a power cut all of its changes are there or none; null removes. */
export interface Backend {
  readAll(): Promise<Map<string, Uint8Array>>;
  commit(changes: ReadonlyMap<string, Uint8Array | null>): Promise<void>;
  /** The key that never leaves this device (HMAC, not extractable); null: there is none. */
  loadKey(): Promise<CryptoKey | null>;
  saveKey(key: CryptoKey): Promise<void>;
  /** Everything is gone afterwards, the key first. */
  wipe(): Promise<void>;
}

/** Public files that anybody could fetch (filters, the log): not sealed, and no harm if they are lost. */
export interface Shelf {
  names(): Promise<string[]>;
  load(name: string): Promise<Uint8Array | null>;
  /** Keeps a file; null removes it. */
  save(name: string, data: Uint8Array | null): Promise<void>;
}

/** Remembers outside the records how often they were changed, so that an old copy of all of them is noticed. */
export interface Witness {
  read(): number;
  write(count: number): void;
}

interface Stores extends DBSchema {
  records: { key: string; value: Uint8Array };
  keys: { key: string; value: CryptoKey };
  public: { key: string; value: Uint8Array };
}

const SCHEMA = 1;
const DEVICE = "device";
type Database = IDBPDatabase<Stores>;

/** Opens the app's database; `upgrade` makes what this version has and an earlier one had not. Rejects with the browser's error. */
async function open(name: string): Promise<Database> {
  return openDB<Stores>(name, SCHEMA, {
    upgrade(database, old) {
      if (old < 1) {
        database.createObjectStore("records");
        database.createObjectStore("keys");
        database.createObjectStore("public");
      }
    },
    // A newer version of the app wants to upgrade in another tab: let it; this tab's next commit fails and says so.
    blocking(_current, _blocked, event) {
      (event.target as IDBDatabase).close();
    },
  });
}

/** A browser's database. */
export class IndexedDbBackend implements Backend {
  readonly #database: Database;
  readonly #name: string;

  constructor(database: Database, name: string) {
    this.#database = database;
    this.#name = name;
  }

  /** Opens the database `name`, and makes it where there is none. */
  static async open(name: string): Promise<IndexedDbBackend> {
    return new IndexedDbBackend(await open(name), name);
  }

  async readAll(): Promise<Map<string, Uint8Array>> {
    const read = this.#database.transaction("records");
    const [names, values] = await Promise.all([read.store.getAllKeys(), read.store.getAll(), read.done]);
    // Both lists are in the order of the keys.
    return new Map(names.map((name, place) => [name, values[place] as Uint8Array]));
  }

  async commit(changes: ReadonlyMap<string, Uint8Array | null>): Promise<void> {
    const write = this.#database.transaction("records", "readwrite", { durability: "strict" });
    const steps = [...changes].map(([name, value]) => (value === null ? write.store.delete(name) : write.store.put(value, name)));
    await Promise.all([...steps, write.done]);
  }

  async loadKey(): Promise<CryptoKey | null> {
    return (await this.#database.get("keys", DEVICE)) ?? null;
  }

  async saveKey(key: CryptoKey): Promise<void> {
    const write = this.#database.transaction("keys", "readwrite", { durability: "strict" });
    await Promise.all([write.store.put(key, DEVICE), write.done]);
  }

  async wipe(): Promise<void> {
    await this.#database.clear("keys");
    this.#database.close();
    await deleteDB(this.#name);
  }

  /** The public files beside the records. */
  get shelf(): Shelf {
    const database = this.#database;
    return {
      names: async () => database.getAllKeys("public"),
      load: async (name) => (await database.get("public", name)) ?? null,
      save: async (name, data) => {
        if (data === null) await database.delete("public", name);
        else await database.put("public", data, name);
      },
    };
  }
}

/** A witness in `localStorage`. */
export function localWitness(name: string): Witness {
  return {
    read: () => Number(localStorage.getItem(name) ?? 0),
    write: (count) => localStorage.setItem(name, String(count)),
  };
}

/** Files in memory, for tests. */
export class MemoryShelf implements Shelf {
  readonly #files = new Map<string, Uint8Array>();

  async names(): Promise<string[]> {
    return [...this.#files.keys()];
  }

  async load(name: string): Promise<Uint8Array | null> {
    return this.#files.get(name) ?? null;
  }

  async save(name: string, data: Uint8Array | null): Promise<void> {
    if (data === null) this.#files.delete(name);
    else this.#files.set(name, data);
  }
}

/** Records in memory, for tests. `step` is called before and after each commit and may throw: then the device died there. */
export class MemoryBackend implements Backend {
  step: () => void = () => undefined;
  records = new Map<string, Uint8Array>();
  #key: CryptoKey | null = null;

  async readAll(): Promise<Map<string, Uint8Array>> {
    return new Map(this.records);
  }

  async commit(changes: ReadonlyMap<string, Uint8Array | null>): Promise<void> {
    this.step();
    await Promise.resolve();
    for (const [name, value] of changes) {
      if (value === null) this.records.delete(name);
      else this.records.set(name, value);
    }
    this.step();
  }

  async loadKey(): Promise<CryptoKey | null> {
    return this.#key;
  }

  async saveKey(key: CryptoKey): Promise<void> {
    this.#key = key;
  }

  async wipe(): Promise<void> {
    this.#key = null;
    this.records.clear();
  }
}
