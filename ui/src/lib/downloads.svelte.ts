import type { ShellEvent } from "../backend/generated/wire";

type News = Extract<ShellEvent, { kind: "download" | "download_ended" }>;

let newest = $state.raw<News | null>(null);

/** What is heard of downloads of models. */
export const downloads = {
  get newest(): News | null {
    return newest;
  },
  hear(news: News): void {
    newest = news;
  },
};
