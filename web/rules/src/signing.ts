// ES256 keys and compact JWS (RFC 7515, 7518, 7638), by WebCrypto. Twin of amparo_common.signing: one algorithm, one header form, and
// a `typ` that the reader names beforehand, so that a signature made for one purpose is never valid for another.
import { same, utf8 } from "@amparo/cashu/bytes.ts";
import { fail } from "@amparo/cashu/errors.ts";
import { sha256 } from "@noble/hashes/sha2.js";

import { b64url, unb64url } from "./base64.ts";
import { encode } from "./canonical.ts";
import { otherwise, struct, text } from "./shape.ts";
import { partsOf } from "./unverified.ts";

/** A P-256 public key as a JWK (RFC 7517); x and y base64url. */
export interface PublicJwk {
  readonly x: string;
  readonly y: string;
  readonly crv: string;
  readonly kty: string;
}

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const ES256 = { name: "ECDSA", hash: "SHA-256" };

/** Reads a JWK out of a message. */
export const publicJwk = struct<PublicJwk>({ x: text, y: text, crv: otherwise(text, "P-256"), kty: otherwise(text, "EC") });

/** A P-256 public key. `kid` is its RFC 7638 thumbprint (SHA-256, base64url). Made by `readKey`. */
export class VerifyingKey {
  readonly jwk: PublicJwk;
  readonly kid: string;
  readonly #key: CryptoKey;

  constructor(jwk: PublicJwk, key: CryptoKey) {
    this.jwk = jwk;
    this.kid = thumbprint(jwk);
    this.#key = key;
  }

  /** Fails with `common.bad_signature` unless `signature` (64 bytes, r || s) is this key's over `message`. */
  async verify(message: Uint8Array, signature: Uint8Array): Promise<void> {
    if (signature.length !== 64) fail("common.bad_signature", "The signature has the wrong length.");
    const valid = await crypto.subtle.verify(ES256, this.#key, owned(signature), owned(message));
    if (!valid) fail("common.bad_signature", "The signature is not valid.");
  }
}

/** The key id of a public key: its RFC 7638 thumbprint. */
export function thumbprint(jwk: PublicJwk): string {
  return b64url(sha256(encode({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y })));
}

/** A public key, ready to verify with. Fails with `common.bad_key` unless it is a point of P-256. */
export async function readKey(jwk: PublicJwk): Promise<VerifyingKey> {
  if (jwk.kty !== "EC" || jwk.crv !== "P-256" || !isCoordinate(jwk.x) || !isCoordinate(jwk.y)) {
    fail("common.bad_key", "This is not a P-256 key.");
  }
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey("jwk", { kty: "EC", crv: "P-256", x: jwk.x, y: jwk.y }, CURVE, true, ["verify"]);
  } catch {
    return fail("common.bad_key", "The key is not a point of the curve P-256.");
  }
  return new VerifyingKey(jwk, key);
}

/** A P-256 private key that signs. `private` is a WebCrypto key: a browser can keep it without showing it to any script. */
export class SigningKey {
  readonly public: VerifyingKey;
  readonly #key: CryptoKey;

  constructor(pair: CryptoKey, shown: VerifyingKey) {
    this.#key = pair;
    this.public = shown;
  }

  /** 64 bytes r || s (RFC 7518 section 3.4). */
  async sign(message: Uint8Array): Promise<Uint8Array> {
    return new Uint8Array(await crypto.subtle.sign(ES256, this.#key, owned(message)));
  }
}

/** A signing key out of a WebCrypto pair, as `crypto.subtle.generateKey` makes it or as a browser's database kept it. */
export async function signingKey(pair: CryptoKeyPair): Promise<SigningKey> {
  const { x = "", y = "" } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return new SigningKey(pair.privateKey, await readKey({ x, y, crv: "P-256", kty: "EC" }));
}

/** A fresh pair. Its private half never leaves WebCrypto unless `extractable`. */
export async function generatePair(extractable = false): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(CURVE, extractable, ["sign", "verify"]);
}

/** `payload` as a compact JWS with ES256 and the given `typ`. */
export async function signCompact(payload: Uint8Array, key: SigningKey, typ: string): Promise<string> {
  const signed = `${b64url(header(key.public.kid, typ))}.${b64url(payload)}`;
  return `${signed}.${b64url(await key.sign(utf8(signed)))}`;
}

/** The payload of `token`. Fails with `common.bad_signature` unless `key` signed it as exactly this `typ`. */
export async function verifyCompact(token: string, key: VerifyingKey, typ: string): Promise<Uint8Array> {
  const [head, payload, signature] = partsOf(token);
  if (!same(unb64url(head), header(key.kid, typ))) {
    fail("common.bad_signature", "The document was signed with another key or for another purpose.");
  }
  await key.verify(utf8(`${head}.${payload}`), unb64url(signature));
  return unb64url(payload);
}

function header(kid: string, typ: string): Uint8Array {
  return encode({ alg: "ES256", kid, typ });
}

function isCoordinate(text: string): boolean {
  try {
    return unb64url(text).length === 32;
  } catch {
    return false;
  }
}

/** The same bytes, for WebCrypto's types: no view on memory that is shared between threads. */
function owned(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return data as Uint8Array<ArrayBuffer>;
}
