// Bech32 and Bech32m (BIP 173, 350) without their limit of 90 characters, as NUT-26 and NIP-19 use them. The checksum guards
// against slips of a scanner, not against strangers.
import { malformed } from "./errors.ts";

export const LONGEST = 8_192;
export const BECH32 = 1;
export const BECH32M = 0x2bc830a3;
const CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const CHECKSUM = 6;
const ASCII = /^[\x00-\x7f]*$/;

/** `data` as lower-case text under `prefix`. `constant` is `BECH32` or `BECH32M`. */
export function encode(prefix: string, data: Uint8Array, constant: number): string {
  const values = regroup(data, 8, 5, true);
  const checksum = polymod([...spread(prefix), ...values, ...Array<number>(CHECKSUM).fill(0)]) ^ constant;
  for (let place = CHECKSUM - 1; place >= 0; place--) {
    values.push((checksum >>> (5 * place)) & 31);
  }
  return `${prefix}1${values.map((value) => CHARACTERS[value]).join("")}`;
}

/** The data of a text under `prefix`, all upper-case or all lower-case. Throws `token.malformed`. */
export function decode(text: string, prefix: string, constant: number): Uint8Array {
  const plain = text.toLowerCase();
  if (text.length > LONGEST || !ASCII.test(text) || (text !== plain && text !== text.toUpperCase())) {
    malformed("A text is too long or mixes upper and lower case.");
  }
  const end = plain.lastIndexOf("1");
  const values = Array.from(plain.slice(end + 1), (sign) => CHARACTERS.indexOf(sign));
  if (end < 0 || plain.slice(0, end) !== prefix || values.length < CHECKSUM || values.includes(-1)) {
    malformed("A text has another beginning or a character that it cannot have.");
  }
  if (polymod([...spread(prefix), ...values]) !== constant) {
    malformed("A text has a wrong checksum.");
  }
  return Uint8Array.from(regroup(values.slice(0, -CHECKSUM), 5, 8, false));
}

function spread(prefix: string): number[] {
  const codes = Array.from(prefix, (sign) => sign.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

function polymod(values: readonly number[]): number {
  let check = 1;
  for (const value of values) {
    const top = check >>> 25;
    check = ((check & 0x1ffffff) << 5) ^ value;
    GENERATOR.forEach((generator, place) => {
      check ^= (top >> place) & 1 ? generator : 0;
    });
  }
  return check;
}

/** Groups of `of` bits as groups of `into` bits. Throws `token.malformed` when bits are left over that no writer leaves. */
function regroup(values: Iterable<number>, of: number, into: number, isPadded: boolean): number[] {
  const found: number[] = [];
  let held = 0;
  let bits = 0;
  for (const value of values) {
    held = ((held << of) | value) & 0xfff;
    for (bits += of; bits >= into; ) {
      bits -= into;
      found.push((held >> bits) & ((1 << into) - 1));
    }
  }
  const left = held & ((1 << bits) - 1);
  if (isPadded && bits) {
    found.push(left << (into - bits));
  } else if (!isPadded && (bits >= of || left)) {
    malformed("A text is not padded as its standard says.");
  }
  return found;
}
