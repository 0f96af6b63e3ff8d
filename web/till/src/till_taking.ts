// Taking codes: without a connection (locked to this shop: checked here, stored until it is deposited) and with one (changed into
// own coins at once). Twin of that part of amparo_till.till.
//
// Without a connection a till needs the log as last seen and nothing else: keyset in the log, of this unit and not about to end,
// the mint's proof, the lock and its time, that the code was not taken here before, and that it is not in the published filters of
// spent coins.

import { fail, isError } from "@amparo/cashu/errors.ts";
import { type Token, readToken } from "@amparo/cashu/nut00_token.ts";
import { readLock } from "@amparo/cashu/nut10_secret.ts";
import type { Proof } from "@amparo/cashu/wire.ts";
import { pointOf, statesOf } from "@amparo/purse/ask.ts";
import { SHORTEST_LOCK } from "@amparo/purse/calendar.ts";
import { RemoteError } from "@amparo/purse/client.ts";
import type { FilterShelf } from "@amparo/purse/filters.ts";
import { isRefusal } from "@amparo/purse/journal.ts";
import type { Coin } from "@amparo/purse/model.ts";
import { ALREADY_SPENT, type Purse } from "@amparo/purse/purse.ts";
import { addCoin, coin, dropCoins, total } from "@amparo/purse/store.ts";
import type { Reader } from "@amparo/purse/vault.ts";

import { hoursAlone } from "./glance.ts";
import type { Limits } from "./model.ts";
import { type Open, type Part, dropPart, labelOf, nextPart, openSale, partsOf, storedCoins, takenBefore } from "./sales.ts";

// Refusals that are about the code: false, spent, in another deposit, over. After any other it may be good.
const CONDEMNED: ReadonlySet<string> = new Set(["10001", ALREADY_SPENT, "11002", "12003"]);
const CODE = /cashu[AB][A-Za-z0-9_\-+/]+=*/;

/** What taking works with. `open` signs what is locked to this shop, `limits` are those of the moment. */
export interface TakingParts {
  purse: Purse;
  filters: FilterShelf | undefined;
  lockKey: string;
  open: (proof: Proof) => Proof;
  limits: () => Limits;
}

/** A code as read, with the points of its coins. */
export interface Offered {
  code: string;
  token: Token;
  amount: number;
  points: string[];
}

/** Takes codes for one till. */
export class Taking {
  readonly #parts: TakingParts;

  constructor(parts: TakingParts) {
    this.#parts = parts;
  }

  /** Reads a code. Throws `token.malformed`, `till.taken_before` (values: `at`, unix time, 0: another day). */
  read(text: string): Offered {
    const { purse } = this.#parts;
    const code = CODE.exec(text)?.[0] ?? fail("token.malformed", "There is no code in this text.");
    const token = readToken(code, { keysets: purse.keys.view().keysets.map(({ body }) => body.keyset) });
    const points = token.proofs.map(pointOf);
    if (new Set(points).size !== points.length) fail("token.malformed", "A coin stands twice in a code.");
    this.checkFresh(purse.vault, points);
    return { code, token, amount: token.proofs.reduce((sum, proof) => sum + proof.amount, 0), points };
  }

  /** Throws `till.taken_before` when one of these coins was taken here. */
  checkFresh(reader: Reader, points: readonly string[]): void {
    const before = takenBefore(reader, points);
    if (before) fail("till.taken_before", "This code was taken before.", { at: before.at });
  }

  /** Whether every coin is locked to this shop; throws `till.not_locked_to_this_shop` for one that is locked to somebody else. */
  isLocked({ token }: Offered): boolean {
    const locks = token.proofs.map((proof) => readLock(proof.secret));
    const isOurs = (keys: readonly string[]) => keys.length === 1 && keys[0] === this.#parts.lockKey;
    if (locks.some((lock) => lock !== null && !isOurs(lock.keys))) fail("till.not_locked_to_this_shop", "The code is locked to somebody else.");
    return locks.every((lock) => lock !== null);
  }

  // --- without a connection
  // -----------------------------------------------------------------------------------------------------------

  /** Checks a locked code with what is known here. Rejects with what makes it unsafe. */
  async check({ token, points }: Offered, unit: string): Promise<void> {
    const { purse, filters } = this.#parts;
    const least = purse.now() + SHORTEST_LOCK;
    for (const proof of token.proofs) {
      await purse.keys.checkGenuine(proof, unit);
      const locktime = readLock(proof.secret)?.locktime ?? null;
      if (locktime !== null && locktime < least) fail("till.lock_too_short", "The lock of this code ends too soon.");
      const end = (await purse.keys.keyset(proof.id)).final_expiry;
      if (end !== null && end < least) fail("token.keyset_expired", "The coins of this code end too soon.");
      if (filters?.isSpent(proof)) fail("till.spent_before", "This code was spent before.");
    }
    this.checkFresh(purse.vault, points);
  }

