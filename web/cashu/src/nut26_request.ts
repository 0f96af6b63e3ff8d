// NUT-26: payment requests in form B: Bech32m of tag-length-value fields, in capitals for small QR codes. `readAnyRequest` takes
// form A too, bare or inside a `bitcoin:` URI.
//
// A field is a type (1 byte), a length (2 bytes, big-endian) and a value. Unknown fields are skipped. A kind of transport or lock
// that has no name here is kept as its number, so that nobody takes a request with it for one without.
import * as bech32 from "./bech32.ts";
import { bigEndian, fromUtf8, joined, numberOf, utf8 } from "./bytes.ts";
import { malformed } from "./errors.ts";
import { LONGEST, checkRequest, plainRequest, readRequest } from "./nut18_request.ts";
import type { LockOption, PaymentRequest, Transport } from "./nut18_request.ts";

const PREFIX = "creqb";
const FIELD = { id: 1, amount: 2, unit: 3, singleUse: 4, mint: 5, description: 6, transport: 7, lock: 8 };
const PART = { kind: 1, target: 2, tag: 3 };
const REPEATED = [FIELD.mint, FIELD.transport];
const TRANSPORTS = ["nostr", "post"];
const LOCKS = ["P2PK", "HTLC"];
const KIND = /^(?:[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])$/;
// NIP-19: a key alone, or a key (0) with relays (1) as fields with a length of one byte
const NOSTR = { key: 0, relay: 1 };
const RELAY_TAG = "r";

type Fields = ReadonlyMap<number, readonly Uint8Array[]>;

/** The request as text of form B, in capitals. Throws `token.malformed` when it is out of bounds or has no such form. */
export function writeRequestB(request: PaymentRequest): string {
  checkRequest(request);
  const { id, amount, unit, singleUse, mints, description, transports, lock } = request;
  const fields: (readonly [number, Uint8Array | undefined])[] = [
    [FIELD.id, id === undefined ? id : utf8(id)],
    [FIELD.amount, amount === undefined ? amount : bigEndian(amount, 8)],
    [FIELD.unit, unit === undefined ? unit : unit === "sat" ? Uint8Array.of(0) : utf8(unit)],
    [FIELD.singleUse, singleUse === undefined ? singleUse : Uint8Array.of(singleUse ? 1 : 0)],
    ...mints.map((mint) => [FIELD.mint, utf8(mint)] as const),
    [FIELD.description, description === undefined ? description : utf8(description)],
    ...transports.map((each) => [FIELD.transport, writeTransport(each)] as const),
    [FIELD.lock, lock && writeParts(LOCKS, lock.kind, utf8(lock.data), lock.tags)],
  ];
  const data = joined(...fields.map(([kind, value]) => (value ? field(kind, value) : new Uint8Array(0))));
  const text = bech32.encode(PREFIX, data, bech32.BECH32M).toUpperCase();
  return text.length > LONGEST ? malformed("The payment request is too long.") : text;
}

/** A request from its text of form A or B, bare or as `creq` of a `bitcoin:` URI (BIP 321). Throws `token.malformed`. */
export function readAnyRequest(text: string): PaymentRequest {
  const trimmed = text.trim();
  if (trimmed.length > 2 * LONGEST) {
    malformed("The payment request is too long.");
  }
  const clean = trimmed.slice(0, 8).toLowerCase() === "bitcoin:" ? fromUri(trimmed) : trimmed;
  return clean.slice(0, 6).toLowerCase() === `${PREFIX}1` ? readRequestB(clean) : readRequest(clean);
}

function fromUri(uri: string): string {
  const query = uri.includes("?") ? uri.slice(uri.indexOf("?") + 1) : "";
  const [found, ...others] = query.split("&").filter((part) => part.toLowerCase().startsWith("creq="));
  return found && !others.length ? found.slice(5) : malformed("The URI does not hold exactly one payment request.");
}

/** A request from its text of form B. Throws `token.malformed`. */
export function readRequestB(text: string): PaymentRequest {
  const fields = byType(bech32.decode(text, PREFIX, bech32.BECH32M), 2, REPEATED);
  const unit = fields.get(FIELD.unit)?.[0];
  const lock = fields.get(FIELD.lock)?.[0];
  const request = plainRequest({
    transports: (fields.get(FIELD.transport) ?? []).map(readTransport),
    id: textIn(fields, FIELD.id),
    amount: numberIn(fields, FIELD.amount, 8),
    unit: unit?.length === 1 && unit[0] === 0 ? "sat" : textIn(fields, FIELD.unit),
    mints: (fields.get(FIELD.mint) ?? []).map(fromUtf8),
    description: textIn(fields, FIELD.description),
    singleUse: flagOf(numberIn(fields, FIELD.singleUse, 1)),
    lock: lock && readLockOption(lock),
  });
  checkRequest(request);
  return request;
}

function field(kind: number, value: Uint8Array): Uint8Array {
  return joined(Uint8Array.of(kind), bigEndian(value.length, 2), value);
}

