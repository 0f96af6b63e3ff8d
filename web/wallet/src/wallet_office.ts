// The wallet's side of the office: its key, its papers, claims. Every request is a compact JWS by the wallet's own key
// (docs/formats/claim.md). Twin of that part of amparo_wallet.wallet.

import { unhex, hex } from "@amparo/cashu/bytes.ts";
import { generatorTimes, showPoint } from "@amparo/cashu/curve.ts";
import { fail } from "@amparo/cashu/errors.ts";
import * as recovery from "@amparo/cashu/recovery_code.ts";
import { type Reader as Read, flag, listOf, optional, shape, text, whole } from "@amparo/cashu/shapes.ts";
import type { ClaimQuote } from "@amparo/cashu/wire.ts";
import type { Client } from "@amparo/purse/client.ts";
import { HOUR } from "@amparo/purse/calendar.ts";
import { askQuote, claim, findQuote } from "@amparo/purse/claiming.ts";
import { Resting } from "@amparo/purse/errors.ts";
import type { Purse } from "@amparo/purse/purse.ts";
import { derivedKey } from "@amparo/purse/recovery.ts";
import { REST } from "@amparo/purse/upkeep.ts";
import type { Vault } from "@amparo/purse/vault.ts";
import { type Plain, encode } from "@amparo/rules/canonical.ts";
import { SigningKey, generatePair, readKey, signCompact } from "@amparo/rules/signing.ts";

import { lineOf, nameOf, takeNumber } from "./activity_list.ts";
import { type Named, type Quote, aidIn, papersIn, quoteName } from "./glance.ts";
import type { Aid, CheckReceipt, CheckedReceipt, Paper, ReceiptBundle } from "./model.ts";

const TYP = "amparo-wallet+jws";
const QUOTES = "quotes";
// No mint makes a wallet wait longer than this for a window.
const LONGEST_WINDOW = 14 * 86_400;
// How long after the window a payment waits at most, where nothing else is set, and at least (seconds).
export const LATEST_HOURS = 6;
const SHORTEST_DELAY = 600;
const CURVE = { name: "ECDSA", namedCurve: "P-256" };

/** What the office's side works with. */
export interface OfficeParts {
  purse: Purse;
  office: Client;
  check: CheckReceipt;
  latestHours: number;
}

const readBundle: Read<ReceiptBundle> = (value) => {
  shape<{ receipt: string }>({ receipt: text })(value); // the rest is the rules' to read
  return value as ReceiptBundle;
};

const readPapers = listOf(
  shape<Omit<Paper, "quote"> & { quote?: string | undefined }>({ bundle: readBundle, amount: whole, unit: text, approved: flag, claimed: flag, quote: optional(text) }),
);

/** Papers and claims of one wallet. */
export class Office {
  readonly #parts: OfficeParts;
  readonly #key: SigningKey;

  private constructor(parts: OfficeParts, key: SigningKey) {
    this.#parts = parts;
    this.#key = key;
  }

  /** The office's side of a wallet; a new one gets a key. The key lies sealed in the vault, so that the PIN protects it too; it is
   * used as one that no script can read. */
  static async open(parts: OfficeParts): Promise<Office> {
    const { vault } = parts.purse;
    let kept = vault.read<JsonWebKey>("holder");
    if (!kept) {
      const { privateKey } = await generatePair(true);
      const { x = "", y = "", d = "" } = await crypto.subtle.exportKey("jwk", privateKey);
      kept = await vault.change((draft) => {
        const made: JsonWebKey = draft.read<JsonWebKey>("holder") ?? { kty: "EC", crv: "P-256", x, y, d };
        draft.put("holder", made);
        return made;
      });
    }
    const key = await crypto.subtle.importKey("jwk", kept, CURVE, false, ["sign"]);
    return new Office(parts, new SigningKey(key, await readKey({ kty: "EC", crv: "P-256", x: kept.x ?? "", y: kept.y ?? "" })));
  }

  async enrol(code: string): Promise<void> {
    const { crv, kty, x, y } = this.#key.public.jwk;
    await this.#post("/wallet/enrol", { action: "enrol", code, jwk: { crv, kty, x, y } }, (value) => value);
    await this.#vault.change((draft) => draft.put("enrolled", true));
  }

