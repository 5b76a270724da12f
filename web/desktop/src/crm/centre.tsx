/** Of the office's rules: insurers, offers that a quote compares, catastrophes, workshops and experts. */
import { api, request } from "@contactcenter/shared/api";
import { type CatastropheOut, type InsurerOut, PERILS, type ProfessionalOut, type QuoteRule } from "@contactcenter/shared/contract";
import { Chip } from "@contactcenter/shared/ui";

import { phone } from "./checks";
import { etagOf, insurersChanged } from "./data";
import { Area, In, Pick } from "./form";
import { useFormats } from "./format";
import { type Kind, needed, query } from "./kind";
import { spaced } from "./Panel";
import { named, useW } from "./texts";

const some = (text: string | undefined): string | null => text?.trim() || null;

export function useInsurerRows(): Kind<InsurerOut> {
  const say = useW();
  const put = async (body: unknown, etag?: string) => {
    await api.put("/insurers", body, etag);
    insurersChanged();
  };
  const values = (row: InsurerOut) => ({
    key: row.key, dgs_code: row.dgs_code, name: row.name, claims_phone: row.claims_phone ?? "", assistance_phone: row.assistance_phone ?? "",
    retired: row.retired ? "yes" : "",
  });
  const body: Kind<InsurerOut>["body"] = (v) => ({
    key: v.key?.trim(), dgs_code: v.dgs_code?.trim().toUpperCase(), name: v.name?.trim(),
    claims_phone: some(v.claims_phone), assistance_phone: some(v.assistance_phone), retired: v.retired === "yes",
  });
  return {
    path: "/insurers",
    query: "",
    right: "portfolios.all",
    columns: [
      { label: say("insurer"), cell: (row) => row.name },
      { label: say("dgsCode"), cell: (row) => row.dgs_code },
      { label: say("claimsPhone"), cell: (row) => row.claims_phone && spaced(row.claims_phone) },
      { label: say("assistancePhone"), cell: (row) => row.assistance_phone && spaced(row.assistance_phone) },
      { label: say("worksWithUs"), cell: (row) => (row.retired ? <Chip icon="close">{say("retired")}</Chip> : <Chip tone="ok" icon="check">{say("yes")}</Chip>) },
    ],
    id: (row) => query({ key: row.key }),
    title: (row) => row.name,
    fixed: () => false,
    initial: { key: "", dgs_code: "", name: "", claims_phone: "", assistance_phone: "", retired: "" },
    values,
    check: (v, row, all) => ({
      name: needed(v.name),
      key: row ? null : !v.key?.trim() ? "missing" : !/^[a-z0-9][a-z0-9_-]{0,39}$/.test(v.key.trim()) ? "bad_key" : all.some((one) => one.key === v.key?.trim()) ? "key_taken" : null,
      dgs_code: !v.dgs_code?.trim()
        ? "missing"
        : !/^[CLEM]\d{4}$/i.test(v.dgs_code.trim())
          ? "bad_dgs_code"
          : all.some((one) => one.dgs_code === v.dgs_code?.trim().toUpperCase() && one.key !== row?.key)
            ? "dgs_code_taken"
            : null,
      claims_phone: some(v.claims_phone) ? phone(v.claims_phone ?? "") : null,
      assistance_phone: some(v.assistance_phone) ? phone(v.assistance_phone ?? "") : null,
    }),
    keys: <In name="key" label={say("shortKey")} hint={say("shortKeyHint")} maxLength={40} />,
    fields: () => (
      <>
        <In name="name" label={say("insurer")} maxLength={100} />
        <In name="dgs_code" label={say("dgsCode")} hint="C0123" maxLength={5} />
        <In name="claims_phone" label={say("claimsPhone")} inputMode="tel" maxLength={20} />
        <In name="assistance_phone" label={say("assistancePhone")} inputMode="tel" maxLength={20} />
        <Pick name="retired" label={say("worksWithUs")} choices={[["", say("yes")], ["yes", say("retired")]]} />
      </>
    ),
    body,
    save: (v, row, _all, etag) => put(body(v), row ? etag : undefined),
    drop: (row) => put(body({ ...values(row), retired: "yes" }), etagOf(row.version)),
    dropWords: ["retire", "didRetire"],
    restore: (row, _etag, all) => put(body({ ...values(row), retired: "" }), etagOf((all.find((one) => one.key === row.key) ?? row).version)),
  };
}

export function useOffers(): Kind<QuoteRule> {
  const say = useW();
  const nameOf = (row: QuoteRule) => named(say, "line", row.line);
  return {
    path: "/quote-rules",
    query: "",
    right: "portfolios.all",
    adds: false,
    columns: [
      { label: say("type"), cell: nameOf },
      { label: say("minOffers"), num: true, cell: (row) => row.min_offers },
    ],
    id: (row) => query({ line: row.line }),
    title: nameOf,
    fixed: () => false,
    initial: {},
    values: (row) => ({ line: row.line, min_offers: String(row.min_offers) }),
    check: (v) => ({ min_offers: v.min_offers ? (/^\d{1,2}$/.test(v.min_offers) && Number(v.min_offers) >= 1 && Number(v.min_offers) <= 20 ? null : "out_of_range") : "missing" }),
    keys: null,
    fields: () => <In name="min_offers" label={say("minOffers")} hint="1–20" inputMode="numeric" maxLength={2} />,
    body: (v) => ({ line: v.line, min_offers: Number(v.min_offers) }),
  };
}

