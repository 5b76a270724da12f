/** The letters to a customer, newest first; one opens to be read. */
import type { CustomerOut, LetterOut, Letters as Page } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { useTimes } from "@contactcenter/shared/time";
import { useId, useState } from "react";

import { LetterChip, Read, Section, To } from "./bits";
import { useRead } from "./data";
import { useFormats } from "./format";
import { place } from "./place";
import { useW } from "./texts";

export function Letters({ customer }: { customer: CustomerOut }) {
  const say = useW();
  const letters = useRead<Page>(`/customers/${customer.customer_id}/letters`, customer.customer_id, "letter");
  return (
    <Section
      title={say("letters")}
      count={letters.kind === "there" ? letters.value.items.length : undefined}
      aside={<span className="t13 x2">{customer.email ? say("lettersGoTo", { email: customer.email }) : say("noAddress")}</span>}
    >
      <Read of={letters} lines={1}>
        {({ items }) => (
          <ul className="things">
            {items.length === 0 && <li className="x3 t13">{say("noLetters")}</li>}
            {items.map((one) => <Letter key={one.letter_id} letter={one} />)}
          </ul>
        )}
      </Read>
    </Section>
  );
}

function Letter({ letter }: { letter: LetterOut }) {
  const say = useW();
  const times = useTimes();
  const { moment } = useFormats();
  const id = useId();
  const [open, setOpen] = useState(false);
  const at = letter.sent_at ?? letter.created_at;
  return (
    <li className="thing">
      <Icon name="email" />
      <button type="button" className="entry cut" aria-expanded={open} aria-controls={open ? id : undefined} title={letter.subject} onClick={() => setOpen(!open)}>
        {letter.subject}
      </button>
      <span className="row thing-end"><LetterChip state={letter.state} /></span>
      <span className="s cut">
        <time dateTime={at} title={times.exact(at)}>{moment(at)}</time>{letter.address && ` · ${letter.address}`}
      </span>
      {open && (
        <div id={id} className="letter">
          <p className="said">{letter.body}</p>
          {letter.quote_id && <p><To place={place("quote", letter.quote_id)}>{say("seeQuote")}</To></p>}
        </div>
      )}
    </li>
  );
}
