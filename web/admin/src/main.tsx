import "@contactcenter/shared/tokens.css";
import "@contactcenter/shared/base.css";
import "./admin.css";

import { applyPreferences } from "@contactcenter/shared/prefs";
import { SignedIn } from "@contactcenter/shared/signin";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { AdminPage } from "./app";

applyPreferences();

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <SignedIn permission={["users.manage", "queues.manage", "audit.read", "privacy.manage"]}>
        <AdminPage />
      </SignedIn>
    </StrictMode>,
  );
