/** Texts about right answers: what the model really says, and how often it is right. Numbers come formatted. */
export const enAnswers = {
  answers: {
    right: "Right answers",
    rightMeaning: "How often the model, given only the prompt and the input, writes the right answer by itself, exactly.",
    choose: "Picks the right one when it must choose",
    chooseMeaning: "How often the right answer is the likeliest one for the model among all possible answers, when it may only choose among them.",
    prefer: "Prefers the better answer",
    preferMeaning: "How often the better answer is likelier for the model than the worse one.",
    columnMeaning: "Right answers on the examples kept for the final check, with the start prompt and with the best one: what the model writes by itself, or what it picks where it was not asked.",
    of: (n: string, of: string) => `${n} of ${of}`,
    way: (before: string, after: string) => `right answers ${before} → ${after}`,
    chosenWay: (before: string, after: string) => `right choices ${before} → ${after}`,
    askedShare: (share: string) => `${share} right when asked`,
    chosenShare: (share: string) => `${share} right by choice`,
    clear: { more: "clearly more", same: "no clear difference", fewer: "clearly fewer" },
    never: "The model still does not say it exactly, with either prompt. What it writes instead is shown below.",

    tooFewText: (groups: string, one: boolean) =>
      `${one ? `Only ${groups} of the examples kept for the final check is` : `Only ${groups} of the examples kept for the final check are`} really different. With so few, chance decides. Bring more examples and run again; until then your own prompt stays in use.`,
    surerText: (examples: string) =>
      `On the ${examples} examples kept for the final check the model finds the right answers less surprising, but fewer of its own answers are right. Your own prompt stays in use.`,
    keep: "Keep my prompt",

    numbers: "Numbers",
    knows: "Knows the answer",
    knowsMeaning: "How hard the choice among the possible answers is for the model, in nats; lower is better.",
    form: "Says it the right way",
    formMeaning: "How unlikely it is that the model writes one of the possible answers at all, in nats; lower is better.",
    calibrated: "Picks the right one, its habit of one answer taken off",
    calibratedMeaning: "Models lean to one answer whatever they are asked. Here that is taken off before the choice is judged.",
    smallest: "Smallest difference that would have been seen",
    smallestMeaning: "A true difference of the loss of this size is found in four of five checks like this one. A smaller one mostly stays hidden.",
    different: "Different examples",
    differentMeaning: "Near copies count as one.",

    looks: (n: string) => `These examples have been looked at ${n} times. The more often, the less a good figure means; bring new ones for a last check.`,

    title: "What the model really answers",
    text: "Examples kept for the final check, answered with both prompts at the end of the run.",
    textOne: "Examples kept for the final check, answered at the end of the run.",
    none: "No answers were written",
    noneText: "This run let the model write no answers at its end: it is an older run, it was stopped, or its settings ask for none.",
    row: (n: string) => `Row ${n}`,
    input: "Input",
    target: "Right answer",
    start: "With the start prompt",
    best: "With the new prompt",
    yours: "With your prompt",
    isRight: "right",
    isWrong: "wrong",
    nothing: "The model wrote nothing.",

    columns: { asked: "Right when asked", choice: "Right by choice" },
    kinds: { surerButWrong: "surer, but now wrong", wrong: "now wrong", rightButUnsure: "less sure, but now right" },

    split: {
      title: "The examples of this run were not shared out well",
      titleFew: "This run had few examples",
      missing: {
        train: (label: string) => `No example with the answer “${label}” was used to look for a better prompt.`,
        validation: (label: string) => `No example with the answer “${label}” was kept for the final check.`,
      },
      uneven: {
        train: (label: string, has: string, share: string) => `Examples with the answer “${label}” used to look for a better prompt: ${has}; in proportion it would be ${share}.`,
        validation: (label: string, has: string, share: string) => `Examples with the answer “${label}” kept for the final check: ${has}; in proportion it would be ${share}.`,
      },
      fewHeldOut: (n: string, one: boolean) => (one ? `Only ${n} example was kept for the final check: only a large difference can be seen.` : `Only ${n} examples were kept for the final check: only a large difference can be seen.`),
      fewTraining: (n: string, one: boolean) => (one ? `Only ${n} example was used to look for a better prompt: chance decides much.` : `Only ${n} examples were used to look for a better prompt: chance decides much.`),
      more: (n: string) => `and ${n} more`,
      evenly: "A new run shares the answers out evenly.",
      bring: "More examples help.",
      again: "Run again",
    },
  },
};
