// What stands around the screens when tests look at them with invented content.

import type { Addresses } from "../src/settings.ts";
import type { Surroundings } from "../src/world.ts";

const told: Addresses = {
  log: "",
  vkey: "",
  mint: "",
  office: "",
  shops: "",
  contact: "Amparo, plaza mayor 1",
  units: {
    usd: { sign: "USD", names: { es: "Alimentos", en: "Food", fr: "Alimentation", ar: "غذاء", pt: "Alimentos" } },
    "usd-medicine": { sign: "USD", names: { es: "Medicinas", en: "Medicine", fr: "Médicaments", ar: "دواء", pt: "Remédios" } },
  },
  practice: true,
  clock_offset: 0,
};

/** A screen by its name, whose ways lead nowhere. */
export function surroundings<Name extends string>(name: Name, about: unknown, online: boolean): Surroundings<Name> {
  const nothing = () => undefined;
  return { place: { name, about }, go: nothing, back: nothing, home: nothing, told, online, changed: nothing };
}
