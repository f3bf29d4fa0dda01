import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it, vi } from "vitest";
import type { Backend } from "../../backend";
import type { TryMessage } from "../../backend/generated/wire";
import { makeScripted } from "../../backend/scripted";
import { renderPage, seriousFaults } from "../../test/render";
import TryPage from "./TryPage.svelte";

type Asked = { prompt: string; input: string; say: (message: TryMessage) => void; stop: () => void };

async function show(withVersion = true) {
  const scripted = makeScripted();
  const project = await scripted.openSample("review-mood");
  let version: number | undefined;
  if (withVersion) {
    const run = await scripted.startRun(project.id);
    scripted.finish(run.id);
    version = (await scripted.project(project.id)).versions.find((one) => one.origin.kind === "run")?.id;
  }
  const asked: Asked[] = [];
  const backend: Backend = {
    ...scripted,
    async tryPrompt(_project, prompt, input, say) {
      const stop = vi.fn();
      asked.push({ prompt, input, say, stop });
      return stop;
    },
  };
  const page = renderPage(TryPage as never, { project: project.id, ...(version === undefined ? {} : { version }) }, backend);
  const input = await screen.findByTestId("try-input");
  return { ...page, asked, input, project };
}

const side = (which: "left" | "right") => screen.getByTestId(`try-${which}`);

describe("trying prompts", () => {
  it("streams the left answer and then the right one", async () => {
    const { asked, input } = await show();
    expect(screen.getByTestId("try-go")).toBeDisabled();
    await fireEvent.input(input, { target: { value: "A fine day" } });
    await fireEvent.click(screen.getByTestId("try-go"));
    expect(asked).toHaveLength(1);
    expect(side("right")).toHaveTextContent("Answers after the left one");
    asked[0]?.say({ kind: "text", text: "posi" });
    asked[0]?.say({ kind: "text", text: "tive" });
    expect(await within(side("left")).findByTestId("try-answer")).toHaveTextContent("positive");
    asked[0]?.say({ kind: "done", tokens: 2, seconds: 0.84 });
    await waitFor(() => expect(asked).toHaveLength(2));
    expect(side("left")).toHaveTextContent("2 tokens in 0.8 seconds");
    expect(asked[1]?.input).toBe("A fine day");
    expect(asked[1]?.prompt).not.toBe(asked[0]?.prompt);
    asked[1]?.say({ kind: "done", tokens: 0, seconds: 0.2 });
    await waitFor(() => expect(side("right")).toHaveTextContent("answered with nothing"));
    expect(screen.getByTestId("try-go")).toBeInTheDocument();
  });

  it("stops both and keeps what was written", async () => {
    const { asked, input } = await show();
    await fireEvent.input(input, { target: { value: "x" } });
    await fireEvent.keyDown(input, { key: "Enter", ctrlKey: true });
    await waitFor(() => expect(asked).toHaveLength(1));
    asked[0]?.say({ kind: "text", text: "half an ans" });
    await fireEvent.click(await screen.findByTestId("try-stop"));
    expect(asked[0]?.stop).toHaveBeenCalled();
    asked[0]?.say({ kind: "text", text: "too late" });
    expect(within(side("left")).getByTestId("try-answer")).toHaveTextContent("half an ans");
    expect(asked).toHaveLength(1);
    expect(screen.getByTestId("try-go")).toBeInTheDocument();
  });

  it("says what went wrong", async () => {
    const { asked, input } = await show(false);
    await fireEvent.input(input, { target: { value: "x" } });
    await fireEvent.click(screen.getByTestId("try-go"));
    asked[0]?.say({ kind: "failed", error: { code: "model", message: "The model is gone.", hint: "Choose another." } });
    expect(await screen.findByTestId("error-note")).toHaveTextContent("Choose another.");
  });

  it("stops when the page is left", async () => {
    const { asked, input, unmount } = await show();
    await fireEvent.input(input, { target: { value: "x" } });
    await fireEvent.click(screen.getByTestId("try-go"));
    await waitFor(() => expect(asked).toHaveLength(1));
    unmount();
    expect(asked[0]?.stop).toHaveBeenCalled();
  });

  it("takes an example of the data and shows answers as text", async () => {
    const { asked, input, container } = await show(false);
    await fireEvent.click(screen.getByTestId("try-example"));
    expect((input as HTMLTextAreaElement).value).not.toBe("");
    await fireEvent.click(screen.getByTestId("try-go"));
    asked[0]?.say({ kind: "text", text: "<img src=x onerror=alert(1)>" });
    expect(await screen.findByTestId("try-answer")).toHaveTextContent("<img src=x onerror=alert(1)>");
    expect(container.querySelector("img")).toBeNull();
  });
});

it("has no serious faults of accessibility", async () => {
  const { container, asked, input } = await show();
  expect(await seriousFaults(container)).toEqual([]);
  await fireEvent.input(input, { target: { value: "x" } });
  await fireEvent.click(screen.getByTestId("try-go"));
  asked[0]?.say({ kind: "text", text: "answer" });
  await screen.findByTestId("try-answer");
  expect(await seriousFaults(container)).toEqual([]);
});
