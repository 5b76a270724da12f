import "@contactcenter/shared/tokens.css";
import "@contactcenter/shared/base.css";
import "./wallboard.css";

import { applyPreferences } from "@contactcenter/shared/prefs";
import { SignedIn } from "@contactcenter/shared/signin";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { armAlarm } from "./alarm";
import { WallboardPage } from "./app";

applyPreferences();
armAlarm();

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <SignedIn permission="wallboard.read">
        <WallboardPage />
      </SignedIn>
    </StrictMode>,
  );
