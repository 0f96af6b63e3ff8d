// The code of the person's own identity card (Claim 169: docs/formats/card-code.md), kept sealed on this phone to be shown without the
// paper. A sealed card says nothing to this phone either: it is kept as it is, and nothing is read out of it.

import { joined } from "@amparo/cashu/bytes.ts";
import { readCbor } from "@amparo/cashu/cbor.ts";
import { fail } from "@amparo/cashu/errors.ts";
import type { Vault } from "@amparo/purse/vault.ts";

/** `sealed`: only registered verifiers read it; `open`: whoever scans it does. */
export type CardForm = "sealed" | "open";

/** A card's code as it is printed, and who can read it. */
export interface KeptCard {
  code: string;
  form: CardForm;
}

/** The one card of this phone. */
export interface CardApi {
  /** The card that is kept; null when there is none. */
  kept(): KeptCard | null;
  /** Keep a card's code in the place of the one before. `credentials.malformed`: it is no card code. */
  keep(code: string): Promise<KeptCard>;
  /** Forget it. */
  drop(): Promise<void>;
}

const NAME = "card";
const LONGEST = 6_000;
const LARGEST_INSIDE = 4_096;
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
// The one-byte heads of COSE's tags: 16 is sealed (COSE_Encrypt0), 18 is signed (COSE_Sign1).
const FORMS: Readonly<Record<number, CardForm>> = { 0xd0: "sealed", 0xd2: "open" };

const malformed = (): never => fail("credentials.malformed", "This is not a card code.");

/** Who can read a card code. Rejects with `credentials.malformed`. Whether it is genuine only a verifier can tell. */
export async function formOf(code: string): Promise<CardForm> {
  const inside = code.length > 0 && code.length <= LONGEST ? await inflated(base45(code)) : malformed();
  const form = FORMS[inside[0] ?? 0] ?? malformed();
  const body = partsOf(inside.subarray(1));
  return body.length >= 3 && body[0] instanceof Uint8Array ? form : malformed();
}

function partsOf(data: Uint8Array): readonly unknown[] {
  try {
    const body = readCbor(data);
    return Array.isArray(body) ? body : malformed();
  } catch {
    return malformed();
  }
}

/** RFC 9285. */
function base45(text: string): Uint8Array {
  const out: number[] = [];
  for (let place = 0; place < text.length; place += 3) {
    const digits = [...text.slice(place, place + 3)].map((sign) => ALPHABET.indexOf(sign));
    const value = digits.reduceRight((sum, digit) => sum * 45 + digit, 0);
    if (digits.length < 2 || digits.includes(-1) || value >= (digits.length === 3 ? 0x1_0000 : 0x100)) return malformed();
    if (digits.length === 3) out.push(value >> 8);
    out.push(value & 0xff);
  }
  return Uint8Array.from(out);
}

async function inflated(packed: Uint8Array<ArrayBuffer> | Uint8Array): Promise<Uint8Array> {
  const reader = new Blob([Uint8Array.from(packed)]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  let whole = new Uint8Array();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      whole = joined(whole, part.value) as Uint8Array<ArrayBuffer>;
      if (whole.length > LARGEST_INSIDE) break;
    }
  } catch {
    return malformed(); // cut or changed
  }
  if (whole.length <= LARGEST_INSIDE) return whole;
  await reader.cancel();
  return malformed();
}

/** The card in a vault. */
export function cardIn(vault: Vault): CardApi {
  return {
    kept: () => vault.read<KeptCard>(NAME) ?? null,
    async keep(code) {
      const card = { code, form: await formOf(code) };
      await vault.change((draft) => draft.put(NAME, card));
      return card;
    },
    async drop() {
      await vault.change((draft) => draft.drop(NAME));
    },
  };
}
