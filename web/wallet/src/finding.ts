// What a check says of a decision, by its code.

/** Whether a code says something of the decision, and not of the way to the log, of this phone, or of a language that it does not read. */
export function isFinding(code: string): boolean {
  return (code.startsWith("rules.") && code !== "rules.not_readable") || code === "wallet.key_not_in_log";
}
