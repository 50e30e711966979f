/** A new incident makes itself heard, where the person at this desk has asked for it, and always shows in the tab's title. */
import type { Incident } from "../api/types";
import { levelName, t } from "../words";
import { alarm } from "./prefs";

let audio: AudioContext | null = null;

/** Turns the alarm on or off. Called from a click: browsers give sound and notifications only to a person who asks. */
export async function setAlarm(on: boolean): Promise<void> {
  alarm.value = on ? "on" : "off";
  if (!on) return;
  beep();
  if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
}

/** Tells of new incidents. */
export function announce(incidents: readonly Incident[]): void {
  const first = incidents[0];
  if (alarm.value === "off" || !first) return;
  beep();
  if ("Notification" in window && Notification.permission === "granted" && document.hidden) {
    const more = incidents.length > 1 ? ` (+${incidents.length - 1})` : "";
    new Notification(`${levelName(first.level)} · ${t("app.name")}${more}`, { body: first.title, tag: first.id });
  }
}

/** Two tones, a fourth apart: heard, and no siren. */
function beep(): void {
  try {
    audio ??= new AudioContext();
    void audio.resume();
    const begin = audio.currentTime + 0.02;
    tone(audio, 660, begin);
    tone(audio, 880, begin + 0.18);
  } catch {
    // No sound device, or none allowed: the title still tells.
  }
}

function tone(context: AudioContext, frequency: number, at: number): void {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(0.2, at + 0.01);
  gain.gain.exponentialRampToValueAtTime(0.001, at + 0.3);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + 0.32);
}
