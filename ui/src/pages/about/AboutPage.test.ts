import { screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { makeScripted } from "../../backend/scripted";
import { renderPage, seriousFaults } from "../../test/render";
import AboutPage from "./AboutPage.svelte";

async function open() {
  const backend = makeScripted();
  const view = renderPage(AboutPage, {}, backend);
  await screen.findByTestId("about-version");
  return { backend, ...view };
}

it("says which version this is and where things are", async () => {
  const { container } = await open();
  expect(screen.getByTestId("about-version")).toHaveTextContent("Version 0.1.0 built from 1a2b3c4");
  expect(screen.getByText("/home/you/.cache/pmpo-studio")).toBeInTheDocument();
  expect(await seriousFaults(container)).toEqual([]);
});

it("copies what helps who looks for a fault", async () => {
  const { backend } = await open();
  await userEvent.click(screen.getByTestId("copy-diagnostics"));
  await waitFor(() => expect(backend.copied).toEqual([expect.stringContaining("System: Debian")]));
  expect(screen.getByTestId("copy-diagnostics")).toHaveTextContent("Copied");
});

it("finds packages by name and licence", async () => {
  await open();
  await userEvent.type(screen.getByTestId("about-find"), "apache tauri");
  const rows = screen.getByTestId("about-linked").querySelectorAll("tbody tr");
  expect([...rows].map((row) => row.textContent)).toEqual(["tauri2.12.1Apache-2.0 OR MIT"]);
  await userEvent.type(screen.getByTestId("about-find"), " none");
  expect(screen.getByText("No package fits.")).toBeInTheDocument();
});

it("says why it cannot be shown", async () => {
  const backend = makeScripted();
  backend.failNext("about", { code: "unexpected", message: "The program failed at this: no folder.", hint: "Try again." });
  renderPage(AboutPage, {}, backend);
  expect(await screen.findByText(/no folder/)).toBeInTheDocument();
});
