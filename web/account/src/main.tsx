import "@contactcenter/shared/tokens.css";
import "@contactcenter/shared/base.css";
import "./account.css";

import { applyPreferences } from "@contactcenter/shared/prefs";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { AccountPage } from "./app";

applyPreferences();

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <AccountPage />
    </StrictMode>,
  );
