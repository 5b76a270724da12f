/** Six digits of an authenticator: one field, drawn as six boxes. */
import { type Ref, useEffect, useId, useState } from "react";

import { texts } from "./i18n";
import { cls, ErrorLine } from "./ui";

const { useT } = texts(
  {
    code: "Código",
    changes_one: "Cambia en {{count}} s. Se envía solo al completar las seis.",
    changes_other: "Cambia en {{count}} s. Se envía solo al completar las seis.",
  },
  {
    code: "Code",
    changes_one: "Changes in {{count}} s. It goes by itself with the sixth digit.",
    changes_other: "Changes in {{count}} s. It goes by itself with the sixth digit.",
  },
);

export const CODE_DIGITS = 6;
const STEP_MS = 30_000;

/** Seconds until an authenticator shows another code (RFC 6238 with steps of 30 s). */
function useLeft(): number {
  const left = () => Math.ceil((STEP_MS - (Date.now() % STEP_MS)) / 1000);
  const [seconds, setSeconds] = useState(left);
  useEffect(() => {
    const timer = setInterval(() => setSeconds(left()), 500);
    return () => clearInterval(timer);
  }, []);
  return seconds;
}

interface CodeFieldProps {
  value: string;
  onChange: (digits: string) => void;
  /** All six are there. */
  onFull: (digits: string) => void;
  error?: string | undefined;
  ref?: Ref<HTMLInputElement>;
}

export function CodeField({ value, onChange, onFull, error, ref }: CodeFieldProps) {
  const t = useT();
  const id = useId();
  const seconds = useLeft();
  const [focused, setFocused] = useState(false);
  return (
    <div className="field">
      <label className="lab" htmlFor={id}>
        {t("code")}
      </label>
      <div className={cls("digits", error && "wrong")}>
        <input
          ref={ref}
          id={id}
          inputMode="numeric"
          autoComplete="one-time-code"
          pattern="[0-9]*"
          maxLength={12}
          value={value}
          aria-invalid={error ? true : undefined}
          aria-describedby={`${id}-e ${id}-h`}
          onFocus={() => setFocused(true)}
          onBlur={() => setFocused(false)}
          onSelect={(event) => event.currentTarget.setSelectionRange(value.length, value.length)}
          onChange={(event) => {
            const digits = event.target.value.replace(/\D/g, "").slice(0, CODE_DIGITS);
            onChange(digits);
            if (digits.length === CODE_DIGITS && value.length < CODE_DIGITS) onFull(digits);
          }}
        />
        {Array.from({ length: CODE_DIGITS }, (_, at) => (
          <span key={at} aria-hidden="true" className={cls(focused && at === Math.min(value.length, CODE_DIGITS - 1) && "on")}>
            {value[at] ?? ""}
          </span>
        ))}
      </div>
      {error ? (
        <ErrorLine id={`${id}-e`} error={error} />
      ) : (
        <p className="error-line hint" id={`${id}-h`}>
          {t("changes", { count: seconds })}
        </p>
      )}
    </div>
  );
}
