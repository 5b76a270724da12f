/** Every word on the screen, in both languages. Formal address in Spanish, as an office writes. */

export type Language = "es" | "en";

const es = {
  region: "Chat de atención",
  bubble: "¿Le ayudamos?",
  unread: (n: number) => (n === 1 ? "1 mensaje nuevo" : `${n} mensajes nuevos`),
  minimise: "Minimizar el chat",
  menu: "Opciones",
  otherLanguage: "Read in English",
  mute: "Silenciar avisos",
  unmute: "Activar el sonido",
  transcript: "Descargar la conversación",
  transcriptName: "conversacion",
  transcriptFailed: "No se ha podido descargar. Inténtelo de nuevo.",
  end: "Terminar la conversación",
  forget: "Borrar de este dispositivo",

  openUntil: (when: string) => `Abierto hasta las ${when}`,
  openToday: (when: string) => `Abierto hoy hasta las ${when}`,
  open: "Abierto ahora",
  closed: "Cerrado",
  opensAt: (when: string) => `Cerrado · abrimos ${when}`,
  at: (day: string, time: string) => `${day} a las ${time}`,
  today: "Hoy",
  tomorrow: "mañana",
  yesterday: "Ayer",
  answersNow: (name: string) => `${name} · responde ahora`,
  offline: "Sin conexión",
  connecting: "Conectando",

  greeting: "¿En qué podemos ayudarle?",
  greetingOpen: "Escríbanos y le atenderá una persona.",
  greetingClosed: "Deje su mensaje: se pone en la cola y le contestamos en este mismo chat cuando abramos.",
  closedTitle: (when: string | null) => (when ? `Ahora está cerrado. Abrimos ${when}.` : "Ahora está cerrado."),
  topic: "Asunto",
  topics: ["Accidente con heridos", "Fuga de agua", "Otro siniestro", "Recibos y pólizas", "Contratar"],
  call112: "Si hay heridos, llame antes al 112.",
  details: "Sus datos, si quiere",
  detailsHelp: "Puede escribir sin darlos.",
  name: "Nombre",
  email: "Correo",
  phone: "Teléfono",
  badEmail: "Complételo o déjelo vacío.",
  badPhone: "Complételo o déjelo vacío.",
  badName: "El nombre es demasiado largo.",

  write: "Escriba su mensaje",
  writeClosed: "Deje su mensaje",
  send: "Enviar",
  left: (n: number) => (n === 1 ? "Queda 1 carácter" : `Quedan ${n} caracteres`),
  over: (n: number) =>
    `${n === 1 ? "Sobra 1 carácter" : `Sobran ${n} caracteres`}: acorte el mensaje o envíelo en dos.`,

  inQueue: "en la cola",
  position: (n: number) => `Su puesto en la cola: ${n}.`,
  searching: "Le ponemos en la cola…",
  soon: "Le atendemos en cuanto alguien quede libre",
  lessThanMinute: "Falta menos de 1 min",
  aboutMinutes: (low: number, high: number) =>
    high - low === 1 ? `Faltan unos ${low} o ${high} min` : `Faltan entre ${low} y ${high} min`,
  moreThan: (minutes: number) => `Faltan más de ${minutes} min`,
  ahead: (n: number) =>
    n === 0 ? "No hay nadie delante." : n === 1 ? "Hay una persona delante." : `Hay ${n} personas delante.`,
  chime: "Le avisaremos con un sonido.",
  keepsPlace: "Puede cerrar o recargar la página: guardamos su turno 10 min.",
  waitingAgain: "Le pasamos con otra persona. Conserva su turno.",

  joined: (name: string) => `${name} se ha unido`,
  typing: (name: string | null) => (name ? `${name} está escribiendo` : "Están escribiendo"),
  from: (name: string, body: string) => `${name}: ${body}`,
  team: "El equipo",
  assistant: "Asistente",
  you: "Usted",
  sending: "Enviando",
  waitsForLink: "Sale al volver la conexión",
  waitsFor: (s: number) => `Sale en ${s} s`,
  sent: "Enviado",
  read: "Leído",
  newBelow: "Mensajes nuevos",
  earlier: "Mensajes anteriores",
  conversation: "Conversación",

  ended: "La conversación ha terminado",
  endedHelp: "Si necesita algo más, siga aquí mismo.",
  again: "Empezar de nuevo",
  leftTitle: "Hemos recibido su mensaje",
  leftHelp: (when: string | null) =>
    when
      ? `Abrimos ${when}. La respuesta llegará a este chat: vuelva a abrirlo en este dispositivo.`
      : "La respuesta llegará a este chat: vuelva a abrirlo en este dispositivo.",
  confirmEnd: "¿Terminar la conversación?",
  confirmEndHelp: { waiting: "Pierde su turno en la cola.", active: "Después puede descargarla." },
  confirmForget: "¿Borrar la conversación de este dispositivo?",
  confirmForgetHelp: "Aquí ya no podrá leerla. La oficina conserva su copia.",
  confirm: { end: "Terminar", forget: "Borrar" },
  cancel: "Volver",

  retry: "Reintentar",
  edit: "Corregir",
  unreachable: "No podemos conectar con la oficina. Lo que escriba espera aquí y sale solo al volver la conexión.",
  slowDown: "Va muy deprisa: lo que falta sale solo en unos segundos.",
  notFromHere: "Este sitio no puede abrir el chat. Avise a quien lleva la página.",
  notStarted: "No se ha podido abrir la conversación. Su mensaje sigue aquí.",
  checkDetails: "Revise sus datos: su mensaje sigue aquí.",
  expired: "La conversación anterior ya no está disponible. Lo que escriba abre una nueva.",
  notEnded: "No se ha podido terminar. Inténtelo de nuevo.",
  refused: "No se ha podido enviar.",
  tooLong: "Es demasiado largo.",

  call: "Llamar por teléfono desde esta página",
  callTitle: "Llamar desde aquí",
  callHelp: "Hablará con la oficina por el micrófono y el altavoz de este dispositivo. No cuesta nada.",
  callPermission: "Ahora el navegador le pedirá permiso para usar el micrófono: elija «Permitir».",
  callNow: "Llamar ahora",
  callAgain: "Volver a llamar",
  leaveMessage: "Dejar un mensaje",
  done: "Cerrar",
  placing: "Llamando…",
  calling: "En llamada",
  callWaits: "Llamada en espera",
  music: "Suena música mientras espera. Puede escribir mientras tanto.",
  ringing: "Le pasamos con una persona…",
  held: "En espera, con música",
  lineLost: "Se ha cortado el sonido. Reconectando…",
  callOver: "La llamada ha terminado",
  callElsewhere: "Está en llamada en otra pestaña de este navegador.",
  callHere: "Hablar desde esta",
  connectionWord: { good: "Conexión buena", fair: "Conexión regular", poor: "Conexión mala" },
  recording: {
    asks: "¿Nos permite grabar la llamada?",
    recorded: "Se graba para su seguridad y la nuestra.",
    paused: "La grabación está en pausa.",
    stopped: "Ahora no se graba.",
    refused: "Esta llamada no se graba.",
  },
  record: "Sí, grabar",
  dontRecord: "No grabar",
  keyMute: "Silenciar",
  keyUnmute: "Hablar",
  keyPad: "Teclado",
  keyWrite: "Escribir",
  keyHang: "Colgar",
  keys: "Teclas",
  callRefused: {
    keys: "El tono no ha llegado. Pulse la tecla otra vez.",
    consent: "Su respuesta no ha llegado. Pulse otra vez.",
  },
  callTrouble: {
    all_lines_busy: "Todas las líneas están ocupadas. Llame en unos minutos o deje un mensaje y le contestamos.",
    closed: "Ahora no se atienden llamadas. Deje un mensaje y le contestamos al abrir.",
    offline: "No podemos conectar con la oficina. Compruebe su conexión y vuelva a llamar.",
    failed: "No se ha podido llamar. Vuelva a intentarlo o deje un mensaje.",
    insecure: "Esta página no es segura (https) y el navegador no deja usar el micrófono. Puede escribirnos.",
    unsupported: "Este navegador no permite llamar. Pruebe con Chrome, Edge, Firefox o Safari al día, o escríbanos.",
    refused: "El navegador no tiene permiso para el micrófono. Permítalo en el candado junto a la dirección y vuelva a llamar.",
    no_device: "No encontramos ningún micrófono. Conecte uno y vuelva a llamar.",
    busy: "Otro programa está usando el micrófono. Ciérrelo y vuelva a llamar.",
    centre: "La oficina no ha podido abrir la línea. Vuelva a intentarlo o deje un mensaje.",
  },
};

