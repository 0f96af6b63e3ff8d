// HTTP to the services, with bounds: time, size, and the other side's error kept in our form. Every request is idempotent by design
// of the services, so a lost answer is asked again. Nothing is sent that joins two requests: no cookie, no referrer. Bodies go as
// plain text, which the services read as what they are, and which spares browsers the question whether they may ask (CORS
// preflight).

import { AmparoError, codeOf, fail, isError } from "@amparo/cashu/errors.ts";
import type { Reader } from "@amparo/cashu/shapes.ts";
import { bodyOf } from "@amparo/log/body.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Another side refused. `remoteCode`: its own code, for a mint the number of the specification; `said`: the most telling stable
 * code that follows from its answer, also in `values.said`. */
export class RemoteError extends AmparoError {
  readonly remoteCode: string;
  readonly status: number;
  readonly said: string;

  constructor(what: string, { remoteCode, said, status }: { remoteCode: string; said: string; status: number }) {
    super("service.remote_error", what, { values: { said, status } });
    this.remoteCode = remoteCode;
    this.status = status;
    this.said = said;
  }
}

/** Settings of a client: seconds of patience while nobody answers, seconds without an end of an answer, and the largest answer in
 * bytes. */
export interface ClientOptions {
  fetch?: Fetch;
  bearer?: string;
  patience?: number;
  timeout?: number;
  mostBytes?: number;
}

const PATIENCE = 4;
const TIMEOUT = 60;
const MOST_BYTES = 32 * 1024 * 1024;
const BUSY = 503;
const FIRST_WAIT = 0.2;
const LONGEST_WAIT = 1;

/** Talks to one service at `base`. */
export class Client {
  readonly base: string;
  readonly #fetch: Fetch;
  readonly #headers: Record<string, string>;
  readonly #patience: number;
  readonly #timeout: number;
  readonly #mostBytes: number;

  constructor(base: string, options: ClientOptions = {}) {
    this.base = base.replace(/\/+$/, "");
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
    this.#headers = options.bearer === undefined ? {} : { authorization: `Bearer ${options.bearer}` };
    this.#patience = options.patience ?? PATIENCE;
    this.#timeout = options.timeout ?? TIMEOUT;
    this.#mostBytes = options.mostBytes ?? MOST_BYTES;
  }

  /** GET, read by `read`. Rejects with `service.unreachable`, `RemoteError`. */
  async get<T>(path: string, read: Reader<T>): Promise<T> {
    return this.#read(await this.#send(path), read);
  }

  /** GET, raw. */
  async getBytes(path: string): Promise<Uint8Array> {
    return this.#send(path);
  }

  /** POST of a value as JSON. */
  async post<T>(path: string, body: unknown, read: Reader<T>): Promise<T> {
    return this.postText(path, JSON.stringify(body), read);
  }

  /** POST of a text as it is. */
  async postText<T>(path: string, body: string, read: Reader<T>): Promise<T> {
    return this.#read(await this.#send(path, body), read);
  }

  #read<T>(data: Uint8Array, read: Reader<T>): T {
    try {
      return read(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data)));
    } catch (error) {
      // What is no JSON, no UTF-8 or of another shape; anything else is not ours to judge.
      if (error instanceof SyntaxError || error instanceof TypeError || isError(error)) throw this.#badAnswer("an answer of the wrong shape");
      throw error;
    }
  }

  async #send(path: string, body?: string): Promise<Uint8Array> {
    const deadline = Date.now() + this.#patience * 1000;
    for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      const isLast = Date.now() + wait * 1000 > deadline;
      try {
        const { status, data } = await this.#ask(path, body);
        if (status !== BUSY || isLast) return accept(status, data);
      } catch (error) {
        if (!isError(error, "service.unreachable") || isLast) throw error;
      }
      await new Promise((done) => setTimeout(done, wait * 1000));
    }
  }

  async #ask(path: string, body?: string): Promise<{ status: number; data: Uint8Array }> {
    const end = new AbortController();
    const timer = setTimeout(() => end.abort(), this.#timeout * 1000);
    try {
      const response = await this.#fetch(this.base + path, {
        ...(body === undefined ? { method: "GET" } : { method: "POST", body }),
        headers: this.#headers,
        credentials: "omit",
        cache: "no-store",
        redirect: "error",
        referrerPolicy: "no-referrer",
        signal: end.signal,
      });
      const data = await bodyOf(response, this.#mostBytes);
      if (data === null) throw this.#badAnswer("too large an answer");
      return { status: response.status, data };
    } catch (error) {
      // How browsers and node report a network without an answer.
      if (error instanceof TypeError || error instanceof DOMException) return fail("service.unreachable", `${this.base} gives no answer.`);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #badAnswer(what: string): RemoteError {
    return new RemoteError(`${this.base} gave ${what}.`, { remoteCode: "service.bad_answer", said: "service.bad_answer", status: 200 });
  }
}

/** The body of a good answer. Throws `RemoteError` with the code of any other one, in both error shapes: ours (code, what) and
 * Cashu's (detail, code, with our code in `error`). */
function accept(status: number, data: Uint8Array): Uint8Array {
  if (status >= 200 && status < 300) return data;
  const body = errorBody(data);
  const remoteCode = typeof body.code === "number" || typeof body.code === "string" ? String(body.code) : "?";
  const named = typeof body.error === "string" && body.error ? body.error : remoteCode;
  const said = /^[0-9]+$/.test(named) ? codeOf(Number(named)) : named === "?" ? "service.remote_error" : named;
  throw new RemoteError(`A service refused with ${status} ${said}.`, { remoteCode, said, status });
}

function errorBody(data: Uint8Array): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(new TextDecoder().decode(data));
    return typeof found === "object" && found !== null ? (found as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
