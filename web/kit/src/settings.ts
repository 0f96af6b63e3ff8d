// What the app is told by the address it came from: where the services are and how units are called (packages/apps, config.py).

/** `/config.json`. */
export interface Addresses {
  log: string;
  vkey: string;
  mint: string;
  office: string;
  shops: string;
  contact: string;
  units: Readonly<Record<string, { sign: string; names: Readonly<Record<string, string>> }>>;
  practice: boolean;
  clock_offset: number;
}

/** Fetch the settings; kept by the worker for use without a connection. */
export async function addresses(): Promise<Addresses> {
  const answer = await fetch("/config.json", { credentials: "omit" });
  if (!answer.ok) throw new Error("settings");
  return (await answer.json()) as Addresses;
}

/** This moment in unix seconds, as the services have it: in practice they may be in another month. */
export function clockOf(from: Addresses): () => number {
  return () => Math.floor(Date.now() / 1000) + from.clock_offset;
}

/** What a unit is for, in a language. */
export function nameOf(from: Addresses, unit: string, language: string): string {
  const names = from.units[unit]?.names ?? {};
  return names[language] ?? names.en ?? unit;
}

const KEPT = "amparo";

/** What is kept of the person's choices outside the sealed store: nothing that says anything about them. */
export interface Choices {
  language?: string;
  shown?: boolean;
  begun?: boolean;
  /** Read each screen aloud when it opens. */
  aloud?: boolean;
}

/** The choices, empty where the browser keeps none. */
export function choices(): Choices {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}") as Choices;
  } catch {
    return {};
  }
}

/** Keep some choices. */
export function choose(some: Choices): void {
  try {
    localStorage.setItem(KEPT, JSON.stringify({ ...choices(), ...some }));
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}
