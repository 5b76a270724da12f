/** Between the text of a field and the API's money. */
import type { Money } from "@contactcenter/shared/contract";
import { locale } from "@contactcenter/shared/prefs";

import { amountOf } from "./checks";

/** What a field of a sum begins with: 1234,50 or 1234.50. */
export const sumText = (sum: Money | null | undefined): string =>
  sum ? (locale.get() === "es" ? String(sum.amount).replace(".", ",") : String(sum.amount)) : "";

export function money(text: string | undefined): Money | null {
  const amount = amountOf(text ?? "");
  return amount === null ? null : ({ amount, currency: "EUR" } as Money);
}