export type Texts = typeof es;

const en: Texts = {
  region: "Support chat",
  bubble: "Can we help?",
  unread: (n) => (n === 1 ? "1 new message" : `${n} new messages`),
  minimise: "Minimise the chat",
  menu: "Options",
  otherLanguage: "Ver en español",
  mute: "Mute sounds",
  unmute: "Turn sound on",
  transcript: "Download the conversation",
  transcriptName: "conversation",
  transcriptFailed: "It could not be downloaded. Please try again.",
  end: "End the conversation",
  forget: "Delete from this device",

  openUntil: (when) => `Open until ${when}`,
  openToday: (when) => `Open today until ${when}`,
  open: "Open now",
  closed: "Closed",
  opensAt: (when) => `Closed · we open ${when}`,
  at: (day, time) => `${day} at ${time}`,
  today: "Today",
  tomorrow: "tomorrow",
  yesterday: "Yesterday",
  answersNow: (name) => `${name} · answering now`,
  offline: "No connection",
  connecting: "Connecting",

  greeting: "How can we help?",
  greetingOpen: "Write to us and a person will answer.",
  greetingClosed: "Leave your message: it joins the queue, and we answer in this chat when we open.",
  closedTitle: (when) => (when ? `We are closed now. We open ${when}.` : "We are closed now."),
  topic: "Subject",
  topics: ["Accident, people hurt", "Water leak", "Another claim", "Receipts and policies", "New insurance"],
  call112: "If anybody is hurt, call 112 first.",
  details: "Your details, if you like",
  detailsHelp: "You can write without them.",
  name: "Name",
  email: "Email",
  phone: "Telephone",
  badEmail: "Complete it or leave it empty.",
  badPhone: "Complete it or leave it empty.",
  badName: "The name is too long.",

  write: "Write your message",
  writeClosed: "Leave your message",
  send: "Send",
  left: (n) => (n === 1 ? "1 character left" : `${n} characters left`),
  over: (n) => `${n === 1 ? "1 character" : `${n} characters`} too many: shorten the message or send it in two.`,

  inQueue: "in the queue",
  position: (n) => `Your place in the queue: ${n}.`,
  searching: "Putting you in the queue…",
  soon: "Somebody will answer as soon as they are free",
  lessThanMinute: "Less than 1 min to go",
  aboutMinutes: (low, high) => (high - low === 1 ? `About ${low} or ${high} min to go` : `${low} to ${high} min to go`),
  moreThan: (minutes) => `More than ${minutes} min to go`,
  ahead: (n) =>
    n === 0 ? "Nobody is ahead of you." : n === 1 ? "One person is ahead of you." : `${n} people are ahead of you.`,
  chime: "We will let you know with a sound.",
  keepsPlace: "You can close or reload the page: we keep your place for 10 min.",
  waitingAgain: "We are passing you to somebody else. You keep your place.",

  joined: (name) => `${name} has joined`,
  typing: (name) => (name ? `${name} is typing` : "Somebody is typing"),
  from: (name, body) => `${name}: ${body}`,
  team: "The team",
  assistant: "Assistant",
  you: "You",
  sending: "Sending",
  waitsForLink: "Goes when the connection is back",
  waitsFor: (s) => `Goes in ${s} s`,
  sent: "Sent",
  read: "Read",
  newBelow: "New messages",
  earlier: "Earlier messages",
  conversation: "Conversation",

  ended: "The conversation has ended",
  endedHelp: "If you need anything else, go on right here.",
  again: "Start again",
  leftTitle: "We have your message",
  leftHelp: (when) =>
    when
      ? `We open ${when}. The answer will come to this chat: open it again on this device.`
      : "The answer will come to this chat: open it again on this device.",
  confirmEnd: "End the conversation?",
  confirmEndHelp: { waiting: "You lose your place in the queue.", active: "You can download it afterwards." },
  confirmForget: "Delete the conversation from this device?",
  confirmForgetHelp: "You will no longer be able to read it here. The office keeps its copy.",
  confirm: { end: "End it", forget: "Delete" },
  cancel: "Go back",

  retry: "Try again",
  edit: "Correct",
  unreachable: "We cannot reach the office. What you write waits here and goes by itself when the connection is back.",
  slowDown: "That was quick: the rest goes by itself in a few seconds.",
  notFromHere: "This site cannot open the chat. Please tell whoever runs the page.",
  notStarted: "The conversation could not be opened. Your message is still here.",
  checkDetails: "Please check your details: your message is still here.",
  expired: "The earlier conversation is no longer available. What you write opens a new one.",
  notEnded: "It could not be ended. Please try again.",
  refused: "It could not be sent.",
  tooLong: "It is too long.",

  call: "Call from this page",
  callTitle: "Call from here",
  callHelp: "You will talk to the office through this device's microphone and loudspeaker. It costs nothing.",
  callPermission: "Your browser will now ask to use the microphone: choose “Allow”.",
  callNow: "Call now",
  callAgain: "Call again",
  leaveMessage: "Leave a message",
  done: "Close",
  placing: "Calling…",
  calling: "In a call",
  callWaits: "Your call is waiting",
  music: "There is music while you wait. You can write meanwhile.",
  ringing: "Putting you through to a person…",
  held: "On hold, with music",
  lineLost: "The sound was cut off. Reconnecting…",
  callOver: "The call has ended",
  callElsewhere: "You are in a call in another tab of this browser.",
  callHere: "Talk from this one",
  connectionWord: { good: "Good connection", fair: "Fair connection", poor: "Poor connection" },
  recording: {
    asks: "May we record the call?",
    recorded: "Recorded for your safety and ours.",
    paused: "The recording is paused.",
    stopped: "Not being recorded now.",
    refused: "This call is not recorded.",
  },
  record: "Yes, record",
  dontRecord: "Do not record",
  keyMute: "Mute",
  keyUnmute: "Unmute",
  keyPad: "Keypad",
  keyWrite: "Write",
  keyHang: "Hang up",
  keys: "Keys",
  callRefused: {
    keys: "The tone did not arrive. Press the key again.",
    consent: "Your answer did not arrive. Press again.",
  },
  callTrouble: {
    all_lines_busy: "All lines are busy. Call in a few minutes, or leave a message and we will answer.",
    closed: "Calls are not answered now. Leave a message and we will answer when we open.",
    offline: "We cannot reach the office. Check your connection and call again.",
    failed: "The call could not be made. Try again or leave a message.",
    insecure: "This page is not secure (https), so the browser gives no microphone. You can write to us.",
    unsupported: "This browser cannot make calls. Try a recent Chrome, Edge, Firefox or Safari, or write to us.",
    refused: "The browser may not use the microphone. Allow it at the padlock beside the address and call again.",
    no_device: "We find no microphone. Plug one in and call again.",
    busy: "Another program has the microphone. Close it and call again.",
    centre: "The office could not open the line. Try again or leave a message.",
  },
};

