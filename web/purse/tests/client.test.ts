// HTTP with bounds, and a refusal's own code.

import assert from "node:assert/strict";
import { test } from "node:test";

import { isError } from "@amparo/cashu/errors.ts";
import { shape, text } from "@amparo/cashu/shapes.ts";

import { Client, type Fetch, RemoteError } from "../src/client.ts";

const read = shape<{ word: string }>({ word: text });

function client(fetch: Fetch, more = {}): Client {
  return new Client("https://mint.test/", { fetch, patience: 0, ...more });
}

async function refusal(response: () => Response): Promise<RemoteError> {
  try {
    await client(async () => response()).get("/x", read);
  } catch (error) {
    if (error instanceof RemoteError) return error;
    throw error;
  }
  return assert.fail("it was not refused");
}

test("an answer is read, and the request tells nothing that joins it to another", async () => {
  let seen: RequestInit = {};
  const found = await client(async (url, init) => {
    assert.equal(url, "https://mint.test/x");
    seen = init;
    return Response.json({ word: "yes", more: 1 });
  }).post("/x", { a: 1 }, read);
  assert.deepEqual(found, { word: "yes" });
  assert.deepEqual([seen.credentials, seen.referrerPolicy, seen.cache, seen.body], ["omit", "no-referrer", "no-store", '{"a":1}']);
});

test("a refusal has the code of both forms", async () => {
  const ours = await refusal(() => Response.json({ code: "office.already_claimed", what: "No." }, { status: 409 }));
  assert.deepEqual([ours.said, ours.remoteCode, ours.status, ours.code], ["office.already_claimed", "office.already_claimed", 409, "service.remote_error"]);
  const cashu = await refusal(() => Response.json({ code: 11001, detail: "spent" }, { status: 400 }));
  assert.deepEqual([cashu.said, cashu.remoteCode], ["token.already_spent", "11001"]);
  const named = await refusal(() => Response.json({ code: 20007, detail: "no", error: "token.quote_unknown" }, { status: 400 }));
  assert.equal(named.said, "token.quote_unknown");
  const page = await refusal(() => new Response("<h1>hot spot</h1>", { status: 403 }));
  assert.equal(page.said, "service.remote_error");
});

test("what is too large, no JSON or of another shape is no answer", async () => {
  for (const body of ["x".repeat(200), "{", '{"word":1}', "\u0000", "[]"]) {
    const asked = client(async () => new Response(body), { mostBytes: 100 }).get("/x", read);
    await assert.rejects(asked, (error) => error instanceof RemoteError && error.remoteCode === "service.bad_answer");
  }
});

test("no network, and an answer that does not end, are said to be no connection", async () => {
  const none = client(async () => {
    throw new TypeError("fetch failed");
  });
  await assert.rejects(none.get("/x", read), (error) => isError(error, "service.unreachable"));
  const never = client((_, init) => new Promise((_go, refuse) => init.signal?.addEventListener("abort", () => refuse(new DOMException("aborted", "AbortError")))), { timeout: 0.02 });
  await assert.rejects(never.get("/x", read), (error) => isError(error, "service.unreachable"));
});

test("what was lost on the way is asked again, and a busy service too", async () => {
  let tries = 0;
  const found = await client(
    async () => {
      tries += 1;
      if (tries === 1) throw new TypeError("fetch failed");
      return tries === 2 ? new Response("", { status: 503 }) : Response.json({ word: "yes" });
    },
    { patience: 5 },
  ).get("/x", read);
  assert.deepEqual([found.word, tries], ["yes", 3]);
});
