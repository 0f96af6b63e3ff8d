// What a service answers, read no further than is asked for.

import { joined } from "@amparo/cashu/bytes.ts";

/** The body of an answer; null when it is longer than `most` bytes: the rest is not read. Rejects as the connection does. */
export async function bodyOf(answer: Response, most: number): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = answer.body?.getReader();
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    parts.push(part.value);
    size += part.value.length;
    if (size > most) {
      void reader?.cancel();
      return null;
    }
  }
  return joined(...parts);
}
