/** Which page of the account an address means. Tokens and outcomes stand behind the `#`. */
import { session } from "@contactcenter/shared/api";
import { placesOf, refusalOf, SignedIn } from "@contactcenter/shared/signin";
import { useStore } from "@contactcenter/shared/store";
import { type ReactNode, useEffect, useState } from "react";

import { Forgot, Invited, Register, Reset, Verify } from "./letters";
import { Profile } from "./profile";
import { type Key, useT } from "./texts";

export function AccountPage() {
  const [page] = useState(() => location.pathname.split("/")[2] ?? "");
  const [behind] = useState(() => decodeURIComponent(location.hash.slice(1)));
  switch (page) {
    case "forgot":
      return <Titled name="forgotTitle"><Forgot /></Titled>;
    case "register":
      return <Titled name="registerTitle"><Register /></Titled>;
    case "verify":
      return <Titled name="verifyTitle"><Verify token={behind} /></Titled>;
    case "reset":
      return <Titled name="resetTitle"><Reset token={behind} /></Titled>;
    case "invite":
      return <Titled name="inviteTitle"><Invited token={behind} /></Titled>;
    case "code":
      return <Titled name="signInTitle"><Entrance step={behind} /></Titled>;
    case "sign-in":
      return <Titled name="signInTitle"><Entrance refusal={new URLSearchParams(behind).get("error")} /></Titled>;
    default:
      return (
        <Titled name="accountTitle">
          <SignedIn permission="session.use" next="/account">
            <Profile linked={new URLSearchParams(behind).get("linked")} />
          </SignedIn>
        </Titled>
      );
  }
}

function Titled({ name, children }: { name: Key; children: ReactNode }) {
  const t = useT();
  useEffect(() => {
    document.title = t(name);
  }, [t, name]);
  return children;
}

/** The sign-in page by itself: whoever is in goes on to their work, or reads why a link failed. */
function Entrance({ step, refusal = null }: { step?: string; refusal?: string | null }) {
  return (
    <SignedIn permission="session.use" next="/" step={step || undefined} refusal={refusalOf(refusal)}>
      {refusal ? <Profile refusal={refusalOf(refusal)} /> : <Onward />}
    </SignedIn>
  );
}

function Onward() {
  const current = useStore(session);
  useEffect(() => {
    if (current) location.replace(`/${placesOf(current)[0] ?? "account"}`);
  }, [current]);
  return null;
}
