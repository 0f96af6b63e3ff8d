// Canonical JSON, as the log's readers see it. Lives with the rules, because a rule's identity is a hash over it.
export { decode, digest, encode } from "@amparo/rules/canonical.ts";
export type { Plain } from "@amparo/rules/canonical.ts";
