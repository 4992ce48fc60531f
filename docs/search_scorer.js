// Sphinx's own scores; of two results that are as good, a how-to guide comes first.
var Scorer = {
  score: ([docname, , , , score]) => score + (docname.startsWith("howto/") ? 1 : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
