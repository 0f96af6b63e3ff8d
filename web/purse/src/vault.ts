// All state of one app as sealed records (AES-GCM), changed together or not at all. Knows no coin and no person.
//
// Names and contents of records do not speak: a name is stored as a keyed hash, a content is padded and sealed under its name, so
// that records cannot be swapped. A head record counts the changes and holds a keyed sum over all records: one that is missing, old
// or of another copy is noticed (`vault.damaged`), an old copy of all of them by a witness outside (`vault.rolled_back`). The key
// that seals is wrapped by the key of this device, which no script can read, together with the PIN if there is one. LIMIT: whoever
// copies the whole profile of the browser has the device's key too; then the PIN alone protects, by its length and 600,000 rounds.
// The growing wait after wrong PINs binds who uses the app, not who has the copy.

import { hex, joined } from "@amparo/cashu/bytes.ts";
import { fail } from "@amparo/cashu/errors.ts";

import type { Backend, Witness } from "./backend.ts";

/** Reading records. */
export interface Reader {
  /** The content of a record, undefined where there is none. The caller says what it is: only this app writes here. */
  read<T>(name: string): T | undefined;
  /** The names that begin like this, in order. */
  names(prefix: string): string[];
}

/** Records as they will be after a change. */
export interface Draft extends Reader {
  put(name: string, content: unknown): void;
  drop(name: string): void;
}

/** How a vault is opened. `waiting` is called when another tab has it: this one goes on when that one is closed. `now` in unix
 * seconds. `acceptOld`: open an old copy all the same; whoever does so restores from the recovery code next. */
export interface VaultOptions {
  backend: Backend;
  name: string;
  pin?: string;
  witness?: Witness;
  locks?: LockManager;
  waiting?: () => void;
  now?: () => number;
  acceptOld?: boolean;
}

interface Header {
  v: number;
  pin: boolean;
  salt: string;
  wrapped: string;
  tries: number;
  waitUntil: number;
}

interface Head {
  count: number;
  records: number;
  sum: string;
}

const VERSION = 1;
const HEADER = "header";
const HEAD = "head";
const ROUNDS = 600_000;
const NONCE_BYTES = 12;
const PAGE = 256;
// So many wrong PINs cost nothing; every further one doubles the wait.
const FREE_TRIES = 3;
const FIRST_WAIT = 30;
const LONGEST_WAIT = 3_600;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The opened state of an app. */
export class Vault implements Reader {
  readonly #backend: Backend;
  readonly #seal: Seal;
  readonly #witness: Witness | undefined;
  readonly #release: () => void;
  readonly #now: () => number;
  #header: Header;
  #contents: Map<string, unknown>;
  #head: Head;
  #marks: Map<string, Uint8Array>;
  #turn: Promise<unknown> = Promise.resolve();
  #broken = false;

  private constructor(parts: { options: VaultOptions; seal: Seal; header: Header; head: Head; release: () => void }, loaded: Loaded) {
    this.#backend = parts.options.backend;
    this.#witness = parts.options.witness;
    this.#now = parts.options.now ?? clock;
    this.#seal = parts.seal;
    this.#header = parts.header;
    this.#head = parts.head;
    this.#release = parts.release;
    this.#contents = loaded.contents;
    this.#marks = loaded.marks;
  }

  /** Whether there is a vault, and whether it has a PIN; `waitUntil` (unix seconds): no PIN is tried before. */
  static async peek(backend: Backend): Promise<{ exists: boolean; pin: boolean; waitUntil: number }> {
    const header = readHeader(await backend.readAll());
    return { exists: header !== null, pin: header?.pin ?? false, waitUntil: header?.waitUntil ?? 0 };
  }

  /** Opens the vault, and makes an empty one where there is none. Rejects with `vault.pin_needed`, `vault.pin_wrong` (values:
   * `waitUntil`), `vault.pin_wait`, `vault.damaged`, `vault.rolled_back`, `vault.too_new`. */
  static async open(options: VaultOptions): Promise<Vault> {
    const release = await alone(options);
    try {
      return await Vault.#open(options, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  static async #open(options: VaultOptions, release: () => void): Promise<Vault> {
    const records = await options.backend.readAll();
    const header = readHeader(records);
    if (header === null) {
      if (records.size > 0) fail("vault.damaged", "There are records and nothing that leads to them.");
      return Vault.#make(options, release);
    }
    const device = (await options.backend.loadKey()) ?? fail("vault.damaged", "The key of this device is gone.");
    const opened = await unlock(options, header, device);
    const seal = await Seal.of(opened.key);
    const head = await openHead(seal, records);
    const loaded = await load(seal, records);
    if (head.records !== loaded.marks.size || head.sum !== hex(sumOf(loaded.marks.values()))) {
      fail("vault.damaged", "A record is missing, old, or of another copy.");
    }
    if (head.count < (options.witness?.read() ?? 0) && !options.acceptOld) fail("vault.rolled_back", "This is an old copy.");
    options.witness?.write(head.count);
    return new Vault({ options, seal, header: opened.header, head, release }, loaded);
  }

  static async #make(options: VaultOptions, release: () => void): Promise<Vault> {
    const device = (await options.backend.loadKey()) ?? (await makeDeviceKey(options.backend));
    const key = random(32);
    const header = await wrap(key, device, options.pin);
    const seal = await Seal.of(key);
    const head = { count: 1, records: 0, sum: hex(sumOf([])) };
    await options.backend.commit(new Map([[HEADER, writeHeader(header)], [HEAD, await seal.close(HEAD, head)]]));
    options.witness?.write(head.count);
    return new Vault({ options, seal, header, head, release }, { contents: new Map(), marks: new Map() });
  }