  async fetchPapers(): Promise<Paper[]> {
    const nonce = hex(crypto.getRandomValues(new Uint8Array(8)));
    const found = await this.#post("/wallet/papers", { action: "papers", nonce }, readPapers);
    const papers = found.map((paper) => ({ ...paper, quote: paper.quote ?? null }));
    await this.#vault.change((draft) => draft.put("papers", papers));
    return papersIn(this.#vault);
  }

  /** Claims one approved decision: checks it, gets a quote, has it paid, takes the coins. Safe to repeat after a crash at any
   * point. */
  async claim(paper: Paper, hurry: boolean): Promise<Aid> {
    const { purse, check } = this.#parts;
    const receipt = await check(paper.bundle);
    if (!paper.approved || receipt.amount === 0) fail("wallet.nothing_to_claim", "This decision has nothing to claim now.");
    if (paper.amount !== receipt.amount || paper.unit !== receipt.unit) fail("wallet.amount_differs", "The office names another amount than the receipt.");
    const rests = purse.claimFrom();
    if (rests > purse.now() && !hurry) throw new Resting("purse.claim_rests", rests);
    await purse.recover(true);
    const name = quoteName(receipt);
    const quote = await this.#quote(receipt, paper.quote);
    if (quote.done) return aidIn(this.#vault, paper);
    const asked = { action: "claim", programme: receipt.programme, cycle: receipt.cycle, quote: quote.quote };
    const { amount } = await this.#post("/wallet/claim", asked, shape<{ amount: number }>({ amount: whole }));
    if (amount !== receipt.amount) fail("wallet.amount_differs", "The office pays another amount than the receipt says.");
    const found = await findQuote(purse, quote.quote);
    const known = await this.#note(name, quote, found);
    // Otherwise its coins were taken before the file was lost: the mint says that all was issued, and a restoring finds them.
    if (found.amount_issued >= found.amount_paid && found.amount_paid > 0) await this.#vault.change((draft) => draft.put(name, { ...known, done: true }));
    else await this.#take(name, known);
    return aidIn(this.#vault, paper);
  }

  async #take(name: string, known: Quote): Promise<void> {
    const { purse } = this.#parts;
    const number = await this.#vault.change(takeNumber);
    const { quote, amount, unit, payFrom } = known;
    const came = lineOf({ number, kind: "claimed", state: "done", amount, unit });
    await claim(
      purse,
      { quote, amount, unit, key: unhex(known.key) },
      { payFrom, quietUntil: payFrom || purse.now() + purse.chance.between(...REST), done: [[name, { ...known, done: true }], [nameOf(number), came]] },
    );
  }

  /** Writes down, before the coins are taken, what the mint says of a quote. The moment from which it is paid is drawn once for
   * each end of the window. */
  async #note(name: string, quote: Quote, found: ClaimQuote): Promise<Quote> {
    const { purse, latestHours } = this.#parts;
    const now = purse.now();
    const windowEnds = found.window_ends > 0 ? Math.min(found.window_ends, now + LONGEST_WINDOW) : 0;
    const latest = Math.max(SHORTEST_DELAY, Math.floor(latestHours * HOUR));
    const drawn = windowEnds ? Math.max(windowEnds, now) + purse.chance.between(SHORTEST_DELAY, latest) : 0;
    const payFrom = quote.windowEnds === windowEnds && quote.payFrom > 0 ? quote.payFrom : drawn;
    const known = { ...quote, windowEnds, payFrom, crowd: found.crowd, crowdNeeded: found.crowd_needed };
    await this.#vault.change((draft) => draft.put(name, known));
    return known;
  }

  /** The quote for this decision: the one written down, the one that the office knows of, or a new one. */
  async #quote(receipt: CheckedReceipt, claimedInto: string | null): Promise<Quote> {
    const name = quoteName(receipt);
    const known = this.#vault.read<Quote>(name);
    if (known) return known;
    const [own, ...others] = await this.#keys(receipt);
    const { quote, key } = claimedInto === null ? await this.#newQuote(receipt, own) : await this.#found(claimedInto, [own, ...others]);
    const made: Quote = { quote, key: hex(key), amount: receipt.amount, unit: receipt.unit, done: false, windowEnds: 0, payFrom: 0, crowd: 0, crowdNeeded: 0 };
    return this.#vault.change((draft) => {
      const first = draft.read<Quote>(name) ?? made;
      draft.put(name, first);
      return first;
    });
  }

  async #newQuote({ amount, unit }: CheckedReceipt, key: Uint8Array): Promise<{ quote: string; key: Uint8Array }> {
    const made = await askQuote(this.#parts.purse, amount, unit, publicOf(key));
    if (made.amount !== amount || made.unit !== unit) fail("wallet.amount_differs", "The mint's quote is for another amount than the receipt says.");
    return { quote: made.quote, key };
  }

  /** A quote that this household claimed into before its file was lost, with the key to it. */
  async #found(quote: string, keys: readonly Uint8Array[]): Promise<{ quote: string; key: Uint8Array }> {
    const { pubkey } = await findQuote(this.#parts.purse, quote);
    const key = keys.find((each) => publicOf(each) === pubkey);
    return key ? { quote, key } : fail("wallet.claimed_elsewhere", "This aid was claimed with another wallet.");
  }

  /** The keys that this decision's quote may have: this wallet's own first, then those of restored wallets. */
  async #keys({ programme, cycle }: Named): Promise<[own: Uint8Array, ...others: Uint8Array[]]> {
    const roots = this.#vault.names("quote_root/").map((name) => unhex(name.slice("quote_root/".length)));
    const of = async (root: Uint8Array) => recovery.derivedKey(root, `${programme} ${cycle}`);
    return [await of(await derivedKey(this.#parts.purse, QUOTES)), ...(await Promise.all(roots.map(of)))];
  }

  get #vault() {
    return this.#parts.purse.vault;
  }

  async #post<T>(path: string, body: Plain, read: Read<T>): Promise<T> {
    return this.#parts.office.postText(path, await signCompact(encode(body), this.#key, TYP), read);
  }
}

/** Keeps from which root a lost wallet's quotes had their keys. Rejects with `purse.recovery_code_false`. */
export async function keepQuoteRoot(vault: Vault, code: string): Promise<void> {
  const root = await recovery.derivedKey(await recovery.seedOf(recovery.readCode(code)), QUOTES);
  await vault.change((draft) => draft.put(`quote_root/${hex(root)}`, true));
}

function publicOf(key: Uint8Array): string {
  return showPoint(generatorTimes(key));
}
