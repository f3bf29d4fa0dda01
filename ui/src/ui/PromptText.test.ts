import { render, screen, within } from "@testing-library/svelte";
import { expect, it } from "vitest";
import { seriousFaults } from "../test/render";
import PromptText from "./PromptText.svelte";

const document = "Name the mood of {{input}}.\n\n[[example]]\nIt broke.\n[[column: language]]\nEnglish\n[[answer]]\nbad\n\n[[example]]\n\\[[answer]]\nis no answer.\n[[answer]]\ngood";

it("shows the text and cards with questions and answers, never the marks", async () => {
  const { container } = render(PromptText, { document });
  expect(container).not.toHaveTextContent("[[example]]");
  expect(container).not.toHaveTextContent("[[column");
  expect(screen.getByText("Name the mood of {{input}}.")).toBeInTheDocument();
  const cards = screen.getAllByTestId("shown-example");
  expect(cards).toHaveLength(2);
  expect(within(cards[0] as HTMLElement).getByText("It broke.")).toBeInTheDocument();
  expect(cards[0]).toHaveTextContent("English");
  expect(cards[0]).toHaveTextContent("bad");
  // What looks like a mark within an input is shown as it was written.
  expect(within(cards[1] as HTMLElement).getByText(/^\[\[answer\]\]\s+is no answer\.$/)).toBeInTheDocument();
  expect(await seriousFaults(container)).toEqual([]);
});

it("shows no cards where there are none", () => {
  render(PromptText, { document: "Just a text." });
  expect(screen.queryByTestId("shown-examples")).toBeNull();
});
