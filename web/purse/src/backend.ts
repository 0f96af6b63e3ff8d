// Where a device keeps bytes: sealed records that change together, the key of this device, and public files. In a browser
// IndexedDB; in tests memory that can die.

import { answered, ended } from "./indexed.ts";

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

const SCHEMA = 1;
const DEVICE = "device";
type Store = "records" | "keys" | "public";

/** Opens the app's database; makes what this version has and an earlier one had not. Rejects with the browser's error. */
async function open(name: string): Promise<IDBDatabase> {
  const asked = indexedDB.open(name, SCHEMA);
  asked.onupgradeneeded = ({ oldVersion }) => {
    if (oldVersion < 1) for (const store of ["records", "keys", "public"] satisfies Store[]) asked.result.createObjectStore(store);
  };
  const database = await answered(asked);
  // A newer version of the app wants to upgrade in another tab: let it; this tab's next commit fails and says so.
  database.onversionchange = () => database.close();
  return database;
}

/** A browser's database. */
export class IndexedDbBackend implements Backend {
  readonly #database: IDBDatabase;

  private constructor(database: IDBDatabase) {
    this.#database = database;
  }

  /** Opens the database `name`, and makes it where there is none. */
  static async open(name: string): Promise<IndexedDbBackend> {
    return new IndexedDbBackend(await open(name));
  }

  async readAll(): Promise<Map<string, Uint8Array>> {
    const records = this.#read("records");
    const [names, values] = await Promise.all([answered(records.getAllKeys()), answered<Uint8Array[]>(records.getAll())]);
    // Both lists are in the order of the keys.
    return new Map(names.map((name, place) => [name as string, values[place] as Uint8Array]));
  }

  async commit(changes: ReadonlyMap<string, Uint8Array | null>): Promise<void> {
    await this.#write("records", (records) => {
      for (const [name, value] of changes) {
        if (value === null) records.delete(name);
        else records.put(value, name);
      }
    });
  }

  async loadKey(): Promise<CryptoKey | null> {
    return (await answered<CryptoKey | undefined>(this.#read("keys").get(DEVICE))) ?? null;
  }

  async saveKey(key: CryptoKey): Promise<void> {
    await this.#write("keys", (keys) => keys.put(key, DEVICE));
  }

  async wipe(): Promise<void> {
    await this.#write("keys", (keys) => keys.clear());
    this.#database.close();
    await answered(indexedDB.deleteDatabase(this.#database.name));
  }

  /** The public files beside the records. */
  get shelf(): Shelf {
    return {
      names: async () => (await answered(this.#read("public").getAllKeys())) as string[],
      load: async (name) => (await answered<Uint8Array | undefined>(this.#read("public").get(name))) ?? null,
      save: async (name, data) => this.#write("public", (files) => (data === null ? files.delete(name) : files.put(data, name)), "relaxed"),
    };
  }

  #read(store: Store): IDBObjectStore {
    return this.#database.transaction(store).objectStore(store);
  }

  /** Resolves once all of `work` is stored (`strict`: is on the disk); rejects with the browser's error, and then none of it is. */
  async #write(store: Store, work: (opened: IDBObjectStore) => void, durability: "strict" | "relaxed" = "strict"): Promise<void> {
    const transaction = this.#database.transaction(store, "readwrite", { durability });
    const done = ended(transaction);
    work(transaction.objectStore(store));
    await done;
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
