// Tile addresses and contents (C2SP tlog-tiles). Twin of amparo_log.tiles, reader's side.
import { fail } from "@amparo/cashu/errors.ts";

export const TILE_HEIGHT = 8;
export const TILE_WIDTH = 256;
export const LARGEST_ENTRY = 65_535;

/** `tile/L/N[.p/W]`: N in groups of three digits, all but the last prefixed with x. `level` may be "entries". */
export function tilePath(level: number | "entries", index: number, width = TILE_WIDTH): string {
  const groups = [String(index % 1000).padStart(3, "0")];
  for (let left = Math.floor(index / 1000); left > 0; left = Math.floor(left / 1000)) {
    groups.unshift(`x${String(left % 1000).padStart(3, "0")}`);
  }
  return `tile/${level}/${groups.join("/")}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

/** The entries of a bundle: each stands after its big-endian 16-bit length. Fails with `log.bad_entry` unless there are `width`. */
export function unpackEntries(bundle: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length; ) {
    const start = at + 2;
    at = start + (bundle[at] ?? 0) * 256 + (bundle[at + 1] ?? 0);
    if (start > bundle.length || at > bundle.length) fail("log.bad_entry", "An entry bundle ends in the middle.");
    entries.push(bundle.subarray(start, at));
  }
  if (entries.length !== width) fail("log.bad_entry", "An entry bundle holds another number of entries than its name says.");
  return entries;
}