const codesOf = (text: string | undefined): string[] => (text ?? "").split(/[\s,;]+/).filter(Boolean);

export function useCatastrophes(): Kind<CatastropheOut> {
  const say = useW();
  const { moment } = useFormats();
  const path = "/catastrophes";
  const places = (row: CatastropheOut) => (row.postal_codes.length > 0 ? row.postal_codes.join(", ") : say("everywhere"));
  const title = (row: CatastropheOut) => `${named(say, "ca", row.peril)}, ${places(row)}`;
  const body: Kind<CatastropheOut>["body"] = (v) => ({ peril: v.peril, postal_codes: codesOf(v.postal_codes), note: v.note?.trim() ?? "" });
  const declare = (given: unknown) => request("POST", path, { key: crypto.randomUUID(), body: given });
  return {
    path,
    query: "",
    right: "portfolios.all",
    edits: false,
    columns: [
      { label: say("peril"), cell: (row) => named(say, "ca", row.peril) },
      { label: say("places"), cell: places },
      { label: say("validFrom"), cell: (row) => moment(row.began_at) },
      {
        label: say("validTo"),
        cell: (row) => (row.ended_at ? moment(row.ended_at) : <Chip tone="warn" icon="triangle">{say("isOn")}</Chip>),
      },
      { label: say("notes"), cell: (row) => <span className="said">{row.note}</span> },
    ],
    id: (row) => query({ id: row.catastrophe_id }),
    title,
    fixed: (row) => row.ended_at !== null,
    initial: { peril: "hail", postal_codes: "", note: "" },
    values: (row) => ({ peril: row.peril, postal_codes: row.postal_codes.join(" "), note: row.note }),
    check: (v) => ({ postal_codes: codesOf(v.postal_codes).every((one) => /^\d{2,5}$/.test(one)) ? (codesOf(v.postal_codes).length > 200 ? "too_large" : null) : "bad_codes" }),
    keys: <Pick name="peril" label={say("peril")} choices={PERILS.map((one) => [one, named(say, "ca", one)] as const)} />,
    fields: () => (
      <>
        <In name="postal_codes" label={say("places")} hint={say("placesHint")} maxLength={1400} wide />
        <Area name="note" label={say("notes")} rows={2} maxLength={2000} />
      </>
    ),
    body,
    save: (v) => declare(body(v)),
    drop: (row) => request("POST", `${path}/${row.catastrophe_id}/end`, { key: crypto.randomUUID(), etag: etagOf(row.version) }),
    dropWords: ["endIt", "didEnd"],
    restore: (row) => declare({ peril: row.peril, postal_codes: row.postal_codes, note: row.note }),
  };
}

const TRADES = ["workshop", "perito"] as const satisfies readonly ProfessionalOut["kind"][];

export function useProfessionals(): Kind<ProfessionalOut> {
  const say = useW();
  const path = "/professionals";
  const body: Kind<ProfessionalOut>["body"] = (v) => ({ phone: v.phone?.trim(), name: v.name?.trim(), kind: v.kind });
  const add = (given: unknown) => request("POST", path, { key: crypto.randomUUID(), body: given });
  return {
    path,
    query: "",
    right: "portfolios.all",
    columns: [
      { label: say("tradeName"), cell: (row) => row.name },
      { label: say("trade"), cell: (row) => named(say, "trade", row.kind) },
      { label: say("phone"), cell: (row) => spaced(row.phone) },
    ],
    id: (row) => query({ id: row.professional_id }),
    title: (row) => row.name,
    fixed: () => false,
    initial: { name: "", kind: "workshop", phone: "" },
    values: (row) => ({ name: row.name, kind: row.kind, phone: row.phone }),
    check: (v) => ({ name: needed(v.name), phone: v.phone?.trim() ? phone(v.phone.trim()) : "missing" }),
    keys: null,
    fields: () => (
      <>
        <In name="name" label={say("tradeName")} maxLength={100} />
        <Pick name="kind" label={say("trade")} choices={TRADES.map((one) => [one, named(say, "trade", one)] as const)} />
        <In name="phone" label={say("phone")} inputMode="tel" maxLength={30} />
      </>
    ),
    body,
    save: (v, row, _all, etag) => (row ? api.put(`${path}/${row.professional_id}`, body(v), etag) : add(body(v))),
    drop: (row) => request("DELETE", `${path}/${row.professional_id}`, { etag: etagOf(row.version) }),
    restore: (row) => add({ phone: row.phone, name: row.name, kind: row.kind }),
  };
}