export const TEXTS: Record<Language, Texts> = { es, en };

/** The first of the given tags that is one of our languages; Spanish when none is. */
export function pickLanguage(...tags: (string | null | undefined)[]): Language {
  for (const tag of tags) {
    const base = tag?.toLowerCase().split("-")[0];
    if (base === "es" || base === "en") return base;
  }
  return "es";
}

/** An estimate as a range in words: it is a model's figure, and a single number would promise. */
export function waitWords(texts: Texts, seconds: number | null): string {
  if (seconds === null) return texts.soon;
  if (seconds < 45) return texts.lessThanMinute;
  const minutes = seconds / 60;
  if (minutes > 45) return texts.moreThan(45);
  const low = Math.max(1, Math.floor(minutes * 0.85));
  return texts.aboutMinutes(low, Math.max(low + 1, Math.ceil(minutes * 1.15)));
}

/** Dates in the visitor's language; hours of the office in the office's own zone. */
export class Dates {
  constructor(
    private readonly language: Language,
    private readonly texts: Texts,
  ) {}

  time(iso: string, zone?: string): string {
    return this.format(new Date(iso), { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });
  }

  /** "Hoy, 10:46", "Ayer, 18:02", "12 nov, 9:30". */
  day(iso: string, now: number): string {
    const date = new Date(iso);
    const days = this.daysBetween(date, new Date(now));
    const day =
      days === 0
        ? this.texts.today
        : days === 1
          ? this.texts.yesterday
          : this.format(date, { day: "numeric", month: "short" });
    return `${day}, ${this.time(iso)}`;
  }

