// NUT-12: the proof that the mint signed with its published key, checked by whoever receives a signature or a token.
//
// Without it a mint could sign one person's tokens with another key and recognise them later. All that is checked here is public.
import { sha256 } from "@noble/hashes/sha2.js";
import { hex, numberOf, same, utf8 } from "./bytes.ts";
import { Point, hashToCurve, publicSums, readPoint, readScalar } from "./curve.ts";
import { fail, renamed } from "./errors.ts";
import type { Dleq, Proof } from "./wire.ts";

/** SHA-256 over the points' uncompressed hex texts, joined. */
export function challenge(...points: Point[]): Uint8Array {
  return sha256(utf8(points.map((point) => hex(point.toBytes(false))).join("")));
}

/** A mint's key, what it was given and what it answered. */
export type Signing = { readonly key: Point; readonly blinded: Point; readonly signed: Point };

/** Throws `token.signature_not_proved` unless `signed` was made from `blinded` with the secret of `key`. */
export function checkSignature(dleq: Dleq | undefined, { key, blinded, signed }: Signing): void {
  const { e, s, back } = read(dleq);
  const [one, two] = publicSums([[s, "G"], [back, key]], [[s, blinded], [back, signed]]);
  judge(e, [one, two, key, signed]);
}

function read(dleq: Dleq | undefined): { e: Uint8Array; s: bigint; back: bigint } {
  if (!dleq) {
    return fail("token.signature_not_proved", "A signature comes without its proof.");
  }
  return renamed("token.signature_not_proved", "The proof of a signature is malformed.", () => {
    const e = readScalar(dleq.e);
    return { e, s: numberOf(readScalar(dleq.s)), back: -numberOf(e) };
  });
}

function judge(e: Uint8Array, points: readonly (Point | null | undefined)[]): void {
  const all = points.filter((point) => point instanceof Point);
  if (all.length !== points.length || !same(challenge(...all), e)) {
    fail("token.signature_not_proved", "A signature was not made with the published key.");
  }
}

/** The same for a token received from somebody else, whose proof carries the blinding factor `r`; `key` is the mint's for its
 * amount: give the same object for all tokens of that amount, and its tables are made once. Throws `token.signature_not_proved`,
 * `token.bad_point`, `token.malformed`. */
export function checkProof(proof: Proof, key: Point): void {
  if (!proof.dleq?.r) {
    return fail("token.signature_not_proved", "A token comes without its proof.");
  }
  const { e, s, back } = read(proof.dleq);
  const factor = numberOf(readScalar(proof.dleq.r));
  const start = hashToCurve(utf8(proof.secret));
  const plain = readPoint(proof.C);
  // signed = C + r * K and blinded = Y + r * G go into the sums unmade: s * blinded - e * signed is one sum of four multiples.
  const [signed, one, two] = publicSums(
    [[1n, plain], [factor, key]],
    [[s, "G"], [back, key]],
    [[s, start], [s * factor, "G"], [back, plain], [back * factor, key]],
  );
  judge(e, [one, two, key, signed]);
}