  /** Throws `till.sale_too_large`, `till.offline_limit`, `till.alone_too_long`. */
  checkLimits(sale: Open, amount: number): void {
    const { purse } = this.#parts;
    const limits = this.#parts.limits();
    if (sale.amount > limits.perSale) fail("till.sale_too_large", "The sale is too large for a payment without a connection.");
    if (total(storedCoins(purse.vault, sale.unit)) + amount > limits.stored) fail("till.offline_limit", "The till has stored as much as it may.");
    if (hoursAlone(purse.vault, purse.now()) > limits.hours) fail("till.alone_too_long", "The till has had no connection for too long.");
  }

  /** Stores a checked code for the open sale, in one step with everything that says so. */
  async store(sale: Open, offered: Offered): Promise<void> {
    await this.#parts.purse.vault.change((draft) => {
      this.checkFresh(draft, offered.points);
      for (const proof of offered.token.proofs) addCoin(draft, proof, { unit: sale.unit, state: "held", label: labelOf(sale.number) });
      draft.put(nextPart(draft, sale.number), this.part(sale, offered, { code: offered.code }));
    });
  }

  part(sale: Pick<Open, "number" | "unit">, { token, amount, points }: Offered, more: { code?: string; voucher?: boolean } = {}): Part {
    const keysets = [...new Set(token.proofs.map((proof) => proof.id))];
    const { code = "", voucher = false } = more;
    const at = this.#parts.purse.now();
    return { sale: sale.number, unit: sale.unit, amount, points, keysets, code, at, voucher, practice: false, counted: false, over: false };
  }

  // --- with a connection
  // --------------------------------------------------------------------------------------------------------------

  /** Changes the stored coins of a code into own ones. False: it is not known whether they are, `recover` finds out. Rejects with
   * `till.spent_before` when they had been spent, and with the mint's other refusals of this code: then they are not here any
   * more, and the code counts for nothing. */
  async confirm(sale: Open, offered: Offered): Promise<boolean> {
    const { purse, open } = this.#parts;
    const proofs = offered.token.proofs.filter(({ secret }) => coin(purse.vault, secret)?.busy === false);
    try {
      if (proofs.length > 0) await purse.renewAll(proofs.map(open), sale.unit);
    } catch (error) {
      if (!isRefusal(error) || !CONDEMNED.has(error.remoteCode)) return isLost(error);
      await this.#takeOut(sale.number, offered.points);
      if (error.remoteCode === ALREADY_SPENT) fail("till.spent_before", "This code was spent before.");
      throw error;
    }
    await this.noteContact();
    return true;
  }

  /** Whether codes stored for the open sale were spent before, after a death in between: those count for nothing. */
  async lookAgain(): Promise<void> {
    const { purse } = this.#parts;
    const sale = openSale(purse.vault);
    for (const part of sale ? partsOf(purse.vault, sale.number) : []) {
      const coins = this.#coinsOf(purse.vault, part);
      const states = coins.length > 0 ? await statesOf(purse.mint, coins.map(({ proof }) => proof), { chance: purse.chance }) : [];
      if (states.some((state) => state !== "UNSPENT")) await this.#takeOut(part.sale, part.points);
    }
  }

  #coinsOf(reader: Reader, { sale, points }: Pick<Part, "sale" | "points">): Coin[] {
    const stored = storedCoins(reader).filter((each) => each.label === labelOf(sale) && !each.busy);
    return stored.filter(({ proof }) => points.includes(pointOf(proof)));
  }

  async #takeOut(sale: number, points: readonly string[]): Promise<void> {
    await this.#parts.purse.vault.change((draft) => {
      const coins = this.#coinsOf(draft, { sale, points });
      dropCoins(draft, coins.map(({ proof }) => proof.secret));
      dropPart(draft, sale, points);
    });
  }

  /** Changes an unlocked code into own coins. False: the answer was lost. Rejects with `till.spent_before` and the mint's other
   * refusals. */
  async receive(sale: Open, offered: Offered): Promise<boolean> {
    const { purse } = this.#parts;
    for (const proof of offered.token.proofs) await purse.keys.checkKnown(proof, sale.unit);
    const name = nextPart(purse.vault, sale.number);
    try {
      await purse.receive(offered.token.proofs, sale.unit, { hurry: true, done: [[name, this.part(sale, offered)]] });
    } catch (error) {
      if (error instanceof RemoteError && error.remoteCode === ALREADY_SPENT) fail("till.spent_before", "This code was spent before.");
      if (isRefusal(error)) throw error;
      return isLost(error);
    }
    await this.noteContact();
    return true;
  }

  /** The mint has answered. */
  async noteContact(): Promise<void> {
    const { vault, now } = this.#parts.purse;
    await vault.change((draft) => draft.put("contact", now()));
  }

  paidOf(reader: Reader, sale: Open): number {
    return partsOf(reader, sale.number).reduce((sum, part) => sum + part.amount, 0);
  }
}

/** Whether nobody knows what became of a request: false, or the error if it is another one. */
function isLost(error: unknown): false {
  if (error instanceof RemoteError || isError(error, "service.unreachable")) return false;
  throw error;
}