  sameDay(a: string, b: string): boolean {
    return this.daysBetween(new Date(a), new Date(b)) === 0;
  }

  /** When the office closes: "Abierto hoy hasta las 14:00". */
  closing(iso: string | null, now: number, zone: string): string {
    if (!iso) return this.texts.open;
    const time = this.officeTime(iso, zone);
    const today = this.daysBetween(new Date(now), new Date(iso), zone) === 0;
    return today ? this.texts.openToday(time) : this.texts.openUntil(time);
  }

  /** When it opens: "a las 16:00", "mañana a las 9:00", "el lunes a las 9:00". */
  opening(iso: string | null, now: number, zone: string): string | null {
    if (!iso) return null;
    const days = this.daysBetween(new Date(now), new Date(iso), zone);
    const weekday = () => this.format(new Date(iso), { weekday: "long", timeZone: zone });
    const date = () => this.format(new Date(iso), { day: "numeric", month: "long", timeZone: zone });
    const day =
      days === 0
        ? this.texts.today.toLowerCase()
        : days === 1
          ? this.texts.tomorrow
          : this.language === "es"
            ? `el ${days < 7 ? weekday() : date()}`
            : `on ${days < 7 ? weekday() : date()}`;
    return this.texts.at(day, this.officeTime(iso, zone));
  }

  private officeTime(iso: string, zone: string): string {
    const same = this.time(iso, zone) === this.time(iso);
    return same ? this.time(iso, zone) : `${this.time(iso, zone)} (${zone.split("/").at(-1)?.replaceAll("_", " ")})`;
  }

  private daysBetween(from: Date, to: Date, zone?: string): number {
    const day = (date: Date) => {
      const parts = new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" }).format(date);
      return Date.parse(`${parts}T00:00:00Z`) / 86_400_000;
    };
    return Math.abs(day(to) - day(from));
  }

  private format(date: Date, options: Intl.DateTimeFormatOptions): string {
    return new Intl.DateTimeFormat(this.language === "es" ? "es-ES" : "en-GB", options).format(date);
  }
}
