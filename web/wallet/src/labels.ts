// Made by tools/vectors_rules.py from packages/rules; change it there.
// What the facts of the catalogue are called, by entity and name. Their translations are in the catalogue of words too.

import { _ } from "@amparo/kit/words.ts";

export const LABELS: Readonly<Record<string, () => string>> = {
  "person birth_date": () => _("date of birth"),
  "person is_head": () => _("is the head of the household"),
  "person disability": () => _("has a disability (declared)"),
  "household monthly_income": () => _("income or consumption of the household in a month"),
  "household rooms": () => _("rooms of the dwelling"),
  "household floor_type": () => _("main material of the floor (1 earth … 6 other)"),
};