function byType(data: Uint8Array, lengthBytes: number, repeated: readonly number[]): Fields {
  const found = new Map<number, readonly Uint8Array[]>();
  const head = 1 + lengthBytes;
  for (let place = 0; place < data.length; ) {
    const size = Number(numberOf(data.subarray(place + 1, place + head)));
    const value = data.subarray(place + head, place + head + size);
    const kind = data[place] ?? 0;
    if (data.length < place + head || value.length !== size) {
      malformed("A payment request is cut.");
    }
    if (found.has(kind) && !repeated.includes(kind)) {
      malformed("A field of a payment request stands twice.");
    }
    found.set(kind, [...(found.get(kind) ?? []), value]);
    place += head + size;
  }
  return found;
}

function textIn(fields: Fields, kind: number): string | undefined {
  const [value] = fields.get(kind) ?? [];
  return value && fromUtf8(value);
}

function numberIn(fields: Fields, kind: number, size: number): number | undefined {
  const [value] = fields.get(kind) ?? [];
  const number = value && Number(numberOf(value));
  if (value?.length !== size && value !== undefined) {
    malformed("A number in a payment request has the wrong length.");
  }
  return number === undefined || Number.isSafeInteger(number) ? number : malformed("A number is too large.");
}

function flagOf(value: number | undefined): boolean | undefined {
  if (value !== undefined && value > 1) {
    malformed("A flag in a payment request is neither yes nor no.");
  }
  return value === undefined ? value : value === 1;
}

function writeTransport({ kind, target, tags }: Transport): Uint8Array {
  if (kind !== "nostr") {
    return writeParts(TRANSPORTS, kind, utf8(target), tags);
  }
  const profile = readProfile(target);
  return writeParts(TRANSPORTS, kind, profile.key, [...tags, ...profile.relays.map((relay) => [RELAY_TAG, relay])]);
}

function writeParts(names: readonly string[], kind: string, target: Uint8Array, tags: readonly (readonly string[])[]): Uint8Array {
  const known = names.includes(kind) ? String(names.indexOf(kind)) : kind;
  const number = KIND.test(known) ? Number(known) : malformed("A payment request has a kind that form B cannot express.");
  const parts = tags.map((tag) => field(PART.tag, joined(...tag.map(sized))));
  return joined(field(PART.kind, Uint8Array.of(number)), field(PART.target, target), ...parts);
}

function sized(text: string): Uint8Array {
  const data = utf8(text);
  return joined(bigEndian(data.length, 1), data);
}

function readParts(data: Uint8Array, names: readonly string[]): { kind: string; target: Uint8Array; tags: string[][] } {
  const fields = byType(data, 2, [PART.tag]);
  const kind = numberIn(fields, PART.kind, 1);
  const target = fields.get(PART.target)?.[0];
  if (kind === undefined || !target) {
    return malformed("A transport or lock of a payment request has no kind or no target.");
  }
  return { kind: names[kind] ?? String(kind), target, tags: (fields.get(PART.tag) ?? []).map(readTag) };
}

function readTag(data: Uint8Array): string[] {
  const parts: string[] = [];
  for (let place = 0; place < data.length; ) {
    const size = data[place] ?? 0;
    const part = data.subarray(place + 1, place + 1 + size);
    parts.push(part.length === size ? fromUtf8(part) : malformed("A tag of a payment request is cut."));
    place += 1 + size;
  }
  return parts;
}

function readTransport(data: Uint8Array): Transport {
  const { kind, target, tags } = readParts(data, TRANSPORTS);
  if (kind !== "nostr") {
    return { kind, target: fromUtf8(target), tags };
  }
  const relays = tags.filter(([name]) => name === RELAY_TAG).flatMap(([, ...values]) => values);
  return { kind, target: writeProfile(target, relays), tags: tags.filter(([name]) => name !== RELAY_TAG) };
}

function readLockOption(data: Uint8Array): LockOption {
  const { kind, target, tags } = readParts(data, LOCKS);
  return { kind, data: fromUtf8(target), tags };
}

type Profile = { readonly key: Uint8Array; readonly relays: readonly string[] };

/** The key and the relays of an `npub` or `nprofile` (NIP-19). */
function readProfile(text: string): Profile {
  if (text.slice(0, 5).toLowerCase() === "npub1") {
    return withKey({ key: bech32.decode(text, "npub", bech32.BECH32), relays: [] });
  }
  const everyKind = Array.from({ length: 255 }, (_, kind) => kind + 1);
  const fields = byType(bech32.decode(text, "nprofile", bech32.BECH32), 1, everyKind);
  const [key = new Uint8Array(0)] = fields.get(NOSTR.key) ?? [];
  return withKey({ key, relays: (fields.get(NOSTR.relay) ?? []).map(fromUtf8) });
}

function withKey(profile: Profile): Profile {
  return profile.key.length === 32 ? profile : malformed("A nostr profile has no key.");
}

function writeProfile(target: Uint8Array, relays: readonly string[]): string {
  const { key } = withKey({ key: target, relays });
  if (!relays.length) {
    return bech32.encode("npub", key, bech32.BECH32);
  }
  const shown = relays.flatMap((relay) => [Uint8Array.of(NOSTR.relay), sized(relay)]);
  return bech32.encode("nprofile", joined(Uint8Array.of(NOSTR.key, key.length), key, ...shown), bech32.BECH32);
}
