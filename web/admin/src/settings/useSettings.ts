// The rules in force, what is being changed of them, and how it is saved.
import { computed, reactive, ref, shallowRef } from "vue";

import { problemOf } from "../api/problem";
import { api } from "../house";
import { useRead } from "../parts/useRead";
import type { Edition, Settings } from "./answers";
import { changedPlaces, changeOf, copied, type Draft, draftOf, rebased } from "./draft";
import { mistakesOf } from "./mistakes";

const PATH = "/api/admin/settings";

/** Somebody else's edition, saved after ours was read. */
export interface Conflict {
  newest: Settings;
  /** Places that they changed as well, to another end. */
  clashes: string[];
}

export function useSettings() {
  const read = useRead(() => api.get<Settings>(PATH));
  const settings = shallowRef<Settings | null>(null);
  const base = shallowRef<Draft | null>(null);
  const draft = reactive<Draft>({ texts: {}, waves: [], tiers: [], holidays: [] });
  const conflict = shallowRef<Conflict | null>(null);
  const refusal = ref("");
  const isBusy = ref(false);
  const places = computed(() => (base.value ? changedPlaces(base.value, draft) : []));
  const mistakes = computed(() => (settings.value ? mistakesOf(settings.value, draft) : {}));

  function take(newest: Settings, kept?: Draft): void {
    settings.value = newest;
    base.value = draftOf(newest);
    Object.assign(draft, copied(kept ?? base.value));
    conflict.value = null;
    refusal.value = "";
  }

  async function load(): Promise<void> {
    await read.load();
    if (read.data.value) take(read.data.value);
  }

  /** The rules as they would be, checked by the server; null when it refuses or another was first. */
  function check(): Promise<Settings | null> {
    return send({ reason: "预览", preview: true });
  }

  /** The new edition, in force; null when it was not made. */
  async function save(reason: string): Promise<Settings | null> {
    const made = await send({ reason });
    if (made) take(made);
    return made;
  }

  async function send(how: { reason: string; preview?: boolean }): Promise<Settings | null> {
    const now = settings.value;
    if (!now) return null;
    [refusal.value, conflict.value, isBusy.value] = ["", null, true];
    try {
      return await api.post<Settings>(PATH, { version: now.version, ...how, ...changeOf(draft, places.value) });
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (problem.code === "wrong_state") await meet();
      else refusal.value = problem.sentence;
      return null;
    } finally {
      isBusy.value = false;
    }
  }

  async function meet(): Promise<void> {
    try {
      const newest = await api.get<Settings>(PATH);
      if (base.value) conflict.value = { newest, clashes: rebased(base.value, draft, draftOf(newest)).clashes };
    } catch (thrown) {
      refusal.value = problemOf(thrown).sentence;
    }
  }

  /** Go on from the other's edition, with my changes or without them. */
  function settle(how: "keep mine" | "drop mine"): void {
    if (!conflict.value || !base.value) return;
    const { newest } = conflict.value;
    take(newest, how === "keep mine" ? rebased(base.value, draft, draftOf(newest)).draft : undefined);
  }

  function discard(): void {
    if (settings.value) take(settings.value);
  }

  /** An earlier edition's values as a draft; they hold once they are saved. */
  async function bringBack(edition: Edition): Promise<boolean> {
    const earlier = await api.get<Settings>(PATH, { version: edition.version }).catch(() => null);
    if (earlier) Object.assign(draft, draftOf(earlier));
    return earlier !== null;
  }

  return { settings, draft, base, places, mistakes, conflict, refusal, isBusy, problem: read.problem, load, check, save, settle, discard, bringBack };
}

export type Rules = ReturnType<typeof useSettings>;
