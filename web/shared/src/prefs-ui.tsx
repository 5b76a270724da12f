/** The controls of language, theme and sound. */
import { texts } from "./i18n";
import { Icon } from "./icons";
import { isDark, type Locale, locale, theme, volume } from "./prefs";
import { useStore } from "./store";
import { IconButton, Menu } from "./ui";

const { useT } = texts(
  {
    language: "Idioma",
    toDark: "Tema oscuro",
    toLight: "Tema claro",
    sound: "Sonido de las ofertas",
    percent: "Volumen",
    silent: "Silencio",
    on: "Con sonido",
  },
  {
    language: "Language",
    toDark: "Dark theme",
    toLight: "Light theme",
    sound: "Sound of offers",
    percent: "Volume",
    silent: "Silent",
    on: "With sound",
  },
);

const NAMES: Record<Locale, string> = { es: "Español", en: "English" };

export function LanguageMenu({ long }: { long?: boolean }) {
  const t = useT();
  const current = useStore(locale);
  return (
    <Menu
      className="btn quiet"
      label={`${t("language")}: ${long ? "" : `${current.toUpperCase()} `}${NAMES[current]}`}
      align="right"
      trigger={
        <>
          <Icon name="globe" />
          {long ? NAMES[current] : <span className="t13">{current.toUpperCase()}</span>}
          {long && <Icon name="down" />}
        </>
      }
      entries={(Object.keys(NAMES) as Locale[]).map((one) => ({
        id: one,
        label: <span lang={one}>{NAMES[one]}</span>,
        checked: one === current,
        onPick: () => locale.set(one),
      }))}
    />
  );
}

export function ThemeButton() {
  const t = useT();
  const dark = isDark(useStore(theme));
  return (
    <IconButton
      icon={dark ? "moon" : "sun"}
      label={t(dark ? "toLight" : "toDark")}
      onClick={() => theme.set(dark ? "light" : "dark")}
    />
  );
}

/** `onTry` plays the sound at the chosen volume. */
export function VolumeMenu({ onTry }: { onTry: () => void }) {
  const t = useT();
  const level = useStore(volume);
  return (
    <Menu
      className="ib"
      label={t("sound")}
      align="right"
      trigger={<Icon name={level === 0 ? "mute" : "sound"} />}
      head={
        <label className="volume">
          <span className="t13 x2">{t("percent")}</span>
          <input
            type="range"
            min={0}
            max={1}
            step={0.1}
            value={level}
            onChange={(event) => volume.set(Number(event.target.value))}
            onPointerUp={onTry}
            onKeyUp={onTry}
          />
        </label>
      }
      entries={[
        { id: "on", label: t("on"), checked: level > 0, onPick: () => volume.set(level > 0 ? level : 0.6) },
        { id: "off", label: t("silent"), checked: level === 0, onPick: () => volume.set(0) },
      ]}
    />
  );
}