  read<T>(name: string): T | undefined {
    return this.#contents.get(name) as T | undefined;
  }

  names(prefix: string): string[] {
    return [...this.#contents.keys()].filter((name) => name.startsWith(prefix)).sort();
  }

  /** Whether a PIN opens this vault. */
  get hasPin(): boolean {
    return this.#header.pin;
  }

  /** Changes records in one durable step. `work` runs at its turn, at once and to its end: what it reads is the newest state, and
   * if it throws, nothing is changed. What it returns is given back after the commit. Rejects with `vault.closed` after a commit
   * that failed: what is on the disk is not known then, so open again. */
  async change<T>(work: (draft: Draft) => T): Promise<T> {
    const turn = this.#turn.then(() => this.#change(work));
    this.#turn = turn.catch(() => undefined); // whoever asked hears of it; the next one only waits
    return turn;
  }

  async #change<T>(work: (draft: Draft) => T): Promise<T> {
    if (this.#broken) fail("vault.closed", "The last change did not succeed.");
    const draft = new Pending(this.#contents);
    const result = work(draft);
    if (draft.changes.size > 0) await this.#commit(draft.changes);
    return result;
  }

  async #commit(changes: ReadonlyMap<string, unknown>): Promise<void> {
    const marks = new Map(this.#marks);
    const sealed = new Map<string, Uint8Array | null>();
    let sum = fromHex(this.#head.sum);
    for (const [name, content] of changes) {
      const stored = await this.#seal.stored(name);
      const blob = content === undefined ? null : await this.#seal.close(stored, { n: name, v: content });
      const old = marks.get(stored);
      if (old) sum = xor(sum, old);
      marks.delete(stored);
      if (blob) {
        const mark = await this.#seal.mark(stored, blob);
        sum = xor(sum, mark);
        marks.set(stored, mark);
      }
      if (blob || old) sealed.set(stored, blob);
    }
    const head = { count: this.#head.count + 1, records: marks.size, sum: hex(sum) };
    sealed.set(HEAD, await this.#seal.close(HEAD, head));
    this.#broken = true;
    await this.#backend.commit(sealed);
    this.#broken = false;
    for (const [name, content] of changes) {
      if (content === undefined) this.#contents.delete(name);
      else this.#contents.set(name, content);
    }
    this.#head = head;
    this.#marks = marks;
    this.#witness?.write(head.count);
  }

  /** Sets, changes or (null) removes the PIN. Rejects with `vault.pin_wrong`, `vault.pin_wait` when `old` is not the present one. */
  async changePin(old: string | undefined, pin: string | null): Promise<void> {
    const device = (await this.#backend.loadKey()) ?? fail("vault.damaged", "The key of this device is gone.");
    const opened = await unlock({ backend: this.#backend, now: this.#now, ...(old === undefined ? {} : { pin: old }) }, this.#header, device);
    const header = await wrap(opened.key, device, pin ?? undefined);
    await this.#backend.commit(new Map([[HEADER, writeHeader(header)]]));
    this.#header = header;
  }

  /** Removes everything, the keys first. There is no way back but the recovery code. */
  async wipe(): Promise<void> {
    this.#broken = true;
    await this.#turn;
    await this.#backend.wipe();
    this.#witness?.write(0);
    this.#release();
  }

  /** Lets another tab have it. */
  async close(): Promise<void> {
    await this.#turn;
    this.#broken = true;
    this.#release();
  }
}

/** Removes a vault that cannot be opened (a PIN was forgotten). */
export async function wipeClosed(backend: Backend, witness?: Witness): Promise<void> {
  await backend.wipe();
  witness?.write(0);
}

class Pending implements Draft {
  readonly changes = new Map<string, unknown>();
  readonly #before: ReadonlyMap<string, unknown>;

  constructor(before: ReadonlyMap<string, unknown>) {
    this.#before = before;
  }

  read<T>(name: string): T | undefined {
    return (this.changes.has(name) ? this.changes.get(name) : this.#before.get(name)) as T | undefined;
  }

  names(prefix: string): string[] {
    const found = new Set([...this.#before.keys()].filter((name) => name.startsWith(prefix)));
    for (const [name, content] of this.changes) {
      if (!name.startsWith(prefix)) continue;
      if (content === undefined) found.delete(name);
      else found.add(name);
    }
    return [...found].sort();
  }

  put(name: string, content: unknown): void {
    this.changes.set(name, content);
  }

  drop(name: string): void {
    if (this.#before.has(name)) this.changes.set(name, undefined);
    else this.changes.delete(name);
  }
}

/** Seals and opens records, and hashes their names, with the keys that follow from one. */
class Seal {
  readonly #contents: CryptoKey;
  readonly #names: CryptoKey;
  readonly #stored = new Map<string, string>();

  private constructor(contents: CryptoKey, names: CryptoKey) {
    this.#contents = contents;
    this.#names = names;
  }

  static async of(key: Uint8Array<ArrayBuffer>): Promise<Seal> {
    const root = await crypto.subtle.importKey("raw", key, HMAC, false, ["sign"]);
    const part = async (name: string) => crypto.subtle.sign("HMAC", root, encoder.encode(`amparo vault ${name} 1`));
    const [contents, names] = await Promise.all([part("contents"), part("names")]);
    return new Seal(
      await crypto.subtle.importKey("raw", contents, "AES-GCM", false, ["encrypt", "decrypt"]),
      await crypto.subtle.importKey("raw", names, HMAC, false, ["sign"]),
    );
  }

  /** The name under which a record is stored. */
  async stored(name: string): Promise<string> {
    const known = this.#stored.get(name);
    if (known !== undefined) return known;
    const hash = await crypto.subtle.sign("HMAC", this.#names, encoder.encode(`name ${name}`));
    const stored = hex(new Uint8Array(hash, 0, 16));
    this.#stored.set(name, stored);
    return stored;
  }

  /** What a stored record adds to the sum over all. */
  async mark(stored: string, blob: Uint8Array): Promise<Uint8Array> {
    const mac = await crypto.subtle.sign("HMAC", this.#names, joined(encoder.encode(`mark ${stored} `), blob));
    return new Uint8Array(mac);
  }

  async close(stored: string, content: unknown): Promise<Uint8Array> {
    const text = JSON.stringify(content);
    const plain = encoder.encode(text);
    const padded = new Uint8Array(Math.ceil(plain.length / PAGE) * PAGE).fill(32); // spaces behind JSON mean nothing
    padded.set(plain);
    const nonce = random(NONCE_BYTES);
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: encoder.encode(stored) }, this.#contents, padded);
    return joined(nonce, new Uint8Array(sealed));
  }

  async open<T>(stored: string, blob: Uint8Array): Promise<T> {
    const data = new Uint8Array(blob);
    const iv = data.subarray(0, NONCE_BYTES);
    try {
      const additionalData = encoder.encode(stored);
      const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, this.#contents, data.subarray(NONCE_BYTES));
      return JSON.parse(decoder.decode(plain)) as T;
    } catch {
      return fail("vault.damaged", "A record cannot be opened.");
    }
  }
}

interface Loaded {
  contents: Map<string, unknown>;
  marks: Map<string, Uint8Array>;
}

async function load(seal: Seal, records: ReadonlyMap<string, Uint8Array>): Promise<Loaded> {
  const loaded: Loaded = { contents: new Map(), marks: new Map() };
  const own = [...records].filter(([stored]) => stored !== HEAD && stored !== HEADER);
  const opened = await Promise.all(
    own.map(async ([stored, blob]) => ({
      stored,
      record: await seal.open<{ n: string; v: unknown }>(stored, blob),
      mark: await seal.mark(stored, blob),
    })),
  );
  for (const { stored, record, mark } of opened) {
    loaded.contents.set(record.n, record.v);
    loaded.marks.set(stored, mark);
  }
  return loaded;
}

async function openHead(seal: Seal, records: ReadonlyMap<string, Uint8Array>): Promise<Head> {
  return seal.open<Head>(HEAD, records.get(HEAD) ?? fail("vault.damaged", "The head record is gone."));
}

// --- keys ---------------------------------------------------------------------------------------------------------------------

const HMAC: HmacKeyGenParams = { name: "HMAC", hash: "SHA-256" };

async function makeDeviceKey(backend: Backend): Promise<CryptoKey> {
  const key = (await crypto.subtle.generateKey(HMAC, false, ["sign"])) as CryptoKey; // HMAC has one key, no pair
  await backend.saveKey(key);
  return key;
}

/** The key that wraps: of this device and of the PIN, both needed. */
async function wrapper(device: CryptoKey, salt: Uint8Array<ArrayBuffer>, pin: string | undefined): Promise<CryptoKey> {
  let stretched: Uint8Array = new Uint8Array();
  if (pin !== undefined) {
    const key = await crypto.subtle.importKey("raw", encoder.encode(pin.normalize("NFKC")), "PBKDF2", false, ["deriveBits"]);
    stretched = new Uint8Array(await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS }, key, 256));
  }
  const both = await crypto.subtle.sign("HMAC", device, joined(encoder.encode("amparo vault wrap 1"), salt, stretched));
  return crypto.subtle.importKey("raw", both, "AES-GCM", false, ["encrypt", "decrypt"]);
}

async function wrap(key: Uint8Array<ArrayBuffer>, device: CryptoKey, pin: string | undefined): Promise<Header> {
  const salt = random(16);
  const nonce = random(NONCE_BYTES);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, await wrapper(device, salt, pin), key);
  const wrapped = hex(joined(nonce, new Uint8Array(sealed)));
  return { v: VERSION, pin: pin !== undefined, salt: hex(salt), wrapped, tries: 0, waitUntil: 0 };
}

type Unlocking = Pick<VaultOptions, "backend" | "pin" | "now">;

/** The key behind a header. A try is written down before it is made, so that closing the app does not save one. */
async function unlock(options: Unlocking, header: Header, device: CryptoKey): Promise<{ key: Uint8Array<ArrayBuffer>; header: Header }> {
  if (header.v > VERSION) fail("vault.too_new", "A newer version of the app wrote this.");
  if (header.pin && options.pin === undefined) fail("vault.pin_needed", "This vault has a PIN.");
  if (!header.pin) return { key: await unwrap(header, device, undefined), header };
  const now = (options.now ?? clock)();
  if (now < header.waitUntil) fail("vault.pin_wait", "Too many wrong PINs.", { waitUntil: header.waitUntil });
  const tries = header.tries + 1;
  const wait = tries < FREE_TRIES ? 0 : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (tries - FREE_TRIES));
  const tried = { ...header, tries, waitUntil: wait ? now + wait : 0 };
  await options.backend.commit(new Map([[HEADER, writeHeader(tried)]]));
  const key = await unwrap(header, device, options.pin).catch(() => fail("vault.pin_wrong", "This is not the PIN.", { waitUntil: tried.waitUntil }));
  const opened = { ...header, tries: 0, waitUntil: 0 };
  await options.backend.commit(new Map([[HEADER, writeHeader(opened)]]));
  return { key, header: opened };
}

async function unwrap(header: Header, device: CryptoKey, pin: string | undefined): Promise<Uint8Array<ArrayBuffer>> {
  const blob = fromHex(header.wrapped);
  const key = await wrapper(device, fromHex(header.salt), pin);
  try {
    const iv = blob.subarray(0, NONCE_BYTES);
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, blob.subarray(NONCE_BYTES)));
  } catch {
    return fail("vault.damaged", "The key does not open.");
  }
}

function readHeader(records: ReadonlyMap<string, Uint8Array>): Header | null {
  const data = records.get(HEADER);
  return data ? (JSON.parse(decoder.decode(data)) as Header) : null;
}

function writeHeader(header: Header): Uint8Array {
  return encoder.encode(JSON.stringify(header));
}

// --- one tab ------------------------------------------------------------------------------------------------------------------

/** Waits until no other tab has the vault; returns what lets go of it. */
async function alone({ locks, name, waiting }: VaultOptions): Promise<() => void> {
  if (!locks) return () => undefined;
  const lock = `vault ${name}`;
  const hold = (options: LockOptions) =>
    new Promise<(() => void) | null>((tell, refuse) => {
      const asked = locks.request(lock, options, (given) => (given ? new Promise<void>((release) => tell(release)) : tell(null)));
      asked.catch(refuse);
    });
  const free = await hold({ ifAvailable: true });
  if (free) return free;
  waiting?.();
  return (await hold({})) ?? fail("vault.closed", "The lock was not given.");
}

// --- bytes ----------------------------------------------------------------------------------------------------------------------

function clock(): number {
  return Math.floor(Date.now() / 1000);
}

function random(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count));
}

function xor(one: Uint8Array, two: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(one, (byte, place) => byte ^ (two[place] ?? 0));
}

function sumOf(marks: Iterable<Uint8Array>): Uint8Array<ArrayBuffer> {
  let sum = new Uint8Array(32);
  for (const mark of marks) sum = xor(sum, mark);
  return sum;
}

function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
