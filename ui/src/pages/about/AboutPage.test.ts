import { screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import type { NewerVersion } from "../../backend/generated/wire";
import { makeScripted, type ScriptedOptions } from "../../backend/scripted";
import { renderPage, seriousFaults } from "../../test/render";
import AboutPage from "./AboutPage.svelte";

async function open(options: ScriptedOptions = {}) {
  const backend = makeScripted(options);
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

const NEWER: NewerVersion = { version: "0.2.0", date: "2026-12-24", notes: "Finds better prompts.\nReads .xlsx.", installs: true };

it("offers to look for a newer version only where the package says whom to ask", async () => {
  await open({ asks: false });
  expect(screen.queryByTestId("look-for-update")).toBeNull();
});

it("says that this version is the newest", async () => {
  const { backend } = await open();
  expect(screen.getByText(/Asks pmpo.example/)).toBeInTheDocument();
  expect(backend.calls.map(([name]) => name)).not.toContain("lookForUpdate");
  await userEvent.click(screen.getByTestId("look-for-update"));
  expect(await screen.findByTestId("newest")).toHaveTextContent("You have the newest version.");
});

it("installs a newer version and starts again", async () => {
  const { backend, container } = await open({ newer: NEWER });
  await userEvent.click(screen.getByTestId("look-for-update"));
  expect(await screen.findByTestId("newer")).toHaveTextContent("Version 0.2.0 is available published on December 24, 2026");
  expect(screen.getByTestId("update-notes")).toHaveTextContent("Finds better prompts.");
  await userEvent.click(screen.getByTestId("get-update"));
  expect(await screen.findByTestId("update-progress")).toHaveAttribute("aria-valuenow", "25");
  expect(screen.getByText("30 MB of 120 MB")).toBeInTheDocument();
  expect(await seriousFaults(container)).toEqual([]);
  backend.endUpdate();
  expect(await screen.findByTestId("update-installed")).toHaveTextContent("Version 0.2.0 is installed");
  await waitFor(() => expect(document.activeElement).toContainElement(screen.getByTestId("update-installed")));
  await userEvent.click(screen.getByTestId("start-again"));
  expect(backend.calls.at(-1)?.[0]).toBe("startAgain");
});

it("saves the file where the program cannot install it, and can be called off", async () => {
  const { backend } = await open({ newer: { ...NEWER, installs: false } });
  await userEvent.click(screen.getByTestId("look-for-update"));
  await userEvent.click(await screen.findByTestId("get-update"));
  await userEvent.click(await screen.findByTestId("cancel-update"));
  await userEvent.click(await screen.findByTestId("get-update"));
  backend.endUpdate();
  expect(await screen.findByTestId("update-saved")).toHaveTextContent("Saved as /home/you/pmpo-studio.tar.gz.");
});

it("says what went wrong and lets the person try again", async () => {
  const { backend } = await open({ newer: NEWER });
  backend.failNext("lookForUpdate", { code: "update_offline", message: "The server does not answer.", hint: "Check the connection." });
  await userEvent.click(screen.getByTestId("look-for-update"));
  await userEvent.click(await screen.findByTestId("error-retry"));
  backend.failNext("getUpdate", { code: "update_signature", message: "The file that came is not the one.", hint: "" });
  await userEvent.click(await screen.findByTestId("get-update"));
  expect(await screen.findByText(/not the one/)).toBeInTheDocument();
  expect(screen.getByTestId("get-update")).toBeEnabled();
});
