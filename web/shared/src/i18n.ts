/**
 * Texts in Spanish and English.
 *
 * A page gives both dictionaries to `texts()`; English must have Spanish's keys,
 * which the compiler holds. `t("key", {count: 2})` takes `key_one` or `key_other`
 * when `count` is given, and fills `{{name}}` from the parameters. Values are
 * rendered by React as text, so nothing is escaped here.
 */
import i18next from "i18next";

import { type Locale, locale } from "./prefs";
import { useStore } from "./store";

/** A key of the dictionary, or what two plural forms have in common. */
type Base<K extends string, All extends string = K> = K extends `${infer B}_one`
  ? B
  : K extends `${infer B}_other`
    ? `${B}_one` extends All
      ? B
      : K
    : K;
export type Params = Record<string, string | number>;
export type Translate<K extends string> = (key: Base<K>, params?: Params) => string;

export interface Texts<K extends string> {
  t: Translate<K>;
  /** The translator of a component: renders again when the language changes. */
  useT: () => Translate<K>;
}

export function texts<K extends string>(es: Record<K, string>, en: Record<NoInfer<K>, string>): Texts<K> {
  const i18n = i18next.createInstance();
  void i18n.init({
    lng: locale.get(),
    fallbackLng: "es",
    resources: { es: { translation: es }, en: { translation: en } },
    interpolation: { escapeValue: false },
    keySeparator: false,
    nsSeparator: false,
    initAsync: false,
  });
  const fixed: Record<Locale, Translate<K>> = {
    es: i18n.getFixedT("es") as unknown as Translate<K>,
    en: i18n.getFixedT("en") as unknown as Translate<K>,
  };
  return {
    t: (key, params) => fixed[locale.get()](key, params),
    useT: () => fixed[useStore(locale)],
  };
}

/** Texts written side by side: one line each, Spanish first. */
export type Pairs<K extends string> = Record<K, readonly [es: string, en: string]>;

export function pairs<K extends string>(rows: Pairs<K>): Texts<K> {
  const side = (at: 0 | 1) =>
    Object.fromEntries(Object.entries<Pairs<K>[K]>(rows).map(([key, pair]) => [key, pair[at]])) as Record<K, string>;
  return texts(side(0), side(1));
}
