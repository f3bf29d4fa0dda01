import type { DataNews } from "../backend/generated/wire";

let latest = $state.raw<DataNews | null>(null);

/** What was heard last of the source of a project's examples. */
export const dataNews = {
  get latest(): DataNews | null {
    return latest;
  },
  hear(news: DataNews | null): void {
    latest = news;
  },
};
