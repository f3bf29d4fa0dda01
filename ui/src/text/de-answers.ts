import type { enAnswers } from "./en-answers";

export const deAnswers: typeof enAnswers = {
  answers: {
    right: "Richtige Antworten",
    rightMeaning: "Wie oft das Modell, nur mit Prompt und Eingabe, von selbst genau die richtige Antwort schreibt.",
    choose: "Wählt die richtige, wenn es wählen muss",
    chooseMeaning: "Wie oft die richtige Antwort für das Modell die wahrscheinlichste unter allen möglichen ist, wenn es nur unter ihnen wählen darf.",
    prefer: "Zieht die bessere Antwort vor",
    preferMeaning: "Wie oft die bessere Antwort für das Modell wahrscheinlicher ist als die schlechtere.",
    columnMeaning: "Richtige Antworten an zurückgelegten Beispielen, mit dem Start-Prompt und mit dem besten: was das Modell von selbst schreibt, oder was es wählt, wo es nicht gefragt wurde.",
    of: (n, of) => `${n} von ${of}`,
    way: (before, after) => `richtige Antworten ${before} → ${after}`,
    chosenWay: (before, after) => `richtig gewählt ${before} → ${after}`,
    askedShare: (share) => `${share} richtig geantwortet`,
    chosenShare: (share) => `${share} richtig gewählt`,
    clear: { more: "deutlich mehr", same: "kein klarer Unterschied", fewer: "deutlich weniger" },
    never: "Das Modell sagt es weiterhin nicht genau so, mit keinem der Prompts. Was es stattdessen schreibt, steht unten.",

    tooFewText: (groups, one) =>
      `${one ? `Nur ${groups} der zurückgelegten Beispiele ist` : `Nur ${groups} der zurückgelegten Beispiele sind`} wirklich verschieden. Bei so wenigen entscheidet der Zufall. Bringen Sie mehr Beispiele und starten Sie einen neuen Lauf; bis dahin bleibt Ihr eigener Prompt in Gebrauch.`,
    surerText: (examples) =>
      `An ${examples} zurückgelegten Beispielen überraschen die richtigen Antworten das Modell weniger, doch es antwortet selbst seltener richtig. Ihr eigener Prompt bleibt in Gebrauch.`,
    keep: "Meinen Prompt behalten",

    numbers: "Zahlen",
    knows: "Kennt die Antwort",
    knowsMeaning: "Wie schwer dem Modell die Wahl unter den möglichen Antworten fällt, in Nats; kleiner ist besser.",
    form: "Sagt sie in der richtigen Form",
    formMeaning: "Wie unwahrscheinlich es ist, dass das Modell überhaupt eine der möglichen Antworten schreibt, in Nats; kleiner ist besser.",
    calibrated: "Wählt die richtige, ohne seine Vorliebe für eine Antwort",
    calibratedMeaning: "Modelle neigen zu einer Antwort, egal, was man fragt. Hier wird das abgezogen, bevor die Wahl beurteilt wird.",
    smallest: "Kleinster Unterschied, der aufgefallen wäre",
    smallestMeaning: "Ein wahrer Unterschied des Verlusts dieser Größe fällt bei vier von fünf solchen Prüfungen auf. Ein kleinerer bleibt meist verborgen.",
    different: "Verschiedene Beispiele",
    differentMeaning: "Beinahe gleiche zählen als eines.",

    looks: (n) => `Diese Beispiele wurden schon ${n}-mal angesehen. Je öfter, desto weniger besagt eine gute Zahl; bringen Sie für eine letzte Prüfung neue.`,

    title: "Was das Modell wirklich antwortet",
    text: "Zurückgelegte Beispiele, am Ende des Laufs mit beiden Prompts beantwortet.",
    textOne: "Zurückgelegte Beispiele, am Ende des Laufs beantwortet.",
    none: "Es wurden keine Antworten geschrieben",
    noneText: "Bei diesem Lauf hat das Modell am Ende keine Antworten geschrieben: Er ist älter, wurde beendet, oder seine Einstellungen verlangen keine.",
    row: (n) => `Zeile ${n}`,
    input: "Eingabe",
    target: "Richtige Antwort",
    start: "Mit dem Start-Prompt",
    best: "Mit dem neuen Prompt",
    yours: "Mit Ihrem Prompt",
    isRight: "richtig",
    isWrong: "falsch",
    nothing: "Das Modell hat nichts geschrieben.",

    columns: { asked: "Richtig geantwortet", choice: "Richtig gewählt" },
    kinds: { surerButWrong: "sicherer, aber jetzt falsch", wrong: "jetzt falsch", rightButUnsure: "unsicherer, aber jetzt richtig" },

    split: {
      title: "Die Beispiele dieses Laufs waren nicht gut verteilt",
      titleFew: "Dieser Lauf hatte wenige Beispiele",
      missing: {
        train: (label) => `Kein Beispiel mit der Antwort „${label}“ diente der Suche nach einem besseren Prompt.`,
        validation: (label) => `Kein Beispiel mit der Antwort „${label}“ blieb für die Prüfung.`,
      },
      uneven: {
        train: (label, has, share) => `Beispiele mit der Antwort „${label}“ bei der Suche nach einem besseren Prompt: ${has}; im Verhältnis wären es ${share}.`,
        validation: (label, has, share) => `Beispiele mit der Antwort „${label}“ bei der Prüfung: ${has}; im Verhältnis wären es ${share}.`,
      },
      fewHeldOut: (n, one) => (one ? `Nur ${n} Beispiel blieb für die Prüfung: Nur ein großer Unterschied ist zu erkennen.` : `Nur ${n} Beispiele blieben für die Prüfung: Nur ein großer Unterschied ist zu erkennen.`),
      fewTraining: (n, one) => (one ? `Nur ${n} Beispiel diente der Suche nach einem besseren Prompt: Der Zufall entscheidet viel.` : `Nur ${n} Beispiele dienten der Suche nach einem besseren Prompt: Der Zufall entscheidet viel.`),
      more: (n) => `und ${n} weitere`,
      evenly: "Ein neuer Lauf verteilt die Antworten gleichmäßig.",
      bring: "Mehr Beispiele helfen.",
      again: "Noch einmal",
    },
  },
};
