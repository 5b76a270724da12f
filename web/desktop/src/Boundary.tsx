/** A part that fails says so in its own place; the rest of the desk goes on. */
import { Button } from "@contactcenter/shared/ui";
import { Component, type ReactNode } from "react";

import { t } from "./texts";

interface Props {
  /** A new one tries again. */
  of: string;
  children: ReactNode;
}

export class Boundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override componentDidUpdate(before: Props): void {
    if (before.of !== this.props.of && this.state.failed) this.setState({ failed: false });
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <div className="hollow" role="alert">
        <p>{t("partFailed")}</p>
        <Button onClick={() => this.setState({ failed: false })}>{t("tryAgain")}</Button>
      </div>
    );
  }
}
