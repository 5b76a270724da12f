/** The list of keys, and on a telephone the page of settings. */
import { LanguageMenu, ThemeButton, VolumeMenu } from "@contactcenter/shared/prefs-ui";
import { Button, Dialog } from "@contactcenter/shared/ui";

import { askNotifications, messageSound } from "./sound";
import { type Key, useT } from "./texts";

const KEYS: [keys: string[], what: Key][] = [
  [["F9"], "key_accept"],
  [["F8", "1–3"], "key_reject"],
  [["Ctrl", "K"], "key_search"],
  [["Ctrl", "↵"], "key_send"],
  [["/"], "key_replies"],
  [["Alt", "R"], "key_composer"],
  [["Alt", "↑ ↓"], "key_list"],
  [["Alt", "O"], "key_file"],
  [["Alt", "S"], "key_new_claim"],
  [["Alt", "P"], "key_new_quote"],
  [["Alt", "T"], "key_new_task"],
  [["Alt", "A"], "key_tasks"],
  [["Alt", "V"], "key_back"],
  [["Alt", "M"], "key_mute"],
  [["Alt", "H"], "key_hold"],
  [["Alt", "K"], "key_keypad"],
  [["Alt", "C"], "key_consult"],
  [["Alt", "U"], "key_conference"],
  [["Alt", "L"], "key_complete"],
  [["Alt", "G"], "key_record"],
  [["Alt", "⇧", "X"], "key_hang"],
  [["1–0"], "key_outcome"],
  [["Alt", "1–0"], "key_outcome_field"],
  [["F7"], "key_extend"],
  [["↵"], "key_finish"],
  [["Esc"], "key_close"],
  [["?"], "key_help"],
];

export function Shortcuts({ onClose }: { onClose: () => void }) {
  const t = useT();
  return (
    <Dialog title={t("shortcuts")} closeLabel={t("close")} onClose={onClose}>
      <dl className="keys">
        {KEYS.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((one) => (
                <kbd key={one} className="shown">
                  {one}
                </kbd>
              ))}
            </dt>
            <dd>{t(what)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

export function Settings({ onHelp, onSignOut }: { onHelp: () => void; onSignOut: () => void }) {
  const t = useT();
  return (
    <section className="settings" aria-label={t("more")}>
      <div className="row">
        <span className="grow">{t("settingsSound")}</span>
        <VolumeMenu
          onTry={() => {
            askNotifications();
            messageSound();
          }}
        />
      </div>
      <div className="row">
        <span className="grow">{t("settingsLanguage")}</span>
        <LanguageMenu long />
      </div>
      <div className="row">
        <span className="grow">{t("settingsTheme")}</span>
        <ThemeButton />
      </div>
      <Button icon="keyboard" onClick={onHelp}>
        {t("shortcuts")}
      </Button>
      <Button icon="out" onClick={onSignOut}>
        {t("signOut")}
      </Button>
    </section>
  );
}
