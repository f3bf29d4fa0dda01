import type { enShown } from "./en-shown";

/** The German texts on examples that a prompt shows to the model, and on how examples are split. */
export const deShown: typeof enShown = {
  shown: {
    title: (n, one) => (one ? `Das Modell sieht außerdem ${n} Beispiel mit richtiger Antwort:` : `Das Modell sieht außerdem ${n} Beispiele mit richtigen Antworten:`),
    list: "Beispiele, die das Modell sieht",
    more: (n, one) => (one ? `+ ${n} Beispiel` : `+ ${n} Beispiele`),
    added: "hinzugefügt",
    removed: "entfernt",
    moved: "Wo nichts markiert ist, zeigen beide dieselben Beispiele, in anderer Reihenfolge.",
    copyAs: "Kopieren als …",
    copyLines: "Als Text kopieren",
    copyLinesNote: "Der Prompt und darunter seine Beispiele als Zeilen",
    copyMessages: "Als Nachrichten kopieren (JSON)",
    copyMessagesNote: "Für Programme, die mit Modellen sprechen; die letzte Nachricht ist {{input}}",

    editor: {
      title: "Beispiele, die das Modell sieht",
      text: "Das Modell sieht sie als frühere Fragen mit ihren richtigen Antworten.",
      one: (n) => `Beispiel ${n}`,
      input: "Eingabe",
      answer: "Richtige Antwort",
      add: "Beispiel hinzufügen",
      remove: (n) => `Beispiel ${n} entfernen`,
      up: (n) => `Beispiel ${n} nach oben`,
      down: (n) => `Beispiel ${n} nach unten`,
      moved: (n) => `Es ist jetzt Beispiel ${n}.`,
      removed: (n) => `Beispiel ${n} wurde entfernt.`,
      unfinished: "Das Modell sieht es noch nicht: Füllen Sie beide Felder aus.",
    },

    ask: {
      title: "Darf der bessere Prompt einige Ihrer Beispiele enthalten?",
      why: "Kleine Modelle lernen am meisten aus Beispielen, die sie nachahmen können. Wählen Sie Nein, wenn Ihre Beispiele vertraulich sind oder der Prompt kurz bleiben muss.",
      yes: "Ja",
      no: "Nein",
      byItself: (yes) => (yes ? "Wenn Sie nichts anderes sagen, gilt Ja." : "Wenn Sie nichts anderes sagen, gilt Nein."),
    },

    split: {
      title: "Wofür Ihre Beispiele dienen",
      text: "Die Schlussprüfung nimmt Beispiele, die bei der Suche nicht dabei waren. So zeigt sie, ob der bessere Prompt auch bei neuen Eingaben hilft.",
      label: "Richtige Antwort",
      all: "Alle Beispiele",
      total: "Insgesamt",
      train: "Für die Suche",
      validation: "Für die Schlussprüfung zurückgelegt",
      pool: "Nicht verwendet oder als Beispiel gezeigt",
      others: "Andere Antworten",
      more: (n) => `${n} weitere Antworten`,
      inTrain: "denen für die Suche",
      inValidation: "denen für die Schlussprüfung",
      missing: (label, part) => `„${label}“ fehlt unter ${part}. Fügen Sie Beispiele mit dieser Antwort hinzu.`,
      uneven: (label, part, has, share) => `„${label}“ steht ${has}-mal unter ${part}; dem Anteil nach wären es ${share}.`,
      unevenOnce: (label, part, share) => `„${label}“ steht einmal unter ${part}; dem Anteil nach wären es ${share}.`,
      about: (n) => `etwa ${n}`,
      noneHeldOut: "Für die Schlussprüfung ist kein Beispiel zurückgelegt. Ob das Ergebnis auch bei neuen Eingaben hilft, kann dann niemand sagen. Fügen Sie Beispiele hinzu.",
      fewHeldOut: (n, one) => (one ? `Für die Schlussprüfung ist nur ${n} Beispiel zurückgelegt: Damit ist nur ein sehr großer Unterschied zu sehen. Fügen Sie Beispiele hinzu.` : `Für die Schlussprüfung sind nur ${n} Beispiele zurückgelegt: Damit ist nur ein großer Unterschied zu sehen. Fügen Sie Beispiele hinzu.`),
      fewTraining: (n, one) => (one ? `Für die Suche dient nur ${n} Beispiel: Bei so wenigen entscheidet viel der Zufall. Fügen Sie Beispiele hinzu.` : `Für die Suche dienen nur ${n} Beispiele: Bei so wenigen entscheidet viel der Zufall. Fügen Sie Beispiele hinzu.`),
      moreWarnings: (n) => `und ${n} weitere dieser Art`,
    },
  },
};
