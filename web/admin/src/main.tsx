import "@contactcenter/shared/tokens.css";
import "@contactcenter/shared/base.css";
import "./admin.css";

import { applyPreferences } from "@contactcenter/shared/prefs";
import { SignedIn } from "@contactcenter/shared/signin";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { AccountPage } from "./account";
import { AdminPage } from "./admin";
import { LetterPage, type Letter } from "./letters";

applyPreferences();

const LETTERS: readonly string[] = ["verify", "reset", "invite", "forgot", "sign-in", "code"];
const page = location.pathname.split("/").filter(Boolean);

function Page() {
  if (page[0] === "admin")
    return (
      <SignedIn permission="users.manage">
        <AdminPage />
      </SignedIn>
    );
  if (page[1] && LETTERS.includes(page[1])) return <LetterPage letter={page[1] as Letter} />;
  return (
    <SignedIn permission="session.use">
      <AccountPage />
    </SignedIn>
  );
}

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <Page />
    </StrictMode>,
  );
