import "@contactcenter/shared/tokens.css";
import "@contactcenter/shared/base.css";
import "./desk.css";
import "./crm/crm.css";

import { applyPreferences } from "@contactcenter/shared/prefs";
import { SignedIn } from "@contactcenter/shared/signin";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { DeskPage } from "./DeskPage";
import { armSound } from "./sound";

applyPreferences();
armSound();

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <SignedIn permission="desk.use">
        <DeskPage />
      </SignedIn>
    </StrictMode>,
  );
